//! Tables and properties of what a cycle has billed by a day.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;
use crate::unit_price::{UnitPrice, charge};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn monthly(start: &str, billing_day: u32) -> Cycle {
    Cycle::monthly(day(start), BillingDay::new(billing_day).unwrap(), 1).unwrap()
}

#[test]
fn shares_are_of_the_aligned_period() {
    let cycle = monthly("2024-01-20", 31);
    let billed = billed_cycles(cycle, Some(day("2024-03-10")), day("2024-05-01"), Timing::InAdvance).unwrap();
    let shares: Vec<_> = billed.iter().map(|one| (one.share.days(), one.share.full_days())).collect();
    assert_eq!(shares, [(11, 31), (29, 29), (10, 31)]);
    assert_eq!(billed[0].share.factor(9).to_string(), "0.354838710");
    assert_eq!(billed[0].share.rest().unwrap().days(), 20);
    assert_eq!(Share::WHOLE.rest(), None);
    assert!(billed[1].share.is(1, 1) && billed[0].share.is(22, 62) && !billed[0].share.is(1, 3));
    assert_eq!(factor_sum(&billed, 9).to_string(), "1.677419355");
    let full = Period::new(day("2024-03-01"), day("2024-04-01")).unwrap();
    let days = |from, to| Share::between(day(from), day(to), full).map(Share::days);
    assert_eq!((days("2024-03-05", "2024-03-05"), days("2024-03-01", "2024-04-01")), (Ok(0), Ok(31)));
    assert!(days("2024-03-05", "2024-03-04").is_err() && days("2024-03-05", "2024-04-02").is_err());
}

#[test]
fn arrears_reach_the_last_boundary_or_the_end() {
    for (start, end, target, billing_day, through) in [
        ("2012-01-16", None, "2012-01-16", 13, None),
        ("2012-01-16", None, "2012-02-13", 13, Some("2012-02-13")),
        ("2012-01-16", None, "2012-01-19", 16, Some("2012-01-16")),
        ("2012-01-16", Some("2012-01-19"), "2012-01-25", 25, Some("2012-01-19")),
        ("2012-01-16", Some("2012-01-20"), "2012-01-25", 18, Some("2012-01-20")),
        ("2012-01-16", Some("2012-01-28"), "2012-01-25", 18, Some("2012-01-18")),
        ("2012-01-16", Some("2012-02-16"), "2012-02-18", 18, Some("2012-02-16")),
    ] {
        let found = billed_through(monthly(start, billing_day), end.map(day), day(target), Timing::InArrears);
        assert_eq!(found, Ok(through.map(day)), "{start} {end:?} {target}");
    }
}

#[test]
fn another_billing_day_bills_one_stub() {
    let old = monthly("2016-04-01", 1);
    let new = realigned(old, day("2016-05-20"), BillingDay::new(15).unwrap(), 1).unwrap();
    let billed = billed_cycles(new, None, day("2016-06-15"), Timing::InAdvance).unwrap();
    let days: Vec<_> = billed.iter().map(|one| (one.period.start(), one.period.end(), one.share.days())).collect();
    assert_eq!(days, [(day("2016-06-01"), day("2016-06-15"), 14), (day("2016-06-15"), day("2016-07-15"), 30)]);
    let unit = UnitPrice { price: Decimal::new(24_995, 2), quantity: Decimal::ONE, currency: Currency::USD };
    assert_eq!(charge(unit, billed[0].share).unwrap().to_string(), "112.88 USD");
}

#[test]
fn sequences_skip_and_include() {
    let texts = |skip, count, include| -> Vec<String> {
        let found = boundaries(monthly("2024-01-31", 31), skip, count, include).unwrap();
        found.into_iter().map(|date| date.to_string()).collect()
    };
    assert_eq!(texts(0, 2, false), ["2024-02-29", "2024-03-31"]);
    assert_eq!(texts(1, 2, false), ["2024-03-31", "2024-04-30"]);
    assert_eq!(texts(0, 2, true), ["2024-01-31", "2024-02-29"]);
    assert_eq!(texts(0, 0, true), Vec::<String>::new());
    assert!(boundaries(monthly("2024-01-31", 31), 100_000, 1, false).is_err());
    let early = period_at(monthly("2024-06-01", 1), day("2024-01-01")).unwrap();
    assert_eq!((early.start(), early.end()), (day("2024-06-01"), day("2024-07-01")));
    assert_eq!(trial_end(day("2017-03-01"), 30), Ok(day("2017-03-31")));
}

proptest! {
    #[test]
    fn what_is_billed_has_no_gap_and_ends_where_it_says(
        offset in 0_u64..800, billing_day in prop_oneof![1_u32..=31, 28_u32..=31], months in 1_u32..=12,
        length in 0_u64..900, after in 0_u64..900, arrears in any::<bool>(), ends in any::<bool>(),
    ) {
        let start = day("2023-01-01") + Days::new(offset);
        let cycle = Cycle::monthly(start, BillingDay::new(billing_day).unwrap(), months).unwrap();
        let (end, target) = (ends.then(|| start + Days::new(length)), start + Days::new(after));
        let timing = if arrears { Timing::InArrears } else { Timing::InAdvance };
        let billed = billed_cycles(cycle, end, target, timing).unwrap();
        let mut next = start;
        for one in &billed {
            prop_assert_eq!(one.period.start(), next);
            prop_assert!(one.share.days() <= one.share.full_days());
            next = one.period.end();
        }
        let through = billed_through(cycle, end, target, timing).unwrap();
        prop_assert_eq!(through.unwrap_or(start), next);
    }
}
