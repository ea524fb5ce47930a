//! SQL of what is settled and what is owed.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AllocationId, InvoiceId, PaymentId};

pub struct SettlementRow {
    pub id: AllocationId,
    pub invoice_id: InvoiceId,
    pub invoice_number: String,
    pub payment_id: Option<PaymentId>,
    pub payment_number: Option<String>,
    pub credit_id: Option<InvoiceId>,
    pub credit_number: Option<String>,
    pub by_credit_note: bool,
    pub currency: String,
    pub amount: Decimal,
    pub allocated_at: DateTime<Utc>,
}

/// What settled an invoice, or what a credit document or a payment settles.
pub async fn of(tx: &mut TenantTx, document: Uuid) -> Result<Vec<SettlementRow>, sqlx::Error> {
    sqlx::query_as!(
        SettlementRow,
        r#"SELECT a.id AS "id: _", a.invoice_id AS "invoice_id: _", i.number AS "invoice_number!", a.payment_id AS "payment_id: _", p.number AS "payment_number?",
                  a.credit_id AS "credit_id: _", c.number AS "credit_number?",
                  c.corrects_id IS NOT NULL AS "by_credit_note!", i.currency, a.amount, a.allocated_at
           FROM allocations a
           JOIN invoices i ON i.tenant_id = a.tenant_id AND i.id = a.invoice_id
           LEFT JOIN payments p ON p.tenant_id = a.tenant_id AND p.id = a.payment_id
           LEFT JOIN invoices c ON c.tenant_id = a.tenant_id AND c.id = a.credit_id
           WHERE a.invoice_id = $1 OR a.credit_id = $1 OR a.payment_id = $1 ORDER BY a.allocated_at, a.id"#,
        document
    )
    .fetch_all(tx.conn())
    .await
}

pub struct OwedRow {
    pub currency: String,
    pub open: Decimal,
    pub overdue: Decimal,
    pub open_invoices: i64,
    pub overdue_invoices: i64,
}

/// What all open invoices together ask for, by currency.
pub async fn owed(tx: &mut TenantTx, today: NaiveDate) -> Result<Vec<OwedRow>, sqlx::Error> {
    sqlx::query_as!(
        OwedRow,
        r#"SELECT i.currency, sum(i.gross - coalesce(s.settled, 0)) AS "open!", count(*) AS "open_invoices!",
                  coalesce(sum(i.gross - coalesce(s.settled, 0)) FILTER (WHERE i.due_on < $1), 0) AS "overdue!",
                  count(*) FILTER (WHERE i.due_on < $1) AS "overdue_invoices!"
           FROM invoices i
           LEFT JOIN (SELECT invoice_id, sum(amount) AS settled FROM allocations GROUP BY invoice_id) s ON s.invoice_id = i.id
           WHERE i.status = 'issued' AND i.gross > coalesce(s.settled, 0) GROUP BY i.currency ORDER BY i.currency"#,
        today
    )
    .fetch_all(tx.conn())
    .await
}
