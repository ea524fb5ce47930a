//! Figures, and the rows behind them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::catalog::Amount;
use crate::ids::{AccountId, InvoiceId, RouterId, SubscriberId, SubscriptionId};

/// A calendar month of the ISP, `2026-10`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, example = "2026-10")]
pub struct Month(NaiveDate);

impl Month {
    /// The month this day is in.
    pub fn of(day: NaiveDate) -> Self {
        use chrono::Datelike;
        Self(day.with_day(1).unwrap_or(day))
    }

    /// Its first day.
    pub fn first(self) -> NaiveDate {
        self.0
    }

    /// So many months before it.
    pub fn back(self, months: u32) -> Self {
        Self(self.0.checked_sub_months(chrono::Months::new(months)).unwrap_or(self.0))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl std::str::FromStr for Month {
    type Err = chrono::ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        NaiveDate::parse_from_str(&format!("{text}-01"), "%Y-%m-%d").map(Self)
    }
}

impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why recurring revenue differs from the month before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// A line that never was in service before.
    New,
    /// A line that had left.
    Reactivated,
    /// A line that pays more.
    Expansion,
    /// A line that pays less.
    Contraction,
    /// A line that left.
    Churned,
}

impl Movement {
    /// Every movement, in the order they are shown.
    pub const ALL: [Self; 5] = [Self::New, Self::Reactivated, Self::Expansion, Self::Contraction, Self::Churned];

    /// The name it is stored and sent under.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reactivated => "reactivated",
            Self::Expansion => "expansion",
            Self::Contraction => "contraction",
            Self::Churned => "churned",
        }
    }
}

/// Monthly recurring revenue of a month in one currency, before tax. `opening` and the movements add up to `closing`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Recurring {
    /// Which month.
    pub month: Month,
    /// At the end of the month before.
    #[schema(value_type = Amount)]
    pub opening: Money,
    /// From lines never in service before.
    #[schema(value_type = Amount)]
    pub new: Money,
    /// From lines that had left.
    #[schema(value_type = Amount)]
    pub reactivated: Money,
    /// From lines that pay more.
    #[schema(value_type = Amount)]
    pub expansion: Money,
    /// From lines that pay less; below zero.
    #[schema(value_type = Amount)]
    pub contraction: Money,
    /// From lines that left; below zero.
    #[schema(value_type = Amount)]
    pub churned: Money,
    /// At the end of the month, or today.
    #[schema(value_type = Amount)]
    pub closing: Money,
    /// Subscribers with a line that costs something, at the end of the month before.
    pub subscribers_opening: i64,
    /// Of those, how many have none at the end of the month, or today.
    pub subscribers_lost: i64,
    /// Subscribers with a line that costs something, at the end of the month, or today.
    pub subscribers_closing: i64,
    /// `closing` a subscriber; null without subscribers.
    #[schema(value_type = Option<Amount>)]
    pub arpu: Option<Money>,
    /// `subscribers_lost` of `subscribers_opening`, in per cent; null without any.
    #[schema(value_type = Option<String>)]
    pub churn_percent: Option<Decimal>,
    /// `churned` and `contraction` of `opening`, in per cent; null without any.
    #[schema(value_type = Option<String>)]
    pub revenue_churn_percent: Option<Decimal>,
    /// What lines of the month's invoices charge for days of this month, less what was given back: the ledger's side.
    #[schema(value_type = Amount)]
    pub earned: Money,
}

/// A line whose recurring revenue moved in a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Moved {
    /// Which line.
    pub subscription_id: SubscriptionId,
    /// Whose.
    pub account_id: AccountId,
    /// The subscriber's name.
    pub subscriber: String,
    /// How.
    pub movement: Movement,
    /// A month's price at the end of the month before.
    #[schema(value_type = Amount)]
    pub before: Money,
    /// A month's price at the end of the month, or today.
    #[schema(value_type = Amount)]
    pub after: Money,
}

/// How long an open invoice has been due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgingBucket {
    /// Not due yet.
    NotDue,
    /// Due for 1 to 30 days.
    To30,
    /// Due for 31 to 60 days.
    To60,
    /// Due for 61 to 90 days.
    To90,
    /// Due for more than 90 days.
    Over90,
}

impl AgingBucket {
    /// Every bucket, the youngest first.
    pub const ALL: [Self; 5] = [Self::NotDue, Self::To30, Self::To60, Self::To90, Self::Over90];

