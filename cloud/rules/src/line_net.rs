//! The net of a document's line from quantity and price, and how far a stated net may be from it.
//!
//! Net is quantity times price over base quantity, plus charges, less allowances (BT-131 of EN 16931, Peppol R120).
//! Start with [`LineNet`].

use rust_decimal::Decimal;

use crate::money::{Currency, Money, MoneyError};

/// Why a net could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineNetError {
    /// A price is for something.
    #[error("price base quantity {0} is not above zero")]
    BaseQuantity(Decimal),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// What the net of a line is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineNet {
    /// How many; below zero on a line that takes back.
    pub quantity: Decimal,
    /// The price of so many as `base_quantity`.
    pub price: Decimal,
    /// What the price is for, above zero.
    pub base_quantity: Decimal,
    /// Added to the line.
    pub charges: Decimal,
    /// Taken off the line.
    pub allowances: Decimal,
}

impl LineNet {
    /// The net before rounding.
    pub fn exact(&self, currency: Currency) -> Result<Decimal, LineNetError> {
        if self.base_quantity <= Decimal::ZERO {
            return Err(LineNetError::BaseQuantity(self.base_quantity));
        }
        let gross = self.quantity.checked_mul(self.price).and_then(|sum| sum.checked_div(self.base_quantity));
        let net = gross.and_then(|gross| gross.checked_add(self.charges)?.checked_sub(self.allowances));
        Ok(net.ok_or(MoneyError::TooLarge(currency))?)
    }

    /// The net at the currency's scale: 10 at 200 for each 2 is 1000.00.
    pub fn rounded(&self, currency: Currency) -> Result<Money, LineNetError> {
        Ok(Money::rounded(self.exact(currency)?, currency)?)
    }

    /// Whether a stated net is near enough: within 0.02, in a currency without decimals exactly.
    pub fn accepts(&self, stated: Money) -> Result<bool, LineNetError> {
        let currency = stated.currency();
        let slack = if currency.decimals() == 0 { Decimal::ZERO } else { Decimal::new(2, 2) };
        Ok(stated.amount().saturating_sub(self.exact(currency)?).abs() <= slack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(quantity: &str, price: &str, base: &str) -> LineNet {
        let number = |text: &str| text.parse().unwrap();
        LineNet {
            quantity: number(quantity),
            price: number(price),
            base_quantity: number(base),
            charges: Decimal::ONE,
            allowances: Decimal::from(101),
        }
    }

    #[test]
    fn nets_are_computed_and_judged() {
        let money = |text, code| Money::parse(text, Currency::from_code(code).unwrap()).unwrap();
        assert_eq!(line("10", "410", "1").rounded(Currency::EUR), Ok(money("4000.00", "EUR")));
        assert_eq!(line("10", "200", "2").rounded(Currency::EUR), Ok(money("900.00", "EUR")));
        let thirds = LineNet { charges: Decimal::ZERO, allowances: Decimal::ZERO, ..line("3", "0.3333", "1") };
        for (stated, accepted) in [("1.00", true), ("1.01", true), ("1.02", false), ("0.98", true), ("0.97", false)] {
            assert_eq!(thirds.accepts(money(stated, "EUR")), Ok(accepted), "{stated}");
        }
        let yen = LineNet { price: Decimal::from(33), ..thirds };
        assert_eq!(yen.accepts(money("99", "JPY")), Ok(true));
        assert_eq!(yen.accepts(money("100", "JPY")), Ok(false));
        assert!(line("1", "1", "0").exact(Currency::EUR).is_err());
    }
}
