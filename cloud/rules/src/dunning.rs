//! Who is due for the `unpaid` hold, and whose is to be lifted.
//!
//! Not here: reminders and fees, or what the hold does (see [`crate::access`]). Start with [`decide`].

use chrono::{Days, NaiveDate};

use crate::money::{Money, MoneyError};

/// Why nobody could be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DunningError {
    /// A balance below which nobody is held is zero or more.
    #[error("minimum balance {0} is below zero")]
    NegativeMinimum(Money),
    /// The grace period leaves the calendar.
    #[error("grace period of {0} days is out of range")]
    Grace(u32),
    /// Currencies differ or a sum is too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// When an unpaid account is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DunningRules {
    /// Days after the due date that are still free of consequence; the last one counts as free.
    pub grace_days: u32,
    /// Less than this past due and grace holds nobody; the same amount does.
    pub minimum_balance: Money,
}

/// What is left of one issued invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outstanding {
    /// The last day to pay.
    pub due_on: NaiveDate,
    /// What is open.
    pub open: Money,
}

/// How one account stands today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Its invoices with something open.
    pub outstanding: &'a [Outstanding],
    /// Whether an `unpaid` hold is in force.
    pub held: bool,
    /// Promised to pay by this day, which is still free.
    pub promised_on: Option<NaiveDate>,
}

/// What to do about the `unpaid` hold of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DunningDecision {
    /// Place it: this much is past due and grace, the oldest since that day.
    Place {
        /// Past due and grace.
        balance: Money,
        /// The earliest due date among it.
        due_since: NaiveDate,
    },
    /// Lift it: nothing that holds it is left.
    Release,
    /// Leave things as they are.
    Keep,
}

/// The last free day after a due date: due on 1 January with 30 days is 31 January.
pub fn grace_ends_on(due_on: NaiveDate, grace_days: u32) -> Result<NaiveDate, DunningError> {
    due_on.checked_add_days(Days::new(grace_days.into())).ok_or(DunningError::Grace(grace_days))
}

/// Judges one account on its local day: held exactly while something above zero, of at least the minimum, is past due
/// and grace and no promise runs.
pub fn decide(
    rules: &DunningRules,
    standing: &Standing<'_>,
    today: NaiveDate,
) -> Result<DunningDecision, DunningError> {
    let minimum = rules.minimum_balance;
    if minimum.is_negative() {
        return Err(DunningError::NegativeMinimum(minimum));
    }
    let mut balance = Money::zero(minimum.currency());
    let mut due_since: Option<NaiveDate> = None;
    for outstanding in standing.outstanding.iter().filter(|outstanding| outstanding.open.is_positive()) {
        if today > grace_ends_on(outstanding.due_on, rules.grace_days)? {
            balance = balance.checked_add(outstanding.open)?;
            due_since = Some(due_since.map_or(outstanding.due_on, |since| since.min(outstanding.due_on)));
        }
    }
    let promised = standing.promised_on.is_some_and(|day| today <= day);
    let enough = balance.checked_cmp(minimum)?.is_ge();
    Ok(match due_since.filter(|_| enough && !promised) {
        // Also where something is held already: a line sold since has no hold yet.
        Some(due_since) => DunningDecision::Place { balance, due_since },
        None if standing.held => DunningDecision::Release,
        _ => DunningDecision::Keep,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::EUR).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn judged(opens: &[(&str, &str)], held: bool, promised_on: Option<&str>, today: &str) -> DunningDecision {
        let rules = DunningRules { grace_days: 3, minimum_balance: eur("5.00") };
        let outstanding: Vec<_> =
            opens.iter().map(|(due_on, open)| Outstanding { due_on: day(due_on), open: eur(open) }).collect();
        let standing = Standing { outstanding: &outstanding, held, promised_on: promised_on.map(day) };
        decide(&rules, &standing, day(today)).unwrap()
    }

    #[test]
    fn a_hold_needs_due_date_grace_and_balance() {
        let place = |balance, since| DunningDecision::Place { balance: eur(balance), due_since: day(since) };
        let (release, keep) = (DunningDecision::Release, DunningDecision::Keep);
        let may = [("2026-05-10", "5.00")];
        assert_eq!(judged(&may, false, None, "2026-05-13"), keep);
        assert_eq!(judged(&may, false, None, "2026-05-14"), place("5.00", "2026-05-10"));
        assert_eq!(judged(&may, true, None, "2026-05-14"), place("5.00", "2026-05-10"));
        assert_eq!(judged(&may, false, Some("2026-05-14"), "2026-05-14"), keep);
        assert_eq!(judged(&may, true, Some("2026-05-14"), "2026-05-14"), release);
        assert_eq!(judged(&may, false, Some("2026-05-14"), "2026-05-15"), place("5.00", "2026-05-10"));
        assert_eq!(judged(&[("2026-05-10", "4.99")], false, None, "2026-06-01"), keep);
        let two = [("2026-05-20", "2.50"), ("2026-05-10", "2.50"), ("2026-06-01", "9.00")];
        assert_eq!(judged(&two, false, None, "2026-06-01"), place("5.00", "2026-05-10"));
        assert_eq!(judged(&[], true, None, "2026-06-01"), release);
        assert_eq!(judged(&[("2026-06-01", "9.00")], true, None, "2026-06-01"), release);
    }

    #[test]
    fn nothing_due_never_holds_even_without_a_minimum() {
        let rules = DunningRules { grace_days: 0, minimum_balance: eur("0") };
        let standing = Standing { outstanding: &[], held: false, promised_on: None };
        assert_eq!(decide(&rules, &standing, day("2026-06-01")), Ok(DunningDecision::Keep));
        let negative = DunningRules { minimum_balance: eur("-1"), ..rules };
        assert!(matches!(decide(&negative, &standing, day("2026-06-01")), Err(DunningError::NegativeMinimum(_))));
    }
}
