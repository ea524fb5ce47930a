//! Why a subscriber, account or location could not be had.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::{AccountId, ServiceLocationId, SubscriberId};

crate::kinds! {
    SUBSCRIBER_NOT_FOUND = 404 "subscriber-not-found", "There is no such subscriber", "It may belong to somebody else.";
    ACCOUNT_NOT_FOUND = 404 "account-not-found", "There is no such account", "It may belong to somebody else.";
    PAYS_FOR_ITSELF = 409 "account-pays-for-itself", "No other account pays for this one", "There is nothing to end.";
    LOCATION_NOT_FOUND = 404 "service-location-not-found", "There is no such service location", "It may belong to somebody else.";
}

/// Why a subscriber, account or location could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No subscriber has this id.
    #[error("no subscriber {0}")]
    SubscriberNotFound(SubscriberId),
    /// No account has this id.
    #[error("no account {0}")]
    AccountNotFound(AccountId),
    /// Nobody else pays for this account.
    #[error("account {0} pays for itself")]
    PaysForItself(AccountId),
    /// No service location has this id.
    #[error("no service location {0}")]
    LocationNotFound(ServiceLocationId),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The ISP's settings could not be read.
    #[error(transparent)]
    Tenant(#[from] crate::tenants::Error),
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
            Error::SubscriberNotFound(_) => Self::new(&SUBSCRIBER_NOT_FOUND, &error),
            Error::AccountNotFound(_) => Self::new(&ACCOUNT_NOT_FOUND, &error),
            Error::PaysForItself(_) => Self::new(&PAYS_FOR_ITSELF, &error),
            Error::LocationNotFound(_) => Self::new(&LOCATION_NOT_FOUND, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Tenant(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
