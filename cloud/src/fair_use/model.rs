//! Top-ups, boosts, and how a line stands.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::Amount;
use crate::ids::{BoostId, BoostProductId, InvoiceLineId, SubscriptionId, TopUpId, TopUpProductId};

/// Bytes on top of an allowance, as they are offered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TopUpProduct {
    /// Which.
    pub id: TopUpProductId,
    /// Unique in the ISP.
    pub name: String,
    /// How much.
    pub bytes: i64,
    /// Before tax.
    pub price: Amount,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it is no longer sold; null while it is.
    pub retired_at: Option<DateTime<Utc>>,
}

/// A top-up to be offered. It lasts until the end of the period it is sold in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpProductWish {
    /// Unique in the ISP, 1-100 characters; stands on invoices.
    #[schema(example = "10 GB more")]
    pub name: String,
    /// How much.
    #[schema(example = 10_000_000_000_i64)]
    pub bytes: i64,
    /// Before tax.
    pub price: Amount,
}

/// A top-up as it was sold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TopUp {
    /// Which.
    pub id: TopUpId,
    /// On which line.
    pub subscription_id: SubscriptionId,
    /// What it was offered as.
    pub product_id: TopUpProductId,
    /// The product's name when it was sold.
    pub name: String,
    /// How much.
    pub bytes: i64,
    /// Before tax.
    pub price: Amount,
    /// The account's local day.
    pub sold_on: NaiveDate,
    /// When.
    pub sold_at: DateTime<Utc>,
    /// By whom.
    pub sold_by: String,
    /// First local day it no longer counts; a change of the plan ends it before.
    pub until_on: NaiveDate,
    /// The line of an invoice that charges it; null until there is one.
    pub invoice_line_id: Option<InvoiceLineId>,
}

/// A top-up to be sold.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TopUpWish {
    /// Which.
    pub product_id: TopUpProductId,
    /// New for every sale on the line, the same when one is sent again, 1-100 characters.
    #[schema(example = "call 4711")]
    pub reference: String,
}

/// A time with rates of its own, as it is offered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BoostProduct {
    /// Which.
    pub id: BoostProductId,
    /// Unique in the ISP, among top-ups, too.
    pub name: String,
    /// Rate toward the subscriber, bits per second; null = it stays as it is.
    pub rate_down_bps: Option<i64>,
    /// Rate from the subscriber, bits per second; null = it stays as it is.
    pub rate_up_bps: Option<i64>,
    /// How long it runs, minutes.
    pub minutes: i32,
    /// Before tax.
    pub price: Amount,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// Since when it is no longer sold; null while it is.
    pub retired_at: Option<DateTime<Utc>>,
}

impl BoostProduct {
    /// Whether it is faster than these rates of a plan, bits per second, in either direction.
    pub fn is_faster(&self, rate_down_bps: i64, rate_up_bps: i64) -> bool {
        self.rate_down_bps.is_some_and(|bps| bps > rate_down_bps)
            || self.rate_up_bps.is_some_and(|bps| bps > rate_up_bps)
    }
}

/// A boost to be offered. At least one of its rates is given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoostProductWish {
    /// Unique in the ISP, among top-ups, too, 1-100 characters; stands on invoices.
    #[schema(example = "Fast evening")]
    pub name: String,
    /// Rate toward the subscriber, bits per second; null = it stays as it is.
    #[schema(example = 500_000_000_i64)]
    pub rate_down_bps: Option<i64>,
    /// Rate from the subscriber, bits per second; null = it stays as it is.
    pub rate_up_bps: Option<i64>,
    /// How long it runs, minutes: 15 to 44,640, which are 31 days.
    #[schema(example = 180)]
    pub minutes: i32,
    /// Before tax.
    pub price: Amount,
}

/// How far a boost is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoostStatus {
    /// It has not begun.
    Coming,
    /// It is in force, if no hold outweighs it.
    Running,
    /// It ran to its end.
    Over,
    /// It was stopped before its end.
    Cancelled,
}

