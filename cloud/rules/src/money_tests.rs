//! Tables and properties of money.

use proptest::prelude::*;

use super::*;

fn money(text: &str, code: &str) -> Money {
    Money::parse(text, Currency::from_code(code).unwrap()).unwrap()
}

#[test]
fn amounts_are_held_at_the_scale_of_their_currency() {
    for (text, code, shown) in
        [("44.9", "EUR", "44.90 EUR"), ("44", "JPY", "44 JPY"), ("1.5", "KWD", "1.500 KWD"), ("-0", "EUR", "0.00 EUR")]
    {
        assert_eq!(money(text, code).to_string(), shown);
    }
    assert_eq!(MAX_AMOUNT.to_string(), "1000000000000000");
}

#[test]
fn bad_amounts_name_what_is_wrong() {
    let parse = |text: &str, code: &str| Money::parse(text, Currency::from_code(code).unwrap()).unwrap_err();
    for text in ["", "-", ".5", "5.", "1e3", "1_000", "1,00", " 1", "+1", "٣", "99999999999999999999999999999999"] {
        assert!(matches!(parse(text, "EUR"), MoneyError::NotANumber(_)), "{text:?}");
    }
    assert_eq!(parse("10.005", "EUR").to_string(), "amount 10.005 has more than the 2 decimals of EUR");
    assert_eq!(parse("10.5", "JPY").to_string(), "amount 10.5 has more than the 0 decimals of JPY");
    assert_eq!(parse("1000000000000001", "EUR"), MoneyError::TooLarge(Currency::EUR));
    let mixed = money("1", "EUR").checked_add(money("1", "USD")).unwrap_err();
    assert_eq!(mixed.to_string(), "currencies EUR and USD cannot be combined");
}

#[test]
fn halves_round_away_from_zero() {
    for (amount, rounded) in [("2.345", "2.35"), ("-2.345", "-2.35"), ("2.355", "2.36"), ("2.3449", "2.34")] {
        let rounded: Decimal = rounded.parse().unwrap();
        assert_eq!(round_half_up(amount.parse().unwrap(), 2), rounded);
    }
    let step = |amount: &str, step: &str| round_to_step(amount.parse().unwrap(), step.parse().unwrap());
    assert_eq!(step("987.345", "0.10"), Some("987.3".parse().unwrap()));
    assert_eq!(step("987.345", "1.00"), Some("987".parse().unwrap()));
    assert_eq!(step("987.345", "0"), None);
}

#[test]
fn allocation_gives_the_odd_cent_to_the_first() {
    let parts = money("10.00", "EUR").allocate(&[Decimal::ONE; 3]).unwrap();
    assert_eq!(parts, [money("3.34", "EUR"), money("3.33", "EUR"), money("3.33", "EUR")]);
    assert_eq!(money("1.00", "EUR").allocate(&[]), Err(MoneyError::BadWeights));
    assert_eq!(money("1.00", "EUR").allocate(&[Decimal::ZERO]), Err(MoneyError::BadWeights));
    assert_eq!(money("1.00", "EUR").allocate(&[Decimal::TWO, -Decimal::ONE]), Err(MoneyError::BadWeights));
}

#[test]
fn json_is_an_amount_as_text_and_a_code() {
    let json = r#"{"amount":"44.90","currency":"EUR"}"#;
    assert_eq!(serde_json::to_string(&money("44.9", "EUR")).unwrap(), json);
    assert_eq!(serde_json::from_str::<Money>(json).unwrap(), money("44.90", "EUR"));
    for wrong in [
        r#"{"amount":44.9,"currency":"EUR"}"#,
        r#"{"amount":"44.901","currency":"EUR"}"#,
        r#"{"amount":"1","currency":"EUR","x":1}"#,
        r#"{"amount":"1"}"#,
    ] {
        assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole(
        units in -1_000_000_000_000_i64..1_000_000_000_000,
        weights in prop::collection::vec(0_i64..100_000, 1..12),
        code in prop::sample::select(vec!["JPY", "EUR", "KWD"]),
    ) {
        prop_assume!(weights.iter().any(|weight| *weight > 0));
        let whole = Money::from_minor_units(units, Currency::from_code(code).unwrap()).unwrap();
        let weights: Vec<_> = weights.into_iter().map(|weight| Decimal::new(weight, 3)).collect();
        let parts = whole.allocate(&weights).unwrap();
        prop_assert_eq!(Money::sum(whole.currency(), parts.iter().copied()).unwrap(), whole);
        for (part, weight) in parts.iter().zip(&weights) {
            prop_assert!(!weight.is_zero() || part.is_zero());
            prop_assert!(part.is_zero() || part.is_negative() == whole.is_negative());
        }
    }

    #[test]
    fn minor_units_and_text_round_trip(units in any::<i32>(), code in prop::sample::select(vec!["JPY", "EUR", "KWD"])) {
        let money = Money::from_minor_units(units.into(), Currency::from_code(code).unwrap()).unwrap();
        prop_assert_eq!(money.minor_units(), i64::from(units));
        prop_assert_eq!(Money::parse(&money.amount().to_string(), money.currency()).unwrap(), money);
    }
}
