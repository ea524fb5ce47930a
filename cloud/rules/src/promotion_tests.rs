//! Tables and properties of phases and promotions.

use proptest::prelude::*;

use super::*;
use crate::calendar::{BillingDay, Timing};
use crate::charges::{Subscription, derive};
use crate::money::Currency;
use crate::proration::ProrationPolicy;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn monthly(start: &str, billing_day: u32) -> Cycle {
    Cycle::monthly(day(start), BillingDay::new(billing_day).unwrap(), 1).unwrap()
}

fn phase(price: &str, lasts: Lasts) -> Phase<&'static str> {
    Phase { version: "plan", price: eur(price), quantity: Decimal::ONE, lasts }
}

#[test]
fn a_trial_a_promotion_and_the_list_price_are_billed_as_terms() {
    let cycle = monthly("2026-01-10", 1);
    let phases = [
        phase("0", Lasts::Days(22)),
        phase("10", Lasts::Periods(2)),
        phase("5", Lasts::Days(0)),
        phase("30", Lasts::Open),
    ];
    let terms = phased(cycle, &phases).unwrap();
    let rows: Vec<_> = terms.iter().map(|one| (one.from.to_string(), one.price.to_string())).collect();
    let row = |from: &str, price: &str| (from.to_owned(), price.to_owned());
    assert_eq!(rows, [row("2026-01-10", "0.00 EUR"), row("2026-02-01", "10.00 EUR"), row("2026-04-01", "30.00 EUR")]);
    let subscription = Subscription {
        cycle,
        timing: Timing::InAdvance,
        policy: ProrationPolicy::ByDay,
        currency: Currency::EUR,
        terms,
    };
    let lines = derive::<u32, _>(&subscription, &[], day("2026-04-15")).unwrap();
    let billed = Money::sum(Currency::EUR, lines.iter().map(|line| line.amount)).unwrap();
    assert_eq!(billed, eur("50"));
    let until = phased(cycle, &[phase("9", Lasts::Until(day("2026-03-05"))), phase("30", Lasts::Open)]).unwrap();
    assert_eq!(until[0].to, Some(day("2026-03-05")));
    assert_eq!(phased(cycle, &[phase("1", Lasts::Open), phase("2", Lasts::Open)]), Err(PromotionError::OpenPhase(1)));
}

#[test]
fn a_promotion_reduces_the_days_it_holds() {
    let april = Period::new(day("2026-04-01"), day("2026-05-01")).unwrap();
    let half = Discount::Percent { percent: 50.into(), most: None };
    let promotion = |discount, from: &str, to: Option<&str>| Promotion { discount, from: day(from), to: to.map(day) };
    for (promotion, taken) in [
        (promotion(half, "2026-04-01", None), "15"),
        (promotion(half, "2026-04-21", None), "5"),
        (promotion(half, "2026-03-01", Some("2026-04-04")), "1.50"),
        (promotion(half, "2026-05-01", None), "0"),
        (promotion(Discount::Fixed(eur("6")), "2026-04-16", None), "3"),
        (promotion(Discount::Fixed(eur("90")), "2026-04-16", None), "15"),
        (promotion(Discount::Percent { percent: 50.into(), most: Some(eur("6")) }, "2026-04-16", None), "3"),
    ] {
        assert_eq!(promotion.on_line(eur("30"), april, april), Ok(eur(taken)), "{promotion:?}");
    }
    let both = [promotion(half, "2026-04-01", None), promotion(Discount::Fixed(eur("20")), "2026-04-01", None)];
    assert_eq!(on_line(&both, eur("30"), april, april), Ok(vec![eur("15"), eur("15")]));
    assert!(promotion(half, "2026-04-02", Some("2026-04-01")).on_line(eur("1"), april, april).is_err());
}

proptest! {
    #[test]
    fn promotions_together_never_exceed_the_line(
        units in 0_i64..100_000, rows in prop::collection::vec((any::<bool>(), 0_i64..12_000, 0_u64..60, 1_u64..60), 0..6),
    ) {
        let full = Period::new(day("2028-02-01"), day("2028-03-01")).unwrap();
        let promotion = |(fixed, value, from, length): (bool, i64, u64, u64)| {
            let from = day("2028-01-10") + chrono::Days::new(from);
            let discount = if fixed {
                Discount::Fixed(Money::from_minor_units(value, Currency::EUR).unwrap())
            } else {
                Discount::Percent { percent: Decimal::new(value, 2), most: None }
            };
            Promotion { discount, from, to: Some(from + chrono::Days::new(length)) }
        };
        let promotions: Vec<_> = rows.into_iter().map(promotion).collect();
        let amount = Money::from_minor_units(units, Currency::EUR).unwrap();
        let taken = on_line(&promotions, amount, full, full).unwrap();
        prop_assert!(taken.iter().all(|one| !one.is_negative()));
        prop_assert!(Money::sum(Currency::EUR, taken).unwrap().minor_units() <= units);
    }
}
