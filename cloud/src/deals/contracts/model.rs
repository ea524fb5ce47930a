//! Contracts as they are agreed and shown.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{ContractId, InvoiceId, SubscriptionId};
use crate::ledger::Amount;

/// How leaving before the end is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LeavingFee {
    /// Not at all.
    None {},
    /// The same on any day before the end.
    Fixed {
        /// How much, before tax.
        #[schema(value_type = Amount)]
        amount: Money,
    },
    /// An amount that shrinks with every day served, to nothing at the end.
    Declining {
        /// All of it, before tax.
        #[schema(value_type = Amount)]
        amount: Money,
    },
    /// A part of what the plan costs for the months left, parts of months by their days.
    Remaining {
        /// Above 0, at most 100, with at most 4 decimals.
        #[schema(value_type = String, example = "50")]
        percent: Decimal,
    },
}

impl LeavingFee {
    /// The name its kind is stored under.
    pub fn name(&self) -> &'static str {
        match self {
            Self::None {} => "none",
            Self::Fixed { .. } => "fixed",
            Self::Declining { .. } => "declining",
            Self::Remaining { .. } => "remaining",
        }
    }

    /// The amount, if it has one.
    pub fn amount(&self) -> Option<Money> {
        match self {
            Self::Fixed { amount } | Self::Declining { amount } => Some(*amount),
            Self::None {} | Self::Remaining { .. } => None,
        }
    }

    /// The percent, if it has one.
    pub fn percent(&self) -> Option<Decimal> {
        if let Self::Remaining { percent } = self { Some(*percent) } else { None }
    }
}

/// Where a contract stands, on the account's local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractStatus {
    /// It is to bind from a later day on.
    Coming,
    /// Leaving today is leaving early.
    Binding,
    /// Its term was served.
    Over,
    /// Somebody let the subscriber off.
    Waived,
    /// It was left early, and that stands on an invoice.
    Charged,
}

impl ContractStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Binding => "binding",
            Self::Over => "over",
            Self::Waived => "waived",
            Self::Charged => "charged",
        }
    }
}

/// A minimum term of a subscription.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Contract {
    /// Which.
    pub id: ContractId,
    /// What it binds to.
    pub subscription_id: SubscriptionId,
    /// First day of the term.
    pub from_on: NaiveDate,
    /// First day after it.
    pub until_on: NaiveDate,
    /// How many months it is.
    pub months: i32,
    /// What leaving before its end costs.
    pub fee: LeavingFee,
    /// No fee is above this; null = no limit.
    #[schema(value_type = Option<Amount>)]
    pub most: Option<Money>,
    /// On so many days from the first, leaving is free.
    pub cooling_off_days: i32,
    /// Where it stands.
    pub status: ContractStatus,
    /// The invoice that charges leaving early.
    pub invoice_id: Option<InvoiceId>,
    /// When it was agreed.
    pub agreed_at: DateTime<Utc>,
    /// Who noted it.
    pub agreed_by: String,
    /// Who waived it.
    pub waived_by: Option<String>,
    /// Why.
    pub waive_reason: Option<String>,
}

/// A minimum term to be agreed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractWish {
    /// First day of the term; today, or the subscription’s first day if that is later, if left out.
    pub from_on: Option<NaiveDate>,
    /// 1 to 120.
    pub months: u16,
    /// What leaving before the end costs.
    pub fee: LeavingFee,
    /// No fee is above this.
    #[schema(value_type = Option<Amount>)]
    pub most: Option<Money>,
    /// On so many days from the first, leaving is free; at most 366.
    #[serde(default)]
    pub cooling_off_days: u16,
}

/// Why a contract no longer binds.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractWaiver {
    /// For colleagues and the audit log.
    #[schema(example = "Moves where we do not serve")]
    pub reason: String,
}

/// What leaving on a day would cost.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct LeavingQuote {
    /// First day no longer served.
    pub on: NaiveDate,
    /// The fee before tax; null = leaving is free then.
    #[schema(value_type = Option<Amount>)]
    pub fee: Option<Money>,
}
