//! What is owed by age, and what came in.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, InvoiceId};

pub struct AgedRow {
    pub invoice: InvoiceId,
    pub number: String,
    pub account: AccountId,
    pub subscriber: String,
    pub due_on: NaiveDate,
    pub days: i32,
    pub open: Decimal,
}

/// Open invoices whose days past due lie in `days`, newest first.
pub async fn aged(
    tx: &mut TenantTx,
    currency: &str,
    today: NaiveDate,
    (from, to): (i32, i32),
    page: Page,
) -> Result<Vec<AgedRow>, sqlx::Error> {
    sqlx::query_as!(
        AgedRow,
        r#"SELECT i.id AS "invoice: _", i.number AS "number!", i.account_id AS "account: _", b.name AS subscriber,
                  i.due_on AS "due_on!", $2::date - i.due_on AS "days!", i.gross - s.settled AS "open!"
           FROM invoices i
           JOIN accounts a ON a.id = i.account_id
           JOIN subscribers b ON b.id = a.subscriber_id
           CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount), 0) AS settled FROM allocations x WHERE x.invoice_id = i.id) s
           WHERE i.currency = $1 AND i.status = 'issued' AND i.gross > s.settled
             AND $2::date - i.due_on BETWEEN $3 AND $4 AND ($5::uuid IS NULL OR i.id < $5)
           ORDER BY i.id DESC LIMIT $6"#,
        currency,
        today,
        from,
        to,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct OpenRow {
    pub days: i32,
    pub invoices: i64,
    pub open: Decimal,
}

/// Open amounts by days past due.
pub async fn open_by_days(tx: &mut TenantTx, currency: &str, today: NaiveDate) -> Result<Vec<OpenRow>, sqlx::Error> {
    sqlx::query_as!(
        OpenRow,
        r#"SELECT $2::date - i.due_on AS "days!", count(*) AS "invoices!", sum(i.gross - s.settled) AS "open!"
           FROM invoices i
           CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount), 0) AS settled FROM allocations x WHERE x.invoice_id = i.id) s
           WHERE i.currency = $1 AND i.status = 'issued' AND i.gross > s.settled
           GROUP BY i.due_on"#,
        currency,
        today
    )
    .fetch_all(tx.conn())
    .await
}

pub struct CollectedRow {
    pub month: NaiveDate,
    pub invoiced: Decimal,
    pub settled: Decimal,
    pub received: Decimal,
}

/// The months from `first` to `last`, oldest first.
pub async fn collected(
    tx: &mut TenantTx,
    currency: &str,
    (first, last): (NaiveDate, NaiveDate),
) -> Result<Vec<CollectedRow>, sqlx::Error> {
    sqlx::query_as!(
        CollectedRow,
        r#"SELECT m::date AS "month!",
                  (SELECT coalesce(sum(i.gross + coalesce((SELECT sum(n.gross) FROM invoices n WHERE n.corrects_id = i.id), 0)), 0)
                   FROM invoices i WHERE i.currency = $1 AND i.status = 'issued' AND i.gross > 0
                     AND i.issued_on >= m::date AND i.issued_on < (m + interval '1 month')::date) AS "invoiced!",
                  (SELECT coalesce(sum(x.amount), 0) FROM allocations x JOIN invoices i ON i.id = x.invoice_id
                   WHERE i.currency = $1 AND i.issued_on >= m::date AND i.issued_on < (m + interval '1 month')::date
                     AND NOT EXISTS (SELECT FROM invoices n WHERE n.id = x.credit_id AND n.corrects_id = i.id)) AS "settled!",
                  (SELECT coalesce(sum(p.amount), 0) FROM payments p WHERE p.currency = $1
                     AND p.received_on >= m::date AND p.received_on < (m + interval '1 month')::date) AS "received!"
           FROM generate_series($2::date, $3::date, interval '1 month') m ORDER BY m"#,
        currency,
        first,
        last
    )
    .fetch_all(tx.conn())
    .await
}
