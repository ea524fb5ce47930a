//! What is to be done about one account at one instant.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;

use super::fee::capped;
use super::reach::{Reach, reach, without_pending};
use super::{DunningError, Policy, Step, StepKind};
use crate::access::HoldEffect;
use crate::calendar::local_date;
use crate::money::Money;

/// What is left of one issued invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item<I> {
    /// Which.
    pub invoice: I,
    /// The last day to pay.
    pub due_on: NaiveDate,
    /// What is open.
    pub open: Money,
    /// Whether it is a late fee itself, so that none is charged on it.
    pub is_fee: bool,
}

/// A late fee charged before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charged<I> {
    /// On which invoice.
    pub invoice: I,
    /// By which step.
    pub step: u16,
    /// How much; zero where the caps left nothing.
    pub amount: Money,
    /// The account's local day.
    pub on: NaiveDate,
}

/// The case at work: everything about bills due since one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// The day the earliest unpaid bill was due when it was opened.
    pub due_on: NaiveDate,
    /// Numbers of the steps done or overtaken.
    pub done: BTreeSet<u16>,
    /// Promised to pay by this day, which is still free.
    pub promised_on: Option<NaiveDate>,
    /// Nothing new is done through this day.
    pub paused_until: Option<NaiveDate>,
}

/// How one account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing<I> {
    /// Where its days begin and end.
    pub zone: Tz,
    /// Its invoices with something open.
    pub items: Vec<Item<I>>,
    /// Payments under way that may still fail.
    pub pending: Money,
    /// The strictest `unpaid` hold in force.
    pub held: Option<HoldEffect>,
    /// The case at work.
    pub case: Option<Case>,
    /// Late fees charged before.
    pub charged: Vec<Charged<I>>,
}

/// Something to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action<I> {
    /// The step that says so.
    pub step: u16,
    /// What it does.
    pub kind: StepKind,
    /// What is due for the step; of a fee, what is left of its invoice.
    pub balance: Money,
    /// The earliest due date among it.
    pub due_since: NaiveDate,
    /// The invoices it is about, earliest due first.
    pub invoices: Vec<I>,
    /// What to charge, of a fee.
    pub fee: Option<Fee<I>>,
}

/// A late fee to be charged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee<I> {
    /// On which invoice.
    pub invoice: I,
    /// How much; zero where the caps leave nothing.
    pub amount: Money,
}

/// What is to be done about an account at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<I> {
    /// Whether the case at work is over.
    pub cured: bool,
    /// The day the case is about that is at work from now on; it may have to be opened.
    pub case: Option<NaiveDate>,
    /// The `unpaid` hold every line must have now; `None`: none.
    pub access: Option<HoldEffect>,
    /// What to do, in order.
    pub actions: Vec<Action<I>>,
    /// Steps that a later one made pointless; never done any more.
    pub overtaken: Vec<u16>,
}

/// Judges one account at an instant.
///
/// Restrictions stand while enough is due for their step, no promise runs, and are let go at any hour. New things are done
/// only in working time, not while a promise or a pause runs, and as if pending payments had arrived. Of several messages
/// that are late only the last is sent, and none that a later step has overtaken.
pub fn plan<I: Clone + Ord>(
    policy: &Policy,
    standing: &Standing<I>,
    now: DateTime<Utc>,
) -> Result<Plan<I>, DunningError> {
    let today = local_date(now, standing.zone);
    let mut items: Vec<_> = standing.items.iter().filter(|item| item.open.is_positive()).cloned().collect();
    items.sort_by(|a, b| (a.due_on, &a.invoice).cmp(&(b.due_on, &b.invoice)));
    let anchor = items.first().map(|item| item.due_on);
    let case = standing.case.as_ref().filter(|case| Some(case.due_on) == anchor);
    let cured = standing.case.is_some() && case.is_none();
    let promised = case.and_then(|case| case.promised_on).is_some_and(|day| today <= day);
    let paused = case.and_then(|case| case.paused_until).is_some_and(|day| today <= day);
    let may_act = !promised && !paused && policy.working_time.is_open(now, standing.zone)?;
    let ready = if may_act { without_pending(&items, standing.pending)? } else { Vec::new() };
    let stands = if promised { None } else { strictest(policy, &items, today)? };
    let restrict = strictest(policy, &ready, today)?;
    let effect = |of: &Option<(usize, HoldEffect, Reach<I>)>| of.as_ref().map(|(_, effect, _)| *effect);
    let access = effect(&stands).and_then(|stands| effect(&restrict).max(standing.held.map(|held| held.min(stands))));
    let nothing = BTreeSet::new();
    let done = case.map_or(&nothing, |case| &case.done);
    let restrict = restrict.filter(|(place, effect, _)| {
        !done.contains(&policy.steps[*place].number) || standing.held.is_none_or(|held| held < *effect)
    });
    let (mut actions, overtaken) = steps_due(policy, &ready, done, restrict, today)?;
    actions.extend(fees_due(policy, &ready, &standing.charged, today)?);
    let place = |step: u16| policy.steps.iter().position(|one| one.number == step);
    actions.sort_by_key(|action| place(action.step));
    let at_work = case.is_some() || !actions.is_empty() || anchor.is_some_and(|due_on| due_on < today);
    Ok(Plan { cured, case: anchor.filter(|_| at_work), access, actions, overtaken })
}

