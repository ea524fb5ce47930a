//! What is inside a gross price, by example and by chance.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use crate::calendar::Period;
use crate::proration::pieces;
use crate::tax::TaxCategory;

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn rate(ten_thousandths: i64) -> TaxRate {
    let percent = Decimal::new(ten_thousandths, 2);
    let category = if percent.is_zero() { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    TaxRate::new(category, percent).unwrap()
}

fn line(net: Money, gross: Option<Money>, rate: TaxRate) -> Line {
    (Taxable { net, rate }, gross)
}

#[test]
fn one_price_is_its_net_and_its_tax() {
    for (gross, percent, net) in [
        ("29.90", 1900, "25.13"),
        ("29.90", 2100, "24.71"),
        ("29.90", 0, "29.90"),
        ("-29.90", 1900, "-25.13"),
        ("0.01", 10000, "0.01"),
        ("0.00", 1900, "0.00"),
    ] {
        for scope in [TaxScope::PerLine, TaxScope::PerInvoicePerRate] {
            assert_eq!(nets(Currency::EUR, &[(eur(gross), rate(percent))], scope), Ok(vec![eur(net)]), "{gross}");
        }
    }
}

#[test]
fn odd_cents_of_a_rate_go_to_the_lines_that_are_farthest_off() {
    let two = [(eur("29.90"), rate(1900)), (eur("29.90"), rate(1900))];
    // 59.80 / 1.19 = 50.2521: rounded on each line it is a cent more.
    assert_eq!(nets(Currency::EUR, &two, TaxScope::PerLine), Ok(vec![eur("25.13"); 2]));
    assert_eq!(nets(Currency::EUR, &two, TaxScope::PerInvoicePerRate), Ok(vec![eur("25.12"), eur("25.13")]));
}

#[test]
fn a_document_may_have_tax_on_top_and_inside() {
    // 29.90 with 19 % inside and 10.00 with 19 % on top, and 21.40 with 7 % inside.
    let lines = [
        line(eur("25.13"), Some(eur("29.90")), rate(1900)),
        line(eur("10.00"), None, rate(1900)),
        line(eur("20.00"), Some(eur("21.40")), rate(700)),
    ];
    let totals = totals(Currency::EUR, &lines, TaxScope::PerInvoicePerRate).unwrap();
    let groups: Vec<_> = totals.taxes.iter().map(|group| (group.base, group.tax)).collect();
    assert_eq!(groups, [(eur("35.13"), eur("6.67")), (eur("20.00"), eur("1.40"))]);
    assert_eq!((totals.net, totals.tax, totals.gross), (eur("55.13"), eur("8.07"), eur("63.20")));
}

#[test]
fn what_is_given_back_and_charged_again_is_nothing() {
    let mut charge = Charge::whole(eur("29.90"), eur("25.13"));
    let back = charge.give_back(eur("19.93")).unwrap();
    assert_eq!((back, charge.gross_left, charge.net_left), (eur("16.75"), eur("9.97"), eur("8.38")));
    assert_eq!(charge.give_back(eur("-19.93")), Ok(eur("-16.75")));
    assert_eq!(charge, Charge::whole(eur("29.90"), eur("25.13")));
    assert_eq!(Charge::whole(eur("0"), eur("0")).give_back(eur("0")), Ok(eur("0")));
}

/// Currencies of no, two and three decimals.
fn currency() -> impl Strategy<Value = Currency> {
    prop::sample::select(vec!["JPY", "EUR", "KWD"]).prop_map(|code| Currency::from_code(code).unwrap())
}

fn scope() -> impl Strategy<Value = TaxScope> {
    prop::sample::select(vec![TaxScope::PerLine, TaxScope::PerInvoicePerRate])
}

proptest! {
    /// Whatever the rates and however many lines, what is asked for is the sum of the gross prices, each rate's tax is what its
    /// rate says to the nearest unit, and no line is off by more than one.
    #[test]
    fn gross_stays_gross(
        currency in currency(),
        scope in scope(),
        lines in prop::collection::vec((0_i64..100_000, prop::sample::select(vec![0_i64, 1, 255, 700, 1900, 2_100, 10_000])), 1..40),
    ) {
        let money = |units| Money::from_minor_units(units, currency).unwrap();
        let grosses: Vec<_> = lines.iter().map(|(units, percent)| (money(*units), rate(*percent))).collect();
        let nets = nets(currency, &grosses, scope).unwrap();
        let lines: Vec<_> =
            grosses.iter().zip(&nets).map(|((gross, rate), net)| line(*net, Some(*gross), *rate)).collect();
        for (taxable, gross) in &lines {
            prop_assert!(!taxable.net.is_negative() && taxable.net.amount() <= gross.unwrap().amount());
            let own = inclusive(gross.unwrap(), taxable.rate).unwrap().0;
            prop_assert!((taxable.net.minor_units() - own.minor_units()).abs() <= 1);
        }
        let totals = totals(currency, &lines, scope).unwrap();
        prop_assert_eq!(totals.gross, Money::sum(currency, grosses.iter().map(|(gross, _)| *gross)).unwrap());
        for group in &totals.taxes {
            let of_rate = lines.iter().filter(|(line, _)| line.rate == group.rate);
            let gross = Money::sum(currency, of_rate.clone().map(|(_, gross)| gross.unwrap())).unwrap();
            prop_assert_eq!(group.base.checked_add(group.tax).unwrap(), gross);
            let off = group.tax.checked_sub(group.rate.on_net(group.base).unwrap()).unwrap().minor_units().abs();
            let most = if scope == TaxScope::PerLine { i64::try_from(of_rate.count()).unwrap() } else { 1 };
            prop_assert!(off <= most, "{} is {} off", group.tax, off);
        }
    }

    /// Whatever pieces of a month are given back, in whatever order, nothing is left of gross, net and tax once all are.
    #[test]
    fn all_given_back_is_all_there_was(
        currency in currency(),
        (units, percent) in (0_i64..1_000_000, 0_i64..10_000),
        cuts in prop::collection::btree_set(2_u32..31, 0..6),
        turn in 0_usize..6,
    ) {
        let gross = Money::from_minor_units(units, currency).unwrap();
        let net = nets(currency, &[(gross, rate(percent))], TaxScope::PerLine).unwrap()[0];
        let day = |day| NaiveDate::from_ymd_opt(2026, 1, day).unwrap();
        let month = Period::new(day(1), NaiveDate::from_ymd_opt(2026, 2, 1).unwrap()).unwrap();
        let cuts: Vec<_> = cuts.into_iter().map(day).collect();
        let mut parts = pieces(gross, month, &cuts).unwrap();
        let by = turn % parts.len();
        parts.rotate_left(by);
        let mut charge = Charge::whole(gross, net);
        let mut back = Money::zero(currency);
        for part in parts {
            let net = charge.give_back(part).unwrap();
            prop_assert!(!net.is_negative() && net.amount() <= part.amount());
            back = back.checked_add(net).unwrap();
        }
        prop_assert_eq!(back, net);
        prop_assert!(charge.gross_left.is_zero() && charge.net_left.is_zero() && charge.tax_left().unwrap().is_zero());
    }
}
