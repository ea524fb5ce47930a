//! How long a billing period is, by the names people give it: `monthly`, `every_10_days`, `biannual`.
//!
//! Not here: when periods begin (see [`crate::calendar::Cycle`]). Start with [`Interval`].

use std::str::FromStr;

use chrono::{Datelike, NaiveDate};

use crate::calendar::{BillingDay, CalendarError, Cycle};

/// The length of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Interval {
    /// So many calendar months, that begin on the billing day.
    Months(u32),
    /// So many days, counted from the start.
    Days(u32),
}

/// A name no interval has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown billing period {0:?}")]
pub struct UnknownInterval(String);

const NAMES: &[(&[&str], Interval)] = &[
    (&["daily"], Interval::Days(1)),
    (&["weekly"], Interval::Days(7)),
    (&["biweekly", "bi_weekly", "fortnightly", "fortnight"], Interval::Days(14)),
    (&["monthly"], Interval::Months(1)),
    (&["bimonthly", "bi_monthly", "bimestrial"], Interval::Months(2)),
    (&["quarterly"], Interval::Months(3)),
    (&["triannual", "triannually"], Interval::Months(4)),
    (
        &[
            "semiannual",
            "semi_annual",
            "semiannually",
            "semi_annually",
            "biannual",
            "bi_annual",
            "biannually",
            "bi_annually",
            "half_yearly",
            "half_year",
            "halfyearly",
        ],
        Interval::Months(6),
    ),
    (&["annual", "annually", "yearly"], Interval::Months(12)),
    (&["sesquiennial"], Interval::Months(18)),
    (&["biennial", "biennially"], Interval::Months(24)),
    (&["triennial", "triennially"], Interval::Months(36)),
];

const NUMBERS: &[(&str, u32)] = &[
    ("a", 1),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("twelve", 12),
    ("fourteen", 14),
    ("fifteen", 15),
    ("twenty_eight", 28),
    ("thirty", 30),
    ("thirty_one", 31),
    ("sixty", 60),
    ("ninety", 90),
];

impl Interval {
    /// The periods from a start; without a billing day months begin on the day of the start.
    pub fn cycle(self, start: NaiveDate, billing_day: Option<BillingDay>) -> Result<Cycle, CalendarError> {
        match self {
            Interval::Days(days) => Cycle::every_days(start, days),
            Interval::Months(months) => {
                let day = billing_day.map_or_else(|| BillingDay::new(start.day()), Ok)?;
                Cycle::monthly(start, day, months)
            }
        }
    }
}

impl FromStr for Interval {
    type Err = UnknownInterval;

    /// Reads a name (`monthly`) or a number of units: `3_months`, `every 10 days`, `two_weeks`, `quarter`.
    fn from_str(text: &str) -> Result<Interval, UnknownInterval> {
        let name = text.trim().to_ascii_lowercase().replace(['-', ' '], "_");
        if let Some((_, interval)) = NAMES.iter().find(|(names, _)| names.contains(&name.as_str())) {
            return Ok(*interval);
        }
        counted(name.strip_prefix("every_").unwrap_or(&name))
            .ok_or_else(|| UnknownInterval(text.chars().take(32).collect()))
    }
}

/// A number, in digits or words and one if left out, and a unit.
fn counted(name: &str) -> Option<Interval> {
    let digits = name.len() - name.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (count, unit) = if digits > 0 {
        (name[..digits].parse().ok()?, name[digits..].trim_start_matches('_'))
    } else if let Some((word, unit)) = name.rsplit_once('_') {
        (NUMBERS.iter().find(|(known, _)| *known == word)?.1, unit)
    } else {
        (1_u32, name)
    };
    let (months, unit) = match unit.strip_suffix('s').unwrap_or(unit) {
        "d" | "day" => (false, 1),
        "w" | "week" => (false, 7),
        "m" | "month" => (true, 1),
        "q" | "quarter" => (true, 3),
        "y" | "year" => (true, 12),
        _ => return None,
    };
    let length = count.checked_mul(unit).filter(|length| *length > 0)?;
    Some(if months { Interval::Months(length) } else { Interval::Days(length) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_kinds_are_read() {
        for (name, interval) in [
            ("monthly", Interval::Months(1)),
            ("MONTHLY", Interval::Months(1)),
            ("month", Interval::Months(1)),
            ("semi-annual", Interval::Months(6)),
            ("biannual", Interval::Months(6)),
            ("biennial", Interval::Months(24)),
            ("every 10 days", Interval::Days(10)),
            ("every_3_months", Interval::Months(3)),
            ("3_months", Interval::Months(3)),
            ("30days", Interval::Days(30)),
            ("THIRTY_ONE_DAYS", Interval::Days(31)),
            ("two_weeks", Interval::Days(14)),
            ("every_two_years", Interval::Months(24)),
            ("quarter", Interval::Months(3)),
        ] {
            assert_eq!(name.parse(), Ok(interval), "{name}");
        }
        for wrong in ["", "sometimes", "0_days", "every_days_10", "4294967295_years", "-3_days"] {
            assert!(wrong.parse::<Interval>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn weeks_step_from_the_start_and_months_from_the_billing_day() {
        let start: NaiveDate = "2024-02-29".parse().unwrap();
        let first = |interval: Interval, day| interval.cycle(start, day).unwrap().first_boundary().unwrap().to_string();
        assert_eq!(first(Interval::Days(7), BillingDay::new(15).ok()), "2024-02-29");
        assert_eq!(first(Interval::Months(12), BillingDay::new(15).ok()), "2025-02-15");
        assert_eq!(first(Interval::Months(1), None), "2024-02-29");
    }
}
