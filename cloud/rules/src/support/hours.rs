//! Working time: which hours of which days count, by the clocks of a zone.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Days, LocalResult, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use crate::calendar::{local_date, start_of_day};

/// Minutes of a day; a shift that ends with its day ends here.
pub const MIDNIGHT: u16 = 24 * 60;
/// Days looked at for the end of a promise; a calendar with less work than that has none.
const DAYS_MAX: u64 = 3_660;
/// Minutes clocks skip at most when they change.
const GAP_MAX: i64 = 180;

/// Why a shift was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a working day ends after it begins, and at midnight at the latest")]
pub struct ShiftError;

/// Working time of a day: from one minute after midnight up to, not including, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shift {
    opens: u16,
    closes: u16,
}

impl Shift {
    /// From minute `opens` up to minute `closes` of the day.
    pub fn new(opens: u16, closes: u16) -> Result<Self, ShiftError> {
        if opens < closes && closes <= MIDNIGHT { Ok(Self { opens, closes }) } else { Err(ShiftError) }
    }

    /// The minute it begins.
    pub fn opens(self) -> u16 {
        self.opens
    }

    /// The minute it ends.
    pub fn closes(self) -> u16 {
        self.closes
    }
}

/// The hours somebody answers: a shift a weekday, none on holidays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingHours {
    zone: Tz,
    week: [Option<Shift>; 7],
    holidays: BTreeSet<NaiveDate>,
}

impl WorkingHours {
    /// Shifts from Monday to Sunday, and the days on which nobody works whatever the weekday.
    pub fn new(zone: Tz, week: [Option<Shift>; 7], holidays: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self { zone, week, holidays: holidays.into_iter().collect() }
    }

    /// The working stretch of a day, if there is one: where clocks skip an edge it is the first minute that exists, where
    /// it comes twice the shift is the longer one.
    pub fn stretch(&self, day: NaiveDate) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let shift = self.week[day.weekday().num_days_from_monday() as usize]?;
        if self.holidays.contains(&day) {
            return None;
        }
        let (opens, closes) = (self.instant(day, shift.opens, false)?, self.instant(day, shift.closes, true)?);
        (opens < closes).then_some((opens, closes))
    }

    /// How much working time lies between two instants; nothing when `to` is not after `from`.
    pub fn work_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> TimeDelta {
        let mut work = TimeDelta::zero();
        let last = local_date(to, self.zone);
        let mut day = local_date(from, self.zone);
        while from < to && day <= last {
            if let Some((opens, closes)) = self.stretch(day) {
                work += (closes.min(to) - opens.max(from)).max(TimeDelta::zero());
            }
            let Some(next) = day.succ_opt() else { break };
            day = next;
        }
        work
    }

    /// The instant at which `work` has been worked since `from`; `None` when that never comes within ten years.
    pub fn due(&self, from: DateTime<Utc>, work: TimeDelta) -> Option<DateTime<Utc>> {
        let mut left = work;
        if left <= TimeDelta::zero() {
            return Some(from);
        }
        let first = local_date(from, self.zone);
        for n in 0..DAYS_MAX {
            let Some((opens, closes)) = self.stretch(first.checked_add_days(Days::new(n))?) else { continue };
            let begins = opens.max(from);
            let available = (closes - begins).max(TimeDelta::zero());
            if left <= available {
                return Some(begins + left);
            }
            left -= available;
        }
        None
    }

    fn instant(&self, day: NaiveDate, minute: u16, closing: bool) -> Option<DateTime<Utc>> {
        if minute == MIDNIGHT {
            return start_of_day(day.succ_opt()?, self.zone).ok();
        }
        let wall = day.and_hms_opt(u32::from(minute / 60), u32::from(minute % 60), 0)?;
        for skipped in 0..=GAP_MAX {
            match self.zone.from_local_datetime(&(wall + TimeDelta::minutes(skipped))) {
                LocalResult::Single(at) => return Some(at.to_utc()),
                LocalResult::Ambiguous(earlier, later) => {
                    return Some((if closing { later } else { earlier }).to_utc());
                }
                LocalResult::None => {}
            }
        }
        start_of_day(day.succ_opt()?, self.zone).ok()
    }
}
