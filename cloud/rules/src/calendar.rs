//! Billing periods: boundaries counted from an anchor, half-open local dates, and days in a time zone.
//!
//! Not here: what a period costs (see [`crate::proration`]). A boundary is always computed from the anchor, never from
//! the one before it, so 31 January is followed by 28 February and then 31 March. Start with [`Cycle`].

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc, Weekday};
use chrono_tz::Tz;

/// Why a date, period or cycle was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A billing day is 1 to 31.
    #[error("billing day {0} is not between 1 and 31")]
    BillingDay(u32),
    /// An interval is at least one and at most 1200 months or 3660 days.
    #[error("billing interval of {0} is out of range")]
    Interval(u32),
    /// A period ends after it starts.
    #[error("period from {start} to {end} is empty or reversed")]
    EmptyPeriod {
        /// The first day.
        start: NaiveDate,
        /// The day after the last.
        end: NaiveDate,
    },
    /// The target date is before the start.
    #[error("target date {target} is before the start {start}")]
    TargetBeforeStart {
        /// The date asked for.
        target: NaiveDate,
        /// The start.
        start: NaiveDate,
    },
    /// The result leaves the years a date can have, or needs more periods than are ever billed at once.
    #[error("date is out of range")]
    OutOfRange,
}

/// The day of the month on which periods begin, 1 to 31; a shorter month uses its last day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BillingDay(u32);

impl BillingDay {
    /// Takes 1 to 31.
    pub fn new(day: u32) -> Result<BillingDay, CalendarError> {
        if (1..=31).contains(&day) { Ok(BillingDay(day)) } else { Err(CalendarError::BillingDay(day)) }
    }

    /// The day of the month of a date.
    pub fn of(date: NaiveDate) -> BillingDay {
        BillingDay(date.day())
    }

    /// The day, 1 to 31.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Days from `start` up to, not including, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    /// A period of at least one day.
    pub fn new(start: NaiveDate, end: NaiveDate) -> Result<Period, CalendarError> {
        if start < end { Ok(Period { start, end }) } else { Err(CalendarError::EmptyPeriod { start, end }) }
    }

    /// The first day.
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// The day after the last.
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    /// How many calendar days, whatever the clocks do.
    pub fn days(self) -> u32 {
        u32::try_from((self.end - self.start).num_days()).expect("a period ends after it starts")
    }

    /// Whether the day lies inside; the end does not.
    pub fn contains(self, date: NaiveDate) -> bool {
        self.start <= date && date < self.end
    }

    /// The days in both, if any.
    pub fn intersection(self, other: Period) -> Option<Period> {
        Period::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }

    /// What is left of this period without `other`: nothing, one or two pieces, in order.
    pub fn without(self, other: Period) -> impl Iterator<Item = Period> {
        let before = Period::new(self.start, self.end.min(other.start)).ok();
        let after = Period::new(self.start.max(other.end), self.end).ok();
        before.into_iter().chain(after)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    Months { billing_day: BillingDay, months: u32 },
    Days { anchor: NaiveDate, days: u32 },
}

/// How the periods of one subscription follow each other from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cycle {
    start: NaiveDate,
    steps: Steps,
}

/// Whether a period is billed when it begins or when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Timing {
    /// Billed on its first day.
    #[default]
    InAdvance,
    /// Billed on the day after its last.
    InArrears,
}

/// The most periods one call gives, enough for a century of weeks.
const MAX_PERIODS: usize = 5300;

impl Cycle {
    /// Periods of `months` months that begin on the billing day: 1 monthly, 3 quarterly, 12 annual.
    pub fn monthly(start: NaiveDate, billing_day: BillingDay, months: u32) -> Result<Cycle, CalendarError> {
        if !(1..=1200).contains(&months) {
            return Err(CalendarError::Interval(months));
        }
        Ok(Cycle { start, steps: Steps::Months { billing_day, months } })
    }

    /// Periods of `days` days counted from the start, 7 for weekly.
    pub fn every_days(start: NaiveDate, days: u32) -> Result<Cycle, CalendarError> {
        Cycle::every_days_from(start, start, days)
    }

