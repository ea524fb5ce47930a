//! How soon an ISP promises to answer: working hours, holidays, targets by priority, weights of plans.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use weir_rules::support::hours::{MIDNIGHT, Shift, WorkingHours};
use weir_rules::support::priority::{PlanWeight, Priority};

use super::clocks;
use super::{Error, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::PlanId;
use crate::{audit, catalog, tenants};

/// Holidays of a policy at most.
const HOLIDAYS_MAX: usize = 500;
const NAME_MAX: usize = 100;
/// Minutes of working time a promise has at most: a working year.
const TARGET_MAX: i32 = 200_000;
const REOPEN_MAX: i16 = 90;
/// Weekdays as fields name them.
pub const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// How soon an ISP promises to answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportPolicy {
    /// Days after it was solved in which a reply opens a ticket again, 0-90.
    pub reopen_days: i16,
    /// Working hours from Monday to Sunday by the clocks of the ISP's zone; null = free.
    #[schema(min_items = 7, max_items = 7)]
    pub week: Vec<Option<Hours>>,
    /// Days on which nobody works.
    #[serde(default)]
    pub holidays: Vec<Holiday>,
    /// One each for `low`, `normal`, `high` and `urgent`.
    #[schema(min_items = 4, max_items = 4)]
    pub targets: Vec<Target>,
}

/// Working hours of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// Minutes after midnight.
    #[schema(example = 540)]
    pub opens_minute: i16,
    /// Minutes after midnight, 1440 at most.
    #[schema(example = 1080)]
    pub closes_minute: i16,
}

/// A day on which nobody works.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holiday {
    /// The local day.
    pub on: NaiveDate,
    /// What it is called.
    #[serde(default)]
    pub name: String,
}

/// What is promised for tickets of a priority, in minutes of working time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `low`, `normal`, `high`, `urgent`.
    #[schema(value_type = String, example = "normal")]
    pub priority: Priority,
    /// Until the first answer.
    #[schema(example = 240)]
    pub first_response_minutes: i32,
    /// Until it is solved.
    #[schema(example = 1440)]
    pub resolution_minutes: i32,
}

impl Default for SupportPolicy {
    fn default() -> Self {
        let office = Some(Hours { opens_minute: 9 * 60, closes_minute: 18 * 60 });
        let hours =
            [(Priority::Low, 16, 90), (Priority::Normal, 8, 27), (Priority::High, 4, 9), (Priority::Urgent, 1, 4)];
        Self {
            reopen_days: 7,
            week: vec![office, office, office, office, office, None, None],
            holidays: Vec::new(),
            targets: hours
                .map(|(priority, first, solved)| Target {
                    priority,
                    first_response_minutes: first * 60,
                    resolution_minutes: solved * 60,
                })
                .into(),
        }
    }
}

impl SupportPolicy {
    /// What is promised for a priority.
    pub fn target(&self, priority: Priority) -> Target {
        let other = || Target { priority, first_response_minutes: 8 * 60, resolution_minutes: 27 * 60 };
        self.targets.iter().copied().find(|target| target.priority == priority).unwrap_or_else(other)
    }

    /// The hours in which promises run.
    pub fn hours(&self, zone: chrono_tz::Tz) -> WorkingHours {
        let shift = |n: usize| {
            let hours = self.week.get(n).copied().flatten()?;
            Shift::new(u16::try_from(hours.opens_minute).ok()?, u16::try_from(hours.closes_minute).ok()?).ok()
        };
        WorkingHours::new(zone, std::array::from_fn(shift), self.holidays.iter().map(|holiday| holiday.on))
    }
}

/// Minutes of working time.
pub(super) fn minutes(minutes: i32) -> TimeDelta {
    TimeDelta::minutes(i64::from(minutes))
}

/// The policy in force.
pub async fn policy(tx: &mut TenantTx) -> Result<SupportPolicy, Error> {
    Ok(store::policy::policy(tx).await?.unwrap_or_default())
}

