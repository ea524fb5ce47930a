//! Plans and versions.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::fair_use::{Step, Throttle, Window};
use super::phases::{Phase, PhaseWish};
use super::traffic::TrafficPrice;
use crate::ids::{PlanId, PlanVersionId};

/// An amount as it is sent: exact decimals as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Exact decimal.
    #[schema(value_type = String, example = "44.90")]
    pub amount: Decimal,
    /// ISO 4217.
    #[schema(example = "EUR")]
    pub currency: String,
}

/// How long a billing period is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillingPeriod {
    /// From the account's billing day to the one so many months later: 1, 3, 6 or 12.
    Months(i16),
    /// So many days from the first one on the plan, 1-365.
    Days(i16),
}

impl Default for BillingPeriod {
    fn default() -> Self {
        Self::Months(1)
    }
}

/// When the price of a billing period is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BillingTiming {
    /// On its first day.
    #[default]
    InAdvance,
    /// On the day after its last.
    InArrears,
}

/// What is sold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Plan {
    /// Which.
    pub id: PlanId,
    /// Unique in the ISP.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it is no longer sold; null while it is.
    pub retired_at: Option<DateTime<Utc>>,
    /// Whether subscribers can choose it in the portal, and others order it there.
    pub offered_in_portal: bool,
    /// Its versions, newest first; the first is the one on sale.
    pub versions: Vec<PlanVersion>,
}

/// What one version of a plan promises and costs.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanVersion {
    /// Which.
    pub id: PlanVersionId,
    /// Of which plan.
    pub plan_id: PlanId,
    /// 1, 2, 3, ...
    pub version: i32,
    /// Toward the subscriber, bits per second of layer 3.
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second of layer 3.
    pub rate_up_bps: i64,
    /// A full billing period: before tax, or with it.
    pub price: Amount,
    /// Whether all its prices include tax, and what is reckoned beside them for a line: discounts, pauses, leaving early. Top-ups,
    /// boosts, one-time charges and late fees have prices of their own, before tax.
    pub tax_included: bool,
    /// How long a billing period is.
    pub period: BillingPeriod,
    /// When its price is asked for.
    pub timing: BillingTiming,
    /// What it costs in the first months of a line that begins with it, one phase after another; then its price holds.
    pub phases: Vec<Phase>,
    /// Bytes included in a month from billing day to billing day, both directions; null = unmetered.
    pub allowance_bytes: Option<i64>,
    /// What is charged beyond the allowance; null = nothing.
    pub overage: Option<Overage>,
    /// What traffic costs by the gigabyte; null = nothing.
    pub traffic_price: Option<TrafficPrice>,
    /// What a line still gets beyond the allowance; null = it stays as it is.
    pub throttle: Option<Throttle>,
    /// What it gets further beyond the allowance, ascending; the last one reached holds.
    pub steps: Vec<Step>,
    /// What is left of an allowance is included in the next period, too, up to so many bytes; null = nothing.
    pub carry_over_bytes: Option<i64>,
    /// Lines of one account on this version share one allowance, instead of having one each.
    pub allowance_shared: bool,
    /// Times of the day with rates of their own; the first that holds counts.
    pub windows: Vec<Window>,
    /// Bytes toward the subscriber at once after being idle, before the rate holds; 0 = none to speak of.
    pub burst_down_bytes: i64,
    /// The same from the subscriber.
    pub burst_up_bytes: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// What is charged beyond an allowance: every begun block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Overage {
    /// Size of a block.
    pub block_bytes: i64,
    /// Price of a block: with tax, if the version's prices include it.
    pub price: Amount,
}

