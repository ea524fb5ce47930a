//! What does not agree, question by question: the first fifty of each, and how many there are.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use weir_rules::ledger::LedgerAccount;
use weir_rules::money::Money;

use super::DifferenceRow;
use crate::books::Error;
use crate::books::Question;
use crate::db::TenantTx;
use crate::ledger;

/// The first of what does not agree.
pub async fn of(tx: &mut TenantTx, question: Question) -> Result<Vec<DifferenceRow>, Error> {
    let rows = match question {
        Question::EntriesBalance => entries(tx).await,
        Question::BooksBalance => books(tx).await,
        Question::ReceivableAgrees => balances(tx, LedgerAccount::Receivable).await,
        Question::CreditAgrees => balances(tx, LedgerAccount::CustomerCredit).await,
        Question::NotesWithinInvoice => notes(tx).await,
        Question::NumbersGapless => numbers(tx).await,
        Question::DaysBilledOnce => days(tx).await,
        Question::UsageAgrees => usage(tx).await,
        Question::DeferredAgrees => return deferred(tx).await,
    };
    Ok(rows?)
}

/// The ledger account against what is left of schedules, which rules spread over their days.
async fn deferred(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, Error> {
    let report = ledger::deferred_revenue(tx).await?;
    let of = |amounts: &[Money], currency| {
        let amount = amounts.iter().find(|amount| amount.currency() == currency);
        amount.map_or(Decimal::ZERO, |amount| amount.amount())
    };
    let currencies: BTreeSet<_> = report.total.iter().chain(&report.balance).map(|amount| amount.currency()).collect();
    let mut rows = Vec::new();
    for currency in currencies {
        let (expected, found) = (of(&report.total, currency), of(&report.balance, currency));
        if expected != found {
            let (kind, name, unit) = (String::new(), currency.code().to_owned(), currency.code().to_owned());
            rows.push(DifferenceRow { kind, id: None, name, unit, expected, found, differ: 0 });
        }
    }
    let differ = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    rows.iter_mut().for_each(|row| row.differ = differ);
    Ok(rows)
}

async fn entries(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"SELECT 'entry' AS "kind!", e.id AS "id?", '' AS "name!", coalesce(p.currency, '') AS "unit!", 0::numeric AS "expected!",
                  coalesce(sum(p.amount), 0) AS "found!", count(*) OVER () AS "differ!"
           FROM ledger_entries e LEFT JOIN ledger_postings p ON p.tenant_id = e.tenant_id AND p.entry_id = e.id
           GROUP BY e.id, p.currency HAVING p.currency IS NULL OR sum(p.amount) <> 0 ORDER BY e.id LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}

async fn books(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"SELECT '' AS "kind!", NULL::uuid AS "id?", p.currency::text AS "name!", p.currency::text AS "unit!", 0::numeric AS "expected!",
                  sum(p.amount) AS "found!", count(*) OVER () AS "differ!"
           FROM ledger_postings p GROUP BY p.currency HAVING sum(p.amount) <> 0 ORDER BY p.currency LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}

/// What accounts should have on a ledger account kept for each of them, against what they have. Of the receivable (1100) it is
/// what is open of issued documents, credit documents below zero; of their credit (2100) what of payments neither settles
/// anything nor was given back.
async fn balances(tx: &mut TenantTx, of: LedgerAccount) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"WITH settled AS (SELECT invoice_id AS id, sum(amount) AS amount FROM allocations GROUP BY invoice_id),
           noted AS (SELECT credit_id AS id, sum(amount) AS amount FROM allocations WHERE credit_id IS NOT NULL GROUP BY credit_id),
           used AS (SELECT payment_id AS id, sum(amount) AS amount FROM allocations WHERE payment_id IS NOT NULL GROUP BY payment_id),
           back AS (SELECT payment_id AS id, sum(amount) AS amount FROM refunds WHERE status = 'succeeded' GROUP BY payment_id),
           due AS (SELECT account_id, currency::text AS currency, sum(amount) AS amount FROM (
                       SELECT i.account_id, i.currency, i.gross - coalesce(s.amount, 0) + coalesce(n.amount, 0) AS amount
                       FROM invoices i LEFT JOIN settled s ON s.id = i.id LEFT JOIN noted n ON n.id = i.id
                       WHERE $1::text = '1100' AND i.status = 'issued'
                       UNION ALL
                       SELECT p.account_id, p.currency, p.amount - coalesce(u.amount, 0) - coalesce(b.amount, 0)
                       FROM payments p LEFT JOIN used u ON u.id = p.id LEFT JOIN back b ON b.id = p.id
                       WHERE $1::text = '2100') parts
                   GROUP BY account_id, currency),
           booked AS (SELECT account_id, currency::text AS currency, sum(CASE $1 WHEN '2100' THEN -amount ELSE amount END) AS amount
                      FROM ledger_postings WHERE ledger_account = $1 GROUP BY account_id, currency)
           SELECT 'account' AS "kind!", coalesce(d.account_id, b.account_id) AS "id?", '' AS "name!",
                  coalesce(d.currency, b.currency) AS "unit!", coalesce(d.amount, 0) AS "expected!", coalesce(b.amount, 0) AS "found!",
                  count(*) OVER () AS "differ!"
           FROM due d FULL JOIN booked b ON b.account_id = d.account_id AND b.currency = d.currency
           WHERE coalesce(d.amount, 0) <> coalesce(b.amount, 0) ORDER BY 2 LIMIT 50"#,
        of.code()
    )
    .fetch_all(tx.conn())
    .await
}

