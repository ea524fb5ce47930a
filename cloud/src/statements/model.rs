//! What a statement says.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;
use weir_rules::statement::Age;

use crate::ids::{AccountId, InvoiceId, PaymentId};
use crate::ledger::Amount;

/// Which days of the books a statement is of; both are in it.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StatementSpan {
    /// The first day; if not given, the first of the quarter the last day is in.
    pub from: Option<NaiveDate>,
    /// The last day, at most 366 days from the first and not to come; today if not given.
    pub to: Option<NaiveDate>,
}

/// What moved the balance, or settled something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// An invoice, or a credit document a run issued.
    Invoice,
    /// An invoice for paying late.
    LateFee,
    /// Given back of an invoice.
    CreditNote,
    /// Money received.
    Payment,
    /// Money given back.
    Refund,
    /// A payment its payer's bank took back.
    Dispute,
    /// What was left of a payment settled an invoice; the balance stays.
    CreditUsed,
    /// Anything else in the books, such as a receivable given up.
    Other,
}

impl MovementKind {
    /// The name it is sent under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::LateFee => "late_fee",
            Self::CreditNote => "credit_note",
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::CreditUsed => "credit_used",
            Self::Other => "other",
        }
    }
}

/// One line of a statement.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatementMovement)]
pub struct Movement {
    /// The day in the books.
    pub on: NaiveDate,
    /// What it is.
    pub kind: MovementKind,
    /// The document's number, of credit that is used the invoice's; absent where there is none.
    #[schema(example = "INV-2026-000042")]
    pub number: Option<String>,
    /// Id of the document; of credit that is used, the invoice's.
    pub document_id: String,
    /// The payment that is given back, or whose rest is used.
    pub payment_id: Option<PaymentId>,
    /// As the books have it, for people.
    pub description: String,
    /// What is owed more by it.
    #[schema(value_type = Option<Amount>)]
    pub debit: Option<Money>,
    /// What is owed less by it.
    #[schema(value_type = Option<Amount>)]
    pub credit: Option<Money>,
    /// How much of the account's credit it used; the balance is the same after it.
    #[schema(value_type = Option<Amount>)]
    pub used: Option<Money>,
    /// What is owed after it; below zero is the subscriber's money.
    #[schema(value_type = Amount)]
    pub balance: Money,
}

/// An invoice with something left to pay at the end of the last day.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatementItem {
    /// Which.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub number: String,
    /// The day of issue.
    pub issued_on: NaiveDate,
    /// The last day to pay.
    pub due_on: NaiveDate,
    /// What it asks for.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// What was left of it.
    #[schema(value_type = Amount)]
    pub open: Money,
    /// How old it was.
    pub age: Ageing,
}

/// How long something is past its due day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ageing {
    /// Its last day to pay is not over.
    NotDue,
    /// 1 to 30 days.
    To30,
    /// 31 to 60 days.
    To60,
    /// 61 to 90 days.
    To90,
    /// More than 90 days.
    Over90,
}

impl Ageing {
    /// The name it is sent under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::To30 => "to30",
            Self::To60 => "to60",
            Self::To90 => "to90",
            Self::Over90 => "over90",
        }
    }
}

impl From<Age> for Ageing {
    fn from(age: Age) -> Self {
        match age {
            Age::NotDue => Self::NotDue,
            Age::To30 => Self::To30,
            Age::To60 => Self::To60,
            Age::To90 => Self::To90,
            Age::Over90 => Self::Over90,
        }
    }
}

/// What is open of one age.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = StatementAge)]
pub struct AgedSum {
    /// The age.
    pub age: Ageing,
    /// The sum of what was left.
    #[schema(value_type = Amount)]
    pub open: Money,
}

/// A statement of account: the ledger of one account over some days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatementOfAccount {
    /// Of which account.
    pub account_id: AccountId,
    /// Its number.
    pub account_number: String,
    /// Whose it is, by today's name.
    pub subscriber: String,
    /// The language of the subscriber's documents, BCP 47.
    pub language: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// What was owed before the first day; below zero is the subscriber's money.
    #[schema(value_type = Amount)]
    pub opening: Money,
    /// Everything of these days, in the order of the books.
    pub movements: Vec<Movement>,
    /// All that was asked for or given back in money.
    #[schema(value_type = Amount)]
    pub debits: Money,
    /// All that was paid or credited, above zero.
    #[schema(value_type = Amount)]
    pub credits: Money,
    /// What was owed after the last day: the opening balance with debits, less credits.
    #[schema(value_type = Amount)]
    pub closing: Money,
    /// What was left to pay of invoices after the last day, oldest due first.
    pub open_items: Vec<StatementItem>,
    /// The same by age.
    pub ages: Vec<AgedSum>,
    /// Paid or credited after the last day and not used: what the open items are more than the closing balance.
    #[schema(value_type = Amount)]
    pub unused: Money,
}
