//! Why a list could not be brought in.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::ImportId;

crate::kinds! {
    IMPORT_NOT_FOUND = 404 "import-not-found", "There is no such import", "Check the id, or list the imports.";
    IMPORT_AT_WORK = 409 "import-at-work", "The import is at work", "Wait until it is through, then try again.";
    IMPORT_WRONG = 409 "import-has-wrong-rows", "Some rows cannot be brought in", "Mend the rows that are named and send the file again. Nothing was changed.";
    IMPORT_DONE = 409 "import-done", "The import is done", "What was brought in stays; change it where it is shown.";
}

/// Why a list could not be brought in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No import has this id.
    #[error("there is no import {0}")]
    NotFound(ImportId),
    /// Its rows are being checked or brought in.
    #[error("import {0} is at work")]
    AtWork(ImportId),
    /// Some of its rows are wrong.
    #[error("{1} rows of import {0} cannot be brought in as they are")]
    Wrong(ImportId, i32),
    /// It is done already.
    #[error("import {0} is done")]
    Done(ImportId),
    /// Fields cannot be as they were sent.
    #[error("{} of the import's fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    pub(super) fn field(field: &str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
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
            Error::NotFound(_) => Self::new(&IMPORT_NOT_FOUND, &error),
            Error::AtWork(_) => Self::new(&IMPORT_AT_WORK, &error),
            Error::Wrong(..) => Self::new(&IMPORT_WRONG, &error),
            Error::Done(_) => Self::new(&IMPORT_DONE, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
