//! What a cycle has billed by a day: boundaries, the periods due with their exact share of a full one, and how far it came.
//!
//! Not here: prices (see [`crate::unit_price`]). Start with [`billed_cycles`].

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use crate::calendar::{BillingDay, CalendarError, Cycle, Period, Timing};
use crate::money::round_half_up;

/// A part of a full period as an exact fraction: 14 of 28 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    days: u32,
    of: u32,
}

impl Share {
    /// The days of a part over those of the full period; `None` when the part is not inside.
    pub fn of(part: Period, full: Period) -> Option<Share> {
        (full.intersection(part) == Some(part)).then(|| Share { days: part.days(), of: full.days() })
    }

    /// The days from one date to another, none when they are the same, over those of the full period around them.
    pub fn between(from: NaiveDate, to: NaiveDate, full: Period) -> Result<Share, CalendarError> {
        if to < from || from < full.start() || full.end() < to {
            return Err(CalendarError::EmptyPeriod { start: from.max(full.start()), end: to.min(full.end()) });
        }
        let days = Period::new(from, to).map_or(0, Period::days);
        Ok(Share { days, of: full.days() })
    }

    /// All of it.
    pub const WHOLE: Share = Share { days: 1, of: 1 };

    /// The days of the part.
    pub const fn days(self) -> u32 {
        self.days
    }

    /// The days of the full period, one or more.
    pub const fn full_days(self) -> u32 {
        self.of
    }

    /// What is left of the full period without the part, if anything is.
    pub fn rest(self) -> Option<Share> {
        (self.days < self.of).then(|| Share { days: self.of - self.days, of: self.of })
    }

    /// Whether it is the same fraction as another, written in any terms: 14 of 28 is 1 of 2.
    pub fn is(self, days: u64, of: u64) -> bool {
        u128::from(self.days) * u128::from(of) == u128::from(days) * u128::from(self.of)
    }

    /// The fraction as a decimal, rounded half up: 23 of 31 days with nine decimals is 0.741935484.
    pub fn factor(self, decimals: u32) -> Decimal {
        round_half_up(Decimal::from(self.days) / Decimal::from(self.of), decimals)
    }
}

/// A period that is due, and how much of its full period it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BilledCycle {
    /// The days billed.
    pub period: Period,
    /// Their share.
    pub share: Share,
}

/// The factors of cycles, each rounded, added up.
pub fn factor_sum(cycles: &[BilledCycle], decimals: u32) -> Decimal {
    cycles.iter().map(|cycle| cycle.share.factor(decimals)).sum()
}

/// The periods due by `target`, cut at the start and the end of the subscription, each with its share of the full one.
pub fn billed_cycles(
    cycle: Cycle,
    end: Option<NaiveDate>,
    target: NaiveDate,
    timing: Timing,
) -> Result<Vec<BilledCycle>, CalendarError> {
    let due = cycle.due_periods(end, target, timing)?;
    due.into_iter()
        .map(|period| {
            let full = cycle.full_period_containing(period.start())?;
            let share = Share::of(period, full).ok_or(CalendarError::OutOfRange)?;
            Ok(BilledCycle { period, share })
        })
        .collect()
}

/// The day up to which everything is billed at `target`; `None` before anything could be.
///
/// In arrears that is the last boundary reached, even one on the first day where nothing was to bill yet, or the end once it
/// is past. In advance it is the end of the last period begun.
pub fn billed_through(
    cycle: Cycle,
    end: Option<NaiveDate>,
    target: NaiveDate,
    timing: Timing,
) -> Result<Option<NaiveDate>, CalendarError> {
    let due = cycle.due_periods(end, target, timing)?;
    if timing == Timing::InAdvance {
        return Ok(due.last().map(|period| period.end()));
    }
    if let Some(end) = end.filter(|end| *end <= target) {
        return Ok(Some(end));
    }
    let boundary = cycle.full_period_containing(target)?.start();
    Ok((boundary >= cycle.start()).then_some(boundary))
}

/// `count` boundaries after the start, leaving out the first `skip`; with `include_start` the start itself is the first.
pub fn boundaries(
    cycle: Cycle,
    skip: usize,
    count: usize,
    include_start: bool,
) -> Result<Vec<NaiveDate>, CalendarError> {
    let after = if include_start { count.saturating_sub(1) } else { count };
    let wanted = skip.checked_add(after).ok_or(CalendarError::OutOfRange)?;
    let found = cycle.boundaries_after(cycle.start(), wanted)?;
    if found.len() < wanted {
        return Err(CalendarError::OutOfRange);
    }
    let start = Some(cycle.start()).filter(|_| include_start && count > 0);
    Ok(start.into_iter().chain(found.into_iter().skip(skip)).collect())
}

/// The period of service that contains a date; a date before the start belongs to the first.
pub fn period_at(cycle: Cycle, date: NaiveDate) -> Result<Period, CalendarError> {
    cycle.period_containing(date.max(cycle.start()))?.ok_or(CalendarError::OutOfRange)
}

/// The periods from the end of the one that contains `on`, with another billing day.
///
/// The past stays as it is: the period under way ends where it would have, and the first of the new ones is the stub from there
/// to the next new boundary, a part of the full period that ends with it.
pub fn realigned(cycle: Cycle, on: NaiveDate, day: BillingDay, months: u32) -> Result<Cycle, CalendarError> {
    Cycle::monthly(period_at(cycle, on)?.end(), day, months)
}

/// A day so many days after another.
pub fn days_after(date: NaiveDate, days: u32) -> Result<NaiveDate, CalendarError> {
    date.checked_add_days(Days::new(days.into())).ok_or(CalendarError::OutOfRange)
}

/// The first day after a trial that begins on `start`: 30 days from 1 March end on 31 March.
pub fn trial_end(start: NaiveDate, trial_days: u32) -> Result<NaiveDate, CalendarError> {
    days_after(start, trial_days)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
