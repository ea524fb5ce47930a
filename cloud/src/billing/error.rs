//! Why something could not be billed.

use chrono::NaiveDate;
use weir_rules::calendar::CalendarError;
use weir_rules::charges::ChargesError;
use weir_rules::contract::ContractError;
use weir_rules::invoice::InvoiceError;
use weir_rules::ledger::LedgerError;
use weir_rules::line_net::LineNetError;
use weir_rules::money::{Money, MoneyError};
use weir_rules::payment::PaymentError;
use weir_rules::promotion::PromotionError;
use weir_rules::proration::ProrationError;
use weir_rules::tax::TaxError;
use weir_rules::traffic_price::TrafficPriceError;
use weir_rules::usage::UsageError;

use crate::error::{FieldError, Problem};
use crate::ids::{AccountId, BillingRunId, CreditNoteId, InvoiceId, ProformaId};
use crate::subscribers::error::ACCOUNT_NOT_FOUND;
use crate::{db, idempotency, ledger, plugins, taxes, tenants, usage};

crate::kinds! {
    RUN_NOT_FOUND = 404 "billing-run-not-found", "There is no such billing run", "It may belong to somebody else.";
    RUN_IN_PROGRESS = 409 "billing-run-in-progress", "Another billing run is still at work", "Wait until it is done: it is named in the problem's detail.";
    PREVIEW_RUNNING = 409 "billing-preview-running", "Another preview is at work", "One at a time: ask again when it is done.";
    CREDIT_NOTE_NOT_FOUND = 404 "credit-note-not-found", "There is no such credit note", "It may belong to somebody else.";
    NOTHING_LEFT_TO_CREDIT = 422 "nothing-left-to-credit", "Nothing is left of the invoice", "Everything it asked for was given back already.";
    CREDIT_ABOVE_INVOICE = 422 "credit-above-invoice", "That is more than is left of the invoice", "Give back at most what the problem's detail names.";
    INVOICE_CREDITED_MEANWHILE = 409 "invoice-credited-meanwhile", "Something was given back of the invoice meanwhile", "Look at what is left of it now, and decide again.";
    PROFORMA_NOT_FOUND = 404 "proforma-not-found", "There is no such proforma", "It may belong to somebody else.";
    PROFORMA_OPEN = 409 "proforma-open", "The account is asked for money ahead already", "Withdraw the proforma that the problem's detail names, or wait until it is paid.";
    PROFORMA_PAST = 409 "proforma-past", "The proforma's day is over", "Invoices ask for what stood on it: give back what is wrong on those.";
    NOTHING_TO_ASK_FOR = 422 "nothing-to-ask-for", "Nothing will be due by that day", "Choose a later day: the next billing day is the first.";
    EINVOICE_INCOMPLETE = 422 "einvoice-incomplete", "The document cannot be written for programs", "It lacks what EN 16931 asks for: the problem's detail says what. It was frozen when the document was issued; later ones have what the settings have now.";
    INVOICE_NOT_FOUND = 404 "invoice-not-found", "There is no such invoice", "It may belong to somebody else.";
}

