//! Amounts as Stripe writes them: whole numbers of a unit that is not always the currency's own.

use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money};

use crate::payments::provider::Error;

/// Currencies Stripe counts otherwise than ISO 4217 does, with its decimals: two for the sake of old programs, none for
/// one whose fifths nobody pays with.
const OWN_DECIMALS: [(&str, u32); 3] = [("ISK", 2), ("UGX", 2), ("MGA", 0)];

fn decimals(currency: Currency) -> u32 {
    let own = OWN_DECIMALS.iter().find(|(code, _)| *code == currency.code());
    own.map_or(currency.decimals(), |(_, decimals)| *decimals)
}

/// The number and the code to write an amount with.
pub(super) fn units(amount: Money) -> Result<(i64, String), Error> {
    let refused = || Error::Amount(amount);
    let decimals = decimals(amount.currency());
    let units = amount.amount().checked_mul(Decimal::from(10_i64.pow(decimals))).ok_or_else(refused)?;
    let whole = units.trunc();
    let number = i64::try_from(whole).map_err(|_| refused())?;
    // Of three decimals the last is always zero.
    if whole != units || number <= 0 || (decimals == 3 && number % 10 != 0) {
        return Err(refused());
    }
    Ok((number, amount.currency().code().to_lowercase()))
}

/// The amount a number and a code stand for.
pub(super) fn money(number: i64, code: &str) -> Result<Money, Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Unreadable(error.to_string());
    let currency = Currency::from_code(&code.to_uppercase()).map_err(|error| unreadable(&error))?;
    let amount = Decimal::new(number, decimals(currency));
    Money::new(amount, currency).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_in_stripes_units_and_come_back() {
        for (text, code, number) in
            [("44.90", "EUR", 4490), ("500", "JPY", 500), ("12", "ISK", 1200), ("7", "MGA", 7), ("1.230", "KWD", 1230)]
        {
            let amount = Money::parse(text, Currency::from_code(code).unwrap()).unwrap();
            assert_eq!(units(amount), Ok((number, code.to_lowercase())));
            assert_eq!(money(number, &code.to_lowercase()), Ok(amount));
        }
        for (text, code) in [("1.234", "KWD"), ("7.5", "MGA"), ("0", "EUR")] {
            let amount = Money::parse(text, Currency::from_code(code).unwrap()).unwrap();
            assert_eq!(units(amount), Err(Error::Amount(amount)));
        }
        assert!(money(100, "xyz").is_err());
        assert!(money(1250, "isk").is_err());
    }
}
