//! How often a plan's price is asked for and when, and what follows where a line changes between plans that differ in that.
//!
//! A line is served in stretches: neighbouring terms of one rhythm. A stretch has a cycle of its own, which begins on its
//! first day; the period under way in the one before ends there, as a part of its full one. Start with [`stretches`].

use std::collections::BTreeSet;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::calendar::{BillingDay, CalendarError, Cycle, Timing};
use crate::charges::{BilledLine, ChargesError, NewLine, Subscription, derive};
use crate::money::{Money, MoneyError};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// So many months, from billing day to billing day.
    Months(u32),
    /// So many days, counted from the first.
    Days(u32),
}

impl Every {
    /// What a price comes to for a month, rounded; a month has a twelfth of the 365 days of a year.
    pub fn price_a_month(self, price: Money) -> Result<Money, MoneyError> {
        match self {
            Every::Months(months) => price.times_ratio(Decimal::ONE, months.into()),
            Every::Days(days) => price.times_ratio(Decimal::from(365), Decimal::from(12) * Decimal::from(days)),
        }
    }
}

/// How the price of a plan is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rhythm {
    /// What a price is for.
    pub every: Every,
    /// When it is asked for.
    pub timing: Timing,
}

/// Neighbouring terms of one rhythm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// How its periods follow each other.
    pub cycle: Cycle,
    /// When they are billed.
    pub timing: Timing,
    /// The first day; the one before it ends here.
    pub from: NaiveDate,
}

/// The stretches of a line that started on a day, of the first days and rhythms of its terms by date.
pub fn stretches(
    starts_on: NaiveDate,
    day: BillingDay,
    terms: impl IntoIterator<Item = (NaiveDate, Rhythm)>,
) -> Result<Vec<Stretch>, CalendarError> {
    let mut found: Vec<Stretch> = Vec::new();
    let mut last = None;
    for (from, rhythm) in terms {
        if last.replace(rhythm) == Some(rhythm) {
            continue;
        }
        let from = if found.is_empty() { starts_on.min(from) } else { from };
        let cycle = match rhythm.every {
            Every::Months(months) => Cycle::monthly(from, day, months)?,
            Every::Days(days) => Cycle::every_days(from, days)?,
        };
        found.push(Stretch { cycle, timing: rhythm.timing, from });
    }
    Ok(found)
}

/// The stretch a day is in, by its place; days before the first belong to it.
pub fn stretch_at(stretches: &[Stretch], day: NaiveDate) -> usize {
    stretches.partition_point(|stretch| stretch.from <= day).saturating_sub(1)
}

/// What is to be billed up to `as_of` of a line with these stretches; see [`derive`].
///
/// `subscription` has all terms, and any cycle and timing: those of the stretches count. What was billed belongs to the
/// stretch its first day is in by now, and is given back there as far as another one has its days.
pub fn derive_stretches<I: Clone + Ord, V: Clone + Ord>(
    subscription: &Subscription<V>,
    stretches: &[Stretch],
    billed: &[BilledLine<I, V>],
    as_of: NaiveDate,
) -> Result<Vec<NewLine<I, V>>, ChargesError> {
    let mut lines = Vec::new();
    for (place, stretch) in stretches.iter().enumerate() {
        let own = |day| stretch_at(stretches, day) == place;
        let terms = subscription.terms.iter().filter(|terms| own(terms.from)).cloned().collect();
        let charges = billed.iter().filter(|line| line.credits.is_none() && own(line.period.start()));
        let mut before: Vec<_> = charges.cloned().collect();
        // A credit goes with the charge it takes back, wherever its own days are.
        let ids: BTreeSet<_> = before.iter().map(|line| line.id.clone()).collect();
        before.extend(billed.iter().filter(|line| line.credits.as_ref().is_some_and(|id| ids.contains(id))).cloned());
        let one = Subscription { cycle: stretch.cycle, timing: stretch.timing, terms, ..subscription.clone() };
        lines.extend(derive(&one, &before, as_of)?);
    }
    Ok(lines)
}

#[cfg(test)]
#[path = "rhythm_tests.rs"]
mod tests;