    /// The name it is sent under.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotDue => "not_due",
            Self::To30 => "to30",
            Self::To60 => "to60",
            Self::To90 => "to90",
            Self::Over90 => "over90",
        }
    }

    /// Days past due it holds: from, to.
    pub(super) fn days(self) -> (i32, i32) {
        match self {
            Self::NotDue => (i32::MIN, 0),
            Self::To30 => (1, 30),
            Self::To60 => (31, 60),
            Self::To90 => (61, 90),
            Self::Over90 => (91, i32::MAX),
        }
    }
}

/// Open invoices of one age in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Aging {
    /// How long due.
    pub bucket: AgingBucket,
    /// How many invoices.
    pub invoices: i64,
    /// What is left to pay.
    #[schema(value_type = Amount)]
    pub open: Money,
}

/// An open invoice with its age.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AgedInvoice {
    /// Which.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub number: String,
    /// Whose.
    pub account_id: AccountId,
    /// The subscriber's name.
    pub subscriber: String,
    /// Last day to pay.
    pub due_on: NaiveDate,
    /// Days past due; below one while it is not.
    pub days: i32,
    /// What is left to pay.
    #[schema(value_type = Amount)]
    pub open: Money,
}

/// What the invoices issued in a month asked for, and what came of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Collections {
    /// The month of issue.
    pub month: Month,
    /// What they asked for, less what credit notes about them gave back until now.
    #[schema(value_type = Amount)]
    pub invoiced: Money,
    /// What payments and credits of others have settled of it until now.
    #[schema(value_type = Amount)]
    pub settled: Money,
    /// `settled` of `invoiced`, in per cent; null when nothing was asked for.
    #[schema(value_type = Option<String>)]
    pub settled_percent: Option<Decimal>,
    /// All that was received in the month, whatever for.
    #[schema(value_type = Amount)]
    pub received: Money,
}

/// How traffic is split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// By the plan sold today.
    Plan,
    /// By the site of the line's router.
    Site,
    /// By the city of the line's location.
    Area,
}

/// Traffic of the last thirty days of one plan, site or area.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Traffic {
    /// The plan, site or area.
    pub name: String,
    /// Lines that moved something.
    pub lines: i64,
    /// Toward subscribers.
    #[schema(value_type = String)]
    pub down_bytes: Decimal,
    /// From subscribers.
    #[schema(value_type = String)]
    pub up_bytes: Decimal,
}

/// The hour in which a router carried most in the last seven days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BusyHour {
    /// Which router.
    pub router_id: RouterId,
    /// Its name.
    pub router: String,
    /// When that hour began.
    pub at: DateTime<Utc>,
    /// Its average toward subscribers.
    pub down_bps: i64,
    /// Its average from subscribers.
    pub up_bps: i64,
    /// What its lines were sold toward subscribers, added up.
    pub sold_down_bps: i64,
}

/// A line that has used its allowance of the current billing period. Of lines that share one, the oldest stands for all.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Exhausted {
    /// Which line.
    pub subscription_id: SubscriptionId,
    /// The subscriber's name.
    pub subscriber: String,
    /// Where it ends.
    pub area: String,
    /// The plan.
    pub plan: String,
    /// What was used since the period began; of a shared allowance, by all lines.
    #[schema(value_type = String)]
    pub used_bytes: Decimal,
    /// What is included.
    pub allowance_bytes: i64,
}

/// Why a subscriber may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Something is past due.
    Overdue,
    /// A line was held for not paying in the last 90 days.
    Held,
    /// Traffic fell below half of the thirty days before.
    UsageFell,
    /// A line moved to a cheaper plan in the last 60 days.
    Downgraded,
}

impl Reason {
    /// Every reason, the heaviest first.
    pub const ALL: [Self; 4] = [Self::Overdue, Self::Held, Self::UsageFell, Self::Downgraded];

    /// What it adds to the score.
    pub fn points(self) -> i32 {
        match self {
            Self::Overdue => 30,
            Self::Held => 25,
            Self::UsageFell => 20,
            Self::Downgraded => 25,
        }
    }

    /// The name it is sent under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Held => "held",
            Self::UsageFell => "usage_fell",
            Self::Downgraded => "downgraded",
        }
    }
}

/// A subscriber who may leave.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AtRisk {
    /// Who.
    pub subscriber_id: SubscriberId,
    /// Their name.
    pub subscriber: String,
    /// The sum of the reasons' points, 100 at most.
    pub score: i32,
    /// Why, the heaviest first.
    pub reasons: Vec<Reason>,
}
