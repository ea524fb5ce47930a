//! Why the portal did not do what a subscriber asked.

use crate::error::{self, FieldError, Problem};
use crate::{access, billing, catalog, db, fair_use, notifications, subscribers, subscriptions, tenants};

crate::kinds! {
    PORTAL_LINK_OVER = 410 "portal-link-over", "This link does not work any more", "It was used, replaced by a newer one, or is older than a day. Ask for a new link where you sign in.";
    SUBSCRIBER_WITHOUT_EMAIL = 409 "subscriber-without-email", "The subscriber has no e-mail address", "Subscribers sign in with their e-mail address: add it first.";
    PORTAL_EMAIL_SHARED = 409 "portal-email-shared", "Another subscriber signs in with this e-mail address", "Give one of the two another e-mail address: one address is one log-in.";
    PORTAL_HOST_TAKEN = 409 "portal-host-taken", "This host name leads to something else", "Choose another host name: one is one ISP's portal, and the installation's own stays its own.";
    PLAN_NOT_OFFERED = 409 "plan-not-offered", "This plan cannot be chosen", "Choose one of the plans offered, or contact the ISP.";
    PLAN_CHANGED_TODAY = 409 "plan-changed-today", "The plan was changed within the last day", "A plan can be changed once a day. Try again tomorrow, or contact the ISP.";
    TOP_UP_NOT_OFFERED = 409 "top-up-not-offered", "This top-up cannot be bought", "Choose one that is offered for a line in service with an included volume, or contact the ISP.";
    BOOST_NOT_OFFERED = 409 "boost-not-offered", "This boost cannot be bought", "Choose one that is offered for a line in service, or contact the ISP.";
    BOOSTS_TODAY = 409 "boosts-today", "Too many boosts were bought today", "A line takes five a day here. Try again tomorrow, or contact the ISP.";
    TOP_UPS_TODAY = 409 "top-ups-today", "Too many top-ups were bought today", "A line takes five a day here. Try again tomorrow, or contact the ISP.";
    LINE_HELD = 409 "line-held", "The plan of this line cannot be changed now", "The line is held or not in service. Settle what holds it first, or contact the ISP.";
}

/// Why the portal did not do what a subscriber asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No ISP has this portal.
    #[error("there is no portal at this address")]
    NoPortal,
    /// The session is unknown or over.
    #[error("the session is over: sign in again")]
    NoSession,
    /// The link opens nothing, or nothing any more.
    #[error("the link was used, replaced or is too old")]
    LinkOver,
    /// Nobody can sign in without an address.
    #[error("the subscriber has no e-mail address")]
    NoEmail,
    /// Somebody else signs in with the address.
    #[error("another subscriber signs in with this e-mail address")]
    EmailShared,
    /// The host name is somebody else's.
    #[error("the host name {0} leads to something else")]
    HostTaken(String),
    /// The plan is not one of the choices.
    #[error("the plan is not offered for this line")]
    NotOffered,
    /// The plan was changed less than a day ago.
    #[error("the plan was changed within the last day")]
    ChangedToday,
    /// The line is held, not begun or about to end.
    #[error("the line is held or not in service")]
    LineHeld,
    /// The top-up is not one of the choices.
    #[error("the top-up is not offered for this line")]
    TopUpNotOffered,
    /// More were bought today than a subscriber should.
    #[error("no more top-ups can be bought for this line today")]
    TopUpsToday,
    /// The boost is not one of the choices.
    #[error("the boost is not offered for this line")]
    BoostNotOffered,
    /// More were bought today than a subscriber should.
    #[error("no more boosts can be bought for this line today")]
    BoostsToday,
    /// A field cannot be as it was sent.
    #[error("{0}: {1}")]
    Invalid(&'static str, String),
    /// About passwords and secrets.
    #[error(transparent)]
    Access(#[from] access::Error),
    /// About the subscriber.
    #[error(transparent)]
    Subscriber(#[from] subscribers::Error),
    /// About the line.
    #[error(transparent)]
    Subscription(#[from] subscriptions::Error),
    /// About plans.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// About bills.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// About fair use.
    #[error(transparent)]
    FairUse(#[from] fair_use::Error),
    /// A message could not be written.
    #[error(transparent)]
    Notifications(#[from] notifications::Error),
    /// About the ISP.
    #[error(transparent)]
    Tenant(#[from] tenants::Error),
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
            Error::NoPortal => Self::new(&error::NOT_FOUND, &error),
            Error::NoSession => Self::new(&error::UNAUTHENTICATED, &error),
            Error::LinkOver => Self::new(&PORTAL_LINK_OVER, &error),
            Error::NoEmail => Self::new(&SUBSCRIBER_WITHOUT_EMAIL, &error),
            Error::EmailShared => Self::new(&PORTAL_EMAIL_SHARED, &error),
            Error::HostTaken(_) => Self::new(&PORTAL_HOST_TAKEN, &error),
            Error::NotOffered => Self::new(&PLAN_NOT_OFFERED, &error),
            Error::ChangedToday => Self::new(&PLAN_CHANGED_TODAY, &error),
            Error::LineHeld => Self::new(&LINE_HELD, &error),
            Error::TopUpNotOffered => Self::new(&TOP_UP_NOT_OFFERED, &error),
            Error::BoostNotOffered => Self::new(&BOOST_NOT_OFFERED, &error),
            Error::BoostsToday => Self::new(&BOOSTS_TODAY, &error),
            Error::TopUpsToday => Self::new(&TOP_UPS_TODAY, &error),
            Error::Invalid(field, message) => Self::invalid(vec![FieldError::new(field, message)]),
            Error::Access(error) => error.into(),
            Error::Subscriber(error) => error.into(),
            Error::Subscription(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Billing(error) => error.into(),
            Error::FairUse(error) => error.into(),
            Error::Notifications(error) => error.into(),
            Error::Tenant(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
