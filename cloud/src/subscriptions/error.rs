//! Why a subscription could not be sold or changed.

use ipnet::IpNet;

use crate::error::{FieldError, Problem};
use crate::ids::{AccountId, HoldId, LinePauseId, RouterId, ServiceLocationId, SubscriptionId};
use crate::{catalog, db, fleet, network, subscribers};

crate::kinds! {
    SUBSCRIPTION_NOT_FOUND = 404 "subscription-not-found", "There is no such subscription", "It may belong to somebody else.";
    HOLD_NOT_FOUND = 404 "hold-not-found", "There is no such hold", "It may belong to somebody else.";
    HOLD_RELEASED = 409 "hold-released", "The hold has been released already", "Nothing more needs to be done.";
    HOLD_OF_PAUSE = 409 "hold-of-pause", "The hold belongs to a pause", "Resume the line by ending its pause; the hold ends with it.";
    HOLD_EXISTS = 409 "hold-exists", "The line is already held as unpaid", "One unpaid hold is enough; it is released when the account has paid.";
    PREFIX_OVERLAPS = 409 "prefix-overlaps", "Another line of the router has these addresses", "Choose addresses that no other line of this router has.";
    IDENTITY_TAKEN = 409 "identity-taken", "Another line of the router has this identity", "Take it from that line first, or choose what only this subscriber has.";
    LOCATION_OF_ANOTHER = 409 "location-of-another-subscriber", "The service location is another subscriber's", "Choose a location of the account's own subscriber.";
    CURRENCY_DIFFERS = 409 "plan-currency-differs", "The plan is priced in another currency than the account's", "Choose a plan in the account's currency, or another account.";
    PLAN_CHANGE_CONFLICTS = 409 "plan-change-conflicts", "The plan changes again at or after that day", "Choose a later day, or end the later change first.";
    SUBSCRIPTION_CLOSED = 409 "subscription-closed", "The subscription is over", "What is over stays as it was; sell a new subscription.";
    OUTSIDE_TERM = 422 "outside-subscription", "The day is outside the subscription", "Choose a day between its start and its end.";
}

/// Why a subscription could not be sold or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No subscription has this id.
    #[error("no subscription {0}")]
    NotFound(SubscriptionId),
    /// No hold has this id.
    #[error("no hold {0}")]
    HoldNotFound(HoldId),
    /// The hold has been released before.
    #[error("hold {0} has been released already")]
    HoldReleased(HoldId),
    /// It begins and ends with a pause.
    #[error("hold {hold} ends with pause {pause}")]
    HoldOfPause {
        /// The hold.
        hold: HoldId,
        /// The pause.
        pause: LinePauseId,
    },
    /// The line is held as unpaid already.
    #[error("subscription {0} is held as unpaid already")]
    HoldExists(SubscriptionId),
    /// Another line of the router has these addresses.
    #[error("{wanted} overlaps {taken} of subscription {of} on router {router}")]
    PrefixOverlaps {
        /// What was asked for.
        wanted: IpNet,
        /// What is there.
        taken: String,
        /// Whose it is.
        of: SubscriptionId,
        /// On which router.
        router: RouterId,
    },
    /// Another line of the router is known by it.
    #[error("{wanted} is an identity of subscription {of} on router {router}")]
    IdentityTaken {
        /// What was asked for.
        wanted: String,
        /// Whose it is.
        of: SubscriptionId,
        /// On which router.
        router: RouterId,
    },
    /// The location is not the account's subscriber's.
    #[error("service location {location} does not belong to the subscriber of account {account}")]
    LocationOfAnother {
        /// The location.
        location: ServiceLocationId,
        /// The account.
        account: AccountId,
    },
    /// The plan is in another currency.
    #[error("the plan is priced in {plan}, the account is kept in {account}")]
    CurrencyDiffers {
        /// The plan's currency.
        plan: String,
        /// The account's currency.
        account: String,
    },
    /// A later change of plan is there already.
    #[error("the plan changes again at or after {0}")]
    PlanChangeConflicts(chrono::NaiveDate),
    /// It has ended.
    #[error("subscription {0} is over")]
    Closed(SubscriptionId),
    /// A day before the start or after the end.
    #[error("{0} is outside the subscription")]
    OutsideTerm(chrono::NaiveDate),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// About the account or the location.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// About the plan.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// About the router.
    #[error(transparent)]
    Network(#[from] network::Error),
    /// About the agent.
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
            Error::NotFound(_) => Self::new(&SUBSCRIPTION_NOT_FOUND, &error),
            Error::HoldNotFound(_) => Self::new(&HOLD_NOT_FOUND, &error),
            Error::HoldReleased(_) => Self::new(&HOLD_RELEASED, &error),
            Error::HoldOfPause { .. } => Self::new(&HOLD_OF_PAUSE, &error),
            Error::HoldExists(_) => Self::new(&HOLD_EXISTS, &error),
            Error::PrefixOverlaps { .. } => Self::new(&PREFIX_OVERLAPS, &error),
            Error::IdentityTaken { .. } => Self::new(&IDENTITY_TAKEN, &error),
            Error::LocationOfAnother { .. } => Self::new(&LOCATION_OF_ANOTHER, &error),
            Error::CurrencyDiffers { .. } => Self::new(&CURRENCY_DIFFERS, &error),
            Error::PlanChangeConflicts(_) => Self::new(&PLAN_CHANGE_CONFLICTS, &error),
            Error::Closed(_) => Self::new(&SUBSCRIPTION_CLOSED, &error),
            Error::OutsideTerm(_) => Self::new(&OUTSIDE_TERM, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscribers(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Network(error) => error.into(),
            Error::Fleet(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
