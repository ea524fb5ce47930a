//! SQL of money received from nobody known.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BankEntryId, SuspenseId};

#[derive(Clone, Debug)]
pub struct SuspenseRow {
    pub id: SuspenseId,
    pub place: String,
    pub bank_entry_id: Option<BankEntryId>,
    pub reference: Option<String>,
    pub account_id: Option<AccountId>,
    pub currency: String,
    pub amount: Decimal,
    pub received_on: NaiveDate,
    pub payer: String,
    pub about: String,
    pub why: String,
}

/// Writes it down once for its source; says whether it is new.
pub async fn insert(tx: &mut TenantTx, row: &SuspenseRow) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO suspense_items (tenant_id, id, place, bank_entry_id, reference, account_id, currency, amount, received_on, payer, about, why, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
        tenant.uuid(),
        row.id.uuid(),
        row.place,
        row.bank_entry_id.map(BankEntryId::uuid),
        row.reference,
        row.account_id.map(AccountId::uuid),
        row.currency,
        row.amount,
        row.received_on,
        row.payer,
        row.about,
        row.why,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What nobody has been found for yet, newest first.
pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<SuspenseRow>, sqlx::Error> {
    sqlx::query_as!(
        SuspenseRow,
        r#"SELECT id AS "id: _", place, bank_entry_id AS "bank_entry_id: _", reference, account_id AS "account_id: _", currency, amount,
                  received_on, payer, about, why
           FROM suspense_items s WHERE NOT EXISTS (SELECT FROM payments p WHERE p.suspense_id = s.id) AND ($1::uuid IS NULL OR id < $1)
           ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: SuspenseId) -> Result<Option<SuspenseRow>, sqlx::Error> {
    sqlx::query_as!(
        SuspenseRow,
        r#"SELECT id AS "id: _", place, bank_entry_id AS "bank_entry_id: _", reference, account_id AS "account_id: _", currency, amount,
                  received_on, payer, about, why
           FROM suspense_items WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub struct DebtorRow {
    pub account: AccountId,
    pub number: String,
    pub name: String,
    pub invoices: Vec<String>,
    pub opens: Vec<Decimal>,
}

/// Every account in a currency with what it still owes, for suggestions.
pub async fn debtors(tx: &mut TenantTx, currency: &str) -> Result<Vec<DebtorRow>, sqlx::Error> {
    sqlx::query_as!(
        DebtorRow,
        r#"SELECT a.id AS "account: _", a.number, s.name,
                  coalesce(array_agg(o.number) FILTER (WHERE o.number IS NOT NULL), '{}') AS "invoices!: Vec<String>",
                  coalesce(array_agg(o.open) FILTER (WHERE o.number IS NOT NULL), '{}') AS "opens!: Vec<Decimal>"
           FROM accounts a JOIN subscribers s ON s.id = a.subscriber_id
           LEFT JOIN LATERAL (
               SELECT i.number, i.gross - coalesce((SELECT sum(x.amount) FROM allocations x WHERE x.invoice_id = i.id), 0) AS open
               FROM invoices i WHERE i.account_id = a.id AND i.status = 'issued' AND i.gross > 0) o ON o.open > 0
           WHERE a.currency = $1 GROUP BY a.id, a.number, s.name ORDER BY a.id"#,
        currency
    )
    .fetch_all(tx.conn())
    .await
}
