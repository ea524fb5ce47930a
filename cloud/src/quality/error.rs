//! Why the quality of lines could not be kept, shown or measured.

use crate::error::Problem;
use crate::ids::{LineProbeId, SubscriptionId};
use crate::{db, fleet, network, subscriptions};

crate::kinds! {
    PROBE_NOT_FOUND = 404 "line-probe-not-found", "There is no such probe", "Probes are forgotten after two weeks; it may also belong to somebody else.";
    PROBE_TOO_SOON = 429 "line-probe-too-soon", "The line, or its router, was probed a moment ago", "Look at what that came to, or wait for the time in Retry-After.";
    PROBE_LINE_CLOSED = 409 "line-probe-line-closed", "The subscription is over", "There is nothing on its router to measure any more.";
}

/// Why the quality of lines could not be kept, shown or measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No probe has this id.
    #[error("no probe {0}")]
    ProbeNotFound(LineProbeId),
    /// Somebody just asked; come back in so many seconds.
    #[error("it was probed a moment ago: ask again in {0} s")]
    TooSoon(u64),
    /// The line is over.
    #[error("subscription {0} is over")]
    LineClosed(SubscriptionId),
    /// About the line.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
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
            Error::ProbeNotFound(_) => Self::new(&PROBE_NOT_FOUND, &error),
            Error::TooSoon(seconds) => Self::new(&PROBE_TOO_SOON, &error).retry_after(seconds),
            Error::LineClosed(_) => Self::new(&PROBE_LINE_CLOSED, &error),
            Error::Subscriptions(error) => error.into(),
            Error::Network(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
