//! SQL of the ledger.

pub mod closing;
pub mod journal;
pub mod recognition;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Fact, Span};
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

/// The columns of entries, each a list over all of them.
#[derive(Default)]
struct EntryColumns {
    ids: Vec<Uuid>,
    days: Vec<NaiveDate>,
    kinds: Vec<String>,
    sources: Vec<Uuid>,
    posted: Vec<String>,
    descriptions: Vec<String>,
}

/// The columns of their postings.
#[derive(Default)]
struct PostingColumns {
    entries: Vec<Uuid>,
    positions: Vec<i16>,
    codes: Vec<String>,
    accounts: Vec<Option<Uuid>>,
    currencies: Vec<String>,
    amounts: Vec<Decimal>,
}

fn columns(tx: &TenantTx, facts: &[Fact]) -> (EntryColumns, PostingColumns) {
    let (mut entries, mut postings) = (EntryColumns::default(), PostingColumns::default());
    for fact in facts {
        let id = tx.new_id::<LedgerEntryId>().uuid();
        entries.ids.push(id);
        entries.days.push(fact.on);
        entries.kinds.push(fact.source.kind.to_owned());
        entries.sources.push(fact.source.id);
        entries.posted.push(fact.source.posting.to_owned());
        entries.descriptions.push(fact.description.clone());
        for (posting, position) in fact.entry.postings().iter().zip(1..) {
            postings.entries.push(id);
            postings.positions.push(position);
            postings.codes.push(posting.account.code().to_owned());
            postings.accounts.push(posting.subscriber_account.map(AccountId::uuid));
            postings.currencies.push(posting.amount.currency().code().to_owned());
            postings.amounts.push(posting.amount.amount());
        }
    }
    (entries, postings)
}

/// Writes entries with their postings in one statement, which the database judges as a whole; says how many were new. What
/// is of a day that is closed is posted on the first that is not.
///
/// `IS TRUE` keeps the new entries from being joined, which without hash joins compares each posting with each entry.
pub async fn insert(tx: &mut TenantTx, facts: &[Fact]) -> Result<u64, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let (entries, postings) = columns(tx, facts);
    let new = sqlx::query_scalar!(
        r#"WITH new AS (
               INSERT INTO ledger_entries (tenant_id, id, posted_on, posted_at, source_kind, source_id, posting_kind, description)
               SELECT $1, id, greatest(posted_on, (SELECT books_closed_through($1)) + 1), $2, source_kind, source_id, posting_kind, description
               FROM unnest($3::uuid[], $4::date[], $5::text[], $6::uuid[], $7::text[], $8::text[])
                    AS entry (id, posted_on, source_kind, source_id, posting_kind, description)
               ON CONFLICT ON CONSTRAINT ledger_entries_source_once DO NOTHING
               RETURNING id),
           postings AS (
               INSERT INTO ledger_postings (tenant_id, entry_id, position, ledger_account, account_id, currency, amount)
               SELECT $1, entry, position, code, account, currency, amount
               FROM unnest($9::uuid[], $10::smallint[], $11::text[], $12::uuid[], $13::text[], $14::numeric[])
                    AS posting (entry, position, code, account, currency, amount)
               WHERE (entry IN (SELECT id FROM new)) IS TRUE)
           SELECT count(*) AS "new!" FROM new"#,
        tenant.uuid(),
        at,
        &entries.ids,
        &entries.days,
        &entries.kinds,
        &entries.sources,
        &entries.posted,
        &entries.descriptions,
        &postings.entries,
        &postings.positions,
        &postings.codes,
        &postings.accounts as &[Option<Uuid>],
        &postings.currencies,
        &postings.amounts
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(new.unsigned_abs())
}

/// The same of facts that nobody can have posted before: nothing is written if one was.
pub async fn insert_new(tx: &mut TenantTx, facts: &[Fact]) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let (entries, postings) = columns(tx, facts);
    sqlx::query!(
        "WITH new AS (
             INSERT INTO ledger_entries (tenant_id, id, posted_on, posted_at, source_kind, source_id, posting_kind, description)
             SELECT $1, id, greatest(posted_on, (SELECT books_closed_through($1)) + 1), $2, source_kind, source_id, posting_kind, description
             FROM unnest($3::uuid[], $4::date[], $5::text[], $6::uuid[], $7::text[], $8::text[])
                  AS entry (id, posted_on, source_kind, source_id, posting_kind, description))
         INSERT INTO ledger_postings (tenant_id, entry_id, position, ledger_account, account_id, currency, amount)
         SELECT $1, posting.* FROM unnest($9::uuid[], $10::smallint[], $11::text[], $12::uuid[], $13::text[], $14::numeric[]) AS posting",
        tenant.uuid(),
        at,
        &entries.ids,
        &entries.days,
        &entries.kinds,
        &entries.sources,
        &entries.posted,
        &entries.descriptions,
        &postings.entries,
        &postings.positions,
        &postings.codes,
        &postings.accounts as &[Option<Uuid>],
        &postings.currencies,
        &postings.amounts
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

pub async fn sums(tx: &mut TenantTx, span: Span) -> Result<Vec<SumRow>, sqlx::Error> {
    sqlx::query_as!(
        SumRow,
        r#"SELECT ledger_account, currency, coalesce(sum(amount) FILTER (WHERE amount > 0), 0) AS "debit!",
                  coalesce(-sum(amount) FILTER (WHERE amount < 0), 0) AS "credit!"
           FROM ledger_postings p
           WHERE ($1::date IS NULL AND $2::date IS NULL) OR EXISTS (
               SELECT FROM ledger_entries e WHERE e.tenant_id = p.tenant_id AND e.id = p.entry_id
                 AND e.posted_on >= coalesce($1, '-infinity'::date) AND e.posted_on <= coalesce($2, 'infinity'::date))
           GROUP BY ledger_account, currency ORDER BY currency, ledger_account"#,
        span.from,
        span.to
    )
    .fetch_all(tx.conn())
    .await
}
