//! SQL of money received from nobody known.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BankEntryId, SuspenseId};

#[derive(Clone, Debug)]
pub struct SuspenseRow {
    pub id: SuspenseId,
    pub place: String,
    pub bank_entry_id: Option<BankEntryId>,
    pub reference: Option<String>,
    /// The payment at the provider it can be given back by.
    pub intent: Option<String>,
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
        "INSERT INTO suspense_items (tenant_id, id, place, bank_entry_id, reference, account_id, currency, amount, received_on, payer, about, why, created_at, intent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
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
        at,
        row.intent
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// What nobody has been found for yet and nobody gave back, newest first.
pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<SuspenseRow>, sqlx::Error> {
    rows(tx, None, page).await
}

/// One sum; settled or given back it may be, too.
pub async fn find(tx: &mut TenantTx, id: SuspenseId) -> Result<Option<SuspenseRow>, sqlx::Error> {
    Ok(rows(tx, Some(id), Page { after: None, limit: 1 }).await?.pop())
}

/// What is left of each, and where it may be given back.
async fn rows(tx: &mut TenantTx, only: Option<SuspenseId>, page: Page) -> Result<Vec<SuspenseRow>, sqlx::Error> {
    sqlx::query_as!(
        SuspenseRow,
        r#"SELECT s.id AS "id: _", place, bank_entry_id AS "bank_entry_id: _", reference, coalesce(intent, reference) AS intent,
                  account_id AS "account_id: _", currency, amount - r.returned AS "amount!", received_on, payer, about, why
           FROM suspense_items s
           CROSS JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS returned FROM suspense_returns r WHERE r.suspense_id = s.id) r
           WHERE ($1::uuid IS NULL OR s.id = $1) AND ($2::uuid IS NULL OR s.id < $2)
             AND ($1::uuid IS NOT NULL OR (s.amount > r.returned AND NOT EXISTS (SELECT FROM payments p WHERE p.suspense_id = s.id)))
           ORDER BY s.id DESC LIMIT $3"#,
        only.map(SuspenseId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// The sum that a payment of the provider's became while nobody knew whose it was.
pub async fn of_intent(tx: &mut TenantTx, intent: &str) -> Result<Option<SuspenseId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SuspenseId" FROM suspense_items s WHERE place = 'gateway' AND coalesce(intent, reference) = $1
             AND NOT EXISTS (SELECT FROM payments p WHERE p.suspense_id = s.id) ORDER BY id LIMIT 1"#,
        intent
    )
    .fetch_optional(tx.conn())
    .await
}

/// A sum is matched or given back by one at a time.
pub async fn lock(tx: &mut TenantTx, id: SuspenseId) -> Result<(), sqlx::Error> {
    let name = format!("{} {id}", tx.tenant());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

/// Notes that a sum, or a part of it, was given back, once for the refund; says whether it is new.
pub async fn insert_return(
    tx: &mut TenantTx,
    id: Uuid,
    item: SuspenseId,
    reference: &str,
    amount: Decimal,
    on: NaiveDate,
) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "INSERT INTO suspense_returns (tenant_id, id, suspense_id, reference, amount, returned_on) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, reference) DO NOTHING",
        tenant.uuid(),
        id,
        item.uuid(),
        reference,
        amount,
        on
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
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
