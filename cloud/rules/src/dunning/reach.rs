//! Which bills have reached which step.

use chrono::NaiveDate;

use super::{DunningError, Item, Policy, Step};
use crate::money::Money;

/// What is due for a step.
#[derive(Debug, Clone)]
pub(super) struct Reach<I> {
    pub balance: Money,
    pub due_since: NaiveDate,
    pub invoices: Vec<I>,
}

/// What of these bills is due for a step on a day, if it is enough for it.
///
/// A message announced before the due date is not sent after it: it would say what is no longer so.
pub(super) fn reach<I: Clone>(
    policy: &Policy,
    step: &Step,
    items: &[Item<I>],
    today: NaiveDate,
) -> Result<Option<Reach<I>>, DunningError> {
    let mut reached: Option<Reach<I>> = None;
    let late = items.iter().any(|item| item.due_on < today);
    if step.offset_days < 0 && step.kind.is_message() && late {
        return Ok(None);
    }
    for item in items {
        if policy.day_of(step, item.due_on)? > today {
            continue;
        }
        let so_far = reached.take();
        let (balance, due_since, mut invoices) = match so_far {
            Some(before) => (before.balance, before.due_since, before.invoices),
            None => (Money::zero(item.open.currency()), item.due_on, Vec::new()),
        };
        invoices.push(item.invoice.clone());
        reached =
            Some(Reach { balance: balance.checked_add(item.open)?, due_since: due_since.min(item.due_on), invoices });
    }
    Ok(reached.filter(|reached| step.is_met_by(reached.balance)))
}

/// The bills without what payments under way would settle, oldest first.
pub(super) fn without_pending<I: Clone>(items: &[Item<I>], pending: Money) -> Result<Vec<Item<I>>, DunningError> {
    let mut left = pending;
    let mut rest = Vec::new();
    for item in items {
        let settled = item.open.checked_min(left)?;
        left = left.checked_sub(settled)?;
        let open = item.open.checked_sub(settled)?;
        if open.is_positive() {
            rest.push(Item { open, ..item.clone() });
        }
    }
    Ok(rest)
}
