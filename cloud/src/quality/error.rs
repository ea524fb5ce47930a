//! Why the quality of lines could not be kept or shown.

use crate::error::Problem;
use crate::{db, fleet};

/// Why the quality of lines could not be kept or shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// About the agent or its session.
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
            Error::Fleet(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
