//! Deferred revenue in examples, and what always holds of it.

use chrono::Days;
use proptest::prelude::*;

use super::*;
use crate::currency::Currency;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn period(start: &str, end: &str) -> Period {
    Period::new(day(start), day(end)).unwrap()
}

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn stretch(start: &str, end: &str, amount: &str) -> Stretch {
    Stretch { days: period(start, end), amount: eur(amount) }
}

fn total(left: &[Stretch]) -> Money {
    Money::sum(Currency::EUR, left.iter().map(|stretch| stretch.amount)).unwrap()
}

#[test]
fn what_lies_after_the_day_of_issue_is_deferred() {
    let january = period("2026-01-01", "2026-02-01");
    let of = |net, after| deferred(eur(net), january, day(after)).unwrap();
    assert_eq!(of("31.00", "2026-01-10"), Some(stretch("2026-01-11", "2026-02-01", "21.00")));
    assert_eq!(of("31.00", "2025-12-20"), Some(stretch("2026-01-01", "2026-02-01", "31.00")));
    assert_eq!(of("-31.00", "2026-01-10"), Some(stretch("2026-01-11", "2026-02-01", "-21.00")));
    assert_eq!(of("31.00", "2026-01-31"), None, "the last day is the day of issue");
    assert_eq!(of("31.00", "2026-03-01"), None);
    assert_eq!(of("0.00", "2026-01-10"), None);
    assert_eq!(of("0.01", "2026-01-30"), None, "what rounding leaves to the day of issue");
}

#[test]
fn months_have_the_shares_of_their_days() {
    let whole = stretch("2026-01-30", "2026-04-02", "62.00");
    let months = whole.by_month(whole.days).unwrap();
    let months: Vec<_> =
        months.into_iter().map(|(month, amount)| (month.to_string(), amount.amount().to_string())).collect();
    let expected = [("2026-01-01", "2.00"), ("2026-02-01", "28.00"), ("2026-03-01", "31.00"), ("2026-04-01", "1.00")];
    assert_eq!(months, expected.map(|(month, amount)| (month.to_owned(), amount.to_owned())));
}

#[test]
fn what_is_given_back_is_taken_from_its_days_first() {
    let left = [stretch("2026-01-11", "2026-02-01", "21.00")];
    let back = |given, of| give_back(&left, eur(given), of).unwrap();
    let all = back("30.00", None);
    assert_eq!((all.undone, all.left), (eur("21.00"), Vec::new()), "nine of them were earned");
    let some = back("7.00", None);
    assert_eq!((some.undone, some.left), (eur("7.00"), vec![stretch("2026-01-11", "2026-02-01", "14.00")]));
    // A pause in the middle: two stretches are left.
    let pause = back("5.00", Some(period("2026-01-15", "2026-01-20")));
    assert_eq!(pause.undone, eur("5.00"));
    assert_eq!(pause.left, [stretch("2026-01-11", "2026-01-15", "4.00"), stretch("2026-01-20", "2026-02-01", "12.00")]);
    // Four of the five days' worth: the fifth is earned on the days that are left.
    let less = back("4.00", Some(period("2026-01-15", "2026-01-20")));
    assert_eq!((less.undone, total(&less.left)), (eur("4.00"), eur("17.00")));
    assert!(less.left.iter().all(|stretch| stretch.days.intersection(period("2026-01-15", "2026-01-20")).is_none()));
    // Days that are over were earned.
    let over = back("5.00", Some(period("2026-01-01", "2026-01-06")));
    assert_eq!((over.undone, over.left), (eur("0.00"), left.to_vec()));
    assert_eq!(give_back(&[], eur("5.00"), None).unwrap().undone, eur("0.00"));
}