impl BoostStatus {
    /// The name it is known by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Running => "running",
            Self::Over => "over",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A boost as it was sold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Boost {
    /// Which.
    pub id: BoostId,
    /// On which line.
    pub subscription_id: SubscriptionId,
    /// What it was offered as.
    pub product_id: BoostProductId,
    /// The product's name when it was sold.
    pub name: String,
    /// Rate toward the subscriber, bits per second; null = it stays as it is. Never slower than what holds otherwise.
    pub rate_down_bps: Option<i64>,
    /// Rate from the subscriber, bits per second; null = it stays as it is. Never slower than what holds otherwise.
    pub rate_up_bps: Option<i64>,
    /// When it begins.
    pub from_at: DateTime<Utc>,
    /// When it ends, unless it is cancelled before.
    pub until_at: DateTime<Utc>,
    /// How far it is.
    pub status: BoostStatus,
    /// Before tax; charged whether it is cancelled or not.
    pub price: Amount,
    /// When.
    pub sold_at: DateTime<Utc>,
    /// By whom.
    pub sold_by: String,
    /// When it was stopped; null when it was not.
    pub cancelled_at: Option<DateTime<Utc>>,
    /// The line of an invoice that charges it; null until there is one.
    pub invoice_line_id: Option<InvoiceLineId>,
}

/// A boost to be sold.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoostWish {
    /// Which.
    pub product_id: BoostProductId,
    /// When it begins, at most 31 days ahead; null or left out = now.
    pub from_at: Option<DateTime<Utc>>,
    /// New for every sale on the line, of top-ups, too; the same when one is sent again, 1-100 characters.
    #[schema(example = "call 4711")]
    pub reference: String,
}

/// What decides a line's rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// What was sold.
    Sold,
    /// A time of the day.
    Window,
    /// The allowance is used up, and the line slower.
    Exhausted,
    /// A time with rates of its own that was bought.
    Boost,
    /// The allowance is used up, and the line in the walled garden.
    Capped,
}

impl Rule {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sold => "sold",
            Self::Window => "window",
            Self::Exhausted => "exhausted",
            Self::Boost => "boost",
            Self::Capped => "capped",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "window" => Self::Window,
            "exhausted" => Self::Exhausted,
            "boost" => Self::Boost,
            "capped" => Self::Capped,
            _ => Self::Sold,
        }
    }
}

/// A change of the rule in force, as the router told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Turn {
    /// What came into force.
    pub rule: Rule,
    /// When, by the router's clock.
    pub at: DateTime<Utc>,
    /// Used in the period by then.
    pub used_bytes: i64,
    /// Steps beyond the allowance that were reached, where one of them came into force; 0 = none.
    pub step: i32,
}

/// How a line stands with its fair use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Standing {
    /// First day of the period, and of the plan in it; null when nothing is metered.
    pub from: Option<NaiveDate>,
    /// Day after the last.
    pub to: Option<NaiveDate>,
    /// Used since, both directions, outside free windows: as far as the router told or its records came. Of a shared
    /// allowance, by all lines.
    pub used_bytes: i64,
    /// Lines that share the allowance, this one among them; null = it has its own.
    pub sharing_lines: Option<i64>,
    /// Of a shared allowance, what this line used, as far as its records came; null = it has its own.
    pub own_used_bytes: Option<i64>,
    /// Included in these days; null when nothing is metered.
    pub allowance_bytes: Option<i64>,
    /// Included, too: what was left of the period before.
    pub carried_bytes: i64,
    /// Bought on top, of a shared allowance on any of the lines.
    pub top_up_bytes: i64,
    /// Left of all three, not below zero.
    pub remaining_bytes: Option<i64>,
    /// What decides the line's rates; null until the router has told.
    pub rule: Option<Rule>,
    /// Steps beyond the allowance that are reached, where one of them decides; 0 = none.
    pub step: i32,
    /// Since when; null when it was never another.
    pub since_at: Option<DateTime<Utc>>,
    /// When it may change without traffic.
    pub next_at: Option<DateTime<Utc>>,
    /// When the router told.
    pub reported_at: Option<DateTime<Utc>>,
    /// What rules did, newest first.
    pub turns: Vec<Turn>,
    /// What was bought on top on this line, newest first.
    pub top_ups: Vec<TopUp>,
}
