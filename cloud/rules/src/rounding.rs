//! The ways an authority or a contract may ask amounts to be rounded.
//!
//! The product itself rounds half away from zero ([`crate::money::round_half_up`]); a tax profile or the payable amount of a
//! document may be told otherwise. Directions are seen from zero, so a credit is rounded as its charge was.
//! Start with [`Rounding::round`].

use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};

/// Which of the two nearest amounts is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rounding {
    /// The nearer; of two as near the one away from zero.
    #[default]
    HalfUp,
    /// The nearer; of two as near the one towards zero.
    HalfDown,
    /// The nearer; of two as near the one with an even last digit.
    HalfEven,
    /// Always away from zero.
    Up,
    /// Always towards zero.
    Down,
    /// Always towards plus infinity.
    Ceiling,
    /// Always towards minus infinity.
    Floor,
}

/// A name that is none of a way to round.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown rounding mode {0:?}")]
pub struct UnknownRounding(String);

impl Rounding {
    /// Rounds to decimals: 2.5 to none is 3 half up, 2 half down and half even.
    pub fn round(self, amount: Decimal, decimals: u32) -> Decimal {
        let strategy = match self {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfDown => RoundingStrategy::MidpointTowardZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Up => RoundingStrategy::AwayFromZero,
            Rounding::Down => RoundingStrategy::ToZero,
            Rounding::Ceiling => RoundingStrategy::ToPositiveInfinity,
            Rounding::Floor => RoundingStrategy::ToNegativeInfinity,
        };
        amount.round_dp_with_strategy(decimals, strategy)
    }

    /// Rounds to a multiple of a step: 987.345 up to 0.10 is 987.40; `None` unless the step is above zero.
    pub fn round_to_step(self, amount: Decimal, step: Decimal) -> Option<Decimal> {
        if step <= Decimal::ZERO {
            return None;
        }
        self.round(amount.checked_div(step)?, 0).checked_mul(step)
    }
}

impl FromStr for Rounding {
    type Err = UnknownRounding;

    /// Reads the names in use: `half_up`, `normal`, `down`, `truncate`, `bankers` and so on.
    fn from_str(name: &str) -> Result<Rounding, UnknownRounding> {
        Ok(match name.trim().to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
            "half_up" | "half_away_from_zero" | "half_away" | "normal" | "nearest" | "commercial" => Rounding::HalfUp,
            "half_down" | "half_towards_zero" | "half_toward_zero" => Rounding::HalfDown,
            "half_even" | "bankers" | "banker" | "half_to_even" => Rounding::HalfEven,
            "up" | "upward" | "upwards" | "rounding_up" | "round_up" | "away_from_zero" => Rounding::Up,
            "down" | "downward" | "downwards" | "rounding_down" | "round_down" | "truncate" | "trunc"
            | "toward_zero" | "towards_zero" => Rounding::Down,
            "ceiling" | "ceil" => Rounding::Ceiling,
            "floor" => Rounding::Floor,
            _ => return Err(UnknownRounding(name.chars().take(32).collect())),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn each_mode_takes_its_side() {
        use Rounding::{Ceiling, Down, Floor, HalfDown, HalfEven, HalfUp, Up};
        for (amount, results) in [
            (
                "2.5",
                [(HalfUp, "3"), (HalfDown, "2"), (HalfEven, "2"), (Up, "3"), (Down, "2"), (Ceiling, "3"), (Floor, "2")],
            ),
            (
                "3.5",
                [(HalfUp, "4"), (HalfDown, "3"), (HalfEven, "4"), (Up, "4"), (Down, "3"), (Ceiling, "4"), (Floor, "3")],
            ),
            (
                "-2.5",
                [
                    (HalfUp, "-3"),
                    (HalfDown, "-2"),
                    (HalfEven, "-2"),
                    (Up, "-3"),
                    (Down, "-2"),
                    (Ceiling, "-2"),
                    (Floor, "-3"),
                ],
            ),
            (
                "2.1",
                [(HalfUp, "2"), (HalfDown, "2"), (HalfEven, "2"), (Up, "3"), (Down, "2"), (Ceiling, "3"), (Floor, "2")],
            ),
        ] {
            for (mode, result) in results {
                assert_eq!(mode.round(number(amount), 0), number(result), "{amount} {mode:?}");
            }
        }
    }

    #[test]
    fn steps_and_names() {
        for (name, step, result) in [
            ("normal", "0.10", "987.30"),
            ("downward", "0.10", "987.30"),
            ("rounding-up", "0.10", "987.40"),
            ("half_up", "1.00", "987"),
            ("UP", "1.00", "988"),
            ("half_up", "0.05", "987.35"),
        ] {
            let mode: Rounding = name.parse().unwrap();
            assert_eq!(mode.round_to_step(number("987.345"), number(step)), Some(number(result)), "{name} {step}");
        }
        assert_eq!(Rounding::HalfUp.round_to_step(Decimal::ONE, Decimal::ZERO), None);
        assert_eq!("sideways".parse::<Rounding>().unwrap_err().to_string(), "unknown rounding mode \"sideways\"");
    }

    proptest! {
        #[test]
        fn every_mode_stays_within_one_step(units in -1_000_000_i64..1_000_000, step in 1_i64..500) {
            let (amount, step) = (Decimal::new(units, 3), Decimal::new(step, 2));
            for mode in ["half_up", "half_down", "half_even", "up", "down", "ceiling", "floor"] {
                let mode: Rounding = mode.parse().unwrap();
                let rounded = mode.round_to_step(amount, step).unwrap();
                prop_assert!((rounded - amount).abs() < step);
                let symmetric = !matches!(mode, Rounding::Ceiling | Rounding::Floor);
                prop_assert!(!symmetric || mode.round_to_step(-amount, step).unwrap() == -rounded);
            }
        }
    }
}
