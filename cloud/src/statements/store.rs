//! SQL of statements: the two ledger accounts that are kept for each subscriber's account, and what is open on a day.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceId, PaymentId};

/// What an account owes by the books before a day: its receivable less its credit.
pub async fn opening(
    tx: &mut TenantTx,
    account: AccountId,
    currency: &str,
    from: NaiveDate,
) -> Result<Decimal, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(p.amount), 0) AS "opening!" FROM ledger_postings p
           JOIN ledger_entries e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
           WHERE p.account_id = $1 AND p.ledger_account IN ('1100', '2100') AND p.currency = $2 AND e.posted_on < $3"#,
        account.uuid(),
        currency,
        from
    )
    .fetch_one(tx.conn())
    .await
}

pub struct MovementRow {
    pub on: NaiveDate,
    pub source_kind: String,
    pub source_id: Uuid,
    pub posting_kind: String,
    pub description: String,
    pub amount: Decimal,
    pub used: Decimal,
    pub number: Option<String>,
    pub payment: Option<PaymentId>,
    pub settles: Option<InvoiceId>,
    pub is_fee: bool,
}

/// What moved an account on some days: all entries of a fact as one, in the order of the books.
pub async fn movements(
    tx: &mut TenantTx,
    account: AccountId,
    currency: &str,
    (from, to): (NaiveDate, NaiveDate),
    limit: i64,
) -> Result<Vec<MovementRow>, sqlx::Error> {
    sqlx::query_as!(
        MovementRow,
        r#"WITH moved AS (
               SELECT e.posted_on, e.source_kind, e.source_id, (array_agg(e.id ORDER BY e.id))[1] AS first,
                      (array_agg(e.posting_kind ORDER BY e.id))[1] AS posting_kind,
                      (array_agg(e.description ORDER BY e.id))[1] AS description, sum(p.amount) AS amount,
                      coalesce(sum(p.amount) FILTER (WHERE p.ledger_account = '2100' AND p.amount > 0), 0) AS used
               FROM ledger_postings p JOIN ledger_entries e ON e.tenant_id = p.tenant_id AND e.id = p.entry_id
               WHERE p.account_id = $1 AND p.ledger_account IN ('1100', '2100') AND p.currency = $2
                 AND e.posted_on >= $3 AND e.posted_on <= $4
               GROUP BY e.posted_on, e.source_kind, e.source_id ORDER BY 1, 4 LIMIT $5)
           SELECT m.posted_on AS "on!", CASE WHEN i.corrects_id IS NULL THEN m.source_kind ELSE 'credit_note' END AS "source_kind!", m.source_id AS "source_id!", m.posting_kind AS "posting_kind!",
                  m.description AS "description!", m.amount AS "amount!", m.used AS "used!",
                  coalesce(i.number, c.number, p.number, r.number) AS number, coalesce(r.payment_id, a.payment_id) AS "payment: _",
                  a.invoice_id AS "settles: _",
                  EXISTS (SELECT FROM invoice_lines l WHERE l.invoice_id = i.id AND l.kind = 'late_fee') AS "is_fee!"
           FROM moved m
           LEFT JOIN allocations a ON m.source_kind = 'allocation' AND a.id = m.source_id
           LEFT JOIN invoices i ON i.id = CASE m.source_kind WHEN 'invoice' THEN m.source_id WHEN 'allocation' THEN a.invoice_id END
           LEFT JOIN invoices c ON m.source_kind = 'credit_note' AND c.id = m.source_id
           LEFT JOIN payments p ON m.source_kind = 'payment' AND p.id = m.source_id
           LEFT JOIN refunds r ON m.source_kind = 'refund' AND r.id = m.source_id
           ORDER BY m.posted_on, m.first"#,
        account.uuid(),
        currency,
        from,
        to,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub struct ItemRow {
    pub id: InvoiceId,
    pub number: String,
    pub issued_on: NaiveDate,
    pub due_on: NaiveDate,
    pub gross: Decimal,
    pub open: Decimal,
}

/// What was left to pay of invoices at the end of a day, oldest due first.
///
/// What settles an invoice does so on the day the books have it on: of a payment, or of its rest that is used later, or of what
/// is given back, that is the day of its entry. A credit document posts nothing when it settles: then it is the local day it did,
/// but not before both documents are in the books.
pub async fn open_items(
    tx: &mut TenantTx,
    account: AccountId,
    currency: &str,
    on: NaiveDate,
    zone: &str,
) -> Result<Vec<ItemRow>, sqlx::Error> {
    sqlx::query_as!(
        ItemRow,
        r#"WITH booked AS (
               SELECT i.id, min(e.posted_on) AS posted_on FROM invoices i
               JOIN ledger_entries e ON e.source_kind IN ('invoice', 'credit_note') AND e.source_id = i.id
               WHERE i.account_id = $1 AND i.currency = $2 AND i.status = 'issued' GROUP BY i.id),
           settled AS (
               SELECT a.invoice_id, sum(a.amount) AS amount FROM booked b JOIN allocations a ON a.invoice_id = b.id
               WHERE $3 >= coalesce(
                   (SELECT e.posted_on FROM ledger_entries e WHERE e.source_kind = 'allocation' AND e.source_id = a.id LIMIT 1),
                   (SELECT e.posted_on FROM ledger_entries e WHERE e.source_kind = 'refund' AND e.source_id = a.refund_id LIMIT 1),
                   (SELECT e.posted_on FROM ledger_entries e WHERE e.source_kind = 'payment' AND e.source_id = a.payment_id LIMIT 1),
                   greatest(b.posted_on, (SELECT c.posted_on FROM booked c WHERE c.id = a.credit_id), (a.allocated_at AT TIME ZONE $4)::date))
               GROUP BY a.invoice_id)
           SELECT i.id AS "id: _", i.number AS "number!", i.issued_on AS "issued_on!", i.due_on AS "due_on!", i.gross,
                  i.gross - coalesce(s.amount, 0) AS "open!"
           FROM booked b JOIN invoices i ON i.id = b.id LEFT JOIN settled s ON s.invoice_id = b.id
           WHERE b.posted_on <= $3 AND i.gross > 0 AND i.gross > coalesce(s.amount, 0)
           ORDER BY i.due_on, i.id"#,
        account.uuid(),
        currency,
        on,
        zone
    )
    .fetch_all(tx.conn())
    .await
}
