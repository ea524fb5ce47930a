//! Introductory prices: what a plan costs in the first months of a line on it, phase by phase, before its own price holds.
//!
//! The months are those between billing days. The first one of all is the first whole month with the days before it, so that
//! nobody is given fewer days than were promised and no month of an invoice has two prices. Start with [`served`].

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Cycle, Period};
use crate::charges::Terms;
use crate::money::{Money, MoneyError};
use crate::promotion::{Lasts, Phase, PromotionError, phased};

/// A price for some months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Introductory {
    /// How many, at least one.
    pub months: u32,
    /// For a full period of the plan; nothing in a trial.
    pub price: Money,
}

/// Which months of a phase days are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Month {
    /// The first of them, from 1.
    pub first: u32,
    /// The last of them.
    pub last: u32,
    /// How many the phase has.
    pub of: u32,
    /// What a full period costs in it.
    pub price: Money,
}

/// A price less a percent, rounded.
pub fn reduced(price: Money, percent_off: Decimal) -> Result<Money, MoneyError> {
    price.times_ratio(Decimal::ONE_HUNDRED - percent_off, Decimal::ONE_HUNDRED)
}

/// The terms that are billed when a line begins on a plan with these phases; `months` are the line's, from its start on.
///
/// A term that ends before its phases do ends them with it.
pub fn served<V: Clone>(
    months: Cycle,
    term: &Terms<V>,
    phases: &[Introductory],
) -> Result<Vec<Terms<V>>, PromotionError> {
    let part = begins_with_a_part(months)?;
    let at = |price, lasts| Phase { version: term.version.clone(), price, quantity: term.quantity, lasts };
    let mut all = Vec::with_capacity(phases.len() + 1);
    for (index, phase) in phases.iter().enumerate() {
        all.push(at(phase.price, Lasts::Periods(count(phase.months) + usize::from(part && index == 0))));
    }
    all.push(at(term.price, Lasts::Open));
    let ends = term.to.unwrap_or(NaiveDate::MAX);
    let mut terms = phased(months, &all)?;
    terms.retain(|one| one.from < ends);
    if let Some(last) = terms.last_mut() {
        last.to = term.to;
    }
    Ok(terms)
}

/// Which months of which phase days are in, by their first; none once the plan's own price holds, or before the start.
pub fn month_of(months: Cycle, phases: &[Introductory], days: Period) -> Result<Option<Month>, CalendarError> {
    let mut from = months.start();
    let mut part = usize::from(begins_with_a_part(months)?);
    for phase in phases {
        let mut ends = months.boundaries_after(from, count(phase.months) + part)?;
        ends.drain(..part);
        part = 0;
        let Some(&to) = ends.last() else { continue };
        if from <= days.start() && days.start() < to {
            let number = |day: NaiveDate| u32::try_from(ends.partition_point(|end| *end <= day)).unwrap_or(u32::MAX);
            let last = days.end().min(to).pred_opt().unwrap_or(from);
            let (first, last) = (number(days.start()) + 1, number(last) + 1);
            return Ok(Some(Month { first, last, of: phase.months, price: phase.price }));
        }
        from = to;
    }
    Ok(None)
}

/// Whether a line begins between two billing days.
fn begins_with_a_part(months: Cycle) -> Result<bool, CalendarError> {
    Ok(months.first_boundary()? != months.start())
}

fn count(months: u32) -> usize {
    usize::try_from(months).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "introductory_tests.rs"]
mod tests;