/// The hours in which promises run, by the policy in force.
pub(super) async fn hours(tx: &mut TenantTx, policy: &SupportPolicy) -> Result<WorkingHours, Error> {
    let zone = tenants::tenant(tx).await?.time_zone.parse().unwrap_or(chrono_tz::UTC);
    Ok(policy.hours(zone))
}

/// Sets the policy. Promises that run keep the working time they had left; new targets hold for new tickets.
pub async fn change_policy(tx: &mut TenantTx, mut wish: SupportPolicy) -> Result<SupportPolicy, Error> {
    check(&mut wish)?;
    let before = policy(tx).await?;
    let (old, new) = (hours(tx, &before).await?, hours(tx, &wish).await?);
    store::policy::replace(tx, &wish).await?;
    if old != new {
        clocks::move_all(tx, &old, &new).await?;
    }
    let tenant = tx.tenant();
    audit::record(tx, "change support policy", tenant, json!({ "before": before, "after": wish })).await?;
    Ok(wish)
}

fn check(wish: &mut SupportPolicy) -> Result<(), Error> {
    let mut errors = Vec::new();
    if !(0..=REOPEN_MAX).contains(&wish.reopen_days) {
        errors.push(FieldError::new("reopen_days", format!("must be between 0 and {REOPEN_MAX} days")));
    }
    if wish.week.len() != WEEKDAYS.len() {
        errors.push(FieldError::new("week", "must have seven days, Monday first"));
    } else if wish.week.iter().all(Option::is_none) {
        errors.push(FieldError::new("week", "must have a working day"));
    }
    for (n, hours) in wish.week.iter().enumerate() {
        let Some(hours) = hours else { continue };
        let fits = 0 <= hours.opens_minute
            && hours.opens_minute < hours.closes_minute
            && hours.closes_minute <= MIDNIGHT as i16;
        if !fits {
            errors
                .push(FieldError::new(format!("week.{n}"), "must end after it begins, and at midnight at the latest"));
        }
    }
    wish.holidays.sort_by_key(|holiday| holiday.on);
    wish.holidays.dedup_by_key(|holiday| holiday.on);
    if wish.holidays.len() > HOLIDAYS_MAX {
        errors.push(FieldError::new("holidays", format!("must have at most {HOLIDAYS_MAX} days")));
    }
    if wish.holidays.iter().any(|holiday| holiday.name.chars().count() > NAME_MAX) {
        errors.push(FieldError::new("holidays", format!("must have at most {NAME_MAX} characters in a name")));
    }
    let named: BTreeSet<_> = wish.targets.iter().map(|target| target.priority).collect();
    if wish.targets.len() != Priority::ALL.len() || named.len() != Priority::ALL.len() {
        errors.push(FieldError::new("targets", "must have one each for low, normal, high and urgent"));
    }
    for target in &wish.targets {
        let name = target.priority.name();
        let range = 1..=TARGET_MAX;
        if !range.contains(&target.first_response_minutes) {
            errors.push(FieldError::new(
                format!("targets.{name}.first_response_minutes"),
                format!("must be between 1 and {TARGET_MAX} minutes"),
            ));
        }
        if !range.contains(&target.resolution_minutes) || target.resolution_minutes < target.first_response_minutes {
            errors.push(FieldError::new(
                format!("targets.{name}.resolution_minutes"),
                format!("must be between the first response and {TARGET_MAX} minutes"),
            ));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// How much a plan's subscribers depend on it; plans that are not named are standard.
pub async fn plan_weights(tx: &mut TenantTx) -> Result<BTreeMap<PlanId, PlanWeight>, Error> {
    Ok(store::policy::weights(tx).await?)
}

/// A plan's weight to be set.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightWish {
    /// `standard`, `business`, `critical`.
    #[schema(value_type = String, example = "business")]
    pub weight: PlanWeight,
}

/// Sets how much a plan's subscribers depend on it; counts for tickets opened from now on.
pub async fn weigh_plan(tx: &mut TenantTx, plan: PlanId, weight: PlanWeight) -> Result<(), Error> {
    catalog::plan(tx, plan).await?;
    store::policy::set_weight(tx, plan, weight).await?;
    audit::record(tx, "weigh plan", plan, json!({ "weight": weight })).await?;
    Ok(())
}
