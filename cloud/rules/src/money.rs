//! Money: a decimal at its currency's own scale, and how it is rounded.
//!
//! Not here: exchange rates and formats of a language; amounts of two currencies never mix.
//! Start with [`Money::parse`], [`Money::rounded`] and [`Money::allocate`].

use std::cmp::Ordering;
use std::fmt;
use std::ops::Neg;

use rust_decimal::Decimal;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use crate::currency::Currency;
use crate::rounding::Rounding;

/// The largest amount on either side of zero, in major units: its minor units fit an `i64` for every currency.
pub const MAX_AMOUNT: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

/// Why an amount or a sum was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The code is not one of a current currency.
    #[error("unknown currency {0:?}")]
    UnknownCurrency(String),
    /// The text is not digits with an optional sign and decimal point.
    #[error("amount {0:?} is not a decimal number")]
    NotANumber(String),
    /// The amount has more decimals than its currency.
    #[error("amount {amount} has more than the {decimals} decimals of {currency}")]
    TooManyDecimals {
        /// What was given.
        amount: Decimal,
        /// How many the currency has.
        decimals: u32,
        /// The currency.
        currency: Currency,
    },
    /// The amount or result is beyond [`MAX_AMOUNT`].
    #[error("amount in {0} is too large")]
    TooLarge(Currency),
    /// Two currencies met in one sum.
    #[error("currencies {left} and {right} cannot be combined")]
    CurrencyMismatch {
        /// The currency on the left.
        left: Currency,
        /// The currency on the right.
        right: Currency,
    },
    /// An allocation needs weights of zero or more, at least one above zero.
    #[error("allocation weights must be zero or more with a sum above zero")]
    BadWeights,
}

/// Rounds half away from zero: `round_half_up(2.345, 2)` is 2.35 and of -2.345 is -2.35.
///
/// How the product rounds wherever no authority or contract says otherwise.
pub fn round_half_up(amount: Decimal, decimals: u32) -> Decimal {
    Rounding::HalfUp.round(amount, decimals)
}

/// Rounds to the nearest multiple of `step`, half away from zero: 987.345 to 0.10 is 987.30; `None` unless `step > 0`.
pub fn round_to_step(amount: Decimal, step: Decimal) -> Option<Decimal> {
    if step <= Decimal::ZERO {
        return None;
    }
    round_half_up(amount.checked_div(step)?, 0).checked_mul(step)
}

/// An amount in one currency, always at that currency's scale: 44.9 EUR is held and shown as `44.90`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

impl Money {
    /// Takes an exact amount; refuses more decimals than the currency has (`10.005` EUR; `10.100` is fine).
    pub fn new(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let money = Money::rounded(amount, currency)?;
        if money.amount != amount {
            return Err(MoneyError::TooManyDecimals { amount, decimals: currency.decimals(), currency });
        }
        Ok(money)
    }

    /// Rounds a computed amount to the currency, half away from zero: `2.345` EUR becomes `2.35`.
    pub fn rounded(amount: Decimal, currency: Currency) -> Result<Money, MoneyError> {
        let mut amount = round_half_up(amount, currency.decimals());
        if amount.abs() > MAX_AMOUNT {
            return Err(MoneyError::TooLarge(currency));
        }
        if amount.is_zero() {
            amount = Decimal::ZERO;
        }
        amount.rescale(currency.decimals());
        Ok(Money { amount, currency })
    }

    /// Reads `"44.90"` or `"-3"`: digits, an optional minus and a point; no exponent, spaces or separators.
    pub fn parse(text: &str, currency: Currency) -> Result<Money, MoneyError> {
        Money::new(parse_decimal(text)?, currency)
    }

    /// Nothing, in a currency.
    pub fn zero(currency: Currency) -> Money {
        Money { amount: Decimal::new(0, currency.decimals()), currency }
    }

    /// An amount from minor units: 4490 in EUR is 44.90, 4490 in JPY is 4490.
    pub fn from_minor_units(units: i64, currency: Currency) -> Result<Money, MoneyError> {
        Money::new(Decimal::new(units, currency.decimals()), currency)
    }

    /// The amount in minor units: 44.90 EUR is 4490.
    pub fn minor_units(self) -> i64 {
        i64::try_from(self.amount.mantissa()).expect("MAX_AMOUNT keeps minor units within i64")
    }

    /// The amount in major units, at the currency's scale.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is exactly nothing.
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    /// Whether it is above zero.
    pub fn is_positive(self) -> bool {
        self.amount > Decimal::ZERO
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.amount < Decimal::ZERO
    }

    /// The same amount without its sign.
    #[must_use]
    pub fn abs(self) -> Money {
        if self.is_negative() { -self } else { self }
    }

