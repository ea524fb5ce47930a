//! Payments.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{AccountId, InvoiceId, PaymentId};
use crate::ledger::Amount;

/// How money came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Notes and coins at the counter.
    Cash,
}

impl Method {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cash => "cash",
        }
    }
}

/// Money somebody brought.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// Whose debt it settles.
    pub account_id: AccountId,
    /// How it came in.
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
