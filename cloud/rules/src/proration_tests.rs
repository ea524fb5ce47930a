//! Tables and properties of proration.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(day(start), day(end)).unwrap()
}

#[test]
fn parts_are_priced_by_policy() {
    let by_day = ProrationPolicy::ByDay;
    let thirty = ProrationPolicy::ThirtyDayMonth { months: 1 };
    for (price, part, full, policy, amount) in [
        ("249.95", ("2016-05-01", "2016-05-15"), ("2016-04-15", "2016-05-15"), by_day, "116.64"),
        ("249.95", ("2016-06-01", "2016-06-15"), ("2016-05-15", "2016-06-15"), by_day, "112.88"),
        ("30.00", ("2016-03-20", "2016-04-01"), ("2016-03-01", "2016-04-01"), by_day, "11.61"),
        ("249.95", ("2012-04-05", "2012-05-02"), ("2012-04-02", "2012-05-02"), by_day, "224.96"),
        ("19.95", ("2023-05-15", "2023-05-23"), ("2023-05-15", "2023-06-15"), thirty, "5.32"),
        ("30.00", ("2023-05-01", "2023-05-31"), ("2023-05-01", "2023-06-01"), thirty, "30.00"),
        ("30.00", ("2023-05-02", "2023-06-01"), ("2023-05-01", "2023-06-01"), ProrationPolicy::None, "0.00"),
        ("30.00", ("2023-05-31", "2023-06-01"), ("2023-05-01", "2023-06-01"), ProrationPolicy::FullPeriod, "30.00"),
    ] {
        let (part, full) = (period(part.0, part.1), period(full.0, full.1));
        assert_eq!(prorated(eur(price), Decimal::ONE, part, full, policy), Ok(eur(amount)), "{price} {part:?}");
    }
    let outside = prorated(
        eur("1"),
        Decimal::ONE,
        period("2023-05-01", "2023-06-02"),
        period("2023-05-01", "2023-06-01"),
        by_day,
    );
    assert!(matches!(outside, Err(ProrationError::OutsidePeriod { .. })));
}

#[test]
fn a_change_credits_the_unused_days_and_charges_the_new_plan() {
    for (old, new, line, on, credit, charge, net) in [
        ("10.00", "20.00", ("2026-01-01", "2026-02-01"), "2026-01-15", "-5.48", "10.97", "5.49"),
        ("249.95", "599.95", ("2016-05-01", "2016-06-01"), "2016-05-05", "-217.70", "522.54", "304.84"),
        ("249.95", "599.95", ("2012-06-30", "2012-07-31"), "2012-07-20", "-88.69", "212.89", "124.20"),
        ("10.00", "20.00", ("2026-01-01", "2026-02-01"), "2026-01-01", "-10.00", "20.00", "10.00"),
    ] {
        let line = period(line.0, line.1);
        let change = plan_change(eur(old), line, eur(new), Decimal::ONE, line, day(on)).unwrap();
        assert_eq!(change, PlanChange { credit: eur(credit), charge: eur(charge), net: eur(net) });
    }
}

#[test]
fn a_change_never_credits_more_than_is_left() {
    let change = PlanChange { credit: eur("-54.84"), charge: eur("16.45"), net: eur("-38.39") };
    let capped = change.capped(eur("50.00"), eur("10.00")).unwrap();
    assert_eq!((capped.credit, capped.net), (eur("-40.00"), eur("-23.55")));
    assert_eq!(change.capped(eur("100.00"), eur("0")), Ok(change));
}

#[test]
fn credits_and_pieces_follow_the_line() {
    assert_eq!(unused(eur("40.00"), period("2024-03-01", "2024-04-01"), day("2024-03-15")), Ok(eur("21.94")));
    assert_eq!(capped_credit(eur("100"), eur("200"), eur("50")), Ok(eur("100")));
    assert_eq!(capped_credit(eur("100"), eur("120"), eur("50")), Ok(eur("70")));
    let line = period("2012-06-30", "2012-07-31");
    let parts = pieces(eur("249.95"), line, &[day("2012-07-10"), day("2012-07-20")]).unwrap();
    assert_eq!(parts, [eur("80.63"), eur("80.63"), eur("88.69")]);
    assert!(pieces(eur("249.95"), line, &[day("2012-07-20"), day("2012-07-10")]).is_err());
    assert!(pieces(eur("249.95"), line, &[day("2012-07-31")]).is_err());
}

#[test]
fn allowances_round_down() {
    let full = period("2026-01-01", "2026-02-01");
    assert_eq!(prorated_allowance(100, period("2026-01-01", "2026-01-11"), full), Ok(32));
    assert_eq!(prorated_allowance(u64::MAX, full, full), Ok(u64::MAX));
}

proptest! {
    #[test]
    fn credit_and_earned_are_what_was_billed(units in 0_i64..10_000_000, days in 2_u64..400, cut in 1_u64..399) {
        prop_assume!(cut < days);
        let start = day("2026-01-01");
        let line = Period::new(start, start + chrono::Days::new(days)).unwrap();
        let on = start + chrono::Days::new(cut);
        for code in ["JPY", "EUR", "KWD"] {
            let billed = Money::from_minor_units(units, Currency::from_code(code).unwrap()).unwrap();
            let sum = earned(billed, line, on).unwrap().checked_add(unused(billed, line, on).unwrap());
            prop_assert_eq!(sum.unwrap(), billed);
        }
    }

    #[test]
    fn pieces_add_up_to_the_line(units in 0_i64..10_000_000, days in 2_u64..400, cuts in prop::collection::btree_set(1_u64..399, 0..8)) {
        let start = day("2026-01-01");
        let line = Period::new(start, start + chrono::Days::new(days)).unwrap();
        let cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < days).map(|cut| start + chrono::Days::new(cut)).collect();
        let billed = Money::from_minor_units(units, Currency::EUR).unwrap();
        let parts = pieces(billed, line, &cuts).unwrap();
        prop_assert!(parts.iter().all(|part| !part.is_negative()));
        prop_assert_eq!(Money::sum(Currency::EUR, parts).unwrap(), billed);
    }
}
