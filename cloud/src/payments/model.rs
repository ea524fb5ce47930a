//! Payments.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{AccountId, InvoiceId, PaymentAttemptId, PaymentId, PaymentMethodId, RefundId};
use crate::ledger::Amount;

/// How money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Notes and coins at the counter.
    Cash,
    /// A card or wallet, through a payment provider.
    Card,
    /// A transfer to the ISP's bank account.
    BankTransfer,
}

impl Method {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
            Self::Card => "card",
            Self::BankTransfer => "bank_transfer",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "card" => Self::Card,
            "bank_transfer" => Self::BankTransfer,
            _ => Self::Cash,
        }
    }
}

/// Money somebody brought.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// Whose debt it settles.
    pub account_id: AccountId,
    /// How it came in; only cash is recorded by hand.
    pub method: Method,
    /// Above zero, in the account's currency.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// The local day it was received, not after today.
    pub received_on: NaiveDate,
    /// What the payer wrote, at most 200 characters.
    #[serde(default)]
    pub reference: String,
}

/// A payment and where it went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Payment {
    /// Which.
    pub id: PaymentId,
    /// Number of the receipt, gapless within its year.
    #[schema(example = "RCP-2026-000007")]
    pub number: String,
    /// Whose debt it settles.
    pub account_id: AccountId,
    /// How it came in.
    pub method: Method,
    /// How much.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// The local day it was received.
    pub received_on: NaiveDate,
    /// What the payer wrote.
    pub reference: String,
    /// Who recorded it.
    pub recorded_by: String,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Invoices it settled, wholly or in part.
    pub allocations: Vec<AllocatedPart>,
    /// What no invoice took: it is the subscriber's credit and settles the next invoice.
    #[schema(value_type = Amount)]
    pub surplus: Money,
    /// What of it was given back.
    #[schema(value_type = Amount)]
    pub refunded: Money,
    /// The attempt that brought it, if it was paid through a provider.
    pub attempt_id: Option<PaymentAttemptId>,
    /// Lines let out of the walled garden by this payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_restored: Option<u32>,
}

/// A part of a payment that settles an invoice.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AllocatedPart {
    /// The invoice.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub number: String,
    /// How much of the payment went to it.
    #[schema(value_type = Amount)]
    pub amount: Money,
}

/// Whether trying again may help after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentDecline)]
pub enum Decline {
    /// It may pass another day.
    Soft,
    /// It never will.
    Hard,
    /// The payer has to do something.
    NeedsCustomer,
}

impl Decline {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
            Self::NeedsCustomer => "needs_customer",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "hard" => Self::Hard,
            "needs_customer" => Self::NeedsCustomer,
            _ => Self::Soft,
        }
    }
}

/// How an attempt asks for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptKind {
    /// The payer is sent to the provider's page.
    Page,
    /// A kept method is charged.
    Charge,
}

impl AttemptKind {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Charge => "charge",
        }
    }
}

/// Where an attempt, or a refund, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptStatus {
    /// Written down; the provider may not have been asked yet.
    Created,
    /// Somebody has to do something.
    Pending,
    /// The money is there.
    Succeeded,
    /// Refused for good.
    Failed,
    /// Nobody knows: it is asked again with the same key, or looked up.
    Unknown,
    /// Ended without money.
    Cancelled,
}

impl AttemptStatus {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it may still become anything.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Pending | Self::Unknown)
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "pending" => Self::Pending,
            "succeeded" => Self::Succeeded,
            "failed" => Self::Failed,
            "unknown" => Self::Unknown,
            "cancelled" => Self::Cancelled,
            _ => Self::Created,
        }
    }
}

/// A try to be paid through a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PaymentAttempt)]
pub struct Attempt {
    /// Which; also the key the provider knows the request by.
    pub id: PaymentAttemptId,
    /// Who pays.
    pub account_id: AccountId,
    /// The page, or a kept method.
    pub kind: AttemptKind,
    /// The method charged.
    pub method_id: Option<PaymentMethodId>,
    /// How much was asked for.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// Where it is.
    pub status: AttemptStatus,
    /// Who has to do something while it is pending: `customer` or `provider`.
    pub waits_for: Option<String>,
    /// What the provider calls it.
    pub reference: Option<String>,
    /// The page to pay on, while it waits for the customer.
    pub page_url: Option<String>,
    /// Whether trying again may help, when it failed.
    pub decline: Option<Decline>,
    /// Why it failed, in the provider's word.
    pub code: Option<String>,
    /// The day it is tried again.
    pub retry_on: Option<NaiveDate>,
    /// The payment it became.
    pub payment_id: Option<PaymentId>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// What happened, oldest first; only when one attempt is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<AttemptStep>,
}

/// What happened to an attempt.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AttemptStep {
    /// When.
    pub at: DateTime<Utc>,
    /// Where the attempt was then.
    pub status: AttemptStatus,
    /// What told it: `asked`, `answered`, `fetched`, `no_answer`.
    pub why: String,
    /// More, in the provider's words.
    pub detail: String,
}

/// A method a provider keeps for an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PaymentMethod {
    /// Which.
    pub id: PaymentMethodId,
    /// Whose.
    pub account_id: AccountId,
    /// Such as `visa`.
    pub brand: String,
    /// The last digits.
    pub last4: String,
    /// Month of its end.
    pub exp_month: Option<i16>,
    /// Year of its end.
    pub exp_year: Option<i16>,
    /// Whether invoices are charged to it on their due day.
    pub autopay: bool,
    /// Since when.
    pub saved_at: DateTime<Utc>,
}

/// Money given back.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Refund {
    /// Which.
    pub id: RefundId,
    /// `refund`, or `dispute` where the payer's bank took it.
    pub kind: String,
    /// Gapless within its year; given when the money is gone.
    pub number: Option<String>,
    /// The payment it is of.
    pub payment_id: PaymentId,
    /// How much.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// Why, for people.
    pub reason: String,
    /// Where it is.
    pub status: AttemptStatus,
    /// Why it failed, in the provider's word.
    pub code: Option<String>,
    /// Who asked.
    pub requested_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A refund to be made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    /// Above zero, at most what is left of the payment.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// Why, at most 200 characters.
    pub reason: String,
}
