//! What is asked of the books, and what was found.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::BookCheckId;

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What must always hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Question { $( $(#[$doc])* $name, )* }

        impl Question {
            /// Every question, in the order they are asked and shown.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The name it is stored and sent under.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

questions! {
    /// Every entry of the ledger has postings, and they add up to zero.
    EntriesBalance = "entries_balance";
    /// The whole ledger adds up to zero in every currency.
    BooksBalance = "books_balance";
    /// What the ledger says an account owes is what is open of its documents.
    ReceivableAgrees = "receivable_agrees";
    /// What the ledger says is an account's credit is what of its payments settles nothing.
    CreditAgrees = "credit_agrees";
    /// Credit notes of an invoice give back at most what it asked for.
    NotesWithinInvoice = "notes_within_invoice";
    /// Numbers of documents have no gaps and no doubles.
    NumbersGapless = "numbers_gapless";
    /// Every day of a line is billed once, and stands on the invoice line it is billed with.
    DaysBilledOnce = "days_billed_once";
    /// The traffic of an invoice line is that of the segments marked as billed with it.
    UsageAgrees = "usage_agrees";
    /// Deferred revenue is what the lines' schedules still hold.
    DeferredAgrees = "deferred_agrees";
}

impl Question {
    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|question| question.name() == name)
    }
}

/// A check of the books.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BookCheck {
    /// Which.
    pub id: BookCheckId,
    /// The ISP's local day.
    pub checked_on: NaiveDate,
    /// The moment the books were looked at.
    pub checked_at: DateTime<Utc>,
    /// Who asked; `system` for the nightly one.
    pub checked_by: String,
    /// Whether everything agreed.
    pub agrees: bool,
    /// What was found, question by question.
    pub answers: Vec<Answer>,
}

/// What was found about one question.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BookAnswer)]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// Of how many things.
    pub looked_at: i64,
    /// How many did not agree.
    pub differ: i64,
    /// The first fifty of them.
    pub differences: Vec<Difference>,
}

/// Something that does not agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = BookDifference)]
pub struct Difference {
    /// The id of the thing, or what it is called.
    pub subject: String,
    /// What it should be.
    pub expected: String,
    /// What it is.
    pub found: String,
}
