//! Why a figure could not be told.

use weir_rules::money::MoneyError;

use crate::error::{Kind, Problem};
use crate::{db, tenants};

/// No kinds of its own: what is asked for is checked where it is read.
pub const KINDS: &[&Kind] = &[];

/// Why a figure could not be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A stored amount is not money.
    #[error("an amount cannot be read")]
    Money(#[from] MoneyError),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
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
            Error::Money(_) | Error::Tenant(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
