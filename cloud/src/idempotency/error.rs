//! Why a request under a key was not done.

use crate::db;
use crate::error::Problem;

crate::kinds! {
    IDEMPOTENCY_KEY_MISSING = 400 "idempotency-key-missing", "The header Idempotency-Key is missing", "Send a text of your own, new for every request and the same when you repeat one: then nothing is done twice.";
    IDEMPOTENCY_KEY_INVALID = 400 "idempotency-key-invalid", "The Idempotency-Key cannot be", "It has 1 to 255 visible characters.";
    IDEMPOTENCY_KEY_REUSED = 409 "idempotency-key-reused", "This Idempotency-Key belongs to another request", "Use a new key for a new request; repeat a request with exactly the same body.";
}

/// Why a request under a key was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key was sent.
    #[error("this request needs an Idempotency-Key")]
    KeyMissing,
    /// The key is empty, too long or not plain text.
    #[error("an Idempotency-Key has 1 to 255 visible characters")]
    KeyInvalid,
    /// The key was used with another body.
    #[error("the Idempotency-Key {0:?} was used for another request")]
    KeyReused(String),
    /// A wish or a reply could not be written down.
    #[error("a request or its reply could not be written down")]
    Written(#[from] serde_json::Error),
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
            Error::KeyMissing => Self::new(&IDEMPOTENCY_KEY_MISSING, &error),
            Error::KeyInvalid => Self::new(&IDEMPOTENCY_KEY_INVALID, &error),
            Error::KeyReused(_) => Self::new(&IDEMPOTENCY_KEY_REUSED, &error),
            Error::Written(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
