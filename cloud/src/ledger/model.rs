//! Entries, postings, balances.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use weir_rules::ledger::{AccountKind, Entry};
use weir_rules::money::Money;

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

/// The business fact an entry records. A fact is posted once for each posting kind.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// What it is: `invoice`, `credit_note`, `payment`, `allocation`.
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
    /// The fact it records: `invoice`, `credit_note`, `payment`, `allocation`.
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
