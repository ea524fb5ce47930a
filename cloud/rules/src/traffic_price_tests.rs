//! Tables and properties of traffic priced in tiers.

use proptest::prelude::*;

use super::*;

fn period(from: &str, to: &str) -> Period {
    Period::new(from.parse().unwrap(), to.parse().unwrap()).unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn tier(up_to: Option<u64>, per_gigabyte: &str, fee: &str) -> TrafficTier {
    TrafficTier {
        up_to_bytes: up_to.map(|gigabytes| gigabytes * GIGABYTE),
        per_gigabyte: number(per_gigabyte),
        fee: number(fee),
    }
}

fn price(mode: TierMode, tiers: &[TrafficTier], maximum: Option<&str>) -> TrafficPrice {
    let maximum = maximum.map(|text| Money::parse(text, Currency::EUR).unwrap());
    TrafficPrice { mode, tiers: tiers.to_vec(), maximum, currency: Currency::EUR }
}

fn total(price: &TrafficPrice, bytes: u64, days: Period, full: Period) -> String {
    price.of(bytes, days, full).unwrap().total.amount().to_string()
}

#[test]
fn each_gigabyte_costs_its_tier_or_all_the_last_ones() {
    let june = period("2026-06-01", "2026-07-01");
    let tiers = [tier(Some(100), "0.05", "0"), tier(Some(500), "0.02", "1"), tier(None, "0.005", "0")];
    for (gigabytes, graduated, volume) in [
        (0, "0.00", "0.00"),
        (1, "0.05", "0.05"),
        (100, "5.00", "5.00"),
        (250, "9.00", "6.00"),
        (500, "14.00", "11.00"),
        (1500, "19.00", "7.50"),
    ] {
        for (mode, expected) in [(TierMode::Graduated, graduated), (TierMode::Volume, volume)] {
            assert_eq!(total(&price(mode, &tiers, None), gigabytes * GIGABYTE, june, june), expected, "{gigabytes}");
        }
    }
    // A byte beyond a bound is the next tier's; half a gigabyte costs half.
    let graduated = price(TierMode::Graduated, &tiers, Some("10"));
    assert_eq!(total(&graduated, 100 * GIGABYTE + 1, june, june), "6.00");
    assert_eq!(total(&graduated, GIGABYTE / 2, june, june), "0.03");
    assert_eq!(total(&graduated, 400 * GIGABYTE, june, june), "10.00");
}

#[test]
fn a_part_of_a_month_has_a_part_of_every_bound_fee_and_maximum() {
    let (june, half) = (period("2026-06-01", "2026-07-01"), period("2026-06-01", "2026-06-16"));
    let tiers = [tier(Some(100), "0.05", "2"), tier(None, "0.02", "0")];
    let graduated = price(TierMode::Graduated, &tiers, Some("6"));
    // 50 GB at 0.05 with half the fee, 25 at 0.02.
    let priced = graduated.of(75 * GIGABYTE, half, june).unwrap();
    assert_eq!((priced.sum.amount(), priced.total.amount()), (number("4.00"), number("3.00")));
    assert_eq!(
        priced.parts.iter().map(|part| (part.units, part.cost)).collect::<Vec<_>>(),
        [(number("50"), number("3.50")), (number("25"), number("0.50"))]
    );
    // A tier of one byte has none left in half a month.
    let narrow = [tier(Some(0), "9", "9"), tier(None, "0.02", "0")];
    let narrow = narrow.map(|tier| TrafficTier { up_to_bytes: tier.up_to_bytes.map(|_| 1), ..tier });
    assert_eq!(total(&price(TierMode::Graduated, &narrow, None), 50 * GIGABYTE, half, june), "1.00");
    assert!(price(TierMode::Graduated, &[], None).of(1, june, june).is_err());
}

fn any_price() -> impl Strategy<Value = TrafficPrice> {
    let tier = (1u64..400, 0i64..2000, 0i64..300);
    (prop::collection::vec(tier, 1..5), any::<bool>(), prop::option::of(0i64..5000)).prop_map(
        |(steps, volume, most)| {
            let (mut bound, last) = (0, steps.len() - 1);
            let tiers = steps.iter().enumerate().map(|(index, (wide, cents, fee))| {
                bound += wide * GIGABYTE / 7;
                TrafficTier {
                    up_to_bytes: (index < last).then_some(bound),
                    per_gigabyte: Decimal::new(*cents, 4),
                    fee: Decimal::new(*fee, 2),
                }
            });
            let tiers = tiers.collect();
            let mode = if volume { TierMode::Volume } else { TierMode::Graduated };
            let maximum = most.map(|cents| Money::from_minor_units(cents, Currency::EUR).unwrap());
            TrafficPrice { mode, tiers, maximum, currency: Currency::EUR }
        },
    )
}

proptest! {
    #[test]
    fn parts_add_up_and_more_never_costs_less_where_each_has_its_tier(
        price in any_price(), bytes in 0..900 * GIGABYTE, more in 0..90 * GIGABYTE, days in 1u64..=30,
    ) {
        let full = period("2026-06-01", "2026-07-01");
        let part = Period::new(full.start(), full.start() + chrono::Days::new(days)).unwrap();
        let priced = price.of(bytes, part, full).unwrap();
        let units: Decimal = priced.parts.iter().map(|part| part.units).sum();
        prop_assert_eq!(units, gigabytes(bytes));
        let costs: Decimal = priced.parts.iter().map(|part| part.cost).sum();
        prop_assert_eq!(Money::rounded(costs, Currency::EUR).unwrap(), priced.sum);
        prop_assert!(priced.total.amount() <= priced.sum.amount() && !priced.total.is_negative());
        if price.mode == TierMode::Graduated {
            prop_assert!(price.of(bytes + more, part, full).unwrap().total.amount() >= priced.total.amount());
        }
    }
}
