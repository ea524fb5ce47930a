//! Policies at work, told by the day.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::*;
use crate::access::HoldEffect;
use crate::calendar::start_of_hour;
use crate::money::{Currency, Money};

pub(super) fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str, hour: u32, zone: Tz) -> DateTime<Utc> {
    start_of_hour(day(text), hour, zone).unwrap()
}

pub(super) fn step(number: u16, offset_days: i32, kind: StepKind) -> Step {
    Step { number, offset_days, minimum_balance: None, kind }
}

pub(super) fn fee(flat: &str, percent: i64, min: Option<&str>, max: Option<&str>) -> StepKind {
    let (min, max) = (min.map(eur), max.map(eur));
    StepKind::LateFee(FeeRule { flat: eur(flat), percent: Decimal::from(percent), min, max })
}

pub(super) fn item(invoice: u32, due_on: &str, open: &str) -> Item<u32> {
    Item { invoice, due_on: day(due_on), open: eur(open), is_fee: false }
}

pub(super) fn standing(zone: Tz, items: Vec<Item<u32>>) -> Standing<u32> {
    Standing { zone, items, pending: eur("0"), held: None, case: None, charged: Vec::new() }
}

/// Remind before and after, charge, throttle, wall off, give notice; from eight to eight, not on Sundays.
fn whole() -> Policy {
    let steps = vec![
        step(1, -3, StepKind::Remind),
        step(2, 1, StepKind::Remind),
        step(3, 4, fee("2.00", 5, None, Some("5.00"))),
        step(4, 6, StepKind::Throttle),
        step(5, 10, StepKind::WalledGarden),
        step(6, 20, StepKind::FinalNotice),
    ];
    let working_time =
        WorkingTime { from_hour: 8, to_hour: 20, rest_days: RestDays::Sunday, holidays: [day("2026-05-20")].into() };
    Policy { grace_days: 3, steps, working_time, fee_cap_invoice: None, fee_cap_year: None }
}

/// What is done from one day on if nobody pays, as `day step balance`.
fn told(policy: &Policy, standing: &Standing<u32>, from: &str) -> Vec<String> {
    let from = at(from, 0, standing.zone);
    let until = from + chrono::TimeDelta::days(40);
    let expected = forecast(policy, standing, (from, until), 14, |n| 1000 + u32::try_from(n).unwrap()).unwrap();
    let line = |one: &Expected<u32>| {
        let fee = one.action.fee.as_ref().map(|fee| format!(" + {}", fee.amount.amount())).unwrap_or_default();
        let local = one.at.with_timezone(&standing.zone).format("%m-%d %H:%M");
        format!("{local} {} {}{fee}", one.action.kind.name(), one.action.balance.amount())
    };
    expected.iter().map(line).collect()
}

#[test]
fn a_debt_runs_through_its_steps_in_working_time_in_any_zone() {
    for zone in [Tz::Europe__Madrid, Tz::America__Sao_Paulo, Tz::Asia__Kathmandu] {
        // 10 May 2026 is a Sunday, and so are 17, 24 and 31; the 20th is a holiday.
        let owing = standing(zone, vec![item(1, "2026-05-10", "40.00")]);
        let expected = [
            "05-07 08:00 remind 40.00",
            "05-11 08:00 remind 40.00",
            "05-14 08:00 late_fee 40.00 + 4.00",
            "05-16 08:00 throttle 40.00",
            "05-21 08:00 walled_garden 40.00",
            "05-30 08:00 final_notice 40.00",
        ];
        assert_eq!(told(&whole(), &owing, "2026-05-01"), expected, "{zone}");
    }
}

#[test]
fn what_was_missed_for_a_week_is_caught_up_with_the_strictest_and_the_last() {
    let owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-10", "40.00")]);
    let late = told(&whole(), &owing, "2026-05-22");
    assert_eq!(
        late,
        ["05-22 08:00 late_fee 40.00 + 4.00", "05-22 08:00 walled_garden 40.00", "05-30 08:00 final_notice 40.00"]
    );
    let plan = plan(&whole(), &owing, at("2026-05-22", 9, owing.zone)).unwrap();
    assert_eq!((plan.overtaken, plan.access), (vec![2, 4], Some(HoldEffect::WalledGarden)));
    // A reminder of what will be due is not sent once it was.
    let only = Policy { steps: vec![step(1, -3, StepKind::Remind)], ..whole() };
    assert_eq!(told(&only, &owing, "2026-05-11"), Vec::<String>::new());
}

