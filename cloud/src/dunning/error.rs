//! Why something about unpaid bills could not be done.

use weir_rules::dunning::DunningError;
use weir_rules::money::MoneyError;

use crate::error::{FieldError, Problem};
use crate::ids::{DunningCaseId, LateFeeId};
use crate::{billing, db, fleet, tenants};

crate::kinds! {
    CASE_NOT_FOUND = 404 "dunning-case-not-found", "There is no such dunning case", "It may belong to somebody else.";
    CASE_CLOSED = 409 "dunning-case-closed", "The dunning case is closed", "What it was about is paid. A further unpaid bill opens another case.";
    CASE_NOT_PAUSED = 409 "dunning-case-not-paused", "The dunning case is not paused", "There is nothing to go on with: its steps are done on their days.";
    POLICY_CHANGED = 409 "dunning-policy-changed", "Somebody else changed the policy meanwhile", "Look at the newest version and make your change there.";
    POLICY_VERSION_NOT_FOUND = 404 "dunning-policy-version-not-found", "There is no such version of the dunning policy", "Versions count from 1; 0 is what holds where nothing was decided.";
    LATE_FEE_NOT_FOUND = 404 "late-fee-not-found", "There is no such late fee", "It may belong to somebody else.";
    LATE_FEE_WAIVED = 409 "late-fee-waived", "The late fee was given back already", "Its credit note is named in the dunning case.";
}

/// Why something about unpaid bills could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No case has this id.
    #[error("no dunning case {0}")]
    CaseNotFound(DunningCaseId),
    /// It is over.
    #[error("dunning case {0} is closed")]
    CaseClosed(DunningCaseId),
    /// Nothing to go on with.
    #[error("dunning case {0} is not paused")]
    CaseNotPaused(DunningCaseId),
    /// The version the change was made from is no longer the newest.
    #[error("version {newest} of the policy is newer than version {based_on}, which the change was made from")]
    PolicyChanged {
        /// What the change was made from.
        based_on: i32,
        /// The newest.
        newest: i32,
    },
    /// No version has this number.
    #[error("no version {0} of the dunning policy")]
    VersionNotFound(i32),
    /// No fee has this id, or nothing was charged.
    #[error("no late fee {0}")]
    LateFeeNotFound(LateFeeId),
    /// It was given back.
    #[error("late fee {0} was given back already")]
    LateFeeWaived(LateFeeId),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The rules refused the facts.
    #[error(transparent)]
    Rules(#[from] DunningError),
    /// A stored amount is not money.
    #[error("an amount cannot be read")]
    Money(#[from] MoneyError),
    /// A stored time zone or setting is none.
    #[error("{0} cannot be read")]
    Setting(&'static str),
    /// Invoices could not be read or written.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// The router could not be told.
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
            Error::CaseNotFound(_) => Self::new(&CASE_NOT_FOUND, &error),
            Error::CaseClosed(_) => Self::new(&CASE_CLOSED, &error),
            Error::CaseNotPaused(_) => Self::new(&CASE_NOT_PAUSED, &error),
            Error::PolicyChanged { .. } => Self::new(&POLICY_CHANGED, &error),
            Error::VersionNotFound(_) => Self::new(&POLICY_VERSION_NOT_FOUND, &error),
            Error::LateFeeNotFound(_) => Self::new(&LATE_FEE_NOT_FOUND, &error),
            Error::LateFeeWaived(_) => Self::new(&LATE_FEE_WAIVED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Billing(error) => error.into(),
            Error::Rules(_)
            | Error::Money(_)
            | Error::Setting(_)
            | Error::Tenant(_)
            | Error::Fleet(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
