//! Judges accounts and does what their plans say.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::json;
use weir_rules::dunning::{Action, Plan, plan};

use super::policies::{self, InForce};
use super::standing::{Known, standings};
use super::store::{cases, holds as hold_store, standing as standing_store};
use super::{Checked, Error, fees, holds, news};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::events::{Event, EventKind};
use crate::ids::{AccountId, DunningCaseId, InvoiceId, SubscriptionId};
use crate::{audit, billing};

/// Judges every account that owes, is at work on or is held, one transaction each.
pub async fn check(app: &App, scope: &Scope) -> Result<Checked, Error> {
    let mut tx = app.db.read(scope).await?;
    let ahead = days_ahead(&policies::in_force(&mut tx).await?);
    let accounts: Vec<_> = standings(&mut tx, None, ahead).await?.into_iter().map(|known| known.account).collect();
    drop(tx);
    let (mut checked, mut failed) = (Checked::default(), None);
    for account in accounts {
        match check_one(app, scope, account).await {
            Ok(one) => {
                checked.placed += one.placed;
                checked.released += one.released;
            }
            // One account that cannot be judged keeps nobody else from being judged.
            Err(error) => {
                tracing::error!(%account, %error, "an account cannot be judged");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(checked), Err)
}

/// How long before a bill is due the first step is.
fn days_ahead(policy: &InForce) -> u32 {
    policy.rules.steps.iter().map(|step| step.offset_days.min(0).unsigned_abs()).max().unwrap_or(0)
}

async fn check_one(app: &App, scope: &Scope, account: AccountId) -> Result<Checked, Error> {
    let mut tx = app.db.begin(scope).await?;
    let checked = check_account(&mut tx, account).await?;
    tx.commit().await?;
    Ok(checked)
}

/// Judges the accounts whose debt or lines events have changed: all are looked at together, and those with something to do
/// then one by one, for nothing may hold one's lines and payments while it waits for another's.
pub async fn listen(app: &App, scope: &Scope, events: &[Event]) -> Result<(), Error> {
    let mut accounts: BTreeSet<_> = events.iter().filter_map(|event| event.account_id).collect();
    // Whoever paid before may have lines held that it does not pay for any more.
    let changed = events.iter().filter(|event| event.kind == EventKind::PayerChanged);
    let before = changed.filter_map(|event| event.data["before"].as_str()?.parse::<AccountId>().ok());
    let before: Vec<_> = before.collect();
    let mut tx = app.db.read(scope).await?;
    tx.look_up_by_keys().await?;
    let payers = standing_store::payers(&mut tx, &Vec::from_iter(accounts.iter().copied())).await?;
    accounts.extend(before.into_iter().chain(payers));
    let policy = policies::in_force(&mut tx).await?;
    let known = standings(&mut tx, Some(&Vec::from_iter(accounts)), days_ahead(&policy)).await?;
    let now = tx.at();
    drop(tx);
    for known in known {
        if asks_for_something(&plan(&policy.rules, &known.facts, now)?, &known) {
            check_one(app, scope, known.account).await?;
        }
    }
    Ok(())
}

fn asks_for_something(plan: &Plan<InvoiceId>, known: &Known) -> bool {
    let opens = plan.case.is_some() && known.case.is_none();
    let restricts = plan.access.is_some() || known.facts.held.is_some();
    opens || restricts || plan.cured || !plan.actions.is_empty() || !plan.overtaken.is_empty()
}

/// The lines of an account whose `unpaid` hold was lifted by what was recorded at `at`.
pub async fn released_at(
    tx: &mut TenantTx,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<SubscriptionId>, Error> {
    Ok(hold_store::released_at(tx, account, at).await?)
}

/// Judges one account, holding it locked so that no payment slips between plan and deed.
pub async fn check_account(tx: &mut TenantTx, account: AccountId) -> Result<Checked, Error> {
    billing::lock_account(tx, account).await?;
    let policy = policies::in_force(tx).await?;
    match standings(tx, Some(&[account]), days_ahead(&policy)).await?.pop() {
        Some(known) => follow(tx, &policy, &known).await,
        None => Ok(Checked::default()),
    }
}

async fn follow(tx: &mut TenantTx, policy: &InForce, known: &Known) -> Result<Checked, Error> {
    let plan = plan(&policy.rules, &known.facts, tx.at())?;
    if let Some(case) = known.case.filter(|_| plan.cured) {
        cases::close(tx, case).await?;
        audit::record(tx, "close dunning case", case, json!({ "account": known.account })).await?;
        news::cured(tx, known, case).await?;
    }
    let (balance, since) = known.overdue()?;
    let reason = since.map(|since| format!("{balance} unpaid since {since}")).unwrap_or_default();
    let checked = holds::bring(tx, known.account, plan.access, &reason).await?;
    if let Some(due_on) = plan.case {
        let case = match known.case.filter(|_| !plan.cured) {
            Some(case) => case,
            None => open(tx, known, due_on).await?,
        };
        for action in &plan.actions {
            take(tx, policy, known, case, (action, checked.placed > 0)).await?;
        }
        overtake(tx, policy, known, case, &plan).await?;
    }
    Ok(checked)
}

async fn open(tx: &mut TenantTx, known: &Known, due_on: chrono::NaiveDate) -> Result<DunningCaseId, Error> {
    let case: DunningCaseId = tx.new_id();
    cases::open(tx, case, known.account, due_on).await?;
    audit::record(tx, "open dunning case", case, json!({ "account": known.account, "due_on": due_on })).await?;
    Ok(case)
}

/// Takes one step: a fee is charged, the others are noted and told; so is a restriction that is put back on lines.
async fn take(
    tx: &mut TenantTx,
    policy: &InForce,
    known: &Known,
    case: DunningCaseId,
    (action, placed): (&Action<InvoiceId>, bool),
) -> Result<(), Error> {
    if let Some(fee) = &action.fee {
        return fees::charge(tx, policy.version, known, case, (action, fee)).await;
    }
    let step = (action.step, action.kind.name(), false);
    let new = cases::insert_step(tx, case, step, policy.version, action.balance).await?;
    if new || placed {
        news::step(tx, known, case, action, &[]).await?;
    }
    Ok(())
}

async fn overtake(
    tx: &mut TenantTx,
    policy: &InForce,
    known: &Known,
    case: DunningCaseId,
    plan: &Plan<InvoiceId>,
) -> Result<(), Error> {
    let (balance, _) = known.overdue()?;
    for step in policy.rules.steps.iter().filter(|step| plan.overtaken.contains(&step.number)) {
        cases::insert_step(tx, case, (step.number, step.kind.name(), true), policy.version, balance).await?;
    }
    Ok(())
}