#[test]
fn a_hold_needs_due_date_grace_and_balance() {
    let mut policy = Policy::standard(3);
    policy.steps[0].minimum_balance = Some(eur("5.00"));
    let judged = |items: &[(&str, &str)], held: bool, promised_on: Option<&str>, today: &str| {
        let items: Vec<_> = items.iter().zip(1..).map(|((due_on, open), n)| item(n, due_on, open)).collect();
        let mut standing = standing(Tz::UTC, items);
        standing.held = held.then_some(HoldEffect::WalledGarden);
        let due_on = standing.items.iter().map(|item| item.due_on).min();
        let promised_on = promised_on.map(day);
        standing.case = due_on.map(|due_on| Case { due_on, done: Default::default(), promised_on, paused_until: None });
        plan(&policy, &standing, at(today, 0, Tz::UTC)).unwrap().access
    };
    let walled = Some(HoldEffect::WalledGarden);
    let may = [("2026-05-10", "5.00")];
    assert_eq!(judged(&may, false, None, "2026-05-13"), None);
    assert_eq!(judged(&may, false, None, "2026-05-14"), walled);
    assert_eq!(judged(&may, true, None, "2026-05-14"), walled);
    assert_eq!(judged(&may, true, Some("2026-05-14"), "2026-05-14"), None);
    assert_eq!(judged(&may, false, Some("2026-05-14"), "2026-05-15"), walled);
    assert_eq!(judged(&[("2026-05-10", "4.99")], true, None, "2026-06-01"), None);
    let two = [("2026-05-20", "2.50"), ("2026-05-10", "2.50"), ("2026-06-01", "9.00")];
    assert_eq!(judged(&two, false, None, "2026-06-01"), walled);
    assert_eq!(judged(&[], true, None, "2026-06-01"), None);
    assert_eq!(judged(&[("2026-06-01", "9.00")], true, None, "2026-06-01"), None);
}

#[test]
fn quiet_hours_keep_what_is_and_add_nothing() {
    let mut owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-10", "40.00")]);
    let night = at("2026-05-21", 22, owing.zone);
    let planned = plan(&whole(), &owing, night).unwrap();
    assert_eq!((planned.actions, planned.access), (vec![], None));
    let next = forecast::next_look(&whole(), &owing, night).unwrap();
    assert_eq!(next, Some(at("2026-05-22", 8, owing.zone)));
    owing.held = Some(HoldEffect::Throttled);
    assert_eq!(plan(&whole(), &owing, night).unwrap().access, Some(HoldEffect::Throttled));
    owing.items.clear();
    assert_eq!(plan(&whole(), &owing, night).unwrap().access, None, "letting go has no hours");
}

#[test]
fn pending_payments_hold_back_what_is_new_and_leave_what_is() {
    let mut owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-10", "40.00"), item(2, "2026-05-12", "9.00")]);
    let morning = at("2026-05-21", 9, owing.zone);
    owing.pending = eur("49.00");
    let planned = plan(&whole(), &owing, morning).unwrap();
    assert_eq!((planned.actions.len(), planned.access), (0, None));
    owing.held = Some(HoldEffect::Throttled);
    assert_eq!(plan(&whole(), &owing, morning).unwrap().access, Some(HoldEffect::Throttled));
    owing.pending = eur("42.00");
    let planned = plan(&whole(), &owing, morning).unwrap();
    let fees: Vec<_> = planned.actions.iter().filter_map(|action| action.fee.clone()).collect();
    assert_eq!(fees, [Fee { invoice: 2, amount: eur("2.35") }], "only what no payment is under way for");
}

