//! What holds for every policy, debt and day.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::forecast::follow;
use super::tests::{day, eur, fee, step};
use super::*;
use crate::calendar::{local_date, start_of_day};
use crate::money::{Currency, Money};

/// All dates of a run are counted from here.
const BEGIN: &str = "2026-03-01";

fn kind() -> impl Strategy<Value = StepKind> {
    prop_oneof![
        3 => Just(StepKind::Remind),
        2 => (0_i64..20, 1_i64..4).prop_map(|(percent, flat)| fee(&format!("{flat}.00"), percent, None, Some("6.00"))),
        2 => Just(StepKind::Throttle),
        2 => Just(StepKind::WalledGarden),
        1 => Just(StepKind::FinalNotice),
    ]
}

prop_compose! {
    fn policy()(
        kinds in prop::collection::vec((kind(), -5_i32..25, 0_i64..30), 1..7),
        grace_days in 0_u32..6,
        from_hour in 0_u32..20,
        hours in 1_u32..12,
        rest in 0_usize..4,
        holidays in prop::collection::btree_set(0_u64..60, 0..12),
        cap in prop::option::of(1_i64..900),
    ) -> Policy {
        let mut steps: Vec<Step> = Vec::new();
        for (n, (kind, offset, minimum)) in (1..).zip(kinds) {
            let minimum_balance = Some(Money::from_minor_units(minimum * 100, Currency::EUR).unwrap());
            steps.push(Step { minimum_balance, ..step(n, offset, kind) });
        }
        steps.sort_by_key(|step| (step.offset_days, step.number));
        let holidays = holidays.into_iter().map(|n| day(BEGIN) + Days::new(n)).collect();
        let rest_days = RestDays::ALL[rest];
        let working_time = WorkingTime { from_hour, to_hour: (from_hour + hours).min(24), rest_days, holidays };
        let cap = cap.map(|units| Money::from_minor_units(units, Currency::EUR).unwrap());
        Policy { grace_days, steps, working_time, fee_cap_invoice: cap, fee_cap_year: cap }
    }
}

prop_compose! {
    fn debt()(
        zone in prop::sample::select(vec![Tz::Europe__Madrid, Tz::America__Sao_Paulo, Tz::Asia__Kathmandu, Tz::Pacific__Auckland]),
        items in prop::collection::vec((0_u64..25, 1_i64..6000), 1..4),
    ) -> Standing<u32> {
        let items = (1..).zip(items).map(|(invoice, (due, open))| Item {
            invoice,
            due_on: day(BEGIN) + Days::new(due),
            open: Money::from_minor_units(open, Currency::EUR).unwrap(),
            is_fee: false,
        });
        Standing { zone, items: items.collect(), pending: eur("0"), held: None, case: None, charged: Vec::new() }
    }
}

/// What was done, when.
struct Lived {
    at: DateTime<Utc>,
    on: NaiveDate,
    plan: Plan<u32>,
}

/// Lives through these hours, but those `asleep`, as the hourly check does.
fn live(
    policy: &Policy,
    standing: &mut Standing<u32>,
    hours: std::ops::Range<i64>,
    asleep: &BTreeSet<i64>,
) -> Vec<Lived> {
    let begin = start_of_day(day(BEGIN), Tz::UTC).unwrap();
    let mut lived = Vec::new();
    for hour in hours.filter(|hour| !asleep.contains(&(hour / 24))) {
        let at = begin + TimeDelta::hours(hour);
        let plan = plan(policy, standing, at).unwrap();
        let on = local_date(at, standing.zone);
        follow(standing, &plan, on, |items, open| {
            let invoice = 1000 + u32::try_from(items.len()).unwrap();
            items.push(Item { invoice, due_on: on + Days::new(14), open, is_fee: true });
        });
        lived.push(Lived { at, on, plan });
    }
    lived
}

/// What counts about an action: the day, the step, how much it is about, the fee.
type Told = (NaiveDate, u16, Money, Option<Money>);

fn told(on: NaiveDate, action: &Action<u32>) -> Told {
    (on, action.step, action.balance, action.fee.as_ref().map(|fee| fee.amount))
}

