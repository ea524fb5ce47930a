//! Why the books could not be checked.

use crate::error::Problem;
use crate::ids::BookCheckId;
use crate::{db, ledger, tenants};

crate::kinds! {
    BOOK_CHECK_NOT_FOUND = 404 "book-check-not-found", "There is no such check of the books", "It may belong to somebody else.";
}

/// Why the books could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No check has this id.
    #[error("no check of the books {0}")]
    NotFound(BookCheckId),
    /// A stored question that is not asked.
    #[error("{0:?} is no question about the books")]
    Question(String),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// What is deferred could not be read.
    #[error("deferred revenue could not be read")]
    Ledger(#[from] ledger::Error),
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
            Error::NotFound(_) => Self::new(&BOOK_CHECK_NOT_FOUND, &error),
            Error::Question(_) | Error::Tenant(_) | Error::Ledger(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
