//! What a pause or a suspension does to what is billed; what it does to the line is another thing (see [`crate::access`]).
//!
//! Pauses take days out of the terms of a subscription; [`crate::charges::derive`] then credits what was billed for them and
//! bills nothing more. Start with [`served`].

use chrono::{Days, NaiveDate};

use crate::calendar::{CalendarError, Period};
use crate::charges::Terms;
use crate::money::Money;

/// What is billed while service rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BillEffect {
    /// Everything, as if nothing were: a fault of nobody, or non-payment where accruing has no limit.
    Accrue,
    /// Everything for so many days, then nothing: non-payment.
    AccrueFor {
        /// Days from the first.
        days: u32,
    },
    /// Nothing; what was billed for the days is given back: a subscriber's own pause.
    Credit,
    /// A lower price for each full period: a line held for a season.
    Hold {
        /// The price.
        price: Money,
    },
}

/// Days without service, and what is billed for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; `None` while it lasts.
    pub to: Option<NaiveDate>,
    /// What is billed.
    pub effect: BillEffect,
}

impl Pause {
    /// The days that are not billed at the price of the terms, if there are any; a pause of no days is none.
    fn unbilled(&self) -> Result<Option<(Period, Option<Money>)>, CalendarError> {
        let to = self.to.unwrap_or(NaiveDate::MAX);
        if to < self.from {
            return Err(CalendarError::EmptyPeriod { start: self.from, end: to });
        }
        let (from, price) = match self.effect {
            BillEffect::Accrue => return Ok(None),
            BillEffect::AccrueFor { days } => (self.from.checked_add_days(Days::new(days.into())), None),
            BillEffect::Credit => (Some(self.from), None),
            BillEffect::Hold { price } => (Some(self.from), Some(price)),
        };
        Ok(from.and_then(|from| Period::new(from, to).ok()).map(|days| (days, price)))
    }
}

/// The terms that are billed when pauses are taken out of them, by date. Where pauses meet on a day the first given decides.
pub fn served<V: Clone>(terms: &[Terms<V>], pauses: &[Pause]) -> Result<Vec<Terms<V>>, CalendarError> {
    let mut left: Vec<(Period, Terms<V>)> = Vec::with_capacity(terms.len());
    for one in terms {
        left.push((Period::new(one.from, one.to.unwrap_or(NaiveDate::MAX))?, one.clone()));
    }
    let mut held = Vec::new();
    for pause in pauses {
        let Some((rest, price)) = pause.unbilled()? else { continue };
        let mut remaining = Vec::with_capacity(left.len() + 1);
        for (days, one) in left {
            if let (Some(inside), Some(price)) = (days.intersection(rest), price) {
                held.push((inside, Terms { price, ..one.clone() }));
            }
            remaining.extend(days.without(rest).map(|piece| (piece, one.clone())));
        }
        left = remaining;
    }
    left.extend(held);
    left.sort_by_key(|(days, _)| *days);
    let dated = |(days, one): (Period, Terms<V>)| Terms {
        from: days.start(),
        to: Some(days.end()).filter(|end| *end != NaiveDate::MAX),
        ..one
    };
    Ok(left.into_iter().map(dated).collect())
}

#[cfg(test)]
#[path = "pause_tests.rs"]
mod tests;
