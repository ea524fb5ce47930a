//! Tables and properties of taxes by place and day.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn place(parts: [&str; 4]) -> Place {
    let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Place { country: part(parts[0]), region: part(parts[1]), city: part(parts[2]), postcode: part(parts[3]) }
}

fn rule(id: u8, parts: [&str; 4], tax: &str, percent: &str) -> Rule<u8> {
    let percent: Decimal = percent.parse().unwrap();
    let category = if percent.is_zero() { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    let rate = TaxRate::new(category, percent).unwrap();
    Rule { id, place: place(parts), tax: tax.into(), rate, order: 0, compound: false, from: None, to: None }
}

fn ids(found: &[&Rule<u8>]) -> Vec<u8> {
    found.iter().map(|rule| rule.id).collect()
}

#[test]
fn of_each_tax_the_most_specific_rule_in_force_holds() {
    let rules = [
        rule(1, ["US", "", "", ""], "State", "5"),
        rule(2, ["US", "CA", "", ""], "state", "7.25"),
        Rule { order: 1, ..rule(3, ["US", "CA", "Oakland", ""], "County", "1.5") },
        Rule { from: Some(day("2026-07-01")), ..rule(4, ["US", "CA", "", "946*"], "State", "8") },
        Rule { to: Some(day("2026-07-01")), ..rule(5, ["US", "CA", "", "946*"], "State", "7.5") },
    ];
    for (at, on, found) in [
        (["US", "TX", "", ""], "2026-06-30", vec![1]),
        (["us", "ca", "Fresno", ""], "2026-06-30", vec![2]),
        (["US", "CA", "Oakland", "90001"], "2026-06-30", vec![2, 3]),
        (["US", "CA", "Oakland", "94601"], "2026-06-30", vec![5, 3]),
        (["US", "CA", "Oakland", "94601"], "2026-07-01", vec![4, 3]),
        (["FR", "", "", ""], "2026-07-01", vec![]),
    ] {
        assert_eq!(ids(&taxes_at(&place(at), &rules, day(on))), found, "{at:?} {on}");
    }
    let june = Period::new(day("2026-06-15"), day("2026-07-15")).unwrap();
    assert_eq!(changes(&rules, june), [day("2026-07-01")]);
    assert_eq!(changes(&rules, Period::new(day("2026-07-01"), day("2026-08-01")).unwrap()), []);
}

#[test]
fn a_country_without_rules_is_taxed_as_at_home() {
    let rules = [rule(1, ["ES", "", "", ""], "IVA", "21"), rule(2, ["PT", "Madeira", "", ""], "IVA", "22")];
    let leeds = place(["GB", "", "Leeds", "LS1"]);
    let (home, then) = (place(["ES", "", "", ""]), day("2026-06-30"));
    assert_eq!(taxed_place(leeds, "ES", &rules, then), home);
    assert_eq!(taxed_place(Place::default(), "ES", &rules, then), home);
    let lisbon = place(["pt", "", "Lisboa", ""]);
    assert_eq!(taxed_place(lisbon.clone(), "ES", &rules, then), lisbon);
    let mut later = rules.clone();
    later[1].from = Some(day("2026-07-01"));
    assert_eq!(taxed_place(lisbon.clone(), "ES", &later, then), home, "until a rule about it holds");
    assert_eq!(taxed_place(lisbon.clone(), "ES", &later, day("2026-07-01")), lisbon);
}

#[test]
fn several_taxes_are_one_rate() {
    let excise = rule(1, ["KE", "", "", ""], "Excise", "15");
    let vat = Rule { order: 1, compound: true, ..rule(2, ["KE", "", "", ""], "VAT", "16") };
    let zero = rule(3, ["KE", "", "", ""], "Levy", "0");
    let rate =
        |taxes: &[&Rule<u8>]| together(taxes).unwrap().map(|rate| (rate.category().code(), rate.percent().to_string()));
    assert_eq!(rate(&[&excise, &vat]), Some(("S", "33.4".into())));
    assert_eq!(rate(&[&zero, &vat]), Some(("S", "16".into())));
    assert_eq!(rate(&[&zero]), Some(("Z", "0".into())));
    assert_eq!(rate(&[]), None);
    let third = Rule { compound: true, ..rule(4, ["KE", "", "", ""], "Third", "9.9751") };
    assert_eq!(rate(&[&excise, &vat, &third]), Some(("S", "46.706783".into())));
}

proptest! {
    #[test]
    fn parts_add_up(units in -100_000_i64..100_000, exact in prop::collection::vec(-5_000_i64..5_000, 1..5)) {
        let exact: Vec<_> = exact.into_iter().map(|part| Decimal::new(part, 3)).collect();
        let tax = Money::from_minor_units(units, Currency::EUR).unwrap();
        let parts = parts(tax, &exact).unwrap();
        prop_assert_eq!(Money::sum(Currency::EUR, parts).unwrap(), tax);
    }
}
