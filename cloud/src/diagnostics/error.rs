//! Why a router was not asked, or what it was asked not shown.

use crate::error::{FieldError, Problem};
use crate::ids::DiagnosisId;
use crate::{db, fleet, network, quality, subscriptions};

crate::kinds! {
    DIAGNOSIS_NOT_FOUND = 404 "diagnosis-not-found", "There is no such diagnosis", "Diagnoses are forgotten after two weeks; it may also belong to somebody else.";
    CAPTURE_NOT_FOUND = 404 "capture-not-found", "There are no such packets", "Only captures have packets, once some came, and those are forgotten after a day.";
    DIAGNOSES_TOO_MANY = 429 "diagnoses-too-many", "The router, or your routers together, were asked much in the last minute", "Look at what that came to, end what still runs, or wait for the time in Retry-After.";
    DIAGNOSIS_OVER = 409 "diagnosis-over", "The diagnosis is over", "There is nothing left to end.";
}

/// Why a router was not asked, or what it was asked not shown.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No diagnosis has this id.
    #[error("no diagnosis {0}")]
    NotFound(DiagnosisId),
    /// The diagnosis has no packets.
    #[error("diagnosis {0} has no packets")]
    CaptureNotFound(DiagnosisId),
    /// Too much was asked; come back in so many seconds.
    #[error("too much was asked a moment ago: ask again in {0} s")]
    TooMany(u64),
    /// It is over.
    #[error("diagnosis {0} is over")]
    Over(DiagnosisId),
    /// Fields cannot be as they were sent.
    #[error("{}", .0.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// About the line.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// About the agent or its session.
    #[error(transparent)]
    Fleet(#[from] fleet::Error),
    /// About a probe.
    #[error(transparent)]
    Quality(quality::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<quality::Error> for Error {
    fn from(error: quality::Error) -> Self {
        match error {
            // Whoever has a session wants to know when it is lost.
            quality::Error::Fleet(error) => Self::Fleet(error),
            error => Self::Quality(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::new(&DIAGNOSIS_NOT_FOUND, &error),
            Error::CaptureNotFound(_) => Self::new(&CAPTURE_NOT_FOUND, &error),
            Error::TooMany(seconds) => Self::new(&DIAGNOSES_TOO_MANY, &error).retry_after(seconds),
            Error::Over(_) => Self::new(&DIAGNOSIS_OVER, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscriptions(error) => error.into(),
            Error::Network(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Quality(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
