//! Why an order could not be placed or decided.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::OrderId;

crate::kinds! {
    ORDER_NOT_FOUND = 404 "order-not-found", "There is no such order", "It may belong to somebody else.";
    ORDER_DECIDED = 409 "order-decided", "Somebody has decided this order already", "Look at the order again: it says who decided what.";
    TOO_MANY_ORDERS = 429 "too-many-orders", "Too many orders from the same place", "Wait until tomorrow, or call the ISP.";
}

/// Why an order could not be placed or decided.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No order has this id.
    #[error("no order {0}")]
    NotFound(OrderId),
    /// It waits for nobody any more.
    #[error("{0} is decided already")]
    Decided(OrderId),
    /// Somebody orders again and again.
    #[error("too many orders today from this address")]
    TooMany,
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The subscriber could not be made.
    #[error(transparent)]
    Subscriber(#[from] crate::subscribers::Error),
    /// The plan could not be read.
    #[error(transparent)]
    Catalog(#[from] crate::catalog::Error),
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
            Error::NotFound(_) => Self::new(&ORDER_NOT_FOUND, &error),
            Error::Decided(_) => Self::new(&ORDER_DECIDED, &error),
            Error::TooMany => Self::new(&TOO_MANY_ORDERS, &error).retry_after(24 * 3600),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscriber(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Tenant(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
