//! A statement as read from any file, before it means anything.

use chrono::NaiveDate;
use weir_rules::money::Money;

/// A statement of a bank account.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub reference: String,
    /// None in a file that does not say.
    pub iban: Option<String>,
    pub balances: Option<(Money, Money)>,
    pub from_on: NaiveDate,
    pub to_on: NaiveDate,
    pub entries: Vec<Entry>,
}

/// A line of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The bank's name for it, or one made of what it says.
    pub reference: String,
    pub booked_on: NaiveDate,
    /// Below zero for what went out.
    pub amount: Money,
    pub payer_name: String,
    pub payer_iban: String,
    /// A structured reference, if there is one.
    pub structured: String,
    /// What the payer wrote.
    pub remittance: String,
    /// It takes another entry back, so that it pays nobody's debt by itself.
    pub reversed: bool,
}
