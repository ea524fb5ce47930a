//! Revenue that is earned as the days of service pass: what of a line is deferred when it is issued, what a day earns, and
//! what giving something back leaves to be earned.
//!
//! Shares of days are rounded cumulatively, so that they add up to the whole wherever it is cut. Not here: who is asked, and
//! what is posted (see [`crate::posting`]). Start with [`deferred`].

use std::collections::BTreeMap;

use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;

use crate::calendar::Period;
use crate::money::{Money, MoneyError};
use crate::proration::{self, ProrationError};

/// An amount that is earned over some days, each its share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The days.
    pub days: Period,
    /// What all of them earn.
    pub amount: Money,
}

/// The part of a line that is earned after the day `after`: none of a line whose days are over by then, or of nothing.
///
/// 31.00 for January, issued on the 10th, defers 21.00 from the 11th to the 31st.
pub fn deferred(net: Money, days: Period, after: NaiveDate) -> Result<Option<Stretch>, ProrationError> {
    let line = Stretch { days, amount: net };
    let Some(later) = after.succ_opt().and_then(|first| Period::new(first.max(days.start()), days.end()).ok()) else {
        return Ok(None);
    };
    let amount = line.earned_on(later)?;
    Ok(Some(Stretch { days: later, amount }).filter(|stretch| !stretch.amount.is_zero()))
}

impl Stretch {
    /// What was earned before a day: nothing before the first one, all of it after the last.
    pub fn earned_before(self, day: NaiveDate) -> Result<Money, ProrationError> {
        if day <= self.days.start() {
            return Ok(Money::zero(self.amount.currency()));
        }
        if day >= self.days.end() {
            return Ok(self.amount);
        }
        proration::earned(self.amount, self.days, day)
    }

    /// What these days of it earn; others earn nothing.
    pub fn earned_on(self, days: Period) -> Result<Money, ProrationError> {
        Ok(self.earned_before(days.end())?.checked_sub(self.earned_before(days.start())?)?)
    }

    /// The same for each month there are days of, by its first day.
    pub fn by_month(self, days: Period) -> Result<BTreeMap<NaiveDate, Money>, ProrationError> {
        let mut months = BTreeMap::new();
        let mut rest = Some(days);
        while let Some(days) = rest {
            let first = days.start().with_day(1).unwrap_or(days.start());
            let next = first.checked_add_months(Months::new(1)).unwrap_or(days.end());
            let of_month = Period::new(days.start(), next.min(days.end())).unwrap_or(days);
            months.insert(first, self.earned_on(of_month)?);
            rest = Period::new(of_month.end(), days.end()).ok();
        }
        Ok(months)
    }

    fn part(self, days: Period) -> Result<Stretch, ProrationError> {
        Ok(Stretch { days, amount: self.earned_on(days)? })
    }
}

/// What giving something back does to what was still to be earned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenBack {
    /// How much less is to be earned; the rest of what is given back was earned before.
    pub undone: Money,
    /// What is still to be earned, by day.
    pub left: Vec<Stretch>,
}

/// Takes what is given back, an amount above zero, from what is still to be earned: on all days, or on those it is given
/// back for.
///
/// What of these days is not given back is earned on the others, or, where there are none, on these all the same.
pub fn give_back(left: &[Stretch], given: Money, of: Option<Period>) -> Result<GivenBack, ProrationError> {
    let (mut these, mut others) = (Vec::new(), Vec::new());
    for stretch in left {
        let inside = of.map_or(Some(stretch.days), |days| stretch.days.intersection(days));
        let Some(inside) = inside else {
            others.push(*stretch);
            continue;
        };
        these.push(stretch.part(inside)?);
        for days in stretch.days.without(inside) {
            others.push(stretch.part(days)?);
        }
    }
    let there = Money::sum(given.currency(), these.iter().map(|stretch| stretch.amount))?;
    let undone = given.checked_min(there)?;
    if !undone.is_positive() {
        return Ok(GivenBack { undone: Money::zero(given.currency()), left: left.to_vec() });
    }
    let rest = there.checked_sub(undone)?;
    let mut left = match (rest.is_zero(), others.is_empty()) {
        (true, _) => others,
        (false, false) => added(others, rest)?,
        (false, true) => spread(these, rest)?,
    };
    left.retain(|stretch| !stretch.amount.is_zero());
    left.sort_by_key(|stretch| stretch.days);
    Ok(GivenBack { undone, left })
}

fn added(mut stretches: Vec<Stretch>, more: Money) -> Result<Vec<Stretch>, MoneyError> {
    let days: Vec<_> = stretches.iter().map(|stretch| Decimal::from(stretch.days.days())).collect();
    for (stretch, part) in stretches.iter_mut().zip(more.allocate(&days)?) {
        stretch.amount = stretch.amount.checked_add(part)?;
    }
    Ok(stretches)
}

fn spread(stretches: Vec<Stretch>, whole: Money) -> Result<Vec<Stretch>, MoneyError> {
    let nothing = Money::zero(whole.currency());
    added(stretches.into_iter().map(|stretch| Stretch { amount: nothing, ..stretch }).collect(), whole)
}

#[cfg(test)]
#[path = "recognition_tests.rs"]
mod tests;
