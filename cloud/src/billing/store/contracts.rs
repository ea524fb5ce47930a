//! SQL of contracts whose early end is not charged.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, ContractId, InvoiceLineId, SubscriptionId};

pub struct ContractRow {
    pub account: AccountId,
    pub subscription: SubscriptionId,
    pub id: ContractId,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub fee: String,
    pub amount: Option<Decimal>,
    pub percent: Option<Decimal>,
    pub most: Option<Decimal>,
    pub cooling_off_days: i32,
    /// First day the subscription is no longer served.
    pub ends_on: Option<NaiveDate>,
}

/// The contracts of these accounts' subscriptions that still bind, by account; one, if given.
pub async fn binding(
    tx: &mut TenantTx,
    accounts: &[Uuid],
    one: Option<ContractId>,
) -> Result<Vec<ContractRow>, sqlx::Error> {
    sqlx::query_as!(
        ContractRow,
        r#"SELECT s.account_id AS "account: _", c.subscription_id AS "subscription: _", c.id AS "id: _", lower(c.term) AS "from!",
                  upper(c.term) AS "to!", c.fee, c.amount, c.percent, c.most, c.cooling_off_days, s.ends_on
           FROM contracts c JOIN subscriptions s ON s.id = c.subscription_id
           WHERE s.account_id = ANY($1) AND ($2::uuid IS NULL OR c.id = $2) AND c.waived_at IS NULL
             AND NOT EXISTS (SELECT FROM billed_contracts b WHERE b.contract_id = c.id)
           ORDER BY s.account_id, c.id"#,
        accounts,
        one.map(ContractId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_billed(tx: &mut TenantTx, charged: &[(ContractId, InvoiceLineId)]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let contracts: Vec<_> = charged.iter().map(|(contract, _)| contract.uuid()).collect();
    let lines: Vec<_> = charged.iter().map(|(_, line)| line.uuid()).collect();
    sqlx::query!(
        "INSERT INTO billed_contracts (tenant_id, contract_id, invoice_line_id)
         SELECT $1, charged.* FROM unnest($2::uuid[], $3::uuid[]) AS charged",
        tenant,
        &contracts,
        &lines
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
