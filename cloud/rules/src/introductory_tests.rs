//! Tables and properties of introductory prices.

use proptest::prelude::*;

use super::*;
use crate::calendar::{BillingDay, Timing};
use crate::charges::{BilledLine, Subscription, derive};
use crate::money::Currency;
use crate::proration::ProrationPolicy;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn months(start: NaiveDate, billing_day: u32) -> Cycle {
    Cycle::monthly(start, BillingDay::new(billing_day).unwrap(), 1).unwrap()
}

fn term(from: NaiveDate, to: Option<NaiveDate>) -> Terms<u8> {
    Terms { version: 1, price: eur("29.90"), quantity: Decimal::ONE, from, to }
}

/// First a month for nothing, then three at 19.90.
fn offer() -> [Introductory; 2] {
    [Introductory { months: 1, price: eur("0") }, Introductory { months: 3, price: eur("19.90") }]
}

#[test]
fn phases_end_on_billing_days_and_days_before_the_first_are_on_top() {
    for (start, billing_day, expected) in [
        ("2026-03-01", 1, ["2026-03-01", "2026-04-01", "2026-07-01"]),
        ("2026-03-17", 1, ["2026-03-17", "2026-05-01", "2026-08-01"]),
        ("2026-01-31", 31, ["2026-01-31", "2026-02-28", "2026-05-31"]),
        ("2026-02-28", 31, ["2026-02-28", "2026-03-31", "2026-06-30"]),
    ] {
        let terms = served(months(day(start), billing_day), &term(day(start), None), &offer()).unwrap();
        let from: Vec<_> = terms.iter().map(|one| one.from).collect();
        assert_eq!(from, expected.map(day), "{start}");
        assert_eq!(terms.iter().map(|one| one.price).collect::<Vec<_>>(), [eur("0"), eur("19.90"), eur("29.90")]);
        assert_eq!(terms[2].to, None);
    }
}

#[test]
fn a_percent_off_is_rounded_once() {
    assert_eq!(reduced(eur("29.90"), Decimal::from(50)), Ok(eur("14.95")));
    assert_eq!(reduced(eur("29.99"), Decimal::from(50)), Ok(eur("15.00")));
    assert_eq!(reduced(eur("29.90"), Decimal::ONE_HUNDRED), Ok(eur("0")));
}

#[test]
fn a_term_that_ends_takes_its_phases_along() {
    let cycle = months(day("2026-03-01"), 1);
    let terms = served(cycle, &term(day("2026-03-01"), Some(day("2026-05-10"))), &offer()).unwrap();
    assert_eq!(terms.len(), 2);
    assert_eq!((terms[1].from, terms[1].to), (day("2026-04-01"), Some(day("2026-05-10"))));
}

#[test]
fn days_say_which_month_of_which_phase_they_are() {
    let cycle = months(day("2026-03-17"), 1);
    let of = |from: &str, to: &str| {
        let month = month_of(cycle, &offer(), Period::new(day(from), day(to)).unwrap()).unwrap();
        month.map(|month| (month.first, month.last, month.of))
    };
    assert_eq!(of("2026-03-17", "2026-04-01"), Some((1, 1, 1)));
    assert_eq!(of("2026-04-01", "2026-05-01"), Some((1, 1, 1)));
    assert_eq!(of("2026-05-01", "2026-06-01"), Some((1, 1, 3)));
    assert_eq!(of("2026-06-10", "2026-07-01"), Some((2, 2, 3)));
    assert_eq!(of("2026-05-01", "2026-09-01"), Some((1, 3, 3)), "as far as the phase goes");
    assert_eq!(of("2026-08-01", "2026-09-01"), None);
    assert_eq!(of("2026-03-01", "2026-03-17"), None);
}

proptest! {
    #[test]
    fn phases_take_nothing_from_the_days_and_give_at_least_their_months(
        offset in 0_i64..900, billing_day in 1_u32..=31, lengths in prop::collection::vec(1_u32..=14, 0..4), ends in 1_i64..900,
    ) {
        let start = day("2026-01-01") + chrono::TimeDelta::days(offset);
        let to = start + chrono::TimeDelta::days(ends);
        let phases: Vec<_> = (0..).zip(&lengths).map(|(n, months)| {
            Introductory { months: *months, price: Money::new(Decimal::from(n), Currency::EUR).unwrap() }
        }).collect();
        let cycle = months(start, billing_day);
        let terms = served(cycle, &term(start, Some(to)), &phases).unwrap();
        prop_assert_eq!(terms.first().map(|one| one.from), Some(start));
        prop_assert_eq!(terms.last().and_then(|one| one.to), Some(to));
        for pair in terms.windows(2) {
            prop_assert_eq!(pair[0].to, Some(pair[1].from));
            let whole = chrono::Months::new(lengths[usize::try_from(pair[0].price.amount()).unwrap()]);
            let least = pair[0].from.checked_add_months(whole).unwrap() - chrono::TimeDelta::days(3);
            prop_assert!(pair[1].from >= least, "a month is the one between billing days, which short months draw nearer");
        }
        for one in &terms {
            let month = month_of(cycle, &phases, Period::new(one.from, one.to.unwrap()).unwrap()).unwrap();
            prop_assert_eq!(month.map_or(eur("29.90"), |month| month.price), one.price);
        }
    }

    #[test]
    fn looked_at_often_or_once_the_same_is_billed(offset in 0_i64..60, billing_day in 1_u32..=31, quarterly in any::<bool>()) {
        let start = day("2026-01-01") + chrono::TimeDelta::days(offset);
        let (cycle, last) = (months(start, billing_day), start + chrono::TimeDelta::days(322));
        let length = if quarterly { 3 } else { 1 };
        let subscription = Subscription {
            cycle: Cycle::monthly(start, BillingDay::new(billing_day).unwrap(), length).unwrap(),
            timing: Timing::InAdvance,
            policy: ProrationPolicy::ByDay,
            currency: Currency::EUR,
            terms: served(cycle, &term(start, None), &offer()).unwrap(),
        };
        let total = |amounts: Vec<Money>| Money::sum(Currency::EUR, amounts).unwrap();
        let once = derive::<u32, _>(&subscription, &[], last).unwrap();
        let mut billed: Vec<BilledLine<u32, u8>> = Vec::new();
        for on in start.iter_days().take_while(|on| *on <= last).step_by(7) {
            for line in derive(&subscription, &billed, on).unwrap() {
                prop_assert!(line.amount.is_positive(), "phases give nothing back");
                let id = u32::try_from(billed.len()).unwrap();
                billed.push(BilledLine { id, version: line.version, price: line.price, quantity: line.quantity,
                    period: line.period, amount: line.amount, credits: line.credits });
            }
        }
        prop_assert_eq!(total(billed.iter().map(|line| line.amount).collect()), total(once.iter().map(|line| line.amount).collect()));
    }
}
