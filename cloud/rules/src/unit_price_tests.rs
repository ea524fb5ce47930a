//! Tables and properties of charges and credits by unit price.

use proptest::prelude::*;

use super::*;
use crate::proration::{ProrationPolicy, prorated, unused};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(day(start), day(end)).unwrap()
}

fn unit(price: &str, quantity: i64, code: &str) -> UnitPrice {
    let currency = Currency::from_code(code).unwrap();
    UnitPrice { price: price.parse().unwrap(), quantity: quantity.into(), currency }
}

#[test]
fn prices_have_more_decimals_than_lines() {
    for (unit, amount) in [
        (unit("0.001", 100, "USD"), "0.10 USD"),
        (unit("0.0005", 3, "KWD"), "0.002 KWD"),
        (unit("33.3", 5, "JPY"), "167 JPY"),
        (unit("29.95", 7, "USD"), "209.65 USD"),
    ] {
        assert_eq!(charge(unit, Share::WHOLE).unwrap().to_string(), amount);
    }
    assert!(charge(unit("1", -1, "USD"), Share::WHOLE).is_err());
}

#[test]
fn changes_in_advance_and_in_arrears() {
    let march = period("2024-03-01", "2024-04-01");
    let change = |old, new, on| change_in_advance(old, new, march, day(on)).unwrap();
    let five_to_ten = change(unit("10", 5, "USD"), unit("10", 10, "USD"), "2024-03-15");
    assert_eq!(five_to_ten.net.to_string(), "27.42 USD");
    assert_eq!(change(unit("10", 1, "USD"), unit("20", 1, "USD"), "2024-03-01").net.to_string(), "10.00 USD");
    assert_eq!(change(unit("10", 1, "USD"), unit("20", 1, "USD"), "2024-04-01").net.to_string(), "0.00 USD");
    let february = period("2024-02-01", "2024-03-01");
    let (old, new) =
        change_in_arrears(unit("29", 1, "EUR"), unit("290", 1, "EUR"), february, day("2024-02-12")).unwrap();
    assert_eq!((old.to_string(), new.to_string()), ("11.00 EUR".to_owned(), "180.00 EUR".to_owned()));
    assert!(change_in_advance(unit("1", 1, "EUR"), unit("1", 1, "EUR"), march, day("2024-02-29")).is_err());
}

#[test]
fn months_of_a_fixed_length() {
    for (from, to, fixed, days) in [
        ("2023-05-15", "2023-05-23", 30, 8),
        ("2023-05-23", "2023-06-15", 30, 22),
        ("2024-02-23", "2024-03-15", 30, 22),
        ("2023-05-23", "2023-06-15", 28, 20),
        ("2023-02-15", "2023-03-15", 30, 30),
        ("2023-12-31", "2024-02-29", 30, 58),
        ("2023-01-01", "2023-01-31", 28, 28),
    ] {
        assert_eq!(days_in_fixed_months(day(from), day(to), fixed), days, "{from} {to}");
    }
    let charged = charge_in_fixed_months(unit("19.95", 1, "USD"), day("2023-05-23"), day("2023-06-15"), 30).unwrap();
    assert_eq!((charged.0, charged.1.to_string()), (22, "14.63 USD".to_owned()));
}

/// A part of a period: month ends and leap days as often as others.
fn parts() -> impl Strategy<Value = (Period, Period)> {
    let starts =
        prop_oneof![Just("2024-01-31"), Just("2024-02-29"), Just("2023-02-28"), Just("2024-12-31"), Just("2025-06-15")];
    (starts, 2_u64..400, 0_u64..399, 1_u64..400).prop_filter_map("inside", |(start, days, from, length)| {
        let start = day(start);
        let full = Period::new(start, start + chrono::Days::new(days)).ok()?;
        let begin = start + chrono::Days::new(from);
        let part = full.intersection(Period::new(begin, begin + chrono::Days::new(length)).ok()?)?;
        Some((part, full))
    })
}

proptest! {
    #[test]
    fn a_charge_is_what_proration_says(units in 0_i64..10_000_000, (part, full) in parts(), code in prop_oneof!["JPY", "EUR", "KWD"]) {
        let currency = Currency::from_code(&code).unwrap();
        let price = Money::from_minor_units(units, currency).unwrap();
        let charged = charge_for(UnitPrice { price: price.amount(), quantity: Decimal::ONE, currency }, part, full).unwrap();
        prop_assert_eq!(charged, prorated(price, Decimal::ONE, part, full, ProrationPolicy::ByDay).unwrap());
        prop_assert!(!charged.is_negative() && charged.amount() <= price.amount());
    }

    /// The naive way: one day after another, in exact numbers.
    #[test]
    fn a_charge_is_the_sum_of_its_days(price in 0_i64..1_000_000, (part, full) in parts()) {
        let daily = Decimal::new(price, 2);
        let days = part.start().iter_days().take_while(|date| *date < part.end()).count();
        let all = full.start().iter_days().take_while(|date| *date < full.end()).count();
        let exact = (0..days).fold(Decimal::ZERO, |sum, _| sum + daily) / Decimal::from(all);
        let unit = UnitPrice { price: daily, quantity: Decimal::ONE, currency: Currency::EUR };
        prop_assert_eq!(charge_for(unit, part, full).unwrap(), Money::rounded(exact, Currency::EUR).unwrap());
    }

    #[test]
    fn credits_never_exceed_the_line(units in 0_i64..10_000_000, (part, full) in parts()) {
        let billed = Money::from_minor_units(units, Currency::EUR).unwrap();
        let credit = credit_for(billed, full, part).unwrap();
        prop_assert!(!credit.is_negative() && credit.amount() <= billed.amount());
        if part.end() == full.end() {
            prop_assert_eq!(credit, unused(billed, full, part.start()).unwrap());
        }
        if part == full {
            prop_assert_eq!(credit, billed);
        }
    }

    #[test]
    fn a_change_to_the_same_price_moves_nothing_but_ties(price in 0_i64..10_000_000, (part, full) in parts()) {
        let unit = UnitPrice { price: Decimal::new(price, 2), quantity: Decimal::ONE, currency: Currency::EUR };
        let change = change_in_advance(unit, unit, full, part.start()).unwrap();
        prop_assert!(change.net.minor_units().abs() <= 1);
        let (old, new) = change_in_arrears(unit, unit, full, part.start()).unwrap();
        let whole = charge(unit, Share::WHOLE).unwrap();
        prop_assert!((old.minor_units() + new.minor_units() - whole.minor_units()).abs() <= 1);
    }
}
