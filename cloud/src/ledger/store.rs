//! SQL of the ledger.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;
use weir_rules::ledger::Posting;

use super::Source;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, LedgerEntryId};

pub struct EntryRow {
    pub id: LedgerEntryId,
    pub posted_on: NaiveDate,
    pub posted_at: DateTime<Utc>,
    pub source_kind: String,
    pub source_id: Uuid,
    pub posting_kind: String,
    pub description: String,
}

pub struct PostingRow {
    pub entry_id: LedgerEntryId,
    pub ledger_account: String,
    pub account_id: Option<AccountId>,
    pub currency: String,
    pub amount: Decimal,
}

pub struct SumRow {
    pub ledger_account: String,
    pub currency: String,
    pub debit: Decimal,
    pub credit: Decimal,
}

/// Whether the entry is new.
pub async fn insert_entry(
    tx: &mut TenantTx,
    id: LedgerEntryId,
    source: &Source,
    on: NaiveDate,
    description: &str,
) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO ledger_entries (tenant_id, id, posted_on, posted_at, source_kind, source_id, posting_kind, description)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT ledger_entries_source_once DO NOTHING",
        tenant.uuid(),
        id.uuid(),
        on,
        at,
        source.kind,
        source.id,
        source.posting,
        description
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub async fn insert_postings(
    tx: &mut TenantTx,
    entry: LedgerEntryId,
    postings: &[Posting<AccountId>],
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    let codes: Vec<String> = postings.iter().map(|posting| posting.account.code().to_owned()).collect();
    let accounts: Vec<Option<Uuid>> =
        postings.iter().map(|posting| posting.subscriber_account.map(AccountId::uuid)).collect();
    let currencies: Vec<String> = postings.iter().map(|posting| posting.amount.currency().code().to_owned()).collect();
    let amounts: Vec<Decimal> = postings.iter().map(|posting| posting.amount.amount()).collect();
    sqlx::query!(
        "INSERT INTO ledger_postings (tenant_id, entry_id, position, ledger_account, account_id, currency, amount)
         SELECT $1, $2, row_number() OVER (), code, account, currency, amount
         FROM unnest($3::text[], $4::uuid[], $5::text[], $6::numeric[]) AS posting (code, account, currency, amount)",
        tenant.uuid(),
        entry.uuid(),
        &codes,
        &accounts as &[Option<Uuid>],
        &currencies,
        &amounts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn entries(tx: &mut TenantTx, page: Page, account: Option<AccountId>) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT id AS "id: _", posted_on, posted_at, source_kind, source_id, posting_kind, description FROM ledger_entries e
           WHERE ($1::uuid IS NULL OR id < $1)
             AND ($2::uuid IS NULL OR EXISTS (SELECT FROM ledger_postings p WHERE p.entry_id = e.id AND p.account_id = $2))
           ORDER BY id DESC LIMIT $3"#,
        page.after,
        account.map(AccountId::uuid),
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// The entries that post these facts, oldest first.
pub async fn entries_of(tx: &mut TenantTx, kind: &str, ids: &[Uuid]) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT id AS "id: _", posted_on, posted_at, source_kind, source_id, posting_kind, description FROM ledger_entries
           WHERE source_kind = $1 AND source_id = ANY($2) ORDER BY id"#,
        kind,
        ids
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn postings(tx: &mut TenantTx, entries: &[Uuid]) -> Result<Vec<PostingRow>, sqlx::Error> {
    sqlx::query_as!(
        PostingRow,
        r#"SELECT entry_id AS "entry_id: _", ledger_account, account_id AS "account_id: _", currency, amount
           FROM ledger_postings WHERE entry_id = ANY($1) ORDER BY entry_id, position"#,
        entries
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn sums(tx: &mut TenantTx) -> Result<Vec<SumRow>, sqlx::Error> {
    sqlx::query_as!(
        SumRow,
        r#"SELECT ledger_account, currency, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS "debit!",
                  coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS "credit!"
           FROM ledger_postings GROUP BY ledger_account, currency ORDER BY currency, ledger_account"#
    )
    .fetch_all(tx.conn())
    .await
}
