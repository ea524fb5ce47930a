//! Why something about fair use could not be done.

use crate::error::{FieldError, Problem};
use crate::ids::{BoostId, BoostProductId, SubscriptionId, TopUpProductId};
use crate::{catalog, db, fleet, subscribers, subscriptions};

crate::kinds! {
    TOP_UP_PRODUCT_NOT_FOUND = 404 "top-up-product-not-found", "There is no such top-up", "It may belong to somebody else.";
    TOP_UP_NAME_TAKEN = 409 "top-up-name-taken", "Another top-up or boost has this name", "Names of top-ups and boosts are unique: choose another.";
    TOP_UP_RETIRED = 409 "top-up-retired", "It is no longer sold", "Choose a top-up or a boost that is on sale.";
    TOP_UP_NEEDS_ALLOWANCE = 409 "top-up-needs-allowance", "The line has no allowance to top up today", "Only plans with an allowance can be topped up, while they are in force.";
    TOP_UP_CURRENCY_DIFFERS = 409 "top-up-currency-differs", "It is priced in another currency than the account's", "Choose a top-up or a boost in the account's currency.";
    TOP_UP_REFERENCE_REUSED = 409 "top-up-reference-reused", "Something else was sold on the line under this reference", "Give every sale a reference of its own; the same one only to send the same sale again.";
    BOOST_PRODUCT_NOT_FOUND = 404 "boost-product-not-found", "There is no such boost on offer", "It may belong to somebody else.";
    BOOST_NOT_FOUND = 404 "boost-not-found", "No such boost was sold", "It may belong to somebody else.";
    BOOST_NEEDS_SERVICE = 409 "boost-needs-service", "The line is not in service when the boost begins", "Choose a time from the line's first day on and before its end.";
    BOOST_BESIDE = 409 "boost-beside", "A boost of the line that is as fast runs at that time", "Two at once are no faster than one: begin it when the other ends.";
    BOOST_OVER = 409 "boost-over", "The boost is over", "Only a boost that runs or is to come can be cancelled.";
}

/// Why something about fair use could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No product has this id.
    #[error("no top-up {0}")]
    ProductNotFound(TopUpProductId),
    /// No product that is a boost has this id.
    #[error("no boost {0} is offered")]
    BoostProductNotFound(BoostProductId),
    /// No boost has this id.
    #[error("no boost {0} was sold")]
    BoostNotFound(BoostId),
    /// The line has not begun by then, or has ended.
    #[error("subscription {0} is not in service when the boost begins")]
    OutOfService(SubscriptionId),
    /// It would run beside one that is as fast, until then.
    #[error("subscription {0} has a boost that is as fast until {1}")]
    Beside(SubscriptionId, chrono::DateTime<chrono::Utc>),
    /// It ran to its end.
    #[error("boost {0} is over")]
    BoostOver(BoostId),
    /// Another product has this name.
    #[error("another top-up or boost is named {0:?}")]
    NameTaken(String),
    /// The product is no longer sold.
    #[error("{0} is retired")]
    Retired(String),
    /// Nothing is metered on the line today.
    #[error("subscription {0} has no allowance today")]
    WithoutAllowance(SubscriptionId),
    /// The product is in another currency.
    #[error("it is priced in {product}, the account is kept in {account}")]
    CurrencyDiffers {
        /// The product's currency.
        product: String,
        /// The account's currency.
        account: String,
    },
    /// A reference names one sale.
    #[error("something else was sold under reference {0:?}")]
    ReferenceReused(String),
    /// The facts of the line do not fit each other.
    #[error("the allowance of the line cannot be told: {0}")]
    Facts(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// About the line.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// About the account.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// About the plan.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// About the agent or its session.
    #[error(transparent)]
    Fleet(#[from] fleet::Error),
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
            Error::ProductNotFound(_) => Self::new(&TOP_UP_PRODUCT_NOT_FOUND, &error),
            Error::BoostProductNotFound(_) => Self::new(&BOOST_PRODUCT_NOT_FOUND, &error),
            Error::BoostNotFound(_) => Self::new(&BOOST_NOT_FOUND, &error),
            Error::OutOfService(_) => Self::new(&BOOST_NEEDS_SERVICE, &error),
            Error::Beside(..) => Self::new(&BOOST_BESIDE, &error),
            Error::BoostOver(_) => Self::new(&BOOST_OVER, &error),
            Error::NameTaken(_) => Self::new(&TOP_UP_NAME_TAKEN, &error),
            Error::Retired(_) => Self::new(&TOP_UP_RETIRED, &error),
            Error::WithoutAllowance(_) => Self::new(&TOP_UP_NEEDS_ALLOWANCE, &error),
            Error::CurrencyDiffers { .. } => Self::new(&TOP_UP_CURRENCY_DIFFERS, &error),
            Error::ReferenceReused(_) => Self::new(&TOP_UP_REFERENCE_REUSED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscriptions(error) => error.into(),
            Error::Subscribers(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Facts(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
