//! SQL of refunds.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::db::TenantTx;
use crate::ids::{PaymentId, RefundId};

#[derive(Clone, Debug)]
pub struct RefundRow {
    pub id: RefundId,
    /// `refund` or `dispute`.
    pub kind: String,
    pub number: Option<String>,
    pub payment_id: PaymentId,
    pub currency: String,
    pub amount: Decimal,
    pub reason: String,
    pub status: String,
    pub reference: Option<String>,
    pub code: Option<String>,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
}

pub async fn insert(tx: &mut TenantTx, row: &RefundRow) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO refunds (tenant_id, id, payment_id, currency, amount, reason, status, reference, requested_by, created_at, changed_at, kind)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11)",
        tenant.uuid(),
        row.id.uuid(),
        row.payment_id.uuid(),
        row.currency,
        row.amount,
        row.reason,
        row.status,
        row.reference,
        row.requested_by,
        row.created_at,
        row.kind
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update(tx: &mut TenantTx, row: &RefundRow) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!(
        "UPDATE refunds SET number = $2, status = $3, reference = $4, code = $5, changed_at = $6 WHERE id = $1",
        row.id.uuid(),
        row.number,
        row.status,
        row.reference,
        row.code,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: RefundId) -> Result<Option<RefundRow>, sqlx::Error> {
    Ok(rows(tx, Some(id), None).await?.pop())
}

/// All of a payment, oldest first.
pub async fn of(tx: &mut TenantTx, payment: PaymentId) -> Result<Vec<RefundRow>, sqlx::Error> {
    rows(tx, None, Some(payment)).await
}

/// The one of this id, or those of a payment.
async fn rows(
    tx: &mut TenantTx,
    only: Option<RefundId>,
    payment: Option<PaymentId>,
) -> Result<Vec<RefundRow>, sqlx::Error> {
    sqlx::query_as!(
        RefundRow,
        r#"SELECT id AS "id: _", kind, number, payment_id AS "payment_id: _", currency, amount, reason, status, reference, code, requested_by, created_at
           FROM refunds WHERE id = $1 OR payment_id = $2 ORDER BY id"#,
        only.map(RefundId::uuid),
        payment.map(PaymentId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

/// What the provider calls the disputes since an instant that were not won so far.
pub async fn disputes(tx: &mut TenantTx, since: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT r.reference AS "reference!" FROM refunds r
           WHERE r.kind = 'dispute' AND r.created_at >= $1 AND r.reference IS NOT NULL
             AND NOT EXISTS (SELECT FROM suspense_items s WHERE s.reference = r.reference) ORDER BY r.id"#,
        since
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn named(tx: &mut TenantTx, reference: &str) -> Result<Option<RefundId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: RefundId" FROM refunds WHERE reference = $1"#, reference)
        .fetch_optional(tx.conn())
        .await
}

/// Refunds that may still become anything.
pub async fn open(tx: &mut TenantTx) -> Result<Vec<RefundId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: RefundId" FROM refunds WHERE status IN ('created', 'pending', 'unknown') ORDER BY id"#
    )
    .fetch_all(tx.conn())
    .await
}
