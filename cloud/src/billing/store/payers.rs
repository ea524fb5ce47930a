//! SQL of accounts that others pay for.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId};

/// The accounts these pay for.
pub async fn paid_by(tx: &mut TenantTx, payers: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("SELECT id FROM accounts WHERE payer_id = ANY($1)", payers).fetch_all(tx.conn()).await
}

/// Where the lines of these accounts are, in a word or two; of several places each once.
pub async fn places(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<HashMap<AccountId, String>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.account_id AS "account: AccountId",
                  string_agg(DISTINCT concat_ws(', ', l.line1, concat_ws(' ', nullif(l.postcode, ''), l.city)), '; ') AS "place!"
           FROM subscriptions s JOIN service_locations l ON l.tenant_id = s.tenant_id AND l.id = s.service_location_id
           WHERE s.account_id = ANY($1) GROUP BY s.account_id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.place)).collect())
}

/// The accounts these lines were billed to.
pub async fn billed_to(tx: &mut TenantTx, lines: &[Uuid]) -> Result<HashMap<InvoiceLineId, AccountId>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.id AS "line: InvoiceLineId", i.account_id AS "account: AccountId"
           FROM invoice_lines l JOIN invoices i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id WHERE l.id = ANY($1)"#,
        lines
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.line, row.account)).collect())
}
