//! Tables and properties of billing periods and local days.

use proptest::prelude::*;

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(day(start), day(end)).unwrap()
}

fn cycle(start: &str, billing_day: u32, months: u32) -> Cycle {
    Cycle::monthly(day(start), BillingDay::new(billing_day).unwrap(), months).unwrap()
}

#[test]
fn short_months_do_not_move_the_anchor() {
    let boundaries = cycle("2023-01-31", 31, 1).boundaries_after(day("2023-01-31"), 4).unwrap();
    assert_eq!(boundaries, ["2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"].map(day));
    let leap = cycle("2024-02-29", 29, 12).boundaries_after(day("2024-02-29"), 4).unwrap();
    assert_eq!(leap, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"].map(day));
}

#[test]
fn the_first_boundary_is_on_or_after_the_start() {
    for (start, billing_day, months, first) in [
        ("2012-01-16", 17, 1, "2012-01-17"),
        ("2012-01-16", 17, 12, "2012-01-17"),
        ("2012-01-16", 16, 1, "2012-01-16"),
        ("2012-01-16", 13, 1, "2012-02-13"),
        ("2012-01-16", 13, 12, "2013-01-13"),
        ("2023-02-28", 31, 1, "2023-02-28"),
    ] {
        assert_eq!(cycle(start, billing_day, months).first_boundary(), Ok(day(first)), "{start} {billing_day}");
    }
}

#[test]
fn a_date_lies_in_one_period() {
    let cycle = cycle("2024-01-31", 31, 1);
    let containing = |date| cycle.period_containing(day(date)).unwrap();
    assert_eq!(containing("2024-02-15"), Some(period("2024-01-31", "2024-02-29")));
    assert_eq!(containing("2024-02-29"), Some(period("2024-02-29", "2024-03-31")));
    assert_eq!(containing("2024-01-30"), None);
}

#[test]
fn periods_due_are_cut_at_start_and_end() {
    let due = |start, end: Option<&str>, target, billing_day, timing| {
        cycle(start, billing_day, 1).due_periods(end.map(day), day(target), timing)
    };
    let advance = Timing::InAdvance;
    assert_eq!(
        due("2024-03-15", None, "2024-04-01", 1, advance).unwrap(),
        [period("2024-03-15", "2024-04-01"), period("2024-04-01", "2024-05-01")]
    );
    assert_eq!(
        due("2011-02-10", Some("2011-02-24"), "2011-03-06", 10, advance).unwrap(),
        [period("2011-02-10", "2011-02-24")]
    );
    assert_eq!(due("2012-01-16", None, "2012-01-16", 13, Timing::InArrears).unwrap(), []);
    assert_eq!(
        due("2012-01-16", None, "2012-02-13", 13, Timing::InArrears).unwrap(),
        [period("2012-01-16", "2012-02-13")]
    );
    let early = due("2011-01-30", Some("2011-03-15"), "2011-01-15", 15, advance).unwrap_err();
    assert_eq!(early.to_string(), "target date 2011-01-15 is before the start 2011-01-30");
}

#[test]
fn days_and_their_starts_follow_the_zone() {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    assert_eq!(local_date(at("2023-06-16T05:00:00Z"), Tz::America__Denver), day("2023-06-15"));
    assert_eq!(local_date(at("2023-02-28T18:00:00Z"), Tz::Asia__Kolkata), day("2023-02-28"));
    for (date, zone, start) in [
        ("2024-03-10", Tz::America__New_York, "2024-03-10T05:00:00Z"),
        ("2024-03-11", Tz::America__New_York, "2024-03-11T04:00:00Z"),
        ("2018-11-04", Tz::America__Sao_Paulo, "2018-11-04T03:00:00Z"),
        ("2011-12-30", Tz::Pacific__Apia, "2011-12-30T10:00:00Z"),
        ("2024-10-27", Tz::Europe__Madrid, "2024-10-26T22:00:00Z"),
        ("2024-11-03", Tz::America__Havana, "2024-11-03T04:00:00Z"),
    ] {
        assert_eq!(start_of_day(day(date), zone), Ok(at(start)), "{date} {zone}");
    }
}

#[test]
fn a_period_without_another_keeps_both_sides() {
    let whole = period("2026-01-01", "2026-02-01");
    let left: Vec<_> = whole.without(period("2026-01-10", "2026-01-20")).collect();
    assert_eq!(left, [period("2026-01-01", "2026-01-10"), period("2026-01-20", "2026-02-01")]);
    assert_eq!(whole.without(whole).count(), 0);
    assert_eq!(whole.without(period("2026-03-01", "2026-04-01")).collect::<Vec<_>>(), [whole]);
}

#[test]
fn impossible_values_are_refused() {
    assert_eq!(BillingDay::new(0), Err(CalendarError::BillingDay(0)));
    assert_eq!(BillingDay::new(32), Err(CalendarError::BillingDay(32)));
    assert_eq!(Cycle::every_days(day("2026-01-01"), 0), Err(CalendarError::Interval(0)));
    assert!(Period::new(day("2026-01-02"), day("2026-01-02")).is_err());
    assert_eq!(cycle("2026-01-01", 1, 1).boundary(i32::MAX), Err(CalendarError::OutOfRange));
}

proptest! {
    #[test]
    fn periods_touch_and_contain_their_date(
        start in 0_u64..20_000, billing_day in 1_u32..=31, months in 1_u32..=24, step in 1_u32..=400, by_month: bool, ahead in 0_u64..20_000,
    ) {
        let start = day("1990-01-01") + Days::new(start);
        let cycle = if by_month {
            Cycle::monthly(start, BillingDay::new(billing_day).unwrap(), months).unwrap()
        } else {
            Cycle::every_days(start, step).unwrap()
        };
        let date = start + Days::new(ahead);
        let full = cycle.full_period_containing(date).unwrap();
        prop_assert!(full.contains(date));
        let next = cycle.full_period_containing(full.end()).unwrap();
        prop_assert_eq!(next.start(), full.end());
        let first = cycle.first_boundary().unwrap();
        prop_assert!(first >= start);
        prop_assert_eq!(cycle.period_containing(start).unwrap().unwrap().start(), start);
    }
}

#[test]
fn calendar_weeks_and_quarters() {
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let around = |cycle: Cycle, on: &str| {
        let full = cycle.full_period_containing(date(on)).unwrap();
        (full.start().to_string(), full.end().to_string())
    };
    let texts = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    for (first, start, end) in [(Weekday::Mon, "2023-06-12", "2023-06-19"), (Weekday::Sun, "2023-06-11", "2023-06-18")]
    {
        let week = Cycle::weekly(date("2023-06-15"), first).unwrap();
        assert_eq!(around(week, "2023-06-15"), texts(start, end));
    }
    for (months, start, end) in
        [(1, "2023-06-01", "2023-07-01"), (3, "2023-04-01", "2023-07-01"), (12, "2023-01-01", "2024-01-01")]
    {
        let cycle = Cycle::calendar_months(date("2023-06-15"), months).unwrap();
        assert_eq!(around(cycle, "2023-06-15"), texts(start, end));
    }
    assert_eq!(Cycle::calendar_months(date("2023-06-15"), 0), Err(CalendarError::Interval(0)));
}
