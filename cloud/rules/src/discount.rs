//! Reductions: by percent or a fixed amount, one after another, never more than there is, shared out over lines.
//!
//! Not here: tax on what is left (see [`crate::tax`]). Start with [`Discount::on`].

use rust_decimal::Decimal;

use crate::money::{Money, MoneyError};

/// Why a reduction was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscountError {
    /// A percent or an amount below zero would be a charge.
    #[error("a discount is zero or more")]
    Negative,
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discount {
    /// A share of the amount.
    Percent {
        /// Zero or more; above 100 is all of it.
        percent: Decimal,
        /// No more than this.
        most: Option<Money>,
    },
    /// An amount.
    Fixed(Money),
}

impl Discount {
    /// What is taken off an amount, from nothing up to all of it: 15.5 % of 10.00 is 1.55, 10.00 off 5.00 is 5.00.
    pub fn on(self, amount: Money) -> Result<Money, DiscountError> {
        let nothing = Money::zero(amount.currency());
        let wanted = match self {
            Discount::Percent { percent, .. } if percent < Decimal::ZERO => return Err(DiscountError::Negative),
            Discount::Fixed(fixed) if fixed.is_negative() => return Err(DiscountError::Negative),
            Discount::Percent { percent, most } => {
                let share = amount.times_ratio(percent, Decimal::ONE_HUNDRED)?;
                most.map_or(Ok(share), |most| share.checked_min(most))?
            }
            Discount::Fixed(fixed) => fixed,
        };
        Ok(wanted.checked_min(amount)?.checked_max(nothing)?)
    }
}

/// Takes several reductions off, each from what the ones before it left; gives what each took.
pub fn stacked(amount: Money, discounts: &[Discount]) -> Result<Vec<Money>, DiscountError> {
    let mut left = amount;
    let mut taken = Vec::with_capacity(discounts.len());
    for discount in discounts {
        let one = discount.on(left)?;
        left = left.checked_sub(one)?;
        taken.push(one);
    }
    Ok(taken)
}

/// What of a charge's reduction goes with another part of it that is given back; pieces add up, by cumulative rounding.
///
/// All amounts are before reductions: of a `charge` that was reduced by `reduction`, `before` was given back and `now` is. The
/// last piece takes what is left, and no piece takes more than itself.
pub fn given_back(charge: Money, reduction: Money, before: Money, now: Money) -> Result<Money, MoneyError> {
    if charge.is_zero() {
        return Ok(Money::zero(charge.currency()));
    }
    let up_to = |part: Money| reduction.times_ratio(part.amount(), charge.amount());
    up_to(before.checked_add(now)?)?.checked_sub(up_to(before)?)
}

/// Shares a reduction out over lines by their amounts so that the parts add up to it and none exceeds its line.
///
/// The sum of the lines bounds it; lines of nothing or less take no part.
pub fn over_lines(discount: Money, lines: &[Money]) -> Result<Vec<Money>, DiscountError> {
    let nothing = Money::zero(discount.currency());
    let weights: Vec<_> = lines.iter().map(|line| line.amount().max(Decimal::ZERO)).collect();
    let positive = lines.iter().filter(|line| line.is_positive()).copied();
    let bounded = Discount::Fixed(discount).on(Money::sum(discount.currency(), positive)?)?;
    if bounded.is_zero() {
        return Ok(vec![nothing; lines.len()]);
    }
    Ok(bounded.allocate(&weights)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn money(text: &str, code: &str) -> Money {
        Money::parse(text, Currency::from_code(code).unwrap()).unwrap()
    }

    fn percent(text: &str) -> Discount {
        Discount::Percent { percent: text.parse().unwrap(), most: None }
    }

    #[test]
    fn a_discount_is_between_nothing_and_all() {
        for (amount, discount, taken) in [
            (money("10.00", "USD"), percent("15.5"), "1.55 USD"),
            (money("1001", "JPY"), percent("12.5"), "125 JPY"),
            (money("10.001", "KWD"), percent("50"), "5.001 KWD"),
            (money("10.00", "USD"), percent("120"), "10.00 USD"),
            (money("5.00", "USD"), Discount::Fixed(money("10.00", "USD")), "5.00 USD"),
            (money("-5.00", "USD"), percent("10"), "0.00 USD"),
            (
                money("100.00", "USD"),
                Discount::Percent { percent: 50.into(), most: Some(money("20", "USD")) },
                "20.00 USD",
            ),
        ] {
            assert_eq!(discount.on(amount).unwrap().to_string(), taken, "{amount} {discount:?}");
        }
        assert_eq!(percent("-1").on(money("1", "USD")), Err(DiscountError::Negative));
        let stack = [percent("10"), Discount::Fixed(money("5", "USD")), percent("50")];
        let taken: Vec<_> = stacked(money("100", "USD"), &stack).unwrap().iter().map(Money::to_string).collect();
        assert_eq!(taken, ["10.00 USD", "5.00 USD", "42.50 USD"]);
    }

    proptest! {
        #[test]
        fn what_goes_with_pieces_adds_up_and_fits_them(cuts in prop::collection::vec(0_i64..40_000, 1..8), share in 0_u32..=100) {
            let charge = cuts.iter().sum::<i64>();
            let reduction = charge * i64::from(share) / 100;
            let money = |units: i64| Money::from_minor_units(units, Currency::EUR).unwrap();
            let (mut before, mut given) = (0, 0);
            for cut in cuts {
                let part = given_back(money(charge), money(reduction), money(before), money(cut)).unwrap().minor_units();
                prop_assert!(part >= 0 && part <= cut, "{} of {}", part, cut);
                (before, given) = (before + cut, given + part);
            }
            prop_assert_eq!(given, reduction);
        }

        #[test]
        fn parts_add_up_and_fit_their_lines(discount in 0_i64..100_000, lines in prop::collection::vec(-1000_i64..50_000, 1..8), code in prop_oneof!["JPY", "EUR", "KWD"]) {
            let currency = Currency::from_code(&code).unwrap();
            let money = |units: i64| Money::from_minor_units(units, currency).unwrap();
            let lines: Vec<_> = lines.into_iter().map(money).collect();
            let parts = over_lines(money(discount), &lines).unwrap();
            let whole = lines.iter().map(|line| line.minor_units().max(0)).sum::<i64>();
            prop_assert_eq!(parts.iter().map(|part| part.minor_units()).sum::<i64>(), discount.min(whole));
            for (part, line) in parts.iter().zip(&lines) {
                prop_assert!(part.minor_units() >= 0 && part.minor_units() <= line.minor_units().max(0));
            }
        }
    }
}
