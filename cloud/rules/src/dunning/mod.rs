//! Who is reminded, charged and held for unpaid bills, when, and what lets them go.
//!
//! A [`Policy`] is a list of steps counted from the day an account's earliest unpaid bill was due. [`plan`] says what is to be
//! done at one instant; [`forecast`] asks it again and again as if nobody paid. Not here: what a hold does to a line
//! (see [`crate::access`]), messages, and the documents of fees. Start with [`plan`].

mod fee;
mod forecast;
mod hours;
mod plan;
mod policy;
mod reach;

use crate::calendar::CalendarError;
use crate::money::MoneyError;

pub use forecast::{Expected, forecast};
pub use hours::{RestDays, WorkingTime};
pub use plan::{Action, Case, Charged, Fee, Item, Plan, Standing, plan};
pub use policy::{FeeRule, Policy, Step, StepKind};

/// Why nobody could be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DunningError {
    /// A day of a step leaves the calendar.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// Currencies differ or a sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;

#[cfg(test)]
#[path = "properties.rs"]
mod properties;
