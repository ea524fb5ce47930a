//! One-time charges as they are added and shown.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{AccountId, ChargeId, InvoiceId, SubscriptionId};
use crate::ledger::Amount;

/// Where a charge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargeStatus {
    /// The account's next invoice takes it, from its day on.
    Waiting,
    /// It stands on an invoice.
    Billed,
    /// It was taken away before any invoice took it.
    Removed,
}

impl ChargeStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Billed => "billed",
            Self::Removed => "removed",
        }
    }
}

/// Something an account is charged for once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = OneTimeCharge)]
pub struct Charge {
    /// Which.
    pub id: ChargeId,
    /// Who is charged.
    pub account_id: AccountId,
    /// The subscription it is about; null = none of them.
    pub subscription_id: Option<SubscriptionId>,
    /// What for, as the invoice says it.
    pub description: String,
    /// How many.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// What one costs, before tax.
    #[schema(value_type = Amount)]
    pub unit_price: Money,
    /// What all of them cost, before tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// No invoice before this day takes it.
    pub charged_on: NaiveDate,
    /// Where it stands.
    pub status: ChargeStatus,
    /// The invoice that has it.
    pub invoice_id: Option<InvoiceId>,
    /// When it was added.
    pub added_at: DateTime<Utc>,
    /// By whom.
    pub added_by: String,
    /// Who removed it.
    pub removed_by: Option<String>,
}

/// A charge to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OneTimeChargeWish)]
pub struct ChargeWish {
    /// What for, as the invoice says it.
    #[schema(example = "Installation")]
    pub description: String,
    /// How many, above 0, with at most 3 decimals; one if left out.
    #[schema(value_type = Option<String>, example = "1.5")]
    pub quantity: Option<Decimal>,
    /// What one costs, before tax, in the account's currency.
    #[schema(value_type = Amount)]
    pub unit_price: Money,
    /// No invoice before this day takes it; today, if left out.
    pub charged_on: Option<NaiveDate>,
    /// The subscription of the account it is about.
    pub subscription_id: Option<SubscriptionId>,
    /// Your own name for this charge, new for each on the account; a charge sent again under it is the same one.
    pub reference: String,
}
