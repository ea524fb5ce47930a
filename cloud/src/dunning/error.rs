//! Why nobody could be judged.

use weir_rules::dunning::DunningError;
use weir_rules::money::MoneyError;

use crate::error::{Kind, Problem};
use crate::{billing, db, fleet, tenants};

/// No kinds of its own: a check takes no input.
pub const KINDS: &[&Kind] = &[];

/// Why nobody could be judged.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The rules refused the facts.
    #[error(transparent)]
    Rules(#[from] DunningError),
    /// A stored amount is not money.
    #[error("an amount cannot be read")]
    Money(#[from] MoneyError),
    /// A stored time zone or setting is none.
    #[error("{0} cannot be read")]
    Setting(&'static str),
    /// Open invoices could not be read.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// The router could not be told.
    #[error(transparent)]
    Fleet(#[from] fleet::Error),
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
            Error::Rules(_)
            | Error::Money(_)
            | Error::Setting(_)
            | Error::Billing(_)
            | Error::Tenant(_)
            | Error::Fleet(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
