//! What a part of a period costs, and what is given back when a period is cut.
//!
//! Every amount multiplies first, divides once and rounds once, half away from zero. Days are calendar days, never
//! seconds. Not here: which parts to bill (see [`crate::charges`]). Start with [`prorated`] and [`plan_change`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Period};
use crate::money::{Money, MoneyError};

/// Why an amount could not be prorated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProrationError {
    /// The part is not inside the full period.
    #[error("days from {} to {} are not inside the period from {} to {}", part.start(), part.end(), full.start(), full.end())]
    OutsidePeriod {
        /// The part.
        part: Period,
        /// The full period.
        full: Period,
    },
    /// The day of a change or cut is not inside the period.
    #[error("day {on} is not inside the period from {} to {}", period.start(), period.end())]
    DayOutsidePeriod {
        /// The day.
        on: NaiveDate,
        /// The period.
        period: Period,
    },
    /// Cuts are given in order, each once.
    #[error("cuts are not in ascending order")]
    CutsNotAscending,
    /// A quantity is zero or more.
    #[error("quantity {0} is below zero")]
    NegativeQuantity(Decimal),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A date was refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

/// How a part of a period is priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProrationPolicy {
    /// By the calendar days of the part over those of the full period.
    #[default]
    ByDay,
    /// By the calendar days of the part over 30 for each month, never more than the full price.
    ThirtyDayMonth {
        /// How many months the full period has.
        months: u32,
    },
    /// A part at the start of a subscription is free; a change inside a period counts from the next one.
    None,
    /// A part costs as much as the whole; a change inside a period counts from the next one.
    FullPeriod,
}

impl ProrationPolicy {
    /// Whether a change inside a period credits the days not used and charges the new plan for them.
    pub fn splits_periods(self) -> bool {
        matches!(self, ProrationPolicy::ByDay | ProrationPolicy::ThirtyDayMonth { .. })
    }
}

/// The price of `part` of the period `full`: 249.95 for 14 of 30 days is 116.64.
pub fn prorated(
    price: Money,
    quantity: Decimal,
    part: Period,
    full: Period,
    policy: ProrationPolicy,
) -> Result<Money, ProrationError> {
    if full.intersection(part) != Some(part) {
        return Err(ProrationError::OutsidePeriod { part, full });
    }
    if quantity < Decimal::ZERO {
        return Err(ProrationError::NegativeQuantity(quantity));
    }
    let factor = match policy {
        _ if part == full => return Ok(price.times(quantity)?),
        ProrationPolicy::FullPeriod => return Ok(price.times(quantity)?),
        ProrationPolicy::None => return Ok(Money::zero(price.currency())),
        ProrationPolicy::ByDay => (part.days(), full.days()),
        ProrationPolicy::ThirtyDayMonth { months } => {
            let days = months.max(1).saturating_mul(30);
            (part.days().min(days), days)
        }
    };
    let days = quantity.checked_mul(factor.0.into()).ok_or(MoneyError::TooLarge(price.currency()))?;
    Ok(price.times_ratio(days, factor.1.into())?)
}

/// Cuts a billed line into pieces that add up to it, by cumulative rounding.
///
/// 249.95 from 30 June to 31 July cut on the 10th and the 20th is 80.63, 80.63 and 88.69.
pub fn pieces(billed: Money, line: Period, cuts: &[NaiveDate]) -> Result<Vec<Money>, ProrationError> {
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut before = Money::zero(billed.currency());
    let mut last = line.start();
    for &cut in cuts {
        if cut <= last && cut > line.start() {
            return Err(ProrationError::CutsNotAscending);
        }
        let until = earned(billed, line, cut)?;
        pieces.push(until.checked_sub(before)?);
        (before, last) = (until, cut);
    }
    pieces.push(billed.checked_sub(before)?);
    Ok(pieces)
}

/// What a billed line has earned before the day `on`, which must lie inside the line and after its first day.
pub fn earned(billed: Money, line: Period, on: NaiveDate) -> Result<Money, ProrationError> {
    if on <= line.start() || on >= line.end() {
        return Err(ProrationError::DayOutsidePeriod { on, period: line });
    }
    let part = Period::new(line.start(), on)?;
    Ok(billed.times_ratio(part.days().into(), line.days().into())?)
}

/// The part of a billed line from `on` to its end that was not used, above zero: billed minus earned.
///
/// The whole line when `on` is its first day. 40.00 for March from the 15th gives 21.94.
pub fn unused(billed: Money, line: Period, on: NaiveDate) -> Result<Money, ProrationError> {
    if on == line.start() {
        return Ok(billed);
    }
    Ok(billed.checked_sub(earned(billed, line, on)?)?)
}

/// A credit never above what is left of its line: 100 wanted of 200 billed with 50 credited before is 100.
pub fn capped_credit(wanted: Money, billed: Money, credited_before: Money) -> Result<Money, ProrationError> {
    let left = billed.checked_sub(credited_before)?;
    let credit = wanted.checked_min(left)?;
    Ok(if credit.is_negative() { Money::zero(credit.currency()) } else { credit })
}

/// The two lines of a change of plan inside a period billed in advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanChange {
    /// What was billed for the days not used, zero or below.
    pub credit: Money,
    /// The new plan from the day of the change.
    pub charge: Money,
    /// Both together.
    pub net: Money,
}

impl PlanChange {
    /// The same change with a credit never above what is left of a paid line.
    pub fn capped(self, paid: Money, credited_before: Money) -> Result<PlanChange, ProrationError> {
        let credit = -capped_credit(-self.credit, paid, credited_before)?;
        Ok(PlanChange { credit, charge: self.charge, net: credit.checked_add(self.charge)? })
    }
}

/// Changes plan on `on`, which belongs to the new plan: credits what was billed for the rest, charges the new price.
///
/// From 10.00 to 20.00 on the 15th of a month of 31 days is -5.48 and +10.97.
pub fn plan_change(
    billed: Money,
    line: Period,
    new_price: Money,
    new_quantity: Decimal,
    full: Period,
    on: NaiveDate,
) -> Result<PlanChange, ProrationError> {
    let credit = -unused(billed, line, on)?;
    let rest = Period::new(on, line.end())?;
    let charge = prorated(new_price, new_quantity, rest, full, ProrationPolicy::ByDay)?;
    Ok(PlanChange { credit, charge, net: credit.checked_add(charge)? })
}

/// The share of an allowance for a part of a period, rounded down: 100 bytes for 10 of 31 days is 32.
pub fn prorated_allowance(allowance_bytes: u64, part: Period, full: Period) -> Result<u64, ProrationError> {
    if full.intersection(part) != Some(part) {
        return Err(ProrationError::OutsidePeriod { part, full });
    }
    let share = u128::from(allowance_bytes) * u128::from(part.days()) / u128::from(full.days());
    Ok(u64::try_from(share).expect("a part is not more than the whole"))
}

#[cfg(test)]
#[path = "proration_tests.rs"]
mod tests;
