//! Why usage could not be applied or shown.

use crate::error::Problem;
use crate::{db, fleet, subscriptions};

/// Why usage could not be applied or shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// About the subscription.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
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
            Error::Subscriptions(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
