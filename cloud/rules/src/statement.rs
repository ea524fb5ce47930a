//! Statements of account: balances from movement to movement, and what is open by its age.
//!
//! Not here: which movements there are. A statement is a view over the ledger; amounts are what the account owes more by, below
//! zero for what it owes less by. Start with [`balances`].

use chrono::{Datelike, NaiveDate};

use crate::money::{Currency, Money, MoneyError};

/// The balance after each movement, in order.
pub fn balances(opening: Money, movements: &[Money]) -> Result<Vec<Money>, MoneyError> {
    let mut balance = opening;
    let next = |movement: &Money| {
        balance = balance.checked_add(*movement)?;
        Ok(balance)
    };
    movements.iter().map(next).collect()
}

/// The sums of what was charged and of what was paid or given back, both above zero.
pub fn sums(currency: Currency, movements: &[Money]) -> Result<(Money, Money), MoneyError> {
    let sum = |of: fn(&Money) -> bool| Money::sum(currency, movements.iter().copied().filter(of));
    Ok((sum(|one| one.is_positive())?, -sum(|one| one.is_negative())?))
}

/// The first day of the quarter of a day.
pub fn quarter(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1).unwrap_or(day)
}

/// How long something is past its due day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Age {
    /// Its last day to pay is not over.
    NotDue,
    /// 1 to 30 days.
    To30,
    /// 31 to 60 days.
    To60,
    /// 61 to 90 days.
    To90,
    /// More than 90 days.
    Over90,
}

impl Age {
    /// Every age, youngest first.
    pub const ALL: [Age; 5] = [Age::NotDue, Age::To30, Age::To60, Age::To90, Age::Over90];

    /// The age on a day of what was due on another.
    pub fn of(due_on: NaiveDate, on: NaiveDate) -> Age {
        match (on - due_on).num_days() {
            ..=0 => Age::NotDue,
            1..=30 => Age::To30,
            31..=60 => Age::To60,
            61..=90 => Age::To90,
            _ => Age::Over90,
        }
    }
}

/// What is open, by age: the sum of each, youngest first. Of each item its due day and what is open of it.
pub fn aged(currency: Currency, on: NaiveDate, items: &[(NaiveDate, Money)]) -> Result<[(Age, Money); 5], MoneyError> {
    let mut sums = Age::ALL.map(|age| (age, Money::zero(currency)));
    for (due_on, open) in items {
        let age = Age::of(*due_on, on);
        for (_, sum) in sums.iter_mut().filter(|(of, _)| *of == age) {
            *sum = sum.checked_add(*open)?;
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::prelude::*;

    use super::*;

    fn eur(units: i64) -> Money {
        Money::from_minor_units(units, Currency::EUR).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn ages_change_on_the_day_after_the_last_to_pay() {
        for (due_on, age) in [
            ("2026-12-01", Age::NotDue),
            ("2026-11-30", Age::NotDue),
            ("2026-11-29", Age::To30),
            ("2026-10-31", Age::To30),
            ("2026-10-30", Age::To60),
            ("2026-10-01", Age::To60),
            ("2026-09-30", Age::To90),
            ("2026-09-01", Age::To90),
            ("2026-08-31", Age::Over90),
        ] {
            assert_eq!(Age::of(day(due_on), day("2026-11-30")), age, "{due_on}");
        }
    }

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        for (of, first) in [
            ("2026-01-01", "2026-01-01"),
            ("2026-03-31", "2026-01-01"),
            ("2026-05-15", "2026-04-01"),
            ("2026-09-30", "2026-07-01"),
            ("2028-12-31", "2028-10-01"),
        ] {
            assert_eq!(quarter(day(of)), day(first));
        }
    }

    proptest! {
        #[test]
        fn a_statement_in_two_parts_joins_exactly(
            opening in -1_000_000_i64..1_000_000,
            movements in prop::collection::vec(-100_000_i64..100_000, 0..40),
            cut in 0_usize..40,
        ) {
            let movements: Vec<_> = movements.into_iter().map(eur).collect();
            let cut = cut.min(movements.len());
            let whole = balances(eur(opening), &movements).unwrap();
            let closing = whole.last().copied().unwrap_or(eur(opening));
            let (charged, paid) = sums(Currency::EUR, &movements).unwrap();
            prop_assert!(!charged.is_negative() && !paid.is_negative());
            prop_assert_eq!(closing, eur(opening).checked_add(charged).unwrap().checked_sub(paid).unwrap());

            let (first, second) = movements.split_at(cut);
            let mut joined = balances(eur(opening), first).unwrap();
            let between = joined.last().copied().unwrap_or(eur(opening));
            joined.extend(balances(between, second).unwrap());
            prop_assert_eq!(joined, whole);
        }

        #[test]
        fn ages_add_up_to_what_is_open(items in prop::collection::vec((0_u64..200, 1_i64..100_000), 0..20)) {
            let on = day("2026-11-30");
            let dated = |(ago, units): &(u64, i64)| (on - Days::new(*ago), eur(*units));
            let open: Vec<_> = items.iter().map(dated).collect();
            let sums = aged(Currency::EUR, on, &open).unwrap();
            let total = Money::sum(Currency::EUR, sums.iter().map(|(_, sum)| *sum)).unwrap();
            prop_assert_eq!(total, Money::sum(Currency::EUR, open.iter().map(|(_, open)| *open)).unwrap());
        }
    }
}
