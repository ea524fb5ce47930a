//! Discounts as they are granted and shown.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{DiscountId, SubscriptionId};
use crate::ledger::Amount;

/// Where a discount stands, on the account's local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountStatus {
    /// It is to hold from a later day on.
    Coming,
    /// It reduces what is charged for today.
    InForce,
    /// It holds no longer.
    Over,
}

impl DiscountStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::InForce => "in_force",
            Self::Over => "over",
        }
    }
}

/// What a subscription's price is less on some days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Discount {
    /// Which.
    pub id: DiscountId,
    /// Whose price it reduces.
    pub subscription_id: SubscriptionId,
    /// Why, as invoices say it.
    pub name: String,
    /// Percent off the price; null = an amount.
    #[schema(value_type = Option<String>)]
    pub percent: Option<Decimal>,
    /// Amount off the price of a full period, of a part by its days; null = a percent.
    #[schema(value_type = Option<Amount>)]
    pub amount: Option<Money>,
    /// A percent is at most so much off a full period; null = no limit.
    #[schema(value_type = Option<Amount>)]
    pub most: Option<Money>,
    /// First day it holds.
    pub from_on: NaiveDate,
    /// First day it no longer holds, as granted; null = for good.
    pub until_on: Option<NaiveDate>,
    /// First day it no longer holds because somebody ended it.
    pub ended_on: Option<NaiveDate>,
    /// Where it stands.
    pub status: DiscountStatus,
    /// When it was granted.
    pub granted_at: DateTime<Utc>,
    /// By whom.
    pub granted_by: String,
    /// Who ended it.
    pub ended_by: Option<String>,
}

impl Discount {
    /// First day it no longer holds; none = for good.
    pub fn to(&self) -> Option<NaiveDate> {
        self.until_on.into_iter().chain(self.ended_on).min()
    }
}

/// A discount to be granted: a percent or an amount.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountWish {
    /// Why, as invoices say it.
    #[schema(example = "Welcome")]
    pub name: String,
    /// Above 0, at most 100, with at most 4 decimals.
    #[schema(value_type = Option<String>, example = "15")]
    pub percent: Option<Decimal>,
    /// Off the price of a full period, in the account's currency.
    #[schema(value_type = Option<Amount>)]
    pub amount: Option<Money>,
    /// A percent is at most so much off a full period.
    #[schema(value_type = Option<Amount>)]
    pub most: Option<Money>,
    /// First day it holds, none that is billed already; the first that is not, if left out.
    pub from_on: Option<NaiveDate>,
    /// First day it no longer holds; for good, if left out and without `periods`.
    pub until_on: Option<NaiveDate>,
    /// For so many billing periods, 1 to 120, instead of `until_on`; one that has begun counts.
    pub periods: Option<u16>,
}

/// The end of a discount before its time.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountEnd {
    /// First day it no longer holds, not before today; today, if left out. What is billed already stays as it is.
    pub ended_on: Option<NaiveDate>,
}
