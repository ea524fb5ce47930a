//! Prices that hold for a while: phases of a plan one after another, and reductions with a first and a last day.
//!
//! Phases become terms, which [`crate::charges::derive`] bills like any other change of plan; a promotion reduces
//! the charges of the days it holds. Start with [`phased`] and [`Promotion::on_line`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle, Period};
use crate::charges::Terms;
use crate::discount::{Discount, DiscountError};
use crate::money::{Money, MoneyError};
use crate::schedule::days_after;

/// Why a promotion could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromotionError {
    /// Only the last phase may have no end.
    #[error("phase {0} has no end and is not the last")]
    OpenPhase(usize),
    /// The discount was refused.
    #[error(transparent)]
    Discount(#[from] DiscountError),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A date was refused.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
}

/// How long a phase lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// So many days: a trial.
    Days(u32),
    /// So many periods of the subscription; a part at its beginning counts as one.
    Periods(usize),
    /// Up to a day.
    Until(NaiveDate),
    /// For good.
    Open,
}

/// A plan at a price for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase<V> {
    /// The plan version.
    pub version: V,
    /// For a full period; nothing in a trial.
    pub price: Money,
    /// How many.
    pub quantity: Decimal,
    /// How long.
    pub lasts: Lasts,
}

/// The terms of phases that follow each other from the start of a cycle; a phase of no days is left out.
pub fn phased<V: Clone>(cycle: Cycle, phases: &[Phase<V>]) -> Result<Vec<Terms<V>>, PromotionError> {
    let mut terms = Vec::with_capacity(phases.len());
    let mut from = cycle.start();
    for (index, phase) in phases.iter().enumerate() {
        let to = match phase.lasts {
            Lasts::Days(days) => Some(days_after(from, days)?),
            Lasts::Periods(count) => Some(cycle.boundaries_after(from, count)?.last().copied().unwrap_or(from)),
            Lasts::Until(day) => Some(day.max(from)),
            Lasts::Open if index + 1 == phases.len() => None,
            Lasts::Open => return Err(PromotionError::OpenPhase(index + 1)),
        };
        if to != Some(from) {
            let Phase { version, price, quantity, .. } = phase.clone();
            terms.push(Terms { version, price, quantity, from, to });
        }
        from = to.unwrap_or(from);
    }
    Ok(terms)
}

/// A reduction that holds on some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promotion {
    /// How much; a fixed amount, or the most a percent may be, is for each full period.
    pub discount: Discount,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` for good.
    pub to: Option<NaiveDate>,
}

impl Promotion {
    /// What it takes off a charged line for the days it holds, `full` being the period the line is a part of.
    ///
    /// A percent is of the share of the line that its days are; an amount is prorated by them, and is no more than that share.
    pub fn on_line(&self, amount: Money, line: Period, full: Period) -> Result<Money, PromotionError> {
        let held = Period::new(self.from, self.to.unwrap_or(NaiveDate::MAX))?;
        let Some(days) = held.intersection(line) else { return Ok(Money::zero(amount.currency())) };
        let share = amount.times_ratio(days.days().into(), line.days().into())?;
        let prorated = |amount: Money| amount.times_ratio(days.days().into(), full.days().into());
        let discount = match self.discount {
            Discount::Fixed(fixed) => Discount::Fixed(prorated(fixed)?),
            Discount::Percent { percent, most } => Discount::Percent { percent, most: most.map(prorated).transpose()? },
        };
        Ok(discount.on(share)?)
    }
}

/// What several promotions take off a line together: each from what the ones before it left.
pub fn on_line(
    promotions: &[Promotion],
    amount: Money,
    line: Period,
    full: Period,
) -> Result<Vec<Money>, PromotionError> {
    let mut left = amount;
    let mut taken = Vec::with_capacity(promotions.len());
    for promotion in promotions {
        let one = promotion.on_line(left, line, full)?;
        left = left.checked_sub(one)?;
        taken.push(one);
    }
    Ok(taken)
}

#[cfg(test)]
#[path = "promotion_tests.rs"]
mod tests;
