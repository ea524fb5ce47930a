//! Credit notes. Their amounts are what is given back, above zero.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::billing::{InvoiceTax, Parties};
use crate::ids::{AccountId, CreditNoteId, InvoiceId, InvoiceLineId};
use crate::ledger::Amount;

/// Which credit notes.
#[derive(Clone, Debug, Default)]
pub struct CreditNoteFilter {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only those of this invoice.
    pub invoice: Option<InvoiceId>,
}

/// A credit note to be issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditNoteWish {
    /// What of which lines is given back; absent = whatever is left of the invoice.
    pub lines: Option<Vec<CreditNoteLineWish>>,
    /// Why, as it stands on the document.
    #[schema(example = "The line did not work from 3 to 9 November")]
    pub reason: String,
    /// What was left of the invoice, with tax, when this was decided: nothing is issued if it is not any more. Required
    /// with `lines`.
    #[schema(value_type = Option<Amount>)]
    pub left: Option<Money>,
}

/// What of a line is given back.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditNoteLineWish {
    /// The line of the invoice.
    pub line_id: InvoiceLineId,
    /// How much: without tax, or with it where the line's price includes it; absent = what is left of it.
    #[schema(value_type = Option<Amount>)]
    pub amount: Option<Money>,
}

/// A credit note in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditNoteSummary {
    /// Which.
    pub id: CreditNoteId,
    /// Gapless within its year.
    #[schema(example = "CN-2026-000007")]
    pub number: String,
    /// The invoice it corrects.
    pub invoice_id: InvoiceId,
    /// Its number.
    #[schema(example = "INV-2026-000042")]
    pub invoice_number: String,
    /// Whose account is credited.
    pub account_id: AccountId,
    /// Name of the subscriber as on the invoice.
    pub subscriber: String,
    /// Local day of issue.
    pub issued_on: NaiveDate,
    /// Why.
    pub reason: String,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// All tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// With tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// What of it settles nothing yet: it settles the next invoice.
    #[schema(value_type = Amount)]
    pub unused: Money,
}

/// A credit note with everything on it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditNote {
    /// As in lists.
    #[serde(flatten)]
    pub summary: CreditNoteSummary,
    /// Local day on which the invoice was issued.
    pub invoice_issued_on: NaiveDate,
    /// Seller and buyer as on the invoice.
    pub parties: Parties,
    /// Lines in the invoice's order.
    pub lines: Vec<CreditNoteLine>,
    /// Tax by category and rate.
    pub taxes: Vec<InvoiceTax>,
}

/// A line of a credit note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditNoteLine {
    /// Which.
    pub id: InvoiceLineId,
    /// From 1.
    pub position: i32,
    /// The line of the invoice it gives back.
    pub invoice_line_id: InvoiceLineId,
    /// As on the invoice.
    pub description: String,
    /// First day the invoice billed.
    pub from: NaiveDate,
    /// Day after the last the invoice billed.
    pub to: NaiveDate,
    /// Given back without tax; below zero where the invoice's line gave back itself.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// Given back with tax, where the line's price includes it; null where tax is on top.
    #[schema(value_type = Option<Amount>)]
    pub gross: Option<Money>,
    /// Tax category of EN 16931.
    pub tax_category: String,
    /// Percent.
    #[schema(value_type = String)]
    pub tax_rate: Decimal,
}

/// What a credit note would give back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreditNotePreview {
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// All tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// With tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// Tax by category and rate.
    pub taxes: Vec<InvoiceTax>,
    /// What of it settles the invoice itself; the rest is the account's credit.
    #[schema(value_type = Amount)]
    pub settles: Money,
    /// What is left of the invoice before, with tax.
    #[schema(value_type = Amount)]
    pub left: Money,
}
