//! SQL of one-time charges that wait for an invoice.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, ChargeId, InvoiceLineId, SubscriptionId};

pub struct ChargeRow {
    pub account: AccountId,
    pub id: ChargeId,
    pub subscription: Option<SubscriptionId>,
    pub description: String,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub on: NaiveDate,
}

/// What waits to be charged to these accounts, by account and day; one charge, if given.
pub async fn waiting(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    one: Option<ChargeId>,
) -> Result<Vec<ChargeRow>, sqlx::Error> {
    sqlx::query_as!(
        ChargeRow,
        r#"SELECT c.account_id AS "account: _", c.id AS "id: _", c.subscription_id AS "subscription: _", c.description, c.quantity,
                  c.unit_price, c.charged_on AS "on"
           FROM one_time_charges c
           WHERE c.account_id = ANY($1) AND ($2::uuid IS NULL OR c.id = $2) AND c.removed_at IS NULL
             AND NOT EXISTS (SELECT FROM billed_charges b WHERE b.tenant_id = c.tenant_id AND b.charge_id = c.id)
           ORDER BY c.account_id, c.charged_on, c.id"#,
        accounts,
        one.map(ChargeId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_billed(tx: &mut TenantTx, charged: &[(ChargeId, InvoiceLineId)]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let charges: Vec<_> = charged.iter().map(|(charge, _)| charge.uuid()).collect();
    let lines: Vec<_> = charged.iter().map(|(_, line)| line.uuid()).collect();
    sqlx::query!(
        "INSERT INTO billed_charges (tenant_id, charge_id, invoice_line_id)
         SELECT $1, charged.* FROM unnest($2::uuid[], $3::uuid[]) AS charged",
        tenant,
        &charges,
        &lines
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
