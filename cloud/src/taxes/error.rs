//! Why something about taxes could not be done.

use weir_rules::tax::TaxError;

use crate::error::{FieldError, Problem};
use crate::ids::{AccountId, TaxExemptionId, TaxRuleId};
use crate::{db, subscribers, tenants};

crate::kinds! {
    TAX_RULE_NOT_FOUND = 404 "tax-rule-not-found", "There is no such tax rule", "It may belong to somebody else.";
    TAX_RULE_WITHDRAWN = 409 "tax-rule-withdrawn", "The tax rule was withdrawn", "Withdrawn rules stay for the invoices that name them. Lay down another one.";
    TAX_EXEMPTION_NOT_FOUND = 404 "tax-exemption-not-found", "There is no such tax exemption", "It may belong to somebody else.";
    TAX_EXEMPTION_WITHDRAWN = 409 "tax-exemption-withdrawn", "The tax exemption was withdrawn", "Note another one if the account is exempt again.";
    TAX_STARTER_NOT_FOUND = 404 "tax-starter-not-found", "There is no such set of tax rules to start with", "Ask for the list of them.";
}

/// Why something about taxes could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No rule has this id.
    #[error("no tax rule {0}")]
    RuleNotFound(TaxRuleId),
    /// It is used no more.
    #[error("tax rule {0} was withdrawn")]
    RuleWithdrawn(TaxRuleId),
    /// No exemption has this id.
    #[error("no tax exemption {0}")]
    ExemptionNotFound(TaxExemptionId),
    /// It is used no more.
    #[error("tax exemption {0} was withdrawn")]
    ExemptionWithdrawn(TaxExemptionId),
    /// No account has this id.
    #[error("no account {0}")]
    AccountNotFound(AccountId),
    /// No set of rules has this name.
    #[error("no tax starter {0:?}")]
    StarterNotFound(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// A rule's rate cannot be.
    #[error(transparent)]
    Tax(#[from] TaxError),
    /// The ISP's settings could not be read.
    #[error(transparent)]
    Tenant(#[from] tenants::Error),
    /// The account could not be read.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
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
            Error::RuleNotFound(_) => Self::new(&TAX_RULE_NOT_FOUND, &error),
            Error::RuleWithdrawn(_) => Self::new(&TAX_RULE_WITHDRAWN, &error),
            Error::ExemptionNotFound(_) => Self::new(&TAX_EXEMPTION_NOT_FOUND, &error),
            Error::ExemptionWithdrawn(_) => Self::new(&TAX_EXEMPTION_WITHDRAWN, &error),
            Error::AccountNotFound(account) => subscribers::Error::AccountNotFound(account).into(),
            Error::StarterNotFound(_) => Self::new(&TAX_STARTER_NOT_FOUND, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscribers(error) => error.into(),
            Error::Tax(_) | Error::Tenant(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
