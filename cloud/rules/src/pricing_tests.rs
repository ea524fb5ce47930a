//! Tables and properties of usage prices.

use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn tiers(rows: &[(&str, &str, &str)]) -> Tiers {
    let tier = |(bound, unit, flat): &(&str, &str, &str)| Tier {
        up_to: bound.parse().ok(),
        unit: number(unit),
        flat: number(flat),
    };
    Tiers::new(rows.iter().map(tier).collect()).unwrap()
}

#[test]
fn graduated_and_volume() {
    let steps = tiers(&[("10", "4", "1"), ("20", "3", "2"), ("", "2", "3")]);
    for (units, graduated, volume) in [
        ("0", "1", "1"),
        ("0.5", "3", "3"),
        ("10", "41", "41"),
        ("10.5", "44.5", "33.5"),
        ("20", "73", "62"),
        ("25", "86", "53"),
        ("-5", "0", "0"),
    ] {
        let price = |mode| steps.price(mode, number(units), true).unwrap();
        assert_eq!(
            (price(TierMode::Graduated), price(TierMode::Volume)),
            (number(graduated), number(volume)),
            "{units}"
        );
    }
    assert_eq!(steps.price(TierMode::Graduated, Decimal::ZERO, false), Ok(Decimal::ZERO));
    let bounded = tiers(&[("10", "4", "0")]);
    assert_eq!(bounded.price(TierMode::Volume, number("11"), true), Err(PricingError::BeyondTiers(number("11"))));
}

#[test]
fn tiers_ascend_and_only_the_last_is_open() {
    let tier = |up_to: Option<i64>| Tier { up_to: up_to.map(Decimal::from), unit: Decimal::ONE, flat: Decimal::ZERO };
    for (bounds, error) in [
        (vec![], PricingError::NoTiers),
        (vec![Some(0)], PricingError::TierOrder(1)),
        (vec![Some(5), Some(5)], PricingError::TierOrder(2)),
        (vec![None, Some(5)], PricingError::TierOrder(1)),
    ] {
        assert_eq!(Tiers::new(bounds.into_iter().map(tier).collect()), Err(error));
    }
}

#[test]
fn commitments_and_percentiles() {
    let commitment = Commitment { minimum: Some(number("1000")), maximum: Some(number("170")) };
    assert_eq!(commitment.top_up(number("100")), number("900"));
    assert_eq!((commitment.capped(number("182")), commitment.capped(number("160"))), (number("170"), number("160")));
    assert_eq!((commitment.raised(number("100")), commitment.raised(number("2000"))), (number("1000"), number("2000")));
    let steps = tiers(&[("10", "4", "100"), ("", "2", "0")]);
    let line = steps.line(TierMode::Graduated, number("8"), number("12"), false, commitment).unwrap();
    assert_eq!((line.before, line.after, line.amount()), (number("132"), number("160"), number("28")));
    let line = steps.line(TierMode::Graduated, number("8"), number("22"), false, commitment).unwrap();
    assert_eq!((line.gross(), line.discount(), line.amount()), (number("48"), number("10"), number("38")));
    assert_eq!(percentile_95(&(1..=100).collect::<Vec<_>>()), Some(95));
    assert_eq!((percentile_95(&[7]), percentile_95(&[])), (Some(7), None));
}

proptest! {
    #[test]
    fn a_period_in_pieces_costs_what_it_costs_whole(
        first in 0_i64..4000, cuts in prop::collection::vec(0_i64..4000, 0..6), unit in 0_i64..500, flat in 0_i64..500,
    ) {
        let steps = Tiers::new(vec![
            Tier { up_to: Some(Decimal::from(10)), unit: Decimal::new(unit, 2), flat: Decimal::new(flat, 2) },
            Tier { up_to: Some(Decimal::new(205, 1)), unit: Decimal::new(unit / 2, 2), flat: Decimal::ZERO },
            Tier { up_to: None, unit: Decimal::new(unit / 3, 2), flat: Decimal::new(flat, 2) },
        ]).unwrap();
        let price = |units: Decimal| steps.price(TierMode::Graduated, units, false).unwrap();
        let (mut used, mut sum) = (Decimal::ZERO, Decimal::ZERO);
        for cut in std::iter::once(first).chain(cuts) {
            let after = used + Decimal::new(cut, 2);
            let line = price(after) - price(used);
            prop_assert!(line >= Decimal::ZERO);
            sum += line;
            used = after;
        }
        prop_assert_eq!(sum, price(used));
    }

    /// The naive way: one unit after another.
    #[test]
    fn graduated_is_the_sum_of_its_units(units in 0_u32..60, bound in 1_u32..30, low in 0_i64..100, high in 0_i64..100) {
        let steps = Tiers::new(vec![
            Tier { up_to: Some(bound.into()), unit: Decimal::new(low, 2), flat: Decimal::ZERO },
            Tier { up_to: None, unit: Decimal::new(high, 2), flat: Decimal::ZERO },
        ]).unwrap();
        let one_by_one = (1..=units).map(|unit| Decimal::new(if unit <= bound { low } else { high }, 2)).sum::<Decimal>();
        prop_assert_eq!(steps.price(TierMode::Graduated, units.into(), true), Ok(one_by_one));
    }
}
