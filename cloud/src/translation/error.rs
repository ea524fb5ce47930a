//! Why nobody could be found by an address.

use crate::error::{FieldError, Problem};
use crate::{db, network};

/// Why port blocks could not be given, shown or looked up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
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
            Error::Network(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
