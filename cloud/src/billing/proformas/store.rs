//! SQL of proformas.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use weir_rules::invoice::Totals;

use super::model::Content;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, ProformaId};

pub struct Row {
    pub id: ProformaId,
    pub number: String,
    pub account_id: AccountId,
    pub as_of: NaiveDate,
    pub issued_on: NaiveDate,
    pub currency: String,
    pub net: Decimal,
    pub tax: Decimal,
    pub gross: Decimal,
    pub content: Json<Content>,
    pub withdrawn_at: Option<DateTime<Utc>>,
}

pub struct New {
    pub id: ProformaId,
    pub account: AccountId,
    pub number: String,
    pub as_of: NaiveDate,
    pub issued_on: NaiveDate,
    pub totals: Totals,
    pub content: Content,
}

pub async fn insert(tx: &mut TenantTx, new: &New) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    let content = serde_json::to_value(&new.content).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query!(
        "INSERT INTO proformas (tenant_id, id, account_id, number, as_of, issued_on, issued_at, currency, net, tax, gross, content)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        new.id.uuid(),
        new.account.uuid(),
        new.number,
        new.as_of,
        new.issued_on,
        at,
        new.totals.gross.currency().code(),
        new.totals.net.amount(),
        new.totals.tax.amount(),
        new.totals.gross.amount(),
        content
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: ProformaId) -> Result<Option<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", number, account_id AS "account_id: _", as_of, issued_on, currency, net, tax, gross,
                  content AS "content: _", withdrawn_at FROM proformas WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Of one account, or of all, newest first; those that still ask on a day, where one is given.
pub async fn page(
    tx: &mut TenantTx,
    page: Page,
    account: Option<AccountId>,
    asking_on: Option<NaiveDate>,
) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", number, account_id AS "account_id: _", as_of, issued_on, currency, net, tax, gross,
                  content AS "content: _", withdrawn_at
           FROM proformas
           WHERE ($1::uuid IS NULL OR id < $1) AND ($3::uuid IS NULL OR account_id = $3)
             AND ($4::date IS NULL OR (withdrawn_at IS NULL AND as_of >= $4))
           ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch(),
        account.map(AccountId::uuid),
        asking_on
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn withdraw(tx: &mut TenantTx, id: ProformaId) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE proformas SET withdrawn_at = coalesce(withdrawn_at, $2) WHERE id = $1", id.uuid(), at)
        .execute(tx.conn())
        .await?;
    Ok(())
}
