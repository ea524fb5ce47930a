//! Contracts with a minimum term: until when they bind, and what leaving early costs.
//!
//! Not here: posting the fee. Start with [`Contract::early_termination_fee`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle, Period};
use crate::money::{Money, MoneyError};

/// Why no fee could be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// A percent is between 0 and 100.
    #[error("{0} % of what is left of a contract")]
    Percent(Decimal),
    /// A date was refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// How leaving early is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TerminationFee {
    /// Nothing.
    None,
    /// The same on any day before the end.
    Fixed(Money),
    /// An amount that shrinks with every day served, from all of it on the first to nothing at the end.
    Declining(Money),
    /// A percent of the price of every period not yet begun, and of the days left of the one that has.
    RemainingPeriods {
        /// The price of a period.
        price: Money,
        /// 0 to 100.
        percent: Decimal,
    },
}

/// A minimum term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// The days it binds.
    pub term: Period,
    /// What leaving early costs.
    pub fee: TerminationFee,
    /// No fee is above this.
    pub most: Option<Money>,
    /// Days from the first on which leaving is free.
    pub cooling_off_days: u32,
}

/// The term of so many periods from a start: twelve months from 31 January end on 31 January.
pub fn term(cycle: Cycle, periods: usize) -> Result<Period, CalendarError> {
    let ends = cycle.boundaries_after(cycle.start(), periods)?;
    Period::new(cycle.start(), ends.last().copied().ok_or(CalendarError::OutOfRange)?)
}

impl Contract {
    /// The fee when the last day of service is the one before `on`; nothing from the end of the term on.
    pub fn early_termination_fee(&self, cycle: Cycle, on: NaiveDate) -> Result<Option<Money>, ContractError> {
        let Ok(left) = Period::new(on.max(self.term.start()), self.term.end()) else { return Ok(None) };
        let served = (on - self.term.start()).num_days();
        if served < i64::from(self.cooling_off_days) {
            return Ok(None);
        }
        let fee = match self.fee {
            TerminationFee::None => return Ok(None),
            TerminationFee::Fixed(fee) => fee,
            TerminationFee::Declining(fee) => fee.times_ratio(left.days().into(), self.term.days().into())?,
            TerminationFee::RemainingPeriods { price, percent } => remaining(cycle, left, price, percent)?,
        };
        let fee = self.most.map_or(Ok(fee), |most| fee.checked_min(most))?;
        Ok(Some(fee).filter(|fee| fee.is_positive()))
    }
}

/// A percent of the price of the periods in what is left, parts by their days; rounded once.
fn remaining(cycle: Cycle, left: Period, price: Money, percent: Decimal) -> Result<Money, ContractError> {
    if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
        return Err(ContractError::Percent(percent));
    }
    let last = left.end().pred_opt().unwrap_or(left.end());
    let too_large = || MoneyError::TooLarge(price.currency());
    // The periods as one fraction: a quotient for each would lose what decides a tie.
    let (mut above, mut below) = (Decimal::ZERO, Decimal::ONE);
    for full in cycle.full_periods(left.start(), last)? {
        let days = full.intersection(left).map_or(0, Period::days);
        if days == full.days() {
            above += below;
        } else {
            above = above * Decimal::from(full.days()) + below * Decimal::from(days);
            below *= Decimal::from(full.days());
        }
    }
    let due = above.checked_mul(percent).ok_or_else(too_large)?;
    Ok(price.times_ratio(due, below * Decimal::ONE_HUNDRED)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::BillingDay;
    use crate::money::Currency;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::EUR).unwrap()
    }

    fn monthly(start: &str) -> Cycle {
        Cycle::monthly(day(start), BillingDay::of(day(start)), 1).unwrap()
    }

    #[test]
    fn leaving_early_costs_what_was_agreed() {
        let cycle = monthly("2026-01-01");
        let term = term(cycle, 12).unwrap();
        assert_eq!(term.end(), day("2027-01-01"));
        let half = TerminationFee::RemainingPeriods { price: eur("30"), percent: 50.into() };
        for (fee, on, charged) in [
            (TerminationFee::Fixed(eur("100")), "2026-12-31", Some("100")),
            (TerminationFee::Fixed(eur("100")), "2027-01-01", None),
            (TerminationFee::Declining(eur("365")), "2026-12-31", Some("1")),
            (TerminationFee::Declining(eur("365")), "2026-04-01", Some("275")),
            (half, "2026-10-01", Some("45")),
            (half, "2026-09-16", Some("52.50")),
            (TerminationFee::RemainingPeriods { price: eur("0.15"), percent: 10.into() }, "2026-12-21", Some("0.01")),
            (half, "2026-01-10", None),
            (TerminationFee::None, "2026-04-01", None),
        ] {
            let contract = Contract { term, fee, most: Some(eur("300")), cooling_off_days: 14 };
            assert_eq!(contract.early_termination_fee(cycle, day(on)), Ok(charged.map(eur)), "{fee:?} {on}");
        }
        let dear =
            Contract { term, fee: TerminationFee::Fixed(eur("500")), most: Some(eur("300")), cooling_off_days: 0 };
        assert_eq!(dear.early_termination_fee(cycle, day("2026-01-01")), Ok(Some(eur("300"))));
        let wrong = TerminationFee::RemainingPeriods { price: eur("30"), percent: 101.into() };
        let wrong = Contract { fee: wrong, ..dear };
        assert!(wrong.early_termination_fee(cycle, day("2026-02-01")).is_err());
    }

    proptest! {
        #[test]
        fn a_fee_never_grows_with_time(units in 1_i64..1_000_000, start in 0_u64..60, on in 0_u64..800, later in 0_u64..800) {
            let begin = day("2027-12-15") + chrono::Days::new(start);
            let cycle = monthly(&begin.to_string());
            let term = term(cycle, 24).unwrap();
            let price = Money::from_minor_units(units, Currency::EUR).unwrap();
            for fee in [TerminationFee::Declining(price), TerminationFee::RemainingPeriods { price, percent: 80.into() }] {
                let contract = Contract { term, fee, most: None, cooling_off_days: 0 };
                let at = |days: u64| {
                    let fee = contract.early_termination_fee(cycle, begin + chrono::Days::new(days)).unwrap();
                    fee.map_or(0, Money::minor_units)
                };
                prop_assert!(at(on) >= at(on + later));
                prop_assert_eq!(at(1000), 0);
            }
        }
    }
}
