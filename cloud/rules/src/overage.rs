//! What happens beyond an allowance: charged by unit or by top-up, throttled, blocked or nothing; and when to tell.
//!
//! Quantities are in any one unit, bytes or hours alike. Not here: traffic by day and plan (see [`crate::usage`]).
//! Start with [`overage`].

use rust_decimal::Decimal;

use crate::packages::package;
use crate::pricing::PricingError;

/// What a plan does about use beyond its allowance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverageMode {
    /// Charges what is beyond by the unit.
    PerUnit {
        /// The price of so much.
        price: Decimal,
        /// How much that is, above zero.
        per: Decimal,
    },
    /// Buys top-ups until the use is covered.
    TopUps {
        /// What one adds, above zero.
        size: Decimal,
        /// What one costs.
        price: Decimal,
        /// How many at most in a period.
        most: Option<Decimal>,
    },
    /// Slows the line down and charges nothing.
    Throttle,
    /// Closes the line and charges nothing.
    Block,
    /// Lets it go on and charges nothing.
    Free,
}

/// What use beyond an allowance comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overage {
    /// How much is beyond, zero or more.
    pub over: Decimal,
    /// Top-ups bought.
    pub top_ups: Decimal,
    /// The charge, exact, in major units.
    pub amount: Decimal,
    /// Whether the line is slowed down.
    pub throttled: bool,
    /// Whether the line is closed.
    pub blocked: bool,
}

/// Judges what was used of an allowance and what was bought on top: 1200 of 1000 with top-ups of 10 is 20 top-ups.
///
/// A line is throttled or blocked once the allowance is used up, and where no further top-up may be bought blocked beyond it.
pub fn overage(allowance: Decimal, bought: Decimal, used: Decimal, mode: OverageMode) -> Result<Overage, PricingError> {
    let included = allowance.checked_add(bought).ok_or(PricingError::TooLarge(allowance))?;
    let over = used.checked_sub(included).ok_or(PricingError::TooLarge(used))?.max(Decimal::ZERO);
    let exhausted = used >= included;
    let mut result = Overage { over, top_ups: Decimal::ZERO, amount: Decimal::ZERO, throttled: false, blocked: false };
    match mode {
        OverageMode::PerUnit { price, per } => {
            if per <= Decimal::ZERO {
                return Err(PricingError::EmptyPackage(per));
            }
            let amount = over.checked_mul(price).and_then(|amount| amount.checked_div(per));
            result.amount = amount.ok_or(PricingError::TooLarge(over))?;
        }
        OverageMode::TopUps { size, price, most } => {
            let wanted = package(over, size, Decimal::ONE, Decimal::ZERO)?;
            result.top_ups = most.map_or(wanted, |most| wanted.min(most));
            result.amount = result.top_ups.checked_mul(price).ok_or(PricingError::TooLarge(over))?;
            result.blocked = result.top_ups < wanted;
        }
        OverageMode::Throttle => result.throttled = exhausted,
        OverageMode::Block => result.blocked = exhausted,
        OverageMode::Free => {}
    }
    Ok(result)
}

/// The use at which to tell that so many percent of an allowance and what was bought on top are gone: 50 % of 100 and 10 is 55.
pub fn threshold(allowance: Decimal, bought: Decimal, percent: Decimal) -> Result<Decimal, PricingError> {
    let included = allowance.checked_add(bought).ok_or(PricingError::TooLarge(allowance))?;
    let part = included.checked_mul(percent).and_then(|part| part.checked_div(Decimal::ONE_HUNDRED));
    part.ok_or(PricingError::TooLarge(included))
}

/// How many megabytes a unit has, by its name in small letters: a gigabyte has a thousand.
pub fn megabytes(unit: &str) -> Option<Decimal> {
    Some(match unit {
        "bytes" => Decimal::new(1, 6),
        "kb" => Decimal::new(1, 3),
        "mb" => Decimal::ONE,
        "gb" => Decimal::ONE_THOUSAND,
        "tb" => Decimal::from(1_000_000),
        _ => return None,
    })
}

/// A quantity in units of so many megabytes, in megabytes.
pub fn in_megabytes(quantity: Decimal, megabytes: Decimal) -> Result<Decimal, PricingError> {
    quantity.checked_mul(megabytes).ok_or(PricingError::TooLarge(quantity))
}

/// Megabytes in another unit, by its name.
pub fn from_megabytes(quantity: Decimal, unit: &str) -> Result<Decimal, PricingError> {
    let size = megabytes(unit).ok_or(PricingError::EmptyPackage(Decimal::ZERO))?;
    quantity.checked_div(size).ok_or(PricingError::TooLarge(quantity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn every_mode_does_its_own() {
        let top_ups = |most: Option<&str>| OverageMode::TopUps {
            size: number("10"),
            price: number("0.5"),
            most: most.map(number),
        };
        let per_unit = OverageMode::PerUnit { price: number("2"), per: number("100") };
        for (used, mode, top_up_count, amount, throttled, blocked) in [
            ("1200", top_ups(None), "20", "10", false, false),
            ("1201", top_ups(None), "21", "10.5", false, false),
            ("1200", top_ups(Some("3")), "3", "1.5", false, true),
            ("1000", top_ups(None), "0", "0", false, false),
            ("1250", per_unit, "0", "5", false, false),
            ("1000", OverageMode::Throttle, "0", "0", true, false),
            ("999", OverageMode::Throttle, "0", "0", false, false),
            ("1001", OverageMode::Block, "0", "0", false, true),
            ("5000", OverageMode::Free, "0", "0", false, false),
        ] {
            let found = overage(number("900"), number("100"), number(used), mode).unwrap();
            let expected = (number(top_up_count), number(amount), throttled, blocked);
            assert_eq!((found.top_ups, found.amount, found.throttled, found.blocked), expected, "{used} {mode:?}");
            assert_eq!(found.over, (number(used) - number("1000")).max(Decimal::ZERO));
        }
        assert!(
            overage(
                Decimal::ONE,
                Decimal::ZERO,
                Decimal::TEN,
                OverageMode::PerUnit { price: Decimal::ONE, per: Decimal::ZERO }
            )
            .is_err()
        );
        assert_eq!(threshold(number("100"), number("10"), number("50")), Ok(number("55")));
        let gigabytes = in_megabytes(number("1.5"), megabytes("gb").unwrap()).unwrap();
        assert_eq!((gigabytes, from_megabytes(gigabytes, "kb")), (number("1500"), Ok(number("1500000"))));
        assert!(megabytes("gib").is_none() && from_megabytes(gigabytes, "gib").is_err());
    }
}
