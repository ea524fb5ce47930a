//! Exact decimals, reckoned by the host so that plugins in every language round alike.

use std::fmt;
use std::str::FromStr;

use crate::bindings::weir::plugins::exact::{self, Rounding};
use crate::{Decimal, Error};

const SCALE_MAX: usize = 12;

impl Decimal {
    /// A whole number below 2^53.
    pub fn whole(value: u64) -> Self {
        Self { hi: (value >> 32) as i32, lo: value as u32, scale: 0 }
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        exact::add(self, other).map_err(Error::Failed)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, Error> {
        let mantissa = -other.mantissa();
        self.plus(Self { hi: (mantissa >> 32) as i32, lo: mantissa as u32, scale: other.scale })
    }

    /// The product, rounded half to even to this many decimals.
    pub fn times(self, other: Self, decimals: u8) -> Result<Self, Error> {
        exact::mul(self, other, decimals, Rounding::HalfEven).map_err(Error::Failed)
    }

    /// The quotient, rounded half to even to this many decimals.
    pub fn over(self, other: Self, decimals: u8) -> Result<Self, Error> {
        exact::div(self, other, decimals, Rounding::HalfEven).map_err(Error::Failed)
    }

    fn mantissa(self) -> i64 {
        (i64::from(self.hi) << 32) | i64::from(self.lo)
    }
}

impl FromStr for Decimal {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let unreadable = || Error::Misconfigured(format!("{text:?} is not a number"));
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{part}");
        let mantissa: i64 = digits.parse().map_err(|_| unreadable())?;
        if part.len() > SCALE_MAX || !part.bytes().all(|byte| byte.is_ascii_digit()) || mantissa.abs() >= 1 << 53 {
            return Err(unreadable());
        }
        Ok(Self { hi: (mantissa >> 32) as i32, lo: mantissa as u32, scale: part.len() as u8 })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mantissa, scale) = (self.mantissa(), usize::from(self.scale));
        let digits = format!("{:0width$}", mantissa.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at(digits.len() - scale);
        let sign = if mantissa < 0 { "-" } else { "" };
        if part.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}
