//! Why the catalogue could not be changed.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::{PlanId, PlanVersionId};
use crate::tenants;

crate::kinds! {
    PLAN_NOT_FOUND = 404 "plan-not-found", "There is no such plan", "It may belong to somebody else.";
    PLAN_VERSION_NOT_FOUND = 404 "plan-version-not-found", "There is no such version of a plan", "It may belong to somebody else.";
    PLAN_NAME_TAKEN = 409 "plan-name-taken", "Another plan has this name", "Names of plans are unique: choose another, or make a new version of the plan.";
    PLAN_RETIRED = 409 "plan-retired", "The plan is no longer sold", "Choose a plan that is on sale.";
}

/// Why the catalogue could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No plan has this id.
    #[error("no plan {0}")]
    PlanNotFound(PlanId),
    /// No version has this id.
    #[error("no plan version {0}")]
    VersionNotFound(PlanVersionId),
    /// Another plan has this name.
    #[error("another plan is named {0:?}")]
    NameTaken(String),
    /// The plan is no longer sold.
    #[error("plan {0} is retired")]
    Retired(PlanId),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// What the ISP says of itself could not be read.
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
            Error::PlanNotFound(_) => Self::new(&PLAN_NOT_FOUND, &error),
            Error::VersionNotFound(_) => Self::new(&PLAN_VERSION_NOT_FOUND, &error),
            Error::NameTaken(_) => Self::new(&PLAN_NAME_TAKEN, &error),
            Error::Retired(_) => Self::new(&PLAN_RETIRED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Tenant(error) => error.into(),
            Error::Db(_) => Self::internal(&error),
        }
    }
}