    /// Periods of `days` days counted from another anchor, such as any Monday for calendar weeks.
    pub fn every_days_from(start: NaiveDate, anchor: NaiveDate, days: u32) -> Result<Cycle, CalendarError> {
        if !(1..=3660).contains(&days) {
            return Err(CalendarError::Interval(days));
        }
        Ok(Cycle { start, steps: Steps::Days { anchor, days } })
    }

    /// Calendar weeks that begin on a day of the week.
    pub fn weekly(start: NaiveDate, first: Weekday) -> Result<Cycle, CalendarError> {
        Cycle::every_days_from(start, start.week(first).checked_first_day().ok_or(CalendarError::OutOfRange)?, 7)
    }

    /// Periods of whole calendar months counted from January: months, quarters, years.
    pub fn calendar_months(start: NaiveDate, months: u32) -> Result<Cycle, CalendarError> {
        let months = if (1..=1200).contains(&months) { months } else { return Err(CalendarError::Interval(months)) };
        let first = start.with_day(1).ok_or(CalendarError::OutOfRange)?;
        let into = u32::try_from((i64::from(start.year()) * 12 + i64::from(start.month0())) % i64::from(months));
        let anchor = into.ok().and_then(|into| first.checked_sub_months(Months::new(into)));
        Cycle::monthly(anchor.ok_or(CalendarError::OutOfRange)?, BillingDay(1), months)
    }

    /// The first day of service.
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// Boundary `k`, from the anchor: billing day 31 from 31 January 2023 gives 31 Jan (0), 28 Feb (1), 31 Mar (2).
    ///
    /// Boundary 0 lies in the month of the start and may be before it.
    pub fn boundary(self, k: i32) -> Result<NaiveDate, CalendarError> {
        self.boundary_checked(k).ok_or(CalendarError::OutOfRange)
    }

    /// The first boundary on or after the start; a start on a boundary makes the first period full.
    pub fn first_boundary(self) -> Result<NaiveDate, CalendarError> {
        self.boundary(self.index_at(self.start)?)
            .and_then(|at| if at == self.start { Ok(at) } else { self.boundary(self.index_at(self.start)? + 1) })
    }

    /// The first `count` boundaries strictly after `date`.
    pub fn boundaries_after(self, date: NaiveDate, count: usize) -> Result<Vec<NaiveDate>, CalendarError> {
        let first = self.index_at(date)? + 1;
        let count = i32::try_from(count.min(MAX_PERIODS)).map_err(|_| CalendarError::OutOfRange)?;
        (first..first + count).map(|k| self.boundary(k)).collect()
    }

    /// The full period between two boundaries that contains `date`, even where it begins before the start.
    ///
    /// The days of this period are what a part of it is prorated by.
    pub fn full_period_containing(self, date: NaiveDate) -> Result<Period, CalendarError> {
        let k = self.index_at(date)?;
        Period::new(self.boundary(k)?, self.boundary(k + 1)?)
    }

    /// The period of service that contains `date`: the first one begins at the start. `None` before the start.
    pub fn period_containing(self, date: NaiveDate) -> Result<Option<Period>, CalendarError> {
        if date < self.start {
            return Ok(None);
        }
        let full = self.full_period_containing(date)?;
        Period::new(full.start.max(self.start), full.end).map(Some)
    }

    /// The full periods, in order, that share a day with `[from, until]`, both included; none when `until < from`.
    pub fn full_periods(self, from: NaiveDate, until: NaiveDate) -> Result<Vec<Period>, CalendarError> {
        let mut periods = Vec::new();
        if until < from {
            return Ok(periods);
        }
        for k in self.index_at(from)?.. {
            let period = Period::new(self.boundary(k)?, self.boundary(k + 1)?)?;
            if period.start > until {
                break;
            }
            if periods.len() == MAX_PERIODS {
                return Err(CalendarError::OutOfRange);
            }
            periods.push(period);
        }
        Ok(periods)
    }

