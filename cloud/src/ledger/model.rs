//! Entries, postings, balances.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use weir_rules::ledger::{AccountKind, Entry};
use weir_rules::money::Money;

use super::Error;
use crate::error::FieldError;

use crate::ids::{AccountId, LedgerEntryId};

/// How money is written in the API; the type itself is `weir_rules::money::Money`.
#[derive(ToSchema)]
#[schema(as = Money)]
pub struct Amount {
    /// Decimal text with the currency's decimals.
    #[schema(example = "44.90")]
    pub amount: String,
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub currency: String,
}

/// Days of the books.
#[derive(Clone, Copy, Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// The first day; all before if not given.
    pub from: Option<NaiveDate>,
    /// The last day; all after if not given.
    pub to: Option<NaiveDate>,
}

impl Span {
    /// Refuses an end before the beginning.
    pub fn check(self) -> Result<(), Error> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if to < from => {
                Err(Error::Invalid(vec![FieldError::new("to", format!("must not be before from, {from}"))]))
            }
            _ => Ok(()),
        }
    }
}

/// As what the books are written to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalFormat {
    /// For hledger, ledger and programs that read theirs.
    Hledger,
    /// A row a posting.
    Csv,
    /// A workbook with a row a posting.
    Xlsx,
}

impl JournalFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Hledger, Self::Csv, Self::Xlsx];

    /// The name it is asked for by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hledger => "hledger",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// How such a file's name ends.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Hledger => "journal",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// The media type.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Hledger => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// The business fact an entry records. A fact is posted once for each posting kind.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// What it is: `invoice`, `credit_note`, `payment`, `allocation`, `recognition`.
    pub kind: &'static str,
    /// Which.
    pub id: Uuid,
    /// What of it is posted, for example `issue`.
    pub posting: &'static str,
}

/// A fact and the entry that records it.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Which fact.
    pub source: Source,
    /// The day in the books.
    pub on: NaiveDate,
    /// For people.
    pub description: String,
    /// Its debits and credits.
    pub entry: Entry<AccountId>,
}

/// An entry of the ledger.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EntryView {
    /// Which.
    pub id: LedgerEntryId,
    /// The day in the books.
    pub posted_on: NaiveDate,
    /// When it was written.
    pub posted_at: DateTime<Utc>,
    /// The fact it records: `invoice`, `credit_note`, `payment`, `allocation`, `recognition`.
    pub source_kind: String,
    /// Id of that fact.
    pub source_id: String,
    /// What of the fact it posts.
    pub posting_kind: String,
    /// For people.
    pub description: String,
    /// Debits and credits; they add up to zero in every currency.
    pub postings: Vec<PostingView>,
}

/// One amount on one ledger account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PostingView {
    /// Code of the ledger account.
    #[schema(example = "1100")]
    pub ledger_account: String,
    /// Its English name.
    #[schema(example = "Receivable")]
    pub name: &'static str,
    /// The subscriber's account, where the ledger account keeps one each.
    pub account_id: Option<AccountId>,
    /// Above zero for a debit, below for a credit.
    #[schema(value_type = Amount)]
    pub amount: Money,
}

/// All ledger accounts with their sums; debits and credits are equal in every currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    /// One row a ledger account and currency.
    pub rows: Vec<TrialBalanceRow>,
    /// Whether every currency adds up to zero.
    pub balanced: bool,
}

/// The sums of one ledger account in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrialBalanceRow {
    /// Code of the ledger account.
    pub ledger_account: String,
    /// Its English name.
    pub name: &'static str,
    /// asset, liability, income, expense.
    #[schema(value_type = String)]
    pub kind: AccountKind,
    /// Sum of debits.
    #[schema(value_type = Amount)]
    pub debit: Money,
    /// Sum of credits, above zero.
    #[schema(value_type = Amount)]
    pub credit: Money,
    /// Debits less credits.
    #[schema(value_type = Amount)]
    pub balance: Money,
}
