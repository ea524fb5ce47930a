//! When anything new may be done: the hours of a day, the days of a week, the holidays.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, Utc, Weekday};
use chrono_tz::Tz;

use crate::calendar::{CalendarError, local_date, start_of_hour};

/// How many closed days in a row are looked through: more than any calendar of holidays has.
const FAR: usize = 800;

/// Days of every week on which nothing new is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RestDays {
    /// None.
    #[default]
    None,
    /// Sundays.
    Sunday,
    /// Saturdays and Sundays.
    SaturdaySunday,
    /// Fridays and Saturdays.
    FridaySaturday,
}

impl RestDays {
    /// Every choice.
    pub const ALL: [RestDays; 4] =
        [RestDays::None, RestDays::Sunday, RestDays::SaturdaySunday, RestDays::FridaySaturday];

    fn has(self, day: Weekday) -> bool {
        match self {
            RestDays::None => false,
            RestDays::Sunday => day == Weekday::Sun,
            RestDays::SaturdaySunday => matches!(day, Weekday::Sat | Weekday::Sun),
            RestDays::FridaySaturday => matches!(day, Weekday::Fri | Weekday::Sat),
        }
    }
}

/// The local hours and days on which subscribers may be written to and restricted. Letting them go is done at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTime {
    /// The first hour, 0 to 23.
    pub from_hour: u32,
    /// The hour after the last, 1 to 24.
    pub to_hour: u32,
    /// Days of every week that are none.
    pub rest_days: RestDays,
    /// Further days that are none.
    pub holidays: BTreeSet<NaiveDate>,
}

impl WorkingTime {
    /// Every hour of every day.
    pub fn always() -> WorkingTime {
        WorkingTime { from_hour: 0, to_hour: 24, rest_days: RestDays::None, holidays: BTreeSet::new() }
    }

    /// The first instant not before `at` that is working time; `None` when there is none in two years.
    pub fn next_open(&self, at: DateTime<Utc>, zone: Tz) -> Result<Option<DateTime<Utc>>, CalendarError> {
        let open = |day: &NaiveDate| !self.rest_days.has(day.weekday()) && !self.holidays.contains(day);
        for day in local_date(at, zone).iter_days().take(FAR).filter(open) {
            let (from, to) = (start_of_hour(day, self.from_hour, zone)?, start_of_hour(day, self.to_hour, zone)?);
            if at.max(from) < to {
                return Ok(Some(at.max(from)));
            }
        }
        Ok(None)
    }

    /// Whether an instant is working time.
    pub fn is_open(&self, at: DateTime<Utc>, zone: Tz) -> Result<bool, CalendarError> {
        Ok(self.next_open(at, zone)? == Some(at))
    }
}
