//! SQL of the books as a file.

use chrono::NaiveDate;

use super::EntryRow;
use crate::db::TenantTx;
use crate::ids::LedgerEntryId;
use crate::ledger::Span;

/// Entries of a span in the order of their days, after this one.
pub async fn page(
    tx: &mut TenantTx,
    span: Span,
    after: Option<(NaiveDate, LedgerEntryId)>,
    limit: i64,
) -> Result<Vec<EntryRow>, sqlx::Error> {
    sqlx::query_as!(
        EntryRow,
        r#"SELECT id AS "id: _", posted_on, posted_at, source_kind, source_id, posting_kind, description FROM ledger_entries
           WHERE posted_on >= coalesce($1, '-infinity'::date) AND posted_on <= coalesce($2, 'infinity'::date)
             AND ($3::date IS NULL OR (posted_on, id) > ($3, $4))
           ORDER BY posted_on, id LIMIT $5"#,
        span.from,
        span.to,
        after.map(|(day, _)| day),
        after.map(|(_, id)| id.uuid()),
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub struct UsedRow {
    pub ledger_account: String,
    pub number: Option<String>,
}

/// The accounts there are postings to, by code and the subscriber's number.
pub async fn accounts(tx: &mut TenantTx, span: Span) -> Result<Vec<UsedRow>, sqlx::Error> {
    sqlx::query_as!(
        UsedRow,
        r#"SELECT DISTINCT p.ledger_account, a.number AS "number?" FROM ledger_entries e
           JOIN ledger_postings p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id
           LEFT JOIN accounts a ON a.tenant_id = p.tenant_id AND a.id = p.account_id
           WHERE e.posted_on >= coalesce($1, '-infinity'::date) AND e.posted_on <= coalesce($2, 'infinity'::date)
           ORDER BY 1, 2"#,
        span.from,
        span.to
    )
    .fetch_all(tx.conn())
    .await
}

/// The currencies there are postings in.
pub async fn currencies(tx: &mut TenantTx, span: Span) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT p.currency FROM ledger_entries e
           JOIN ledger_postings p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id
           WHERE e.posted_on >= coalesce($1, '-infinity'::date) AND e.posted_on <= coalesce($2, 'infinity'::date) ORDER BY 1"#,
        span.from,
        span.to
    )
    .fetch_all(tx.conn())
    .await
}
