//! Tables of pauses, and the bills they make against a day-by-day count.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::calendar::{BillingDay, Cycle, Timing};
use crate::charges::{BilledLine, Subscription, derive};
use crate::money::Currency;
use crate::proration::ProrationPolicy;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn money(units: i64) -> Money {
    Money::from_minor_units(units, Currency::EUR).unwrap()
}

fn terms(from: NaiveDate, to: Option<NaiveDate>, units: i64) -> Terms<u32> {
    Terms { version: 1, price: money(units), quantity: Decimal::ONE, from, to }
}

fn dates(terms: &[Terms<u32>]) -> Vec<(String, Option<String>, String)> {
    let row = |one: &Terms<u32>| (one.from.to_string(), one.to.map(|to| to.to_string()), one.price.to_string());
    terms.iter().map(row).collect()
}

#[test]
fn pauses_take_days_out() {
    let whole = [terms(day("2026-01-01"), None, 3000)];
    let pause = |from: &str, to: Option<&str>, effect| Pause { from: day(from), to: to.map(day), effect };
    let row = |from: &str, to: Option<&str>, price: &str| (from.to_owned(), to.map(str::to_owned), price.to_owned());
    let credit = served(&whole, &[pause("2026-01-11", Some("2026-01-21"), BillEffect::Credit)]).unwrap();
    let expected = [row("2026-01-01", Some("2026-01-11"), "30.00 EUR"), row("2026-01-21", None, "30.00 EUR")];
    assert_eq!(dates(&credit), expected);
    let hold = BillEffect::Hold { price: money(500) };
    let held = served(&whole, &[pause("2026-01-11", None, hold)]).unwrap();
    let expected = [row("2026-01-01", Some("2026-01-11"), "30.00 EUR"), row("2026-01-11", None, "5.00 EUR")];
    assert_eq!(dates(&held), expected);
    let unpaid = BillEffect::AccrueFor { days: 30 };
    let accrued = served(&whole, &[pause("2026-01-11", None, unpaid)]).unwrap();
    assert_eq!(dates(&accrued), [row("2026-01-01", Some("2026-02-10"), "30.00 EUR")]);
    let short =
        [pause("2026-01-11", Some("2026-01-21"), unpaid), pause("2026-01-11", Some("2026-01-11"), BillEffect::Credit)];
    assert_eq!(served(&whole, &short).unwrap(), whole);
    assert_eq!(served(&whole, &[pause("2026-01-11", None, BillEffect::Accrue)]).unwrap(), whole);
    assert!(served(&whole, &[pause("2026-01-11", Some("2026-01-10"), BillEffect::Credit)]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Whenever the pause becomes known, what is billed in the end is each month's price for its served days.
    #[test]
    fn a_bill_with_a_pause_is_the_days_served(
        units in 1_i64..100_000, billing_day in prop_oneof![1_u32..=31, 28_u32..=31], start in 0_u64..60,
        from in 0_u64..100, length in 0_u64..80, known in 0_u64..150,
    ) {
        let begin = day("2027-12-15") + Days::new(start);
        let cycle = Cycle::monthly(begin, BillingDay::new(billing_day).unwrap(), 1).unwrap();
        let pause = Pause { from: begin + Days::new(from), to: Some(begin + Days::new(from + length)), effect: BillEffect::Credit };
        let open = [terms(begin, None, units)];
        let subscription = |terms: Vec<Terms<u32>>| Subscription {
            cycle, timing: Timing::InAdvance, policy: ProrationPolicy::ByDay, currency: Currency::EUR, terms,
        };
        let (last, mut billed): (NaiveDate, Vec<BilledLine<usize, u32>>) = (begin + Days::new(150), Vec::new());
        for run in (0..=150).step_by(15) {
            let terms = if run >= known { served(&open, &[pause]).unwrap() } else { open.to_vec() };
            for line in derive(&subscription(terms), &billed, begin + Days::new(run)).unwrap() {
                let id = billed.len();
                billed.push(BilledLine {
                    id, version: line.version, price: line.price, quantity: line.quantity,
                    period: line.period, amount: line.amount, credits: line.credits,
                });
            }
        }
        let billed = Money::sum(Currency::EUR, billed.iter().map(|line| line.amount)).unwrap();
        let mut expected = money(0);
        for full in cycle.full_periods(begin, last).unwrap() {
            let served = |date: &NaiveDate| *date >= begin && !(pause.from <= *date && *date < pause.to.unwrap());
            let mut runs: Vec<u32> = vec![0];
            for date in full.start().iter_days().take_while(|date| *date < full.end()) {
                if served(&date) { *runs.last_mut().unwrap() += 1 } else if runs.last() != Some(&0) { runs.push(0) }
            }
            for days in runs {
                let exact = money(units).amount() * Decimal::from(days) / Decimal::from(full.days());
                expected = expected.checked_add(Money::rounded(exact, Currency::EUR).unwrap()).unwrap();
            }
        }
        prop_assert_eq!(billed, expected);
    }
}