#[test]
fn fees_are_clamped_capped_and_never_on_fees() {
    let rule = |kind: StepKind| match kind {
        StepKind::LateFee(rule) => rule,
        _ => unreachable!("a fee"),
    };
    let fees = rule(fee("1.00", 10, Some("2.00"), Some("3.00")));
    for (owed, fee) in [("5.00", "2.00"), ("15.00", "2.50"), ("500.00", "3.00")] {
        assert_eq!(fees.on(eur(owed)), Ok(Some(eur(fee))));
    }
    let yen = Money::parse("500", Currency::from_code("JPY").unwrap()).unwrap();
    assert_eq!(fees.on(yen), Ok(None));
    let mut policy = whole();
    policy.steps.push(step(7, 12, fee("4.00", 0, None, None)));
    policy.fee_cap_invoice = Some(eur("6.00"));
    policy.fee_cap_year = Some(eur("9.00"));
    let mut owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-10", "40.00"), item(2, "2026-05-11", "40.00")]);
    owing.items.push(Item { is_fee: true, ..item(3, "2026-05-10", "7.00") });
    let plan = plan(&policy, &owing, at("2026-05-26", 9, owing.zone)).unwrap();
    let charged = plan.actions.iter().filter_map(|action| action.fee.clone());
    let charged: Vec<_> = charged.map(|fee| (fee.invoice, fee.amount.amount().to_string())).collect();
    let expected = [(1, "4.00"), (2, "4.00"), (1, "1.00"), (2, "0.00")];
    assert_eq!(charged, expected.map(|(invoice, amount)| (invoice, amount.to_owned())));
}

#[test]
fn a_case_is_about_one_due_day_and_the_next_begins_anew() {
    let mut owing = standing(Tz::Europe__Madrid, vec![item(2, "2026-06-10", "40.00")]);
    owing.held = Some(HoldEffect::WalledGarden);
    let done = [1, 2, 4, 5].into();
    owing.case = Some(Case { due_on: day("2026-05-10"), done, promised_on: None, paused_until: None });
    let planned = plan(&whole(), &owing, at("2026-06-11", 9, owing.zone)).unwrap();
    assert!(planned.cured);
    assert_eq!((planned.access, planned.case), (None, Some(day("2026-06-10"))));
    assert_eq!(planned.actions.iter().map(|action| action.step).collect::<Vec<_>>(), [2]);
    owing.items.clear();
    let planned = plan(&whole(), &owing, at("2026-06-11", 22, owing.zone)).unwrap();
    assert_eq!((planned.cured, planned.case, planned.access), (true, None, None));
}

#[test]
fn a_pause_adds_nothing_and_a_broken_promise_goes_on() {
    let mut owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-10", "40.00")]);
    owing.held = Some(HoldEffect::Throttled);
    owing.charged = vec![Charged { invoice: 1, step: 3, amount: eur("4.00"), on: day("2026-05-14") }];
    let case = |promised_on: Option<&str>, paused_until: Option<&str>| {
        let (promised_on, paused_until) = (promised_on.map(day), paused_until.map(day));
        Some(Case { due_on: day("2026-05-10"), done: [2, 4].into(), promised_on, paused_until })
    };
    owing.case = case(None, Some("2026-05-27"));
    let planned = plan(&whole(), &owing, at("2026-05-21", 9, owing.zone)).unwrap();
    assert_eq!((planned.actions.len(), planned.access), (0, Some(HoldEffect::Throttled)));
    assert_eq!(told(&whole(), &owing, "2026-05-21")[0], "05-28 08:00 walled_garden 40.00");
    owing.case = case(Some("2026-05-23"), None);
    let planned = plan(&whole(), &owing, at("2026-05-21", 9, owing.zone)).unwrap();
    assert_eq!((planned.actions.len(), planned.access), (0, None));
    // The day after is a Sunday.
    assert_eq!(told(&whole(), &owing, "2026-05-21")[0], "05-25 08:00 walled_garden 40.00");
}

#[test]
fn a_fee_of_the_last_step_is_followed_to_the_steps_it_reaches() {
    let mut policy = whole();
    let walled = Step { minimum_balance: Some(eur("6.00")), ..step(1, 4, StepKind::WalledGarden) };
    policy.steps = vec![walled, step(2, 7, fee("2.00", 0, None, None))];
    let owing = standing(Tz::Europe__Madrid, vec![item(1, "2026-05-11", "5.00")]);
    // 2.00 more are due on the 1st of June; four days later 7.00 are enough for the walled garden.
    assert_eq!(
        told(&policy, &owing, "2026-05-12"),
        ["05-18 08:00 late_fee 5.00 + 2.00", "06-05 08:00 walled_garden 7.00"]
    );
}
