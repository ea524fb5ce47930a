//! What people would like to move, by day and by hour.

use super::people::Person;
use crate::dice::Dice;
use chrono::{Datelike, NaiveDate, Weekday};
use std::ops::Range;

/// Of a day's bytes, in thousandths, by hour: quiet at night, a hump at noon, most at half past nine in the evening.
const HOURS: [u64; 24] = [24, 14, 9, 6, 5, 6, 10, 18, 26, 31, 34, 36, 41, 48, 50, 46, 44, 48, 56, 68, 86, 106, 110, 78];

/// Bytes somebody wants on a day: more on weekends and in winter, more every month, and never twice the same.
#[must_use]
pub fn wanted(seed: u64, person: &Person, on: NaiveDate) -> u64 {
    let mut dice = Dice::of(seed ^ u64::from(on.num_days_from_ce().unsigned_abs()), "traffic", person.number);
    let weekday = match on.weekday() {
        Weekday::Sat => 125,
        Weekday::Sun => 138,
        Weekday::Fri => 110,
        _ => 95,
    };
    let season = [112, 108, 102, 97, 94, 90, 86, 82, 95, 101, 106, 115][on.month0() as usize];
    // People find uses for what they have: about 2 % more a month.
    let months = (on - person.joined_on).num_days().max(0).unsigned_abs() / 30;
    let mood = if dice.percent(6) { dice.between(5, 30) } else { dice.between(60, 145) };
    let parts = [weekday, season, 100 + 2 * months, mood];
    parts.into_iter().fold(person.daily_bytes, |bytes, percent| bytes / 100 * percent)
}

/// The share of a day's bytes that falls into hours.
#[must_use]
pub fn in_hours(day_bytes: u64, hours: Range<u32>) -> u64 {
    hours.map(|hour| day_bytes / 1_000 * HOURS[hour as usize % HOURS.len()]).sum()
}

/// Which part of it comes from the subscriber: a tenth or so, more with those who send a lot.
#[must_use]
pub fn upward(person: &Person, bytes: u64) -> u64 {
    bytes / 100 * (6 + (person.number as u64 * 37) % 14)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_sum_of_its_hours() {
        assert_eq!(HOURS.iter().sum::<u64>(), 1_000);
        assert_eq!(in_hours(5_000_000, 0..24), 5_000_000);
        let busiest = (0..24).max_by_key(|hour| in_hours(1_000_000, *hour..*hour + 1));
        assert_eq!(busiest, Some(22));
    }
}