/// Why something could not be billed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No run has this id.
    #[error("no billing run {0}")]
    RunNotFound(BillingRunId),
    /// One run at a time.
    #[error("billing run {id} up to {as_of} is still at work")]
    RunInProgress {
        /// The one at work.
        id: BillingRunId,
        /// Up to which day it bills.
        as_of: NaiveDate,
    },
    /// No invoice has this id.
    #[error("no invoice {0}")]
    InvoiceNotFound(InvoiceId),
    /// No proforma has this id.
    #[error("no proforma {0}")]
    ProformaNotFound(ProformaId),
    /// The one of this number asks already.
    #[error("{0} asks for money ahead already")]
    ProformaOpen(String),
    /// The day of the one of this number is over.
    #[error("the day of {0} is over")]
    ProformaPast(String),
    /// No bill is due up to this day.
    #[error("nothing will be due by {0}")]
    NothingToAskFor(NaiveDate),
    /// No credit note has this id.
    #[error("no credit note {0}")]
    CreditNoteNotFound(CreditNoteId),
    /// All of the invoice of this number was given back.
    #[error("nothing is left of {0}")]
    NothingLeftToCredit(String),
    /// All lines together are more than is left of the invoice.
    #[error("{net} without tax and {gross} with tax are left of the invoice")]
    CreditAboveInvoice {
        /// What is left without tax.
        net: Money,
        /// What is left with tax.
        gross: Money,
    },
    /// What is left is not what it was when the credit note was decided.
    #[error("{left} are left of the invoice, not {expected}")]
    InvoiceCreditedMeanwhile {
        /// What was left then.
        expected: Money,
        /// What is left now.
        left: Money,
    },
    /// The document lacks what EN 16931 asks for.
    #[error("{number} lacks {missing}")]
    EinvoiceIncomplete {
        /// The document's number.
        number: String,
        /// What it lacks.
        missing: &'static str,
    },
    /// No account has this id.
    #[error("no account {0}")]
    AccountNotFound(AccountId),
    /// The request's key.
    #[error(transparent)]
    Once(#[from] idempotency::Error),
    /// Another preview is at work.
    #[error("another preview of this ISP is at work")]
    PreviewRunning,
    /// Fields that cannot be as they were sent.
    #[error("{} fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// The facts of an account cannot be billed: `0` says why.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// The books could not be written.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The ISP's settings could not be read.
    #[error("the settings could not be read")]
    Tenant(#[from] tenants::Error),
    /// What was priced is not what is billed: something arrived or was changed in between.
    #[error("the usage or its rule moved while it was priced")]
    UsageMoved,
    /// The usage could not be made ready.
    #[error(transparent)]
    Usage(#[from] usage::Error),
    /// The tax of a line could not be found out.
    #[error(transparent)]
    Taxes(taxes::Error),
    /// The rule that sets prices could not be asked.
    #[error(transparent)]
    Plugin(#[from] plugins::Error),
    /// The document could not be drawn.
    #[error("the invoice could not be drawn: {0}")]
    Document(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl Error {
    /// Whether the database was in the way for a moment, so that trying again is right.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Db(error) | Self::Ledger(ledger::Error::Db(error)) | Self::Tenant(tenants::Error::Db(error)) => {
                error.is_passing()
            }
            Self::Plugin(error) => error.is_passing(),
            Self::Usage(usage::Error::Db(error)) | Self::Taxes(taxes::Error::Db(error)) => error.is_passing(),
            Self::UsageMoved => true,
            _ => false,
        }
    }

    /// Whether the facts of one account are at fault, and the transaction is as good as before.
    pub(super) fn is_of_the_account(&self) -> bool {
        matches!(self, Self::Rules(_))
    }
}

/// What the rules refused.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Recurring charges.
    #[error(transparent)]
    Charges(#[from] ChargesError),
    /// Usage.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// Figures of the document.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// Traffic by the gigabyte.
    #[error(transparent)]
    TrafficPrice(#[from] TrafficPriceError),
    /// Tax.
    #[error(transparent)]
    Tax(#[from] TaxError),
    /// Amounts.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Dates.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// Parts of periods.
    #[error(transparent)]
    Proration(#[from] ProrationError),
    /// Discounts.
    #[error(transparent)]
    Promotion(#[from] PromotionError),
    /// Contracts.
    #[error(transparent)]
    Contract(#[from] ContractError),
    /// What so many cost.
    #[error(transparent)]
    LineNet(#[from] LineNetError),
    /// Postings.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Allocation.
    #[error(transparent)]
    Payment(#[from] PaymentError),
    /// A stored time zone that is none.
    #[error("{0:?} is not an IANA time zone")]
    TimeZone(String),
    /// A stored value out of the range it must have.
    #[error("{0} is out of range")]
    Range(&'static str),
}

macro_rules! rules {
    ($($kind:ty),*) => { $(
        impl From<$kind> for Error {
            fn from(error: $kind) -> Self {
                Self::Rules(error.into())
            }
        }
    )* };
}
rules!(
    ChargesError,
    UsageError,
    InvoiceError,
    TaxError,
    TrafficPriceError,
    MoneyError,
    CalendarError,
    ProrationError,
    PromotionError,
    ContractError,
    LedgerError,
    LineNetError,
    PaymentError
);

impl From<taxes::Error> for Error {
    fn from(error: taxes::Error) -> Self {
        match error {
            taxes::Error::Tax(error) => error.into(),
            error => Self::Taxes(error),
        }
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
            Error::RunNotFound(_) => Self::new(&RUN_NOT_FOUND, &error),
            Error::RunInProgress { .. } => Self::new(&RUN_IN_PROGRESS, &error),
            Error::InvoiceNotFound(_) => Self::new(&INVOICE_NOT_FOUND, &error),
            Error::EinvoiceIncomplete { .. } => Self::new(&EINVOICE_INCOMPLETE, &error),
            Error::ProformaNotFound(_) => Self::new(&PROFORMA_NOT_FOUND, &error),
            Error::ProformaOpen(_) => Self::new(&PROFORMA_OPEN, &error),
            Error::ProformaPast(_) => Self::new(&PROFORMA_PAST, &error),
            Error::NothingToAskFor(_) => Self::new(&NOTHING_TO_ASK_FOR, &error),
            Error::CreditNoteNotFound(_) => Self::new(&CREDIT_NOTE_NOT_FOUND, &error),
            Error::NothingLeftToCredit(_) => Self::new(&NOTHING_LEFT_TO_CREDIT, &error),
            Error::CreditAboveInvoice { .. } => Self::new(&CREDIT_ABOVE_INVOICE, &error),
            Error::InvoiceCreditedMeanwhile { .. } => Self::new(&INVOICE_CREDITED_MEANWHILE, &error),
            Error::AccountNotFound(_) => Self::new(&ACCOUNT_NOT_FOUND, &error),
            Error::Once(error) => error.into(),
            Error::PreviewRunning => Self::new(&PREVIEW_RUNNING, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::UsageMoved
            | Error::Usage(_)
            | Error::Taxes(_)
            | Error::Plugin(_)
            | Error::Rules(_)
            | Error::Ledger(_)
            | Error::Tenant(_)
            | Error::Document(_)
            | Error::Db(_) => Self::internal(&error),
        }
    }
}
