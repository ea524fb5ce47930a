//! Days and amounts of collecting what is owed: retries, attempts, overdue states, grace, thresholds, a fee for being late.
//!
//! Not here: the policy of an ISP and what it does to lines (see [`crate::dunning`]). Start with [`overdue_state`].

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use crate::calendar::CalendarError;
use crate::dunning::FeeRule;
use crate::money::{Money, MoneyError};
use crate::schedule::days_after;

/// The days on which a failed payment is tried again, each so many days after the one before: 8, 8, 8.
pub fn retry_days(first_failure: NaiveDate, after_days: &[u32]) -> Result<Vec<NaiveDate>, CalendarError> {
    let mut last = first_failure;
    let mut days = Vec::with_capacity(after_days.len());
    for after in after_days {
        last = days_after(last, *after)?;
        days.push(last);
    }
    Ok(days)
}

/// Which of the moments an attempt is made at: at most so many, each strictly more than so many days after the one before.
pub fn attempts_made(moments: &[NaiveDateTime], most: u32, days_between: u32) -> Vec<bool> {
    let gap = TimeDelta::days(days_between.into());
    let mut last: Option<NaiveDateTime> = None;
    let mut made = 0;
    let attempt = |moment: &NaiveDateTime| {
        let now = made < most && last.is_none_or(|last| *moment - last > gap);
        if now {
            made += 1;
            last = Some(*moment);
        }
        now
    };
    moments.iter().map(attempt).collect()
}

/// A state an account is in from so many days after its earliest unpaid invoice on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverdueState {
    /// Its name.
    pub name: String,
    /// Days from the earliest unpaid invoice; that day itself counts.
    pub days: u32,
    /// Whether service is blocked in it.
    pub blocks_service: bool,
}

/// How many days old the earliest unpaid invoice is; zero on its own day and before.
pub fn overdue_age(earliest_unpaid: NaiveDate, today: NaiveDate) -> u32 {
    u32::try_from((today - earliest_unpaid).num_days()).unwrap_or(0)
}

/// The last state reached, whatever their order; `None` is clear: nothing unpaid, or not for long enough.
pub fn overdue_state(
    states: &[OverdueState],
    earliest_unpaid: Option<NaiveDate>,
    today: NaiveDate,
) -> Option<&OverdueState> {
    let earliest = earliest_unpaid.filter(|day| *day <= today)?;
    let age = overdue_age(earliest, today);
    states.iter().filter(|state| state.days <= age).max_by_key(|state| state.days)
}

/// The last day that is free of what follows from being late.
pub fn grace_ends(due: NaiveDate, grace_days: u32) -> Result<NaiveDate, CalendarError> {
    days_after(due, grace_days)
}

/// Whether a balance is enough to act: at the threshold or above it.
pub fn reaches(threshold: Money, balance: Money) -> Result<bool, MoneyError> {
    Ok(balance.checked_cmp(threshold)?.is_ge())
}

/// What a late fee is a percent of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FeeBasis {
    /// What is still owed of the invoice.
    #[default]
    Owed,
    /// All of the invoice, as long as anything is owed.
    Invoiced,
}

impl FeeBasis {
    /// The amount a fee is on; nothing once everything is paid.
    pub fn amount(self, invoiced: Money, paid: Money) -> Result<Money, MoneyError> {
        let owed = invoiced.checked_sub(paid)?;
        Ok(match self {
            FeeBasis::Invoiced if owed.is_positive() => invoiced,
            _ => owed,
        })
    }
}

/// A fee for what is still owed; nothing where nothing is owed, whatever the minimum.
pub fn late_fee(rule: &FeeRule, owed: Money) -> Result<Money, MoneyError> {
    let nothing = Money::zero(owed.currency());
    if !owed.is_positive() {
        return Ok(nothing);
    }
    Ok(rule.on(owed)?.unwrap_or(nothing))
}

/// The fee that stands on a day: from the day after the grace days on, once, on what is owed without fees.
pub fn late_fee_on(
    rule: &FeeRule,
    owed: Money,
    billed_on: NaiveDate,
    grace_days: u32,
    today: NaiveDate,
) -> Result<Money, crate::dunning::DunningError> {
    if today <= grace_ends(billed_on, grace_days)? {
        return Ok(Money::zero(owed.currency()));
    }
    Ok(late_fee(rule, owed)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::EUR).unwrap()
    }

    #[test]
    fn retries_add_up_and_attempts_keep_their_distance() {
        let retries = retry_days(day("2012-05-31"), &[8, 8, 1]).unwrap();
        assert_eq!(retries, ["2012-06-08", "2012-06-16", "2012-06-17"].map(day));
        let moments = ["2025-01-07T10:00:00", "2025-01-09T10:00:00", "2025-01-09T10:00:01", "2025-01-20T10:00:00"]
            .map(|text| text.parse().unwrap());
        assert_eq!(attempts_made(&moments, 2, 2), [true, false, true, false]);
        assert_eq!(attempts_made(&moments, 0, 2), [false; 4]);
    }

    #[test]
    fn a_state_begins_on_its_day() {
        let state = |name: &str, days, blocks_service| OverdueState { name: name.to_owned(), days, blocks_service };
        let states = [state("late", 40, true), state("soon", 30, false), state("gone", 50, true)];
        let since = Some(day("2012-05-31"));
        for (today, name) in [
            ("2012-06-29", None),
            ("2012-06-30", Some("soon")),
            ("2012-07-10", Some("late")),
            ("2012-07-20", Some("gone")),
        ] {
            let found = overdue_state(&states, since, day(today)).map(|state| state.name.as_str());
            assert_eq!(found, name, "{today}");
        }
        assert_eq!(overdue_state(&states, None, day("2020-01-01")), None);
        assert_eq!(overdue_state(&states, since, day("2012-05-01")), None);
    }

    #[test]
    fn fees_come_after_grace_and_only_on_what_is_owed() {
        let rule = FeeRule { flat: eur("1"), percent: 10.into(), min: Some(eur("5")), max: Some(eur("20")) };
        for (owed, fee) in [("0", "0"), ("-3", "0"), ("10", "5"), ("100", "11"), ("1000", "20")] {
            assert_eq!(late_fee(&rule, eur(owed)), Ok(eur(fee)), "{owed}");
        }
        let on = |today| late_fee_on(&rule, eur("100"), day("2024-04-01"), 15, day(today)).unwrap();
        assert_eq!([on("2024-04-16"), on("2024-04-17"), on("2024-05-17")], [eur("0"), eur("11"), eur("11")]);
        for (basis, paid, amount) in [
            (FeeBasis::Owed, "40", "60"),
            (FeeBasis::Invoiced, "40", "100"),
            (FeeBasis::Invoiced, "100", "0"),
            (FeeBasis::Owed, "100", "0"),
        ] {
            assert_eq!(basis.amount(eur("100"), eur(paid)), Ok(eur(amount)), "{basis:?} {paid}");
        }
        assert_eq!(reaches(eur("150"), eur("150")), Ok(true));
        assert_eq!(reaches(eur("150"), eur("149.99")), Ok(false));
    }
}