    /// The sum; refuses two currencies.
    pub fn checked_add(self, other: Money) -> Result<Money, MoneyError> {
        self.same_currency(other)?;
        Money::rounded(self.amount + other.amount, self.currency)
    }

    /// The difference; refuses two currencies.
    pub fn checked_sub(self, other: Money) -> Result<Money, MoneyError> {
        self.checked_add(-other)
    }

    /// The order of two amounts; refuses two currencies.
    pub fn checked_cmp(self, other: Money) -> Result<Ordering, MoneyError> {
        self.same_currency(other)?;
        Ok(self.amount.cmp(&other.amount))
    }

    /// The smaller of two amounts; refuses two currencies.
    pub fn checked_min(self, other: Money) -> Result<Money, MoneyError> {
        Ok(if self.checked_cmp(other)?.is_gt() { other } else { self })
    }

    /// The larger of two amounts of the same currency.
    pub fn checked_max(self, other: Money) -> Result<Money, MoneyError> {
        Ok(if self.checked_cmp(other)?.is_lt() { other } else { self })
    }

    /// Multiplies and rounds once: 29.95 times 7 is 209.65.
    pub fn times(self, factor: Decimal) -> Result<Money, MoneyError> {
        let product = self.amount.checked_mul(factor).ok_or(MoneyError::TooLarge(self.currency))?;
        Money::rounded(product, self.currency)
    }

    /// Multiplies first, divides once, rounds once: the shape of every proration; `divisor` must not be zero.
    pub(crate) fn times_ratio(self, factor: Decimal, divisor: Decimal) -> Result<Money, MoneyError> {
        let share = self.amount.checked_mul(factor).and_then(|product| product.checked_div(divisor));
        Money::rounded(share.ok_or(MoneyError::TooLarge(self.currency))?, self.currency)
    }

    /// Adds amounts of one currency; nothing adds up to zero.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Money>) -> Result<Money, MoneyError> {
        amounts.into_iter().try_fold(Money::zero(currency), Money::checked_add)
    }

    /// Splits by weight so that the parts add up to the whole, by largest remainder; at a tie the first takes the odd
    /// cent: 10.00 by `[1, 1, 1]` is `[3.34, 3.33, 3.33]`, -10.00 is the same with minus signs.
    pub fn allocate(self, weights: &[Decimal]) -> Result<Vec<Money>, MoneyError> {
        let total = weights.iter().try_fold(Decimal::ZERO, |sum, weight| {
            if weight.is_sign_negative() && !weight.is_zero() { None } else { sum.checked_add(*weight) }
        });
        let total = total.filter(|sum| !sum.is_zero()).ok_or(MoneyError::BadWeights)?;
        let whole = Decimal::from(self.minor_units().unsigned_abs());
        let too_large = || MoneyError::TooLarge(self.currency);
        let mut units = Vec::with_capacity(weights.len());
        let mut remainders = Vec::with_capacity(weights.len());
        for (index, weight) in weights.iter().enumerate() {
            // The remainder itself, not its quotient: equal ones must compare equal whatever the digits before the point.
            let product = whole.checked_mul(*weight).ok_or_else(too_large)?;
            let remainder = product.checked_rem(total).ok_or_else(too_large)?;
            units.push(round_half_up((product - remainder).checked_div(total).ok_or_else(too_large)?, 0));
            remainders.push((remainder, index));
        }
        remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut left = whole - units.iter().sum::<Decimal>();
        for (_, index) in remainders.iter().filter(|(_, index)| !weights[*index].is_zero()).cycle() {
            if left <= Decimal::ZERO {
                break;
            }
            units[*index] += Decimal::ONE;
            left -= Decimal::ONE;
        }
        let sign = if self.is_negative() { -Decimal::ONE } else { Decimal::ONE };
        let unit = Decimal::new(1, self.currency.decimals());
        units.into_iter().map(|count| Money::new(count * unit * sign, self.currency)).collect()
    }

    fn same_currency(self, other: Money) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

/// Reads plain decimal text, at most 28 digits.
fn parse_decimal(text: &str) -> Result<Decimal, MoneyError> {
    let refused = || MoneyError::NotANumber(text.chars().take(32).collect());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() > 28 {
        return Err(refused());
    }
    Decimal::from_str_exact(text).map_err(|_| refused())
}

impl Neg for Money {
    type Output = Money;

    fn neg(self) -> Money {
        let amount = if self.amount.is_zero() { self.amount } else { -self.amount };
        Money { amount, currency: self.currency }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Money", 2)?;
        fields.serialize_field("amount", &self.amount.to_string())?;
        fields.serialize_field("currency", &self.currency)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            amount: String,
            currency: Currency,
        }
        let written = Written::deserialize(deserializer)?;
        Money::parse(&written.amount, written.currency).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[path = "money_tests.rs"]
mod tests;
