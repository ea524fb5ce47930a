//! Tables of packages, percentages and blocks, and what holds of all of them.

use proptest::prelude::*;

use super::*;

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn packages_and_percentages() {
    for (units, free, amount) in
        [("121", "0", "1300"), ("121", "10", "1200"), ("121", "200", "0"), ("120", "0", "1200")]
    {
        assert_eq!(
            package(number(units), number("10"), number("100"), number(free)),
            Ok(number(amount)),
            "{units} {free}"
        );
    }
    assert!(package(Decimal::ONE, Decimal::ZERO, Decimal::ONE, Decimal::ZERO).is_err());
    let percentage = Percentage {
        rate_percent: number("1.3"),
        fixed_per_event: number("2"),
        free_total: number("250"),
        free_events: number("2"),
    };
    assert_eq!(percentage.price(number("800"), number("4")), Ok(number("11.15")));
    assert_eq!(percentage.price(number("0"), number("4")), Ok(number("0")));
    assert_eq!(percentage.price(number("100"), number("1")), Ok(number("0")));
}

#[test]
fn each_event_has_its_minimum_and_maximum() {
    let events = ["10", "80", "10000"].map(number);
    let price = |fixed: &str, free_total: &str, free_events: &str| {
        let percentage = Percentage {
            rate_percent: number("2.99"),
            fixed_per_event: number(fixed),
            free_total: number(free_total),
            free_events: number(free_events),
        };
        percentage.price_each(&events, Some(number("1.75")), Some(number("12"))).unwrap()
    };
    assert_eq!(price("0", "0", "0"), number("16.142"));
    assert_eq!(price("2", "0", "0"), number("18.691"));
    assert_eq!(price("0", "0", "2"), number("12"));
    assert_eq!(price("0", "30", "0"), number("13.794"));
    assert_eq!(price("0", "10000", "3"), number("2.691"));
}

#[test]
fn blocks_fill_tiers_or_take_the_top_one() {
    let tier = |size: i64, most: i64, price: &str| BlockTier {
        size: size.into(),
        max_blocks: Some(most.into()),
        price: number(price),
    };
    let ones = [tier(1, 10, "1.5"), tier(1, 100, "1.0"), tier(1, 1000, "0.5")];
    assert_eq!(blocks_in_all_tiers(&ones, number("111")).unwrap(), ["15", "100", "0.5"].map(number));
    assert_eq!(sum(&["15", "100", "0.5"].map(number)), Ok(number("115.5")));
    assert!(sum(&[Decimal::MAX, Decimal::MAX]).is_err());
    assert_eq!(blocks_in_all_tiers(&ones, number("7")).unwrap(), [number("10.5")]);
    let large = [tier(100, 10, "1"), tier(1000, 100, "1"), tier(1000, 100, "0.5")];
    for (units, amount) in [("1000", "10"), ("101000", "101"), ("101001", "51"), ("300000", "150"), ("0", "0")] {
        assert_eq!(blocks_in_top_tier(&large, number(units)), Ok(number(amount)), "{units}");
    }
    assert_eq!(blocks_in_all_tiers(&[tier(100, 10, "1")], number("2001")).unwrap(), [number("21")]);
    assert_eq!(blocks_in_top_tier(&[], Decimal::ONE), Err(PricingError::NoTiers));
}

proptest! {
    /// The naive way: one package after another until all units are covered.
    #[test]
    fn packages_cover_the_units_and_no_more(units in 0_i64..100_000, size in 1_i64..5_000, free in 0_i64..50_000) {
        let (units, size, free) = (Decimal::new(units, 2), Decimal::new(size, 2), Decimal::new(free, 2));
        let count = package(units, size, Decimal::ONE, free).unwrap();
        prop_assert!(count * size >= units - free);
        prop_assert!(count.is_zero() || (count - Decimal::ONE) * size < units - free);
    }

    #[test]
    fn in_one_tier_both_ways_of_blocks_agree(units in 0_i64..100_000, size in 1_i64..500, price in 0_i64..500) {
        let tier = BlockTier { size: size.into(), max_blocks: None, price: Decimal::new(price, 2) };
        let all = blocks_in_all_tiers(&[tier], units.into()).unwrap();
        prop_assert_eq!(sum(&all), blocks_in_top_tier(&[tier], units.into()));
    }
}