/// The strictest restriction that bills have reached, with its place among the steps.
fn strictest<I: Clone>(
    policy: &Policy,
    items: &[Item<I>],
    today: NaiveDate,
) -> Result<Option<(usize, HoldEffect, Reach<I>)>, DunningError> {
    let mut strictest: Option<(usize, HoldEffect, Reach<I>)> = None;
    for (place, step) in policy.steps.iter().enumerate() {
        let Some(effect) = step.kind.effect() else { continue };
        let Some(reached) = reach(policy, step, items, today)? else { continue };
        if strictest.as_ref().is_none_or(|(_, before, _)| *before < effect) {
            strictest = Some((place, effect, reached));
        }
    }
    Ok(strictest)
}

/// The restriction and the one message that are due, and what they overtake.
fn steps_due<I: Clone>(
    policy: &Policy,
    items: &[Item<I>],
    done: &BTreeSet<u16>,
    restrict: Option<(usize, HoldEffect, Reach<I>)>,
    today: NaiveDate,
) -> Result<(Vec<Action<I>>, Vec<u16>), DunningError> {
    let last_done = policy.steps.iter().rposition(|step| done.contains(&step.number));
    let mut reached = Vec::new();
    for (place, step) in policy.steps.iter().enumerate() {
        let open = !done.contains(&step.number) && !matches!(step.kind, StepKind::LateFee(_));
        if let Some(reach) = if open { reach(policy, step, items, today)? } else { None } {
            reached.push((place, step, reach));
        }
    }
    let message = reached.iter().rev().find(|(_, step, _)| step.kind.is_message()).map(|(place, ..)| *place);
    let message = message.filter(|place| last_done.is_none_or(|done| done < *place));
    let message = message.filter(|place| restrict.as_ref().is_none_or(|(restrict, ..)| restrict < place));
    let restrict_at = restrict.as_ref().map(|(place, ..)| *place);
    let latest = last_done.max(message).max(restrict_at);
    let mut actions: Vec<_> =
        restrict.into_iter().map(|(place, _, reach)| action(&policy.steps[place], reach, None)).collect();
    let mut overtaken = Vec::new();
    for (place, step, reach) in reached {
        if Some(place) == message {
            actions.push(action(step, reach, None));
        } else if Some(place) != restrict_at && Some(place) < latest {
            overtaken.push(step.number);
        }
    }
    Ok((actions, overtaken))
}

/// Every fee that is due and was not charged.
fn fees_due<I: Clone + Ord>(
    policy: &Policy,
    items: &[Item<I>],
    charged: &[Charged<I>],
    today: NaiveDate,
) -> Result<Vec<Action<I>>, DunningError> {
    let mut charged = charged.to_vec();
    let mut actions = Vec::new();
    for step in &policy.steps {
        let StepKind::LateFee(rule) = &step.kind else { continue };
        for item in items.iter().filter(|item| !item.is_fee) {
            let before = charged.iter().any(|one| one.invoice == item.invoice && one.step == step.number);
            let Some(reach) = reach(policy, step, std::slice::from_ref(item), today)?.filter(|_| !before) else {
                continue;
            };
            let Some(fee) = rule.on(item.open)? else { continue };
            let amount = capped(policy, fee, &item.invoice, today.year(), &charged)?;
            let invoice = item.invoice.clone();
            charged.push(Charged { invoice: invoice.clone(), step: step.number, amount, on: today });
            actions.push(action(step, reach, Some(Fee { invoice, amount })));
        }
    }
    Ok(actions)
}

fn action<I>(step: &Step, reach: Reach<I>, fee: Option<Fee<I>>) -> Action<I> {
    let Reach { balance, due_since, invoices } = reach;
    Action { step: step.number, kind: step.kind.clone(), balance, due_since, invoices, fee }
}
