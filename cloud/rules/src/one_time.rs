//! What is charged once: fees and goods, also in instalments; and deposits, which are held and given back.
//!
//! Not here: posting (see [`crate::posting`]). Start with [`instalments`] and [`Deposit`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle};
use crate::money::{Money, MoneyError};

/// Why a one-time charge or deposit was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OneTimeError {
    /// There is at least one instalment.
    #[error("a charge in no instalments")]
    NoInstalments,
    /// An amount that must be above zero is not.
    #[error("amount {0} is not above zero")]
    NotPositive(Money),
    /// More than the deposit holds.
    #[error("{wanted} is more than the deposit of {held}")]
    MoreThanHeld {
        /// What was asked for.
        wanted: Money,
        /// What there is.
        held: Money,
    },
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A date was refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

/// A charge in equal parts, the first on `first_due` and each further on the next boundary; the first ones take the odd cents.
pub fn instalments(
    amount: Money,
    count: usize,
    first_due: NaiveDate,
    cycle: Cycle,
) -> Result<Vec<(NaiveDate, Money)>, OneTimeError> {
    if !amount.is_positive() {
        return Err(OneTimeError::NotPositive(amount));
    }
    let further = count.checked_sub(1).ok_or(OneTimeError::NoInstalments)?;
    let later = cycle.boundaries_after(first_due, further)?;
    if later.len() < further {
        return Err(CalendarError::OutOfRange.into());
    }
    let parts = amount.allocate(&vec![Decimal::ONE; count])?;
    Ok(std::iter::once(first_due).chain(later).zip(parts).collect())
}

/// Money of a subscriber that is held, not earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deposit {
    held: Money,
}

/// What a deposit comes to when it ends; both together are what was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Released {
    /// Set off against what is owed.
    pub applied: Money,
    /// Given back.
    pub returned: Money,
}

impl Deposit {
    /// A deposit of more than nothing.
    pub fn of(held: Money) -> Result<Deposit, OneTimeError> {
        if held.is_positive() { Ok(Deposit { held }) } else { Err(OneTimeError::NotPositive(held)) }
    }

    /// What is held.
    pub const fn held(&self) -> Money {
        self.held
    }

    /// Takes a part of it to pay what is owed; refuses more than is held.
    pub fn draw(&mut self, amount: Money) -> Result<(), OneTimeError> {
        if !amount.is_positive() {
            return Err(OneTimeError::NotPositive(amount));
        }
        if amount.checked_cmp(self.held)?.is_gt() {
            return Err(OneTimeError::MoreThanHeld { wanted: amount, held: self.held });
        }
        self.held = self.held.checked_sub(amount)?;
        Ok(())
    }

    /// Ends it: what is owed is taken first, the rest is given back.
    pub fn release(self, owed: Money) -> Result<Released, OneTimeError> {
        let applied = self.held.checked_min(owed)?.checked_max(Money::zero(self.held.currency()))?;
        Ok(Released { applied, returned: self.held.checked_sub(applied)? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::BillingDay;
    use crate::money::Currency;

    fn eur(units: i64) -> Money {
        Money::from_minor_units(units, Currency::EUR).unwrap()
    }

    fn cycle(start: NaiveDate) -> Cycle {
        Cycle::monthly(start, BillingDay::new(31).unwrap(), 1).unwrap()
    }

    #[test]
    fn instalments_and_deposits() {
        let start: NaiveDate = "2027-12-15".parse().unwrap();
        let parts = instalments(eur(10_000), 3, start, cycle(start)).unwrap();
        let rows: Vec<_> = parts.iter().map(|(on, part)| (on.to_string(), part.minor_units())).collect();
        let row = |on: &str, units| (on.to_owned(), units);
        assert_eq!(rows, [row("2027-12-15", 3334), row("2027-12-31", 3333), row("2028-01-31", 3333)]);
        assert_eq!(instalments(eur(100), 0, start, cycle(start)), Err(OneTimeError::NoInstalments));
        assert_eq!(instalments(eur(0), 1, start, cycle(start)), Err(OneTimeError::NotPositive(eur(0))));
        let mut deposit = Deposit::of(eur(5000)).unwrap();
        deposit.draw(eur(1500)).unwrap();
        assert_eq!(deposit.draw(eur(4000)), Err(OneTimeError::MoreThanHeld { wanted: eur(4000), held: eur(3500) }));
        for (owed, applied) in [(0, 0), (-10, 0), (1200, 1200), (9000, 3500)] {
            let released = deposit.release(eur(owed)).unwrap();
            assert_eq!(released, Released { applied: eur(applied), returned: eur(3500 - applied) });
        }
        assert!(Deposit::of(eur(0)).is_err());
    }

    proptest! {
        #[test]
        fn instalments_add_up_and_differ_by_a_unit(units in 1_i64..1_000_000, count in 1_usize..40, code in prop_oneof!["JPY", "EUR", "KWD"]) {
            let currency = Currency::from_code(&code).unwrap();
            let start: NaiveDate = "2028-02-29".parse().unwrap();
            let amount = Money::from_minor_units(units, currency).unwrap();
            let parts = instalments(amount, count, start, cycle(start)).unwrap();
            prop_assert_eq!(parts.len(), count);
            prop_assert_eq!(Money::sum(currency, parts.iter().map(|part| part.1)).unwrap(), amount);
            prop_assert!(parts.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1.minor_units() - pair[1].1.minor_units() <= 1));
        }
    }
}
