//! Tables and properties of tax by a profile.

use proptest::prelude::*;

use super::*;

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::USD).unwrap()
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn lines(amounts: &[&str], percent: &str) -> Vec<Rated> {
    amounts.iter().map(|amount| Rated { amount: usd(amount), percent: number(percent) }).collect()
}

#[test]
fn scope_and_mode_decide_the_cent() {
    let per_line = TaxScope::PerLine;
    let invoice = TaxScope::PerInvoicePerRate;
    for (amounts, percent, scope, mode, tax) in [
        (["25.00", "25.00"], "8.25", invoice, Rounding::HalfUp, "4.13"),
        (["25.00", "25.00"], "8.25", per_line, Rounding::HalfUp, "4.12"),
        (["25.00", "25.00"], "8.25", invoice, Rounding::HalfEven, "4.12"),
        (["25.00", "25.00"], "8.25", invoice, Rounding::Down, "4.12"),
        (["25.00", "25.00"], "8.241", invoice, Rounding::Up, "4.13"),
        (["-25.00", "-25.00"], "8.25", invoice, Rounding::HalfUp, "-4.13"),
    ] {
        let groups = TaxProfile { scope, mode }.exclusive(Currency::USD, &lines(&amounts, percent)).unwrap();
        assert_eq!(total_tax(Currency::USD, &groups), Ok(usd(tax)), "{percent} {scope:?} {mode:?}");
    }
    let refused = TaxProfile::default().tax_on(usd("1"), number("-1"));
    assert_eq!(refused, Err(TaxProfileError::NegativeRate(number("-1"))));
}

#[test]
fn tax_inside_rounds_the_net_or_the_tax() {
    let profile = TaxProfile::default();
    assert_eq!(profile.net_inside(usd("2.99"), number("4"), RoundedInside::Net), Ok(usd("2.88")));
    assert_eq!(profile.net_inside(usd("2.99"), number("4"), RoundedInside::Tax), Ok(usd("2.87")));
    let both = |scope| {
        let groups = TaxProfile { scope, ..profile }
            .inclusive(Currency::USD, &lines(&["2.99", "2.99", "2.99"], "4"), RoundedInside::Net)
            .unwrap();
        (groups[0].base, groups[0].tax)
    };
    assert_eq!(both(TaxScope::PerLine), (usd("8.64"), usd("0.33")));
    assert_eq!(both(TaxScope::PerInvoicePerRate), (usd("8.63"), usd("0.34")));
}

#[test]
fn several_taxes_beside_or_on_each_other() {
    let percents = ["5", "9.975"].map(number);
    let profile = TaxProfile::default();
    assert_eq!(profile.several(usd("100"), &percents, false), Ok(vec![usd("5"), usd("9.98")]));
    assert_eq!(profile.several(usd("100"), &percents, true), Ok(vec![usd("5"), usd("10.47")]));
}

proptest! {
    #[test]
    fn nothing_is_lost_inside(units in prop::collection::vec(-100_000_i64..100_000, 1..8), percent in 0_i64..3000, by_line in any::<bool>(), tax in any::<bool>(), code in prop_oneof!["JPY", "EUR", "KWD"]) {
        let currency = Currency::from_code(&code).unwrap();
        let percent = Decimal::new(percent, 2);
        let lines: Vec<_> = units.iter().map(|units| Rated { amount: Money::from_minor_units(*units, currency).unwrap(), percent }).collect();
        let scope = if by_line { TaxScope::PerLine } else { TaxScope::PerInvoicePerRate };
        let rounded = if tax { RoundedInside::Tax } else { RoundedInside::Net };
        let groups = TaxProfile { scope, ..TaxProfile::default() }.inclusive(currency, &lines, rounded).unwrap();
        let gross = total_base(currency, &groups).unwrap().checked_add(total_tax(currency, &groups).unwrap()).unwrap();
        prop_assert_eq!(gross.minor_units(), units.iter().sum::<i64>());
    }

    #[test]
    fn lines_of_a_rate_may_be_grouped_in_any_way(units in prop::collection::vec(0_i64..100_000, 1..8), percent in 0_i64..3000) {
        let percent = Decimal::new(percent, 2);
        let one = |units: i64| Rated { amount: Money::from_minor_units(units, Currency::USD).unwrap(), percent };
        let lines: Vec<_> = units.iter().map(|units| one(*units)).collect();
        let apart = TaxProfile::default().exclusive(Currency::USD, &lines).unwrap();
        let together = TaxProfile::default().exclusive(Currency::USD, &[one(units.iter().sum())]).unwrap();
        prop_assert_eq!(apart, together);
    }
}
