//! Why the books could not be written or read.

use weir_rules::ledger::LedgerError;
use weir_rules::money::MoneyError;

use crate::error::{FieldError, Kind, Problem};
use crate::{db, subscribers, tenants};

/// No kinds of its own: entries follow from facts other slices check.
pub const KINDS: &[&Kind] = &[];

/// Why the books could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The postings do not make an entry.
    #[error("the ledger entry was refused")]
    Entry(#[from] LedgerError),
    /// A stored amount is not money.
    #[error("an amount in the ledger cannot be read")]
    Money(#[from] MoneyError),
    /// A stored posting names an account that does not exist.
    #[error("the ledger has a posting to the unknown account {0:?}")]
    UnknownAccount(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The subscribers' accounts could not be read.
    #[error("the accounts of the books could not be read")]
    Subscribers(#[from] subscribers::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// The file could not be written.
    #[error("the journal could not be written")]
    File(#[from] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Entry(_)
            | Error::Money(_)
            | Error::UnknownAccount(_)
            | Error::Subscribers(_)
            | Error::Tenant(_)
            | Error::File(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