fn done(lived: &[Lived]) -> impl Iterator<Item = Told> {
    let charged = |action: &&Action<u32>| action.fee.as_ref().is_none_or(|fee| fee.amount.is_positive());
    lived.iter().flat_map(move |one| one.plan.actions.iter().filter(charged).map(|action| told(one.on, action)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_early_nothing_twice_nothing_in_quiet_hours(
        policy in policy(), debt in debt(), asleep in prop::collection::btree_set(0_i64..50, 0..30)
    ) {
        let mut standing = debt.clone();
        let (mut steps, mut fees) = (BTreeSet::new(), BTreeSet::new());
        for one in live(&policy, &mut standing, 0..24 * 50, &asleep) {
            let messages = one.plan.actions.iter().filter(|action| action.kind.is_message()).count();
            prop_assert!(messages <= 1, "{messages} messages at once");
            for action in &one.plan.actions {
                prop_assert!(policy.working_time.is_open(one.at, debt.zone).unwrap(), "{:?} at {}", action, one.at);
                let number = action.step;
                let step = policy.steps.iter().find(|step| step.number == number).unwrap();
                prop_assert!(policy.day_of(step, action.due_since).unwrap() <= one.on, "{action:?} on {}", one.on);
                prop_assert!(action.balance.is_positive());
                match &action.fee {
                    Some(fee) => prop_assert!(fees.insert((fee.invoice, number)) && fee.invoice < 1000, "{fee:?} again"),
                    None => prop_assert!(steps.insert(number), "step {number} again"),
                }
            }
        }
        for (cap, charged) in policy.fee_cap_year.iter().zip([standing.charged.iter().map(|fee| fee.amount)]) {
            let sum = Money::sum(Currency::EUR, charged).unwrap();
            prop_assert!(sum.amount() <= cap.amount());
        }
    }

    #[test]
    fn paying_everything_always_releases_at_once(policy in policy(), debt in debt(), days in 0_i64..40, hour in 0_i64..24) {
        let mut standing = debt;
        let now = days * 24 + hour;
        live(&policy, &mut standing, 0..now, &BTreeSet::new());
        standing.items.clear();
        let at = start_of_day(day(BEGIN), Tz::UTC).unwrap() + TimeDelta::hours(now);
        let plan = plan(&policy, &standing, at).unwrap();
        prop_assert_eq!((plan.access, plan.actions.len(), plan.case), (None, 0, None));
        prop_assert_eq!(plan.cured, standing.case.is_some());
    }

    #[test]
    fn a_promise_holds_and_lets_go(policy in policy(), debt in debt(), days in 1_i64..35, promised in 0_u64..12) {
        let mut standing = debt;
        live(&policy, &mut standing, 0..days * 24, &BTreeSet::new());
        let Some(case) = &mut standing.case else { return Ok(()) };
        let until = day(BEGIN) + Days::new(u64::try_from(days).unwrap() + promised);
        case.promised_on = Some(until);
        for one in live(&policy, &mut standing, days * 24..(days + 20) * 24, &BTreeSet::new()) {
            if one.on <= until {
                prop_assert!(one.plan.actions.is_empty() && one.plan.access.is_none(), "{:?}", one.plan);
            }
        }
    }

    #[test]
    fn the_forecast_is_what_then_happens(policy in policy(), debt in debt(), before in 0_i64..20) {
        let mut standing = debt;
        live(&policy, &mut standing, 0..before * 24, &BTreeSet::new());
        let now = start_of_day(day(BEGIN), Tz::UTC).unwrap() + TimeDelta::days(before);
        let until = now + TimeDelta::days(30);
        let expected = forecast(&policy, &standing, (now, until), 14, |n| 5000 + u32::try_from(n).unwrap()).unwrap();
        let expected: Vec<_> = expected.iter().map(|one| told(one.on, &one.action)).collect();
        let lived = live(&policy, &mut standing, before * 24..(before + 30) * 24 + 1, &BTreeSet::new());
        let happened: Vec<_> = done(&lived).collect();
        prop_assert_eq!(expected, happened);
    }
}
