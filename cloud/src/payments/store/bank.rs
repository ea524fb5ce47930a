//! SQL of bank files, statements and entries.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BankEntryId, BankFileId, BankStatementId, SuspenseId};

pub struct FileRow {
    pub id: BankFileId,
    pub name: String,
    pub content: Vec<u8>,
    pub columns: Option<Value>,
    pub given_by: String,
    pub given_at: DateTime<Utc>,
    pub imported_at: Option<DateTime<Utc>>,
}

pub async fn insert_file(tx: &mut TenantTx, file: &FileRow) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO bank_files (tenant_id, id, name, content, columns, given_by, given_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        file.id.uuid(),
        file.name,
        file.content,
        file.columns,
        file.given_by,
        file.given_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn file(tx: &mut TenantTx, id: BankFileId) -> Result<Option<FileRow>, sqlx::Error> {
    sqlx::query_as!(
        FileRow,
        r#"SELECT id AS "id: _", name, content, columns, given_by, given_at, imported_at FROM bank_files WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Imports wait for each other: each must see what the one before did.
pub async fn lock_file(tx: &mut TenantTx, id: BankFileId) -> Result<(), sqlx::Error> {
    let name = format!("{} bank", tx.tenant());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    sqlx::query!("SELECT 1 AS one FROM bank_files WHERE id = $1 FOR UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(())
}

pub async fn imported(tx: &mut TenantTx, id: BankFileId) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE bank_files SET imported_at = $2 WHERE id = $1", id.uuid(), at).execute(tx.conn()).await?;
    Ok(())
}

pub struct StatementRow {
    pub id: BankStatementId,
    pub file_id: BankFileId,
    pub iban: String,
    pub reference: String,
    pub currency: String,
    pub from_on: NaiveDate,
    pub to_on: NaiveDate,
    pub opening: Option<Decimal>,
    pub closing: Option<Decimal>,
    pub imported_at: DateTime<Utc>,
}

pub async fn insert_statement(tx: &mut TenantTx, row: &StatementRow) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO bank_statements (tenant_id, id, file_id, iban, reference, currency, from_on, to_on, opening, closing, imported_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant.uuid(),
        row.id.uuid(),
        row.file_id.uuid(),
        row.iban,
        row.reference,
        row.currency,
        row.from_on,
        row.to_on,
        row.opening,
        row.closing,
        row.imported_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Statements, newest first; the one of this id if given.
pub async fn statements(
    tx: &mut TenantTx,
    only: Option<BankStatementId>,
    page: Page,
) -> Result<Vec<StatementRow>, sqlx::Error> {
    sqlx::query_as!(
        StatementRow,
        r#"SELECT id AS "id: _", file_id AS "file_id: _", iban, reference, currency, from_on, to_on, opening, closing, imported_at
           FROM bank_statements WHERE ($1::uuid IS NULL OR id < $1) AND ($3::uuid IS NULL OR id = $3) ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch(),
        only.map(BankStatementId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

/// The balance the newest statement with balances ended with.
pub async fn last_closing(tx: &mut TenantTx, iban: &str) -> Result<Option<(String, Decimal)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT reference, closing AS "closing!" FROM bank_statements WHERE iban = $1 AND closing IS NOT NULL
           ORDER BY to_on DESC, id DESC LIMIT 1"#,
        iban
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.reference, row.closing)))
}

pub async fn has_statement(tx: &mut TenantTx, iban: &str, reference: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM bank_statements WHERE iban = $1 AND reference = $2) AS "known!""#,
        iban,
        reference
    )
    .fetch_one(tx.conn())
    .await
}

/// A statement of some of these days that came in a file of the other kind, with balances or without.
pub async fn other_kind(
    tx: &mut TenantTx,
    iban: &str,
    (from, to): (NaiveDate, NaiveDate),
    with_balances: bool,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT reference FROM bank_statements WHERE iban = $1 AND from_on <= $3 AND to_on >= $2 AND (closing IS NOT NULL) <> $4
         ORDER BY to_on DESC LIMIT 1",
        iban,
        from,
        to,
        with_balances
    )
    .fetch_optional(tx.conn())
    .await
}

/// Which of these entries are there already.
pub async fn known_entries(tx: &mut TenantTx, iban: &str, references: &[String]) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT reference FROM bank_entries WHERE iban = $1 AND reference = ANY($2)", iban, references)
        .fetch_all(tx.conn())
        .await
}

pub struct EntryRow {
    pub id: BankEntryId,
    pub statement_id: BankStatementId,
    pub iban: String,
    pub position: i32,
    pub reference: String,
    pub booked_on: NaiveDate,
    pub currency: String,
    pub amount: Decimal,
    pub payer_name: String,
    pub payer_iban: String,
    pub remittance: String,
}

pub async fn insert_entry(tx: &mut TenantTx, row: &EntryRow) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO bank_entries (tenant_id, id, statement_id, iban, position, reference, booked_on, currency, amount, payer_name, payer_iban, remittance)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant.uuid(),
        row.id.uuid(),
        row.statement_id.uuid(),
        row.iban,
        row.position,
        row.reference,
        row.booked_on,
        row.currency,
        row.amount,
        row.payer_name,
        row.payer_iban,
        row.remittance
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn entries(tx: &mut TenantTx, statement: BankStatementId) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT id AS "id: _", statement_id AS "statement_id: _", iban, position, reference, booked_on, currency, amount, payer_name,
                  payer_iban, remittance
           FROM bank_entries WHERE statement_id = $1 ORDER BY position"#,
        statement.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Every account with its number and currency: what references in a file stand for.
pub async fn accounts(tx: &mut TenantTx) -> Result<Vec<(AccountId, String, String)>, sqlx::Error> {
    let rows =
        sqlx::query!(r#"SELECT id AS "id: AccountId", number, currency FROM accounts"#).fetch_all(tx.conn()).await?;
    Ok(rows.into_iter().map(|row| (row.id, row.number, row.currency)).collect())
}

/// Where an entry waits, or waited.
pub async fn suspense_of(tx: &mut TenantTx, entry: BankEntryId) -> Result<Option<SuspenseId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: SuspenseId" FROM suspense_items WHERE bank_entry_id = $1"#, entry.uuid())
        .fetch_optional(tx.conn())
        .await
}