async fn notes(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"WITH given AS (SELECT corrects_id AS id, -sum(gross) AS gross FROM invoices WHERE corrects_id IS NOT NULL GROUP BY corrects_id)
           SELECT 'invoice' AS "kind!", i.id AS "id?", '' AS "name!", i.currency::text AS "unit!", i.gross AS "expected!",
                  g.gross AS "found!", count(*) OVER () AS "differ!"
           FROM given g JOIN invoices i ON i.id = g.id WHERE g.gross > i.gross ORDER BY i.id LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}

/// Every number that was taken stands on one document. Notes older than their series have numbers of the invoices'.
async fn numbers(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"WITH made AS (
               SELECT CASE WHEN corrects_id IS NOT NULL AND number LIKE 'CN-%' THEN 'credit_note' ELSE 'invoice' END AS kind, number
               FROM invoices WHERE number IS NOT NULL
               UNION ALL SELECT 'proforma', number FROM proformas
               UNION ALL SELECT 'receipt', number FROM payments
               UNION ALL SELECT kind, number FROM refunds WHERE number IS NOT NULL),
           counted AS (
               SELECT kind, substring(number FROM '-([0-9]{4})-[0-9]+$')::int AS year, substring(number FROM '-([0-9]+)$')::bigint AS n,
                      count(*) AS times
               FROM made GROUP BY 1, 2, 3),
           taken AS (
               SELECT s.kind, s.year::int AS year, n FROM number_series s CROSS JOIN LATERAL generate_series(1, s.next - 1) AS n
               WHERE s.kind IN ('invoice', 'credit_note', 'proforma', 'receipt', 'refund', 'dispute'))
           SELECT '' AS "kind!", NULL::uuid AS "id?", concat_ws(' ', kind, year, n) AS "name!", '' AS "unit!",
                  (CASE WHEN t.kind IS NULL THEN 0 ELSE 1 END)::numeric AS "expected!", coalesce(c.times, 0)::numeric AS "found!",
                  count(*) OVER () AS "differ!"
           FROM (SELECT *, true AS is_taken FROM taken) t FULL JOIN counted c USING (kind, year, n)
           WHERE t.is_taken IS NULL OR c.times IS DISTINCT FROM 1 ORDER BY 3 LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}

async fn days(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"WITH wrong AS (
               SELECT b.subscription_id, b.component, b.period, 2 AS times
               FROM billed_periods b
               WHERE EXISTS (SELECT FROM billed_periods o WHERE o.tenant_id = b.tenant_id AND o.subscription_id = b.subscription_id
                               AND o.component = b.component AND o.period && b.period AND o.invoice_line_id < b.invoice_line_id)
               UNION ALL
               SELECT b.subscription_id, b.component, b.period, 0
               FROM billed_periods b
               LEFT JOIN invoice_lines l ON l.tenant_id = b.tenant_id AND l.id = b.invoice_line_id
               LEFT JOIN invoices i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id AND i.status = 'issued'
               WHERE i.id IS NULL OR NOT b.period <@ l.period OR l.subscription_id IS DISTINCT FROM b.subscription_id)
           SELECT 'subscription' AS "kind!", subscription_id AS "id?", concat_ws(' ', component, lower(period)) AS "name!", '' AS "unit!",
                  1::numeric AS "expected!", times::numeric AS "found!", count(*) OVER () AS "differ!"
           FROM wrong ORDER BY 2, 3 LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}

async fn usage(tx: &mut TenantTx) -> Result<Vec<DifferenceRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferenceRow,
        r#"WITH marked AS (
               SELECT b.invoice_line_id AS id, sum(s.down_bytes::numeric + s.up_bytes) AS bytes
               FROM billed_segments b
               JOIN usage_segments s ON s.tenant_id = b.tenant_id AND s.agent_id = b.agent_id AND s.epoch = b.epoch AND s.seq = b.seq
                                    AND s.handle = b.handle
               GROUP BY b.invoice_line_id)
           SELECT 'line' AS "kind!", l.id AS "id?", '' AS "name!", 'B' AS "unit!", coalesce(m.bytes, 0) AS "expected!",
                  (coalesce(l.down_bytes, 0)::numeric + coalesce(l.up_bytes, 0)) AS "found!", count(*) OVER () AS "differ!"
           FROM invoice_lines l LEFT JOIN marked m ON m.id = l.id
           WHERE l.kind = 'usage' AND coalesce(m.bytes, 0) <> coalesce(l.down_bytes, 0)::numeric + coalesce(l.up_bytes, 0)
           ORDER BY l.id LIMIT 50"#
    )
    .fetch_all(tx.conn())
    .await
}
