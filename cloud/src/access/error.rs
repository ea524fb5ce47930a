//! Why access was refused.

use chrono::{DateTime, Utc};

use crate::db;
use crate::error::{self, Problem};

crate::kinds! {
    WRONG_LOGIN = 401 "wrong-login", "The e-mail address or the password is wrong", "Check both. After several wrong attempts an account waits longer and longer before the next one counts.";
    LOGIN_WAITS = 429 "login-waits", "Too many wrong attempts", "Wait for the time in Retry-After, then try again with the right password.";
    EMAIL_TAKEN = 409 "email-taken", "Somebody already logs in with this e-mail address", "Use another address: one address is one log-in.";
}

/// Why access was refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has this address and password.
    #[error("the e-mail address or the password is wrong")]
    WrongLogin,
    /// Too many wrong attempts: not before this instant.
    #[error("too many wrong attempts: try again after {0}")]
    Waits(DateTime<Utc>, u64),
    /// The session is unknown, ended or its owner was disabled.
    #[error("the session is over: log in again")]
    NoSession,
    /// The address logs somebody in already.
    #[error("{0} already logs somebody in")]
    EmailTaken(String),
    /// A field cannot be as it was sent.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
    /// More log-ins at once than passwords may be checked.
    #[error("too many log-ins at once")]
    Busy,
    /// A stored password hash cannot be read, or hashing failed.
    #[error("password hashing failed: {0}")]
    Hashing(String),
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
        match &error {
            Error::WrongLogin => Self::new(&WRONG_LOGIN, &error),
            Error::Waits(_, seconds) => Self::new(&LOGIN_WAITS, &error).retry_after(*seconds),
            Error::NoSession => Self::new(&error::UNAUTHENTICATED, &error),
            Error::EmailTaken(_) => Self::new(&EMAIL_TAKEN, &error),
            Error::Invalid(field, message) => Self::field(field, message),
            Error::Busy => Self::new(&error::TOO_BUSY, &error).retry_after(1),
            Error::Hashing(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
