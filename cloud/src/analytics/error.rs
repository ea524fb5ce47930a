//! Why a figure could not be told, or nobody written to.

use weir_rules::money::MoneyError;

use crate::error::{FieldError, Kind, Problem};
use crate::{db, notifications, subscribers, subscriptions, tenants};

/// No kinds of its own: what is asked for is checked where it is read.
pub const KINDS: &[&Kind] = &[];

/// Why a figure could not be told, or nobody written to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A stored amount is not money.
    #[error("an amount cannot be read")]
    Money(#[from] MoneyError),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// A message could not be written.
    #[error(transparent)]
    Message(#[from] notifications::Error),
    /// The line to write about.
    #[error(transparent)]
    Subscription(#[from] subscriptions::Error),
    /// Its account.
    #[error(transparent)]
    Subscriber(#[from] subscribers::Error),
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
            Error::Message(error) => error.into(),
            Error::Subscription(error) => error.into(),
            Error::Subscriber(error) => error.into(),
            Error::Money(_) | Error::Tenant(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
