//! SQL of the checks: what is asked ([`differences`]), and what was found ([`kept`]).

pub mod differences;
pub mod kept;

use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Difference, Question};
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceId, InvoiceLineId, LedgerEntryId, SubscriptionId};

/// Something that does not agree, as the queries have it.
pub struct DifferenceRow {
    /// What kind of thing: `account`, `invoice`, `line`, `entry`, `subscription`; empty where it has only a name.
    pub kind: String,
    pub id: Option<Uuid>,
    /// What it is called, where it is no thing of its own.
    pub name: String,
    /// The unit of both figures: a currency, or nothing.
    pub unit: String,
    pub expected: Decimal,
    pub found: Decimal,
    /// How many there are in all.
    pub differ: i64,
}

impl DifferenceRow {
    /// As it is kept and shown.
    pub fn shown(self) -> Difference {
        let figure = |value: Decimal| format!("{} {}", value.normalize(), self.unit).trim_end().to_owned();
        let (expected, found) = (figure(self.expected), figure(self.found));
        let id = self.id.unwrap_or_default();
        let thing = match self.kind.as_str() {
            "account" => AccountId::from(id).to_string(),
            "invoice" => InvoiceId::from(id).to_string(),
            "line" => InvoiceLineId::from(id).to_string(),
            "entry" => LedgerEntryId::from(id).to_string(),
            "subscription" => SubscriptionId::from(id).to_string(),
            _ => String::new(),
        };
        Difference { subject: format!("{thing} {}", self.name).trim().to_owned(), expected, found }
    }
}

/// Of how many things a question is asked.
pub async fn looked_at(tx: &mut TenantTx, question: Question) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (CASE $1::text
               WHEN 'entries_balance' THEN (SELECT count(*) FROM ledger_entries)
               WHEN 'books_balance' THEN (SELECT count(DISTINCT currency) FROM ledger_postings)
               WHEN 'receivable_agrees' THEN (SELECT count(*) FROM accounts)
               WHEN 'credit_agrees' THEN (SELECT count(*) FROM accounts)
               WHEN 'notes_within_invoice' THEN (SELECT count(DISTINCT corrects_id) FROM invoices)
               WHEN 'numbers_gapless' THEN (SELECT count(*) FROM invoices WHERE number IS NOT NULL)
                   + (SELECT count(*) FROM proformas) + (SELECT count(*) FROM payments) + (SELECT count(*) FROM refunds WHERE number IS NOT NULL)
               WHEN 'deferred_agrees' THEN (SELECT count(*) FROM revenue_schedules)
               WHEN 'days_billed_once' THEN (SELECT count(*) FROM billed_periods)
               ELSE (SELECT count(*) FROM invoice_lines WHERE kind = 'usage') END) AS "looked_at!""#,
        question.name()
    )
    .fetch_one(tx.conn())
    .await
}