/// A plan to be made, with its first version.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanWish {
    /// Unique in the ISP, 1-100 characters.
    #[schema(example = "Fibre 500")]
    pub name: String,
    /// Toward the subscriber, bits per second of layer 3.
    #[schema(example = 500_000_000)]
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second of layer 3.
    #[schema(example = 100_000_000)]
    pub rate_up_bps: i64,
    /// A full billing period: before tax, or with it.
    pub price: Amount,
    /// Whether all its prices include tax; absent = as the ISP's settings say.
    #[serde(default)]
    pub tax_included: Option<bool>,
    /// How long a billing period is; absent = a month.
    #[serde(default)]
    pub period: BillingPeriod,
    /// When its price is asked for; absent = in advance.
    #[serde(default)]
    pub timing: BillingTiming,
    /// What it costs in the first months of a line that begins with it, one phase after another, at most 6; then its price holds.
    #[serde(default)]
    pub phases: Vec<PhaseWish>,
    /// Bytes included in a month from billing day to billing day, both directions; absent = unmetered.
    pub allowance_bytes: Option<i64>,
    /// What is charged beyond the allowance; absent = nothing.
    pub overage: Option<Overage>,
    /// What traffic costs by the gigabyte, instead of blocks; absent = nothing.
    pub traffic_price: Option<TrafficPrice>,
    /// What a line still gets beyond the allowance, instead of a charge; absent = it stays as it is.
    pub throttle: Option<Throttle>,
    /// What it gets further beyond the allowance, ascending, instead of a charge; the last one reached holds.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What is left of an allowance is included in the next period, too, up to so many bytes; absent = nothing.
    pub carry_over_bytes: Option<i64>,
    /// Lines of one account on this version share one allowance, instead of having one each.
    #[serde(default)]
    pub allowance_shared: bool,
    /// Times of the day with rates of their own; the first that holds counts.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// Bytes toward the subscriber at once after being idle, before the rate holds; at most a minute of it.
    #[serde(default)]
    pub burst_down_bytes: i64,
    /// The same from the subscriber.
    #[serde(default)]
    pub burst_up_bytes: i64,
    /// Whether subscribers can choose it in the portal, and others order it there.
    #[serde(default)]
    pub offered_in_portal: bool,
}

/// Where a plan is offered.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanChange {
    /// Whether subscribers can choose it in the portal, and others order it there.
    pub offered_in_portal: bool,
}

/// A further version of a plan.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionWish {
    /// Toward the subscriber, bits per second of layer 3.
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second of layer 3.
    pub rate_up_bps: i64,
    /// A full billing period: before tax, or with it.
    pub price: Amount,
    /// Whether all its prices include tax; absent = as the ISP's settings say.
    #[serde(default)]
    pub tax_included: Option<bool>,
    /// How long a billing period is; absent = a month.
    #[serde(default)]
    pub period: BillingPeriod,
    /// When its price is asked for; absent = in advance.
    #[serde(default)]
    pub timing: BillingTiming,
    /// What it costs in the first months of a line that begins with it, one phase after another, at most 6; then its price holds.
    #[serde(default)]
    pub phases: Vec<PhaseWish>,
    /// Bytes included in a month from billing day to billing day, both directions; absent = unmetered.
    pub allowance_bytes: Option<i64>,
    /// What is charged beyond the allowance; absent = nothing.
    pub overage: Option<Overage>,
    /// What traffic costs by the gigabyte, instead of blocks; absent = nothing.
    pub traffic_price: Option<TrafficPrice>,
    /// What a line still gets beyond the allowance, instead of a charge; absent = it stays as it is.
    pub throttle: Option<Throttle>,
    /// What it gets further beyond the allowance, ascending, instead of a charge; the last one reached holds.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What is left of an allowance is included in the next period, too, up to so many bytes; absent = nothing.
    pub carry_over_bytes: Option<i64>,
    /// Lines of one account on this version share one allowance, instead of having one each.
    #[serde(default)]
    pub allowance_shared: bool,
    /// Times of the day with rates of their own; the first that holds counts.
    #[serde(default)]
    pub windows: Vec<Window>,
    /// Bytes toward the subscriber at once after being idle, before the rate holds; at most a minute of it.
    #[serde(default)]
    pub burst_down_bytes: i64,
    /// The same from the subscriber.
    #[serde(default)]
    pub burst_up_bytes: i64,
}
