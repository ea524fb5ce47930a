//! Why usage could not be applied or shown.

use crate::error::Problem;
use crate::ids::QuarantinedId;
use crate::{db, fleet, network, subscriptions};

crate::kinds! {
    QUARANTINED_NOT_FOUND = 404 "quarantined-not-found", "There is no such record in quarantine", "It may belong to somebody else.";
    QUARANTINE_DECIDED = 409 "quarantine-decided", "It is decided already", "Look at the list of the router: what is billed or left out stays so.";
}

/// Why usage could not be applied or shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// About the subscription.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// About the agent or its session.
    #[error(transparent)]
    Fleet(#[from] fleet::Error),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// No quarantined record has this id.
    #[error("no record {0} in quarantine")]
    QuarantinedNotFound(QuarantinedId),
    /// Nothing of its epoch waits for a decision.
    #[error("nothing waits for a decision with record {0}")]
    QuarantineDecided(QuarantinedId),
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
            Error::Network(error) => error.into(),
            Error::QuarantinedNotFound(_) => Self::new(&QUARANTINED_NOT_FOUND, &error),
            Error::QuarantineDecided(_) => Self::new(&QUARANTINE_DECIDED, &error),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
