//! Time between local days as clocks count it, where daylight saving makes a day 23 or 25 hours.
//!
//! No bill of ours is computed from it: periods are calendar days ([`crate::proration`]). It shows what a bill by hours would
//! have been. Start with [`elapsed_hours`].

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Period, start_of_day};
use crate::money::{Currency, Money};
use crate::proration::ProrationError;

/// Calendar days from one local day to another, below zero when it is before: DST does not count.
pub fn calendar_days(from: NaiveDate, to: NaiveDate) -> i64 {
    (to - from).num_days()
}

/// Hours between two instants, with fractions.
pub fn hours_between(from: DateTime<Utc>, to: DateTime<Utc>) -> Decimal {
    Decimal::from((to - from).num_seconds()) / Decimal::from(3600)
}

/// Hours from the beginning of a local day to that of another: 47 from 9 to 11 March 2024 in New York.
pub fn elapsed_hours(from: NaiveDate, to: NaiveDate, zone: Tz) -> Result<Decimal, CalendarError> {
    Ok(hours_between(start_of_day(from, zone)?, start_of_day(to, zone)?))
}

/// What a part of a period would cost by the hours elapsed: 30.00 for 288 of 743 hours is 11.63.
pub fn prorated_by_time(
    price: Decimal,
    currency: Currency,
    part: Period,
    full: Period,
    zone: Tz,
) -> Result<Money, ProrationError> {
    if full.intersection(part) != Some(part) {
        return Err(ProrationError::OutsidePeriod { part, full });
    }
    let hours = |period: Period| elapsed_hours(period.start(), period.end(), zone);
    let (hours_used, hours_full) = (hours(part)?, hours(full)?);
    let too_large = || crate::money::MoneyError::TooLarge(currency);
    let share = price.checked_mul(hours_used).and_then(|product| product.checked_div(hours_full));
    Ok(Money::rounded(share.ok_or_else(too_large)?, currency)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_make_days_shorter_and_longer() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (from, to, zone, hours) in [
            ("2024-03-09", "2024-03-11", chrono_tz::America::New_York, "47"),
            ("2024-11-02", "2024-11-04", chrono_tz::America::New_York, "49"),
            ("2024-04-06", "2024-04-08", chrono_tz::Australia::Lord_Howe, "48.5"),
            ("2024-05-01", "2024-05-05", chrono_tz::UTC, "96"),
            ("2024-05-01", "2024-05-01", chrono_tz::UTC, "0"),
        ] {
            assert_eq!(elapsed_hours(day(from), day(to), zone).unwrap(), hours.parse().unwrap(), "{from} {zone}");
        }
        assert_eq!(calendar_days(day("2024-03-09"), day("2024-03-11")), 2);
        let period = |from, to| Period::new(day(from), day(to)).unwrap();
        let zone = chrono_tz::America::Los_Angeles;
        let (part, full) = (period("2016-03-20", "2016-04-01"), period("2016-03-01", "2016-04-01"));
        let price = Decimal::from(30);
        assert_eq!(prorated_by_time(price, Currency::USD, part, full, zone).unwrap().to_string(), "11.63 USD");
        assert!(prorated_by_time(price, Currency::USD, full, part, zone).is_err());
    }
}
