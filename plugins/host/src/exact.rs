//! Decimals of the contract: a mantissa of at most 53 bits and a scale of at most 12.

use rust_decimal::{Decimal, RoundingStrategy};

use crate::bindings::exact::Rounding;
use crate::bindings::types::Decimal as Wire;

const MANTISSA_MAX: i128 = (1 << 53) - 1;
const SCALE_MAX: u32 = 12;

/// A decimal as the contract writes it, unless it needs more than the contract has.
pub(crate) fn to_wire(value: Decimal) -> Result<Wire, String> {
    let value = value.normalize();
    let fits = value.mantissa().abs() <= MANTISSA_MAX && value.scale() <= SCALE_MAX;
    let mantissa = i64::try_from(value.mantissa()).ok().filter(|_| fits);
    let mantissa = mantissa.ok_or_else(|| format!("{value} needs more than 53 bits or 12 decimals"))?;
    let scale = u8::try_from(value.scale()).map_err(|_| "scale".to_owned())?;
    Ok(Wire { hi: (mantissa >> 32) as i32, lo: mantissa as u32, scale })
}

/// The value of a decimal of the contract.
pub(crate) fn from_wire(wire: Wire) -> Result<Decimal, String> {
    let mantissa = (i64::from(wire.hi) << 32) | i64::from(wire.lo);
    let scale = u32::from(wire.scale);
    if i128::from(mantissa).abs() > MANTISSA_MAX || scale > SCALE_MAX {
        return Err(format!("{mantissa} with {scale} decimals needs more than 53 bits or 12 decimals"));
    }
    Ok(Decimal::new(mantissa, scale))
}

/// `a + b`.
pub(crate) fn add(a: Wire, b: Wire) -> Result<Wire, String> {
    let (a, b) = (from_wire(a)?, from_wire(b)?);
    to_wire(a.checked_add(b).ok_or("too large")?)
}

/// `a * b`, rounded.
pub(crate) fn mul(a: Wire, b: Wire, scale: u8, rounding: Rounding) -> Result<Wire, String> {
    let (a, b) = (from_wire(a)?, from_wire(b)?);
    rounded(a.checked_mul(b).ok_or("too large")?, scale, rounding)
}

/// `a / b`, rounded.
pub(crate) fn div(a: Wire, b: Wire, scale: u8, rounding: Rounding) -> Result<Wire, String> {
    let (a, b) = (from_wire(a)?, from_wire(b)?);
    if b.is_zero() {
        return Err("division by zero".into());
    }
    rounded(a.checked_div(b).ok_or("too large")?, scale, rounding)
}

fn rounded(value: Decimal, scale: u8, rounding: Rounding) -> Result<Wire, String> {
    let strategy = match rounding {
        Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
        Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        Rounding::Down => RoundingStrategy::ToZero,
        Rounding::Up => RoundingStrategy::AwayFromZero,
    };
    if u32::from(scale) > SCALE_MAX {
        return Err(format!("at most {SCALE_MAX} decimals"));
    }
    to_wire(value.round_dp_with_strategy(scale.into(), strategy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(text: &str) -> Wire {
        to_wire(text.parse().unwrap()).unwrap()
    }

    fn text(result: Result<Wire, String>) -> String {
        result.and_then(from_wire).map_or_else(|error| error, |value| value.normalize().to_string())
    }

    #[test]
    fn values_come_back_exactly_and_never_need_more_than_53_bits() {
        for value in ["0", "0.05", "-0.05", "9007199254740991", "-9007199254740991", "0.000000000001", "4294967296.5"] {
            assert_eq!(text(Ok(wire(value))), value);
        }
        for value in ["9007199254740992", "-9007199254740992", "0.0000000000001"] {
            assert!(to_wire(value.parse().unwrap()).is_err(), "{value}");
        }
        assert!(from_wire(Wire { hi: i32::MAX, lo: 0, scale: 0 }).is_err());
        assert!(from_wire(Wire { hi: 0, lo: 1, scale: 13 }).is_err());
    }

    #[test]
    fn arithmetic_rounds_as_asked() {
        assert_eq!(text(add(wire("0.1"), wire("0.2"))), "0.3");
        assert_eq!(text(mul(wire("0.25"), wire("0.5"), 2, Rounding::HalfEven)), "0.12");
        assert_eq!(text(mul(wire("0.25"), wire("0.5"), 2, Rounding::HalfUp)), "0.13");
        assert_eq!(text(div(wire("2"), wire("3"), 4, Rounding::Down)), "0.6666");
        assert_eq!(text(div(wire("2"), wire("3"), 4, Rounding::Up)), "0.6667");
        assert_eq!(text(div(wire("1"), wire("0"), 4, Rounding::Up)), "division by zero");
        assert!(mul(wire("9007199254740991"), wire("2"), 0, Rounding::Up).is_err());
    }
}
