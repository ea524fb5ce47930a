//! Why something could not be agreed.

use weir_rules::money::MoneyError;

use crate::error::{FieldError, Problem};
use crate::ids::{ChargeId, ContractId, DiscountId, LinePauseId};
use crate::{billing, catalog, db, subscribers, subscriptions};

crate::kinds! {
    DISCOUNT_NOT_FOUND = 404 "discount-not-found", "There is no such discount", "It may belong to somebody else.";
    DISCOUNT_GRANTED = 409 "discount-granted-already", "The subscription has a discount of this name in that time", "Choose another name, or a time in which the other does not hold.";
    DISCOUNT_OVER = 409 "discount-over", "The discount is over", "Only a discount that holds or is to come can be ended.";
    CONTRACT_NOT_FOUND = 404 "contract-not-found", "There is no such contract", "It may belong to somebody else.";
    CONTRACT_BESIDE = 409 "contract-beside", "A minimum term binds on some of these days already", "Choose other days, or waive the other contract first.";
    CONTRACT_CHARGED = 409 "contract-charged", "Leaving the contract early was charged", "Issue a credit note to give it back.";
    CONTRACT_WAIVED = 409 "contract-waived", "The contract was waived", "Nothing more needs to be done: leaving is free.";
    PAUSE_NOT_FOUND = 404 "pause-not-found", "There is no such pause", "It may belong to somebody else.";
    PAUSE_BESIDE = 409 "pause-beside", "The subscription is paused on some of these days already", "Choose other days, or change the other pause first.";
    PAUSE_OVER = 409 "pause-over", "The pause is over", "Only a pause that runs or is to come can be changed.";
    PAUSE_BEGUN = 409 "pause-begun", "The pause has begun", "Resume it instead: the line is served from today on.";
    PAUSE_NOT_BEGUN = 409 "pause-not-begun", "The pause has not begun", "Cancel it, or choose another end.";
    CHARGE_NOT_FOUND = 404 "charge-not-found", "There is no such charge", "It may belong to somebody else.";
    CHARGE_BILLED = 409 "charge-billed", "The charge stands on an invoice", "Issue a credit note to give it back.";
    CHARGE_REMOVED = 409 "charge-removed", "The charge was removed", "Nothing more needs to be done; add a new one if it is to be charged after all.";
    CHARGE_REFERENCE_REUSED = 409 "charge-reference-reused", "Something else was charged to the account under this reference", "Give every charge a reference of its own; the same one only to send the same charge again.";
}

/// Why something could not be agreed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No discount has this id.
    #[error("no discount {0}")]
    DiscountNotFound(DiscountId),
    /// Another one of this name holds on some of the days.
    #[error("discount {of} is named {name:?} and holds on some of these days")]
    DiscountGranted {
        /// The one there is.
        of: DiscountId,
        /// What both are called.
        name: String,
    },
    /// It holds no longer.
    #[error("discount {0} is over")]
    DiscountOver(DiscountId),
    /// No contract has this id.
    #[error("no contract {0}")]
    ContractNotFound(ContractId),
    /// Another one binds on some of the days.
    #[error("contract {0} binds on some of these days")]
    ContractBeside(ContractId),
    /// It was left early, and an invoice says so.
    #[error("leaving contract {0} early stands on an invoice")]
    ContractCharged(ContractId),
    /// It binds no more.
    #[error("contract {0} was waived")]
    ContractWaived(ContractId),
    /// No pause has this id.
    #[error("no pause {0}")]
    PauseNotFound(LinePauseId),
    /// Another one is on some of the days.
    #[error("pause {0} is on some of these days")]
    PauseBeside(LinePauseId),
    /// It was, or was cancelled.
    #[error("pause {0} is over")]
    PauseOver(LinePauseId),
    /// It cannot be made undone.
    #[error("pause {0} has begun")]
    PauseBegun(LinePauseId),
    /// There is nothing to resume.
    #[error("pause {0} has not begun")]
    PauseNotBegun(LinePauseId),
    /// No charge has this id.
    #[error("no charge {0}")]
    ChargeNotFound(ChargeId),
    /// An invoice has it.
    #[error("charge {0} stands on an invoice")]
    ChargeBilled(ChargeId),
    /// It was removed.
    #[error("charge {0} was removed")]
    ChargeRemoved(ChargeId),
    /// A reference names one charge.
    #[error("something else was charged under reference {0:?}")]
    ChargeReferenceReused(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// About the subscription.
    #[error(transparent)]
    Subscriptions(#[from] subscriptions::Error),
    /// About the account.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// About what was billed.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// About the plan.
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    /// A stored amount that is none.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// One field that cannot be as it was sent.
    pub(super) fn field(field: &str, message: impl ToString) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::DiscountNotFound(_) => Self::new(&DISCOUNT_NOT_FOUND, &error),
            Error::DiscountGranted { .. } => Self::new(&DISCOUNT_GRANTED, &error),
            Error::DiscountOver(_) => Self::new(&DISCOUNT_OVER, &error),
            Error::ContractNotFound(_) => Self::new(&CONTRACT_NOT_FOUND, &error),
            Error::ContractBeside(_) => Self::new(&CONTRACT_BESIDE, &error),
            Error::ContractCharged(_) => Self::new(&CONTRACT_CHARGED, &error),
            Error::ContractWaived(_) => Self::new(&CONTRACT_WAIVED, &error),
            Error::PauseNotFound(_) => Self::new(&PAUSE_NOT_FOUND, &error),
            Error::PauseBeside(_) => Self::new(&PAUSE_BESIDE, &error),
            Error::PauseOver(_) => Self::new(&PAUSE_OVER, &error),
            Error::PauseBegun(_) => Self::new(&PAUSE_BEGUN, &error),
            Error::PauseNotBegun(_) => Self::new(&PAUSE_NOT_BEGUN, &error),
            Error::ChargeNotFound(_) => Self::new(&CHARGE_NOT_FOUND, &error),
            Error::ChargeBilled(_) => Self::new(&CHARGE_BILLED, &error),
            Error::ChargeRemoved(_) => Self::new(&CHARGE_REMOVED, &error),
            Error::ChargeReferenceReused(_) => Self::new(&CHARGE_REFERENCE_REUSED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Subscriptions(error) => error.into(),
            Error::Subscribers(error) => error.into(),
            Error::Billing(error) => error.into(),
            Error::Catalog(error) => error.into(),
            Error::Money(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
