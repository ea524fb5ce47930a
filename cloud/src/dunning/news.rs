//! What is told of cases: each step once, a restriction again when it is put back.

use serde_json::{Value, json};
use weir_rules::dunning::{Action, StepKind};

use super::standing::Known;
use super::{Error, PromiseWish};
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::ids::{DunningCaseId, InvoiceId};

/// Tells of a step; `more` are facts of its own.
pub(super) async fn step(
    tx: &mut TenantTx,
    known: &Known,
    case: DunningCaseId,
    action: &Action<InvoiceId>,
    more: &[(&str, Value)],
) -> Result<(), Error> {
    let kind = match action.kind {
        StepKind::Remind => EventKind::DunningReminded,
        StepKind::LateFee(_) => EventKind::DunningFeeCharged,
        StepKind::Throttle => EventKind::DunningThrottled,
        StepKind::WalledGarden => EventKind::DunningWalled,
        StepKind::FinalNotice => EventKind::DunningFinalNotice,
    };
    let mut data = json!({
        "case": case, "step": action.step, "balance": action.balance, "due_on": action.due_since,
        "invoices": known.numbers_of(&action.invoices),
    });
    for (name, value) in more {
        data[*name] = value.clone();
    }
    events::publish(tx, kind, case, Some(known.account), data).await?;
    Ok(())
}

/// Tells that a case is over, and what is past its due date even so.
pub(super) async fn cured(tx: &mut TenantTx, known: &Known, case: DunningCaseId) -> Result<(), Error> {
    let due_on = known.facts.case.as_ref().map(|case| case.due_on);
    let data = json!({ "case": case, "balance": known.overdue()?.0, "due_on": due_on, "invoices": [] });
    events::publish(tx, EventKind::DunningCured, case, Some(known.account), data).await?;
    Ok(())
}

/// Tells of a promise.
pub(super) async fn promised(
    tx: &mut TenantTx,
    known: &Known,
    case: DunningCaseId,
    wish: &PromiseWish,
) -> Result<(), Error> {
    let (balance, due_on) = known.overdue()?;
    let late = known.facts.items.iter().filter(|item| item.due_on < known.today).map(|item| item.invoice);
    let data = json!({
        "case": case, "balance": balance, "due_on": due_on, "invoices": known.numbers_of(&late.collect::<Vec<_>>()),
        "amount": wish.amount, "promised_on": wish.promised_on,
    });
    events::publish(tx, EventKind::DunningPromised, case, Some(known.account), data).await?;
    Ok(())
}
