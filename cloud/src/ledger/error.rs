//! Why the books could not be written or read.

use weir_rules::calendar::CalendarError;
use weir_rules::ledger::LedgerError;
use weir_rules::money::MoneyError;
use weir_rules::proration::ProrationError;

use crate::error::{FieldError, Problem};
use crate::ids::RecognitionId;
use crate::{db, subscribers, tenants};

crate::kinds! {
    RECOGNITION_NOT_FOUND = 404 "recognition-not-found", "There is no such day of earned revenue", "It may belong to somebody else.";
}

/// Why the books could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The postings do not make an entry.
    #[error("the ledger entry was refused")]
    Entry(#[from] LedgerError),
    /// A stored amount is not money.
    #[error("an amount in the ledger cannot be read")]
    Money(#[from] MoneyError),
    /// A stored posting names an account that does not exist.
    #[error("the ledger has a posting to the unknown account {0:?}")]
    UnknownAccount(String),
    /// No day of earned revenue has this id.
    #[error("no day of earned revenue {0}")]
    RecognitionNotFound(RecognitionId),
    /// Days that were to be earned later are earned by now.
    #[error("revenue of days to come was recognised meanwhile")]
    EarnedMeanwhile,
    /// A schedule could not be spread over its days.
    #[error("deferred revenue could not be spread")]
    Proration(#[from] ProrationError),
    /// A stored schedule has no days.
    #[error("a schedule of revenue cannot be read")]
    Days(#[from] CalendarError),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The subscribers' accounts could not be read.
    #[error("the accounts of the books could not be read")]
    Subscribers(#[from] subscribers::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// The file could not be written.
    #[error("the journal could not be written")]
    File(#[from] std::io::Error),
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
            Error::RecognitionNotFound(_) => Self::new(&RECOGNITION_NOT_FOUND, &error),
            Error::Entry(_)
            | Error::EarnedMeanwhile
            | Error::Proration(_)
            | Error::Days(_)
            | Error::Money(_)
            | Error::UnknownAccount(_)
            | Error::Subscribers(_)
            | Error::Tenant(_)
            | Error::File(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
