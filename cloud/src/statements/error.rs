//! Why there is no statement.

use weir_rules::money::MoneyError;

use crate::error::{FieldError, Kind, Problem};
use crate::{billing, db, subscribers, tenants};

/// No kinds of its own: which account it is of is checked by `subscribers`.
pub const KINDS: &[&Kind] = &[];

/// Why there is no statement.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Days that no statement can be of.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The account could not be read.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// The open items could not be read, or the document not be drawn.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// A stored amount is not money.
    #[error("an amount in the ledger cannot be read")]
    Money(#[from] MoneyError),
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
            Error::Subscribers(error) => error.into(),
            Error::Billing(error) => error.into(),
            Error::Tenant(_) | Error::Money(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
