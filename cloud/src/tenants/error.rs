//! Why an ISP could not be created or changed.

use crate::db;
use crate::error::{FieldError, Problem};

crate::kinds! {
    SLUG_TAKEN = 409 "slug-taken", "Another ISP of this installation has this short name", "Choose another short name: it is unique in the installation.";
}

/// Why an ISP could not be created or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Fields that cannot be as they were sent.
    #[error("{} of the tenant's fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The short name is another tenant's.
    #[error("the short name {0} is taken")]
    SlugTaken(String),
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
            Error::SlugTaken(_) => Self::new(&SLUG_TAKEN, &error),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
