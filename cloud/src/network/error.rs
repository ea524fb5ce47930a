//! Why the network could not be changed.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::{AccessPointId, RouterId, SiteId};

crate::kinds! {
    SITE_NOT_FOUND = 404 "site-not-found", "There is no such site", "It may have been removed, or belong to somebody else.";
    SITE_NAME_TAKEN = 409 "site-name-taken", "Another site has this name", "Names of sites are unique: choose another.";
    ROUTER_NOT_FOUND = 404 "router-not-found", "There is no such router", "It may have been removed, or belong to somebody else.";
    ROUTER_NAME_TAKEN = 409 "router-name-taken", "Another router has this name", "Names of routers are unique: choose another.";
    ROUTER_IN_USE = 409 "router-in-use", "The router still has an agent or subscriptions", "A router that ever served a line stays, for its usage is on record.";
    ACCESS_POINT_NOT_FOUND = 404 "access-point-not-found", "There is no such access point", "It may have been removed, or belong to somebody else.";
    ACCESS_POINT_NAME_TAKEN = 409 "access-point-name-taken", "Another access point of the router has this name", "Names of access points are unique below a router: choose another.";
    SITE_IN_USE = 409 "site-in-use", "The site still has routers or service locations", "Move or remove them first.";
}

/// Why the network could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No site has this id.
    #[error("no site {0}")]
    SiteNotFound(SiteId),
    /// Another site has this name.
    #[error("another site is named {0:?}")]
    SiteNameTaken(String),
    /// Routers or locations still refer to it.
    #[error("site {0} still has routers or service locations")]
    SiteInUse(SiteId),
    /// No router has this id.
    #[error("no router {0}")]
    RouterNotFound(RouterId),
    /// Another router has this name.
    #[error("another router is named {0:?}")]
    RouterNameTaken(String),
    /// An agent or subscriptions still refer to it.
    #[error("router {0} still has an agent or subscriptions")]
    RouterInUse(RouterId),
    /// No access point has this id.
    #[error("no access point {0}")]
    AccessPointNotFound(AccessPointId),
    /// Another access point of the router has this name.
    #[error("another access point of the router is named {0:?}")]
    AccessPointNameTaken(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
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
            Error::SiteNotFound(_) => Self::new(&SITE_NOT_FOUND, &error),
            Error::SiteNameTaken(_) => Self::new(&SITE_NAME_TAKEN, &error),
            Error::SiteInUse(_) => Self::new(&SITE_IN_USE, &error),
            Error::RouterNotFound(_) => Self::new(&ROUTER_NOT_FOUND, &error),
            Error::RouterNameTaken(_) => Self::new(&ROUTER_NAME_TAKEN, &error),
            Error::RouterInUse(_) => Self::new(&ROUTER_IN_USE, &error),
            Error::AccessPointNotFound(_) => Self::new(&ACCESS_POINT_NOT_FOUND, &error),
            Error::AccessPointNameTaken(_) => Self::new(&ACCESS_POINT_NAME_TAKEN, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