prop_compose! {
    /// A line of up to four hundred days and the day it is issued on, before, in or after it.
    fn line()(units in -10_000_000_i64..10_000_000, days in 1_u64..400, issued in -40_i64..440) -> (Stretch, NaiveDate) {
        let start = day("2026-01-01");
        let days = Period::new(start, start + Days::new(days)).unwrap();
        let amount = Money::from_minor_units(units, Currency::EUR).unwrap();
        (Stretch { days, amount }, start + chrono::Duration::days(issued))
    }
}

proptest! {
    #[test]
    fn days_add_up_and_none_earns_before_its_time((line, issued) in line()) {
        let later = deferred(line.amount, line.days, issued).unwrap();
        if let Some(later) = later {
            prop_assert!(later.days.start() > issued && later.days.start() >= line.days.start());
            prop_assert_eq!(later.days.end(), line.days.end());
            prop_assert!(later.earned_before(later.days.start()).unwrap().is_zero());
            let mut earned = Money::zero(Currency::EUR);
            let fair = later.amount.abs().minor_units() / i64::from(later.days.days());
            for on in later.days.start().iter_days().take_while(|on| *on < later.days.end()) {
                let share = later.earned_on(Period::new(on, on.succ_opt().unwrap()).unwrap()).unwrap();
                prop_assert!(share.is_zero() || share.is_negative() == later.amount.is_negative());
                prop_assert!((share.abs().minor_units() - fair).abs() <= 1, "{} of {}", share, later.amount);
                earned = earned.checked_add(share).unwrap();
            }
            prop_assert_eq!(earned, later.amount);
            let months = later.by_month(later.days).unwrap().into_values();
            prop_assert_eq!(Money::sum(Currency::EUR, months).unwrap(), later.amount);
        }
        let at_once = line.earned_before(issued.succ_opt().unwrap()).unwrap();
        let deferred = later.map_or(Money::zero(Currency::EUR), |later| later.amount);
        prop_assert_eq!(at_once.checked_add(deferred).unwrap(), line.amount);
    }

    #[test]
    fn two_halves_are_the_whole((line, _) in line(), cut in 0_u64..400, from in 0_u64..400, length in 1_u64..400) {
        let start = line.days.start() + Days::new(from);
        let whole = Period::new(start, start + Days::new(length)).unwrap();
        let middle = start + Days::new(cut % length);
        let part = |from, to| Period::new(from, to).map_or(Ok(Money::zero(Currency::EUR)), |days| line.earned_on(days)).unwrap();
        let halves = part(whole.start(), middle).checked_add(part(middle, whole.end())).unwrap();
        prop_assert_eq!(halves, line.earned_on(whole).unwrap());
    }

    #[test]
    fn giving_back_loses_nothing_and_the_rest_leaves_nothing(
        (line, issued) in line(),
        backs in prop::collection::vec((1_i64..10_000_000, prop::option::of((0_u64..400, 1_u64..200))), 0..4),
    ) {
        let charge = Stretch { amount: line.amount.abs(), ..line };
        let mut left: Vec<_> = deferred(charge.amount, charge.days, issued).unwrap().into_iter().collect();
        for (units, days) in backs {
            let given = Money::from_minor_units(units, Currency::EUR).unwrap();
            let of = days.map(|(from, length)| {
                let from = charge.days.start() + Days::new(from);
                Period::new(from, from + Days::new(length)).unwrap()
            });
            let back = give_back(&left, given, of).unwrap();
            prop_assert!(!back.undone.is_negative() && back.undone.minor_units() <= units);
            prop_assert_eq!(back.undone.checked_add(total(&back.left)).unwrap(), total(&left));
            prop_assert!(back.left.iter().all(|stretch| stretch.amount.is_positive() && stretch.days.start() > issued));
            prop_assert!(back.left.windows(2).all(|pair| pair[0].days.end() <= pair[1].days.start()), "{:?}", back.left);
            left = back.left;
        }
        let rest = total(&left);
        if rest.is_positive() {
            let back = give_back(&left, rest, None).unwrap();
            prop_assert_eq!((back.undone, back.left), (rest, Vec::new()));
        }
    }
}
