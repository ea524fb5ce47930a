//! Why a payment was not recorded.

use weir_rules::ledger::LedgerError;
use weir_rules::money::{Currency, Money, MoneyError};

use super::provider;
use crate::error::{FieldError, Problem};
use crate::ids::{
    AccountId, BankFileId, BankStatementId, PaymentAttemptId, PaymentId, PaymentMethodId, RefundId, SuspenseId,
};
use crate::{billing, db, dunning, idempotency, ledger, secrets, subscribers, tenants};

crate::kinds! {
    PAYMENT_NOT_FOUND = 404 "payment-not-found", "There is no such payment", "It may belong to somebody else.";
    PAYMENT_CURRENCY_DIFFERS = 422 "payment-currency-differs", "The payment is in another currency than the account", "Record it in the account's currency, at the amount that was agreed.";
    PAYMENT_ATTEMPT_NOT_FOUND = 404 "payment-attempt-not-found", "There is no such payment attempt", "It may belong to somebody else.";
    PAYMENT_METHOD_NOT_FOUND = 404 "payment-method-not-found", "There is no such payment method", "It may have been removed, or belong to somebody else.";
    REFUND_NOT_FOUND = 404 "refund-not-found", "There is no such refund", "It may belong to somebody else.";
    REFUND_TOO_LARGE = 422 "refund-too-large", "More than is left of the payment", "Give back at most what was paid less what was given back before.";
    PAYMENT_PROVIDER_NOT_SET_UP = 409 "payment-provider-not-set-up", "No payment provider is set up", "Somebody who may change settings enters the keys of a payment provider under Settings, Payments.";
    PAYMENT_PROVIDER_UNREACHABLE = 502 "payment-provider-unreachable", "The payment provider does not answer as it should", "Nothing is charged twice and nothing is lost: it is asked again with the same key, and looked up every hour. Check the keys if it stays.";
    NOTHING_TO_PAY = 409 "nothing-to-pay", "Nothing is owed", "There is nothing to pay on this account.";
    PAYMENT_UNDER_WAY = 409 "payment-under-way", "A payment is on its way", "Wait until the provider says what became of it; that takes seconds for cards and days for bank debits.";
    BANK_FILE_NOT_FOUND = 404 "bank-file-not-found", "There is no such bank file", "It may belong to somebody else.";
    BANK_STATEMENT_NOT_FOUND = 404 "bank-statement-not-found", "There is no such bank statement", "It may belong to somebody else.";
    BANK_FILE_REFUSED = 422 "bank-file-refused", "The bank file cannot be imported", "The detail says which statement and entry are to blame. Nothing was changed: get the right file from the bank, and import statements in their order.";
    SUSPENSE_ITEM_NOT_FOUND = 404 "suspense-item-not-found", "There is no such sum in suspense", "It may belong to somebody else.";
    SUSPENSE_ITEM_SETTLED = 409 "suspense-item-settled", "Somebody has matched this sum already", "Look at the payment it became.";
    WEBHOOK_REFUSED = 400 "webhook-refused", "The message is not believed", "It is not signed by the payment provider with the secret entered here, or too old. Compare the signing secret under Settings, Payments.";
    PAY_LINK_INVALID = 404 "pay-link-invalid", "This payment link does not work", "Open the link from the newest message again, or ask your provider for another.";
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
    /// No attempt has this id.
    #[error("no payment attempt {0}")]
    AttemptNotFound(PaymentAttemptId),
    /// No method has this id.
    #[error("no payment method {0}")]
    MethodNotFound(PaymentMethodId),
    /// No refund has this id.
    #[error("no refund {0}")]
    RefundNotFound(RefundId),
    /// More than is left.
    #[error("at most {0} of the payment can be given back")]
    RefundTooLarge(Money),
    /// The tenant has no provider, or switched it off.
    #[error("no payment provider is set up")]
    NotSetUp,
    /// Nobody knows whether the provider did it.
    #[error(transparent)]
    Provider(#[from] provider::Error),
    /// The account owes nothing.
    #[error("account {0} owes nothing")]
    NothingToPay(AccountId),
    /// Another attempt is not over.
    #[error("attempt {0} is not over")]
    UnderWay(PaymentAttemptId),
    /// No bank file has this id.
    #[error("no bank file {0}")]
    FileNotFound(BankFileId),
    /// No statement has this id.
    #[error("no bank statement {0}")]
    StatementNotFound(BankStatementId),
    /// The file cannot be what it says.
    #[error("{0}")]
    FileRefused(String),
    /// Nothing in suspense has this id.
    #[error("no sum in suspense {0}")]
    SuspenseNotFound(SuspenseId),
    /// It became a payment before.
    #[error("the sum {0} is matched already")]
    SuspenseSettled(SuspenseId),
    /// The message is not the provider's.
    #[error(transparent)]
    Webhook(#[from] provider::Doubt),
    /// The link was not made here.
    #[error("the payment link is not one of ours")]
    LinkInvalid,
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Secret(#[from] secrets::Error),
    /// The ISP's settings.
    #[error(transparent)]
    Tenants(#[from] tenants::Error),
    /// The account's holder.
    #[error(transparent)]
    Subscribers(#[from] subscribers::Error),
    /// The request's key.
    #[error(transparent)]
    Once(#[from] idempotency::Error),
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
            Error::AttemptNotFound(_) => Self::new(&PAYMENT_ATTEMPT_NOT_FOUND, &error),
            Error::MethodNotFound(_) => Self::new(&PAYMENT_METHOD_NOT_FOUND, &error),
            Error::RefundNotFound(_) => Self::new(&REFUND_NOT_FOUND, &error),
            Error::RefundTooLarge(_) => Self::new(&REFUND_TOO_LARGE, &error),
            Error::NotSetUp => Self::new(&PAYMENT_PROVIDER_NOT_SET_UP, &error),
            Error::Provider(_) => Self::new(&PAYMENT_PROVIDER_UNREACHABLE, &error),
            Error::NothingToPay(_) => Self::new(&NOTHING_TO_PAY, &error),
            Error::UnderWay(_) => Self::new(&PAYMENT_UNDER_WAY, &error),
            Error::FileNotFound(_) => Self::new(&BANK_FILE_NOT_FOUND, &error),
            Error::StatementNotFound(_) => Self::new(&BANK_STATEMENT_NOT_FOUND, &error),
            Error::FileRefused(_) => Self::new(&BANK_FILE_REFUSED, &error),
            Error::SuspenseNotFound(_) => Self::new(&SUSPENSE_ITEM_NOT_FOUND, &error),
            Error::SuspenseSettled(_) => Self::new(&SUSPENSE_ITEM_SETTLED, &error),
            Error::Webhook(_) => Self::new(&WEBHOOK_REFUSED, &error),
            Error::LinkInvalid => Self::new(&PAY_LINK_INVALID, &error),
            Error::Subscribers(error) => error.into(),
            Error::Tenants(error) => error.into(),
            Error::Once(error) => error.into(),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Billing(error) => error.into(),
            Error::Ledger(_)
            | Error::Posting(_)
            | Error::Dunning(_)
            | Error::Money(_)
            | Error::Secret(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
