//! Why the audit log could not be read.

use crate::db;
use crate::error::Problem;
use crate::ids::AuditEntryId;

crate::kinds! {
    AUDIT_ENTRY_NOT_FOUND = 404 "audit-entry-not-found", "There is no such entry in the audit log", "Check the id, or list the log.";
}

/// Why the audit log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No entry has this id.
    #[error("there is no entry {0} in the audit log")]
    NotFound(AuditEntryId),
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
            Error::NotFound(_) => Self::new(&AUDIT_ENTRY_NOT_FOUND, &error),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
