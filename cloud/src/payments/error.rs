//! Why a payment was not recorded.

use weir_rules::ledger::LedgerError;
use weir_rules::money::{Currency, MoneyError};

use crate::error::{FieldError, Problem};
use crate::ids::PaymentId;
use crate::{billing, db, dunning, ledger};

crate::kinds! {
    PAYMENT_NOT_FOUND = 404 "payment-not-found", "There is no such payment", "It may belong to somebody else.";
    PAYMENT_CURRENCY_DIFFERS = 422 "payment-currency-differs", "The payment is in another currency than the account", "Record it in the account's currency, at the amount that was agreed.";
    IDEMPOTENCY_KEY_MISSING = 400 "idempotency-key-missing", "The header Idempotency-Key is missing", "Send a text of your own, new for every payment and the same when you repeat one: then it is never recorded twice.";
    IDEMPOTENCY_KEY_INVALID = 400 "idempotency-key-invalid", "The Idempotency-Key cannot be", "It has 1 to 255 visible characters.";
    IDEMPOTENCY_KEY_REUSED = 409 "idempotency-key-reused", "This Idempotency-Key belongs to another request", "Use a new key for a new payment; repeat a payment with exactly the same body.";
}

/// Why a payment was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No payment has this id.
    #[error("no payment {0}")]
    NotFound(PaymentId),
    /// The account is in another currency.
    #[error("the account is in {account}, the payment in {payment}")]
    CurrencyDiffers {
        /// Of the account.
        account: Currency,
        /// Of the payment.
        payment: Currency,
    },
    /// No key was sent.
    #[error("a payment needs an Idempotency-Key")]
    KeyMissing,
    /// The key is empty, too long or not plain text.
    #[error("an Idempotency-Key has 1 to 255 visible characters")]
    KeyInvalid,
    /// The key was used with another body.
    #[error("the Idempotency-Key {0:?} was used for another request")]
    KeyReused(String),
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The account or its invoices.
    #[error(transparent)]
    Billing(#[from] billing::Error),
    /// The books could not be written.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The postings were refused.
    #[error(transparent)]
    Posting(#[from] LedgerError),
    /// The account's holds could not be judged.
    #[error(transparent)]
    Dunning(#[from] dunning::Error),
    /// A stored amount is not money.
    #[error("an amount cannot be read")]
    Money(#[from] MoneyError),
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
            Error::NotFound(_) => Self::new(&PAYMENT_NOT_FOUND, &error),
            Error::CurrencyDiffers { .. } => Self::new(&PAYMENT_CURRENCY_DIFFERS, &error),
            Error::KeyMissing => Self::new(&IDEMPOTENCY_KEY_MISSING, &error),
            Error::KeyInvalid => Self::new(&IDEMPOTENCY_KEY_INVALID, &error),
            Error::KeyReused(_) => Self::new(&IDEMPOTENCY_KEY_REUSED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Billing(error) => error.into(),
            Error::Ledger(_) | Error::Posting(_) | Error::Dunning(_) | Error::Money(_) | Error::Db(_) => {
                Self::internal(&error)
            }
        }
    }
}
