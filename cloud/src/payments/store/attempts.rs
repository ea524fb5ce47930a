//! SQL of attempts and their steps.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, PaymentAttemptId, PaymentId, PaymentMethodId};

#[derive(Clone, Debug)]
pub struct AttemptRow {
    pub id: PaymentAttemptId,
    pub account_id: AccountId,
    pub kind: String,
    pub method_id: Option<PaymentMethodId>,
    pub currency: String,
    pub amount: Decimal,
    pub keeps_method: bool,
    pub status: String,
    pub waits_for: Option<String>,
    pub reference: Option<String>,
    pub intent: Option<String>,
    pub page_url: Option<String>,
    pub decline: Option<String>,
    pub code: Option<String>,
    pub retries: i16,
    pub retry_on: Option<NaiveDate>,
    pub payment_id: Option<PaymentId>,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
    /// When the provider was first asked.
    pub sent_at: Option<DateTime<Utc>>,
}

/// An attempt about to be written down.
pub struct NewAttempt<'a> {
    pub id: PaymentAttemptId,
    pub account: AccountId,
    pub provider: &'a str,
    pub kind: &'a str,
    pub method: Option<PaymentMethodId>,
    pub currency: &'a str,
    pub amount: Decimal,
    pub keeps_method: bool,
    pub retries: i16,
}

pub async fn insert(tx: &mut TenantTx, new: &NewAttempt<'_>) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO payment_attempts (tenant_id, id, account_id, provider, kind, method_id, currency, amount, keeps_method, status, retries,
                requested_by, created_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'created', $10, $11, $12, $12)",
        tenant.uuid(),
        new.id.uuid(),
        new.account.uuid(),
        new.provider,
        new.kind,
        new.method.map(PaymentMethodId::uuid),
        new.currency,
        new.amount,
        new.keeps_method,
        new.retries,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What changes of an attempt; the rest stays as it was written down.
pub async fn update(tx: &mut TenantTx, row: &AttemptRow) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!(
        "UPDATE payment_attempts SET status = $2, waits_for = $3, reference = $4, intent = $5, page_url = $6, decline = $7, code = $8,
                retry_on = $9, changed_at = $10
         WHERE id = $1",
        row.id.uuid(),
        row.status,
        row.waits_for,
        row.reference,
        row.intent,
        row.page_url,
        row.decline,
        row.code,
        row.retry_on,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks an attempt. The account is locked before, by whoever may move money.
pub async fn lock(tx: &mut TenantTx, id: PaymentAttemptId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT 1 AS one FROM payment_attempts WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: PaymentAttemptId) -> Result<Option<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        r#"SELECT a.id AS "id: _", a.account_id AS "account_id: _", a.kind, a.method_id AS "method_id: _", a.currency, a.amount, a.keeps_method,
                  a.status, a.waits_for, a.reference, a.intent, a.page_url, a.decline, a.code, a.retries, a.retry_on,
                  (SELECT p.id FROM payments p WHERE p.attempt_id = a.id) AS "payment_id: _", a.requested_by, a.created_at,
                  a.sent_at
           FROM payment_attempts a WHERE a.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn page(tx: &mut TenantTx, page: Page, account: Option<AccountId>) -> Result<Vec<AttemptRow>, sqlx::Error> {
    sqlx::query_as!(
        AttemptRow,
        r#"SELECT a.id AS "id: _", a.account_id AS "account_id: _", a.kind, a.method_id AS "method_id: _", a.currency, a.amount, a.keeps_method,
                  a.status, a.waits_for, a.reference, a.intent, a.page_url, a.decline, a.code, a.retries, a.retry_on,
                  (SELECT p.id FROM payments p WHERE p.attempt_id = a.id) AS "payment_id: _", a.requested_by, a.created_at,
                  a.sent_at
           FROM payment_attempts a
           WHERE ($1::uuid IS NULL OR a.id < $1) AND ($2::uuid IS NULL OR a.account_id = $2) ORDER BY a.id DESC LIMIT $3"#,
        page.after,
        account.map(AccountId::uuid),
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// The attempt a provider's name stands for.
pub async fn named(
    tx: &mut TenantTx,
    provider: &str,
    reference: &str,
) -> Result<Option<PaymentAttemptId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentAttemptId" FROM payment_attempts WHERE provider = $1 AND (reference = $2 OR intent = $2)"#,
        provider,
        reference
    )
    .fetch_optional(tx.conn())
    .await
}

/// Which of these payments at a provider belong to attempts that have ended, and whether those succeeded.
pub async fn ended(
    tx: &mut TenantTx,
    provider: &str,
    intents: &[String],
) -> Result<HashMap<String, bool>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT intent AS "intent!", status = 'succeeded' AS "succeeded!" FROM payment_attempts
           WHERE provider = $1 AND intent = ANY($2) AND status IN ('succeeded', 'failed', 'cancelled')"#,
        provider,
        intents
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.intent, row.succeeded)).collect())
}

/// The open attempt of an account; there is at most one.
pub async fn open_of(tx: &mut TenantTx, account: AccountId) -> Result<Option<PaymentAttemptId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentAttemptId" FROM payment_attempts WHERE account_id = $1 AND status IN ('created', 'pending', 'unknown')"#,
        account.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Every open attempt.
pub async fn open(tx: &mut TenantTx) -> Result<Vec<PaymentAttemptId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentAttemptId" FROM payment_attempts WHERE status IN ('created', 'pending', 'unknown') ORDER BY id"#
    )
    .fetch_all(tx.conn())
    .await
}

/// Notes that the provider is about to be asked.
pub async fn sent(tx: &mut TenantTx, id: PaymentAttemptId) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE payment_attempts SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL", id.uuid(), at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The last charge of a method that was not given up before anybody was asked.
pub async fn last_charge(tx: &mut TenantTx, method: PaymentMethodId) -> Result<Option<PaymentAttemptId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: PaymentAttemptId" FROM payment_attempts WHERE method_id = $1 AND status <> 'cancelled' ORDER BY id DESC LIMIT 1"#,
        method.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// What is on its way for an account: charges without an answer, and pages whose payer has done their part.
pub async fn on_its_way(tx: &mut TenantTx, account: AccountId) -> Result<Option<(String, Decimal)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT currency, amount FROM payment_attempts WHERE account_id = $1
             AND ((kind = 'charge' AND status IN ('created', 'pending', 'unknown')) OR (status = 'pending' AND waits_for = 'provider'))"#,
        account.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.currency, row.amount)))
}

pub async fn insert_step(
    tx: &mut TenantTx,
    id: Uuid,
    attempt: PaymentAttemptId,
    status: &str,
    why: &str,
    detail: &str,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO payment_attempt_steps (tenant_id, id, attempt_id, at, status, why, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        id,
        attempt.uuid(),
        at,
        status,
        why,
        detail
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct StepRow {
    pub at: DateTime<Utc>,
    pub status: String,
    pub why: String,
    pub detail: String,
}

pub async fn steps(tx: &mut TenantTx, attempt: PaymentAttemptId) -> Result<Vec<StepRow>, sqlx::Error> {
    sqlx::query_as!(
        StepRow,
        "SELECT at, status, why, detail FROM payment_attempt_steps WHERE attempt_id = $1 ORDER BY at, id",
        attempt.uuid()
    )
    .fetch_all(tx.conn())
    .await
}
