//! What will be done about an account if nobody pays and nothing else is billed.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Action, Case, Charged, DunningError, Item, Plan, Policy, Standing, StepKind, plan};
use crate::calendar::{local_date, start_of_day};

/// Instants one forecast looks at; a policy of every step in every week of two months has fewer.
const LOOKS_MAX: usize = 2_000;

/// Something that will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected<I> {
    /// When.
    pub at: DateTime<Utc>,
    /// The account's local day.
    pub on: NaiveDate,
    /// What.
    pub action: Action<I>,
}

/// Everything that will be done from `now` up to `until`, by the very plans that will be made then.
///
/// `fee_invoice` names the invoice of a fee that is still to be charged, by its turn; `fee_terms_days` is when it will be due.
pub fn forecast<I: Clone + Ord>(
    policy: &Policy,
    standing: &Standing<I>,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
    fee_terms_days: u32,
    mut fee_invoice: impl FnMut(usize) -> I,
) -> Result<Vec<Expected<I>>, DunningError> {
    let mut standing = standing.clone();
    let mut expected = Vec::new();
    let mut at = now;
    let mut fees = 0;
    for _ in 0..LOOKS_MAX {
        let plan = plan(policy, &standing, at)?;
        let on = local_date(at, standing.zone);
        follow(&mut standing, &plan, on, |due: &mut Vec<Item<I>>, amount| {
            let due_on = on.checked_add_signed(TimeDelta::days(fee_terms_days.into())).unwrap_or(on);
            due.push(Item { invoice: fee_invoice(fees), due_on, open: amount, is_fee: true });
            fees += 1;
        });
        let told =
            plan.actions.into_iter().filter(|action| action.fee.as_ref().is_none_or(|fee| !fee.amount.is_zero()));
        expected.extend(told.map(|action| Expected { at, on, action }));
        match next_look(policy, &standing, at)?.filter(|next| *next <= until) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(expected)
}

/// The first instant after `now` at which a bill reaches a step, a promise or a pause ends, or working time begins.
///
/// Asked of an account as it stands once the plan of `now` was followed: a fee just charged reaches steps of its own.
pub(super) fn next_look<I>(
    policy: &Policy,
    standing: &Standing<I>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, DunningError> {
    let mut days: Vec<NaiveDate> = Vec::new();
    for item in standing.items.iter().filter(|item| item.open.is_positive()) {
        for step in &policy.steps {
            days.push(policy.day_of(step, item.due_on)?);
        }
    }
    let ends = standing.case.iter().flat_map(|case| [case.promised_on, case.paused_until]).flatten();
    days.extend(ends.filter_map(|day| day.succ_opt()));
    let mut first: Option<DateTime<Utc>> = None;
    for day in days {
        let from = start_of_day(day, standing.zone)?.max(now);
        let at = policy.working_time.next_open(from, standing.zone)?;
        first = at.filter(|at| *at > now).into_iter().chain(first).min();
    }
    Ok(first)
}

/// Changes a standing to what it is once a plan was followed.
pub(super) fn follow<I: Clone>(
    standing: &mut Standing<I>,
    plan: &Plan<I>,
    on: NaiveDate,
    mut charge: impl FnMut(&mut Vec<Item<I>>, crate::money::Money),
) {
    standing.held = plan.access;
    if plan.cured {
        standing.case = None;
    }
    if let Some(due_on) = plan.case {
        let new = || Case { due_on, done: BTreeSet::new(), promised_on: None, paused_until: None };
        let case = standing.case.get_or_insert_with(new);
        let steps = plan.actions.iter().filter(|action| !matches!(action.kind, StepKind::LateFee(_)));
        case.done.extend(steps.map(|action| action.step).chain(plan.overtaken.iter().copied()));
    }
    for action in &plan.actions {
        if let Some(fee) = &action.fee {
            let (invoice, step, amount) = (fee.invoice.clone(), action.step, fee.amount);
            standing.charged.push(Charged { invoice, step, amount, on });
            if amount.is_positive() {
                charge(&mut standing.items, amount);
            }
        }
    }
}