    /// The periods of service that are due by `target`, cut at the start and at `end`.
    ///
    /// In advance a period is due on its first day, in arrears on the day after its last.
    pub fn due_periods(
        self,
        end: Option<NaiveDate>,
        target: NaiveDate,
        timing: Timing,
    ) -> Result<Vec<Period>, CalendarError> {
        if target < self.start {
            return Err(CalendarError::TargetBeforeStart { target, start: self.start });
        }
        if let Some(end) = end.filter(|end| *end < self.start) {
            return Err(CalendarError::EmptyPeriod { start: self.start, end });
        }
        let last = end.unwrap_or(NaiveDate::MAX);
        let cut = |full: Period| Period::new(full.start.max(self.start), full.end.min(last)).ok();
        let due = |period: &Period| match timing {
            Timing::InAdvance => period.start <= target,
            Timing::InArrears => period.end <= target,
        };
        Ok(self.full_periods(self.start, target)?.into_iter().filter_map(cut).filter(due).collect())
    }

    fn boundary_checked(self, k: i32) -> Option<NaiveDate> {
        match self.steps {
            Steps::Months { billing_day, months } => {
                let step = Months::new(k.unsigned_abs().checked_mul(months)?);
                let first = self.start.with_day(1)?;
                let month = if k < 0 { first.checked_sub_months(step)? } else { first.checked_add_months(step)? };
                let next = month.checked_add_months(Months::new(1))?;
                let days_in_month = u32::try_from((next - month).num_days()).ok()?;
                month.with_day(billing_day.0.min(days_in_month))
            }
            Steps::Days { anchor, days } => {
                let step = Days::new(u64::from(k.unsigned_abs()) * u64::from(days));
                if k < 0 { anchor.checked_sub_days(step) } else { anchor.checked_add_days(step) }
            }
        }
    }

    /// The number of the last boundary on or before `date`.
    fn index_at(self, date: NaiveDate) -> Result<i32, CalendarError> {
        let guess = match self.steps {
            Steps::Months { months, .. } => {
                let count = |day: NaiveDate| i64::from(day.year()) * 12 + i64::from(day.month0());
                (count(date) - count(self.start)).div_euclid(i64::from(months))
            }
            Steps::Days { anchor, days } => (date - anchor).num_days().div_euclid(i64::from(days)),
        };
        let k = i32::try_from(guess).map_err(|_| CalendarError::OutOfRange)?;
        Ok(if self.boundary(k)? > date { k - 1 } else { k })
    }
}

/// The calendar day of an instant in a time zone: 05:00 UTC on 16 June is still 15 June in Denver.
pub fn local_date(instant: DateTime<Utc>, zone: Tz) -> NaiveDate {
    instant.with_timezone(&zone).date_naive()
}

/// The first instant of a day in a time zone.
///
/// Where clocks skip midnight it is the first minute that exists; where midnight comes twice, the earlier. A day that a
/// zone left out altogether begins when the next one does.
pub fn start_of_day(date: NaiveDate, zone: Tz) -> Result<DateTime<Utc>, CalendarError> {
    start_of_hour(date, 0, zone)
}

/// The first instant of an hour of a day, 0 to 24, in a time zone; hours that clocks skip or repeat as with [`start_of_day`].
pub fn start_of_hour(date: NaiveDate, hour: u32, zone: Tz) -> Result<DateTime<Utc>, CalendarError> {
    let offset = TimeDelta::hours(i64::from(hour));
    let mut local = date.and_time(NaiveTime::MIN).checked_add_signed(offset).ok_or(CalendarError::OutOfRange)?;
    for _ in 0..=2 * 24 * 60 {
        match zone.from_local_datetime(&local) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return Ok(at.with_timezone(&Utc)),
            LocalResult::None => {
                local = local.checked_add_signed(TimeDelta::minutes(1)).ok_or(CalendarError::OutOfRange)?;
            }
        }
    }
    Err(CalendarError::OutOfRange)
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
