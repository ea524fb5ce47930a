//! Runs: started once, worked on by jobs, resumed after the last account that was committed.

use chrono::{Days, NaiveDate};
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::money::{Currency, Money};

use super::error::RulesError;
use super::{BillingRun, Error, RunStatus, RunWish, account, pricing, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, BillingRunId};
use crate::jobs;
use crate::tenants;
use crate::usage;

/// How far ahead of today a run may bill: charges in advance may be asked for early, never a season.
const AHEAD_DAYS_MAX: u64 = 31;
/// Accounts one job bills before it hands over to the next, well within a job's lease.
const ACCOUNTS_A_JOB: i64 = 500;
/// How often an account is priced anew because something moved while it was, before its job is tried again later.
const PRICINGS_MAX: u32 = 3;

/// Starts a run up to `as_of`; while one up to the same day is at work, that one is returned.
pub async fn start_run(tx: &mut TenantTx, wish: &RunWish) -> Result<BillingRun, Error> {
    let today = today(tx).await?;
    if today.checked_add_days(Days::new(AHEAD_DAYS_MAX)).is_none_or(|last| wish.as_of > last) {
        let message = format!("must be at most {AHEAD_DAYS_MAX} days after today, {today}");
        return Err(Error::Invalid(vec![FieldError::new("as_of", message)]));
    }
    if let Some(running) = store::runs::running(tx).await? {
        return at_work(tx, running.id, wish.as_of).await;
    }
    let id: BillingRunId = tx.new_id();
    if !store::runs::insert(tx, id, wish.as_of).await? {
        // Somebody else started one in this very moment.
        let running = store::runs::running(tx).await?.ok_or(Error::RunNotFound(id))?;
        return at_work(tx, running.id, wish.as_of).await;
    }
    let row = store::runs::find(tx, id).await?.ok_or(Error::RunNotFound(id))?;
    let accounts = store::runs::accounts(tx, &row, None, i64::MAX).await?;
    store::runs::set_total(tx, id, accounts.len()).await?;
    audit::record(tx, "start billing run", id, json!({ "as_of": wish.as_of })).await?;
    let now = tx.at();
    jobs::enqueue(tx, &super::jobs::WorkOnRun { run: id, after: None }, now).await?;
    run(tx, id).await
}

async fn at_work(tx: &mut TenantTx, id: BillingRunId, as_of: NaiveDate) -> Result<BillingRun, Error> {
    let running = run(tx, id).await?;
    if running.as_of == as_of { Ok(running) } else { Err(Error::RunInProgress { id, as_of: running.as_of }) }
}

/// One run.
pub async fn run(tx: &mut TenantTx, id: BillingRunId) -> Result<BillingRun, Error> {
    let row = store::runs::find(tx, id).await?.ok_or(Error::RunNotFound(id))?;
    shown(tx, row).await
}

/// A page of runs, newest first.
pub async fn runs(tx: &mut TenantTx, page: Page) -> Result<Vec<BillingRun>, Error> {
    let mut runs = Vec::new();
    for row in store::runs::page(tx, page).await? {
        runs.push(shown(tx, row).await?);
    }
    Ok(runs)
}

async fn shown(tx: &mut TenantTx, row: store::runs::RunRow) -> Result<BillingRun, Error> {
    let currency = Currency::from_code(&tenants::tenant(tx).await?.currency)?;
    let mut totals = Vec::new();
    for (code, amount) in store::runs::totals(tx, row.id).await? {
        totals.push(Money::new(amount, Currency::from_code(&code)?)?);
    }
    let total = totals.iter().copied().find(|total| total.currency() == currency).unwrap_or(Money::zero(currency));
    Ok(BillingRun {
        id: row.id,
        as_of: row.as_of,
        status: RunStatus::from_name(&row.status),
        started_by: row.started_by,
        started_at: row.started_at,
        finished_at: row.finished_at,
        accounts_total: row.accounts_total,
        accounts_done: row.accounts_done,
        invoices_issued: row.invoices_issued,
        total,
        totals,
        error: row.error,
    })
}

/// The local day of the ISP.
pub async fn today(tx: &mut TenantTx) -> Result<NaiveDate, Error> {
    let zone = tenants::tenant(tx).await?.time_zone;
    Ok(local_date(tx.at(), zone.parse().map_err(|_| RulesError::TimeZone(zone))?))
}

/// Sees to it that a run at work has a job, should its last one have been given up; where it has one, nothing is added.
pub(super) async fn resume(tx: &mut TenantTx) -> Result<bool, Error> {
    let Some(running) = store::runs::running(tx).await? else { return Ok(false) };
    let now = tx.at();
    jobs::enqueue(tx, &super::jobs::WorkOnRun { run: running.id, after: running.last_account_id }, now).await?;
    Ok(true)
}

/// The accounts that could not be billed so far, and why.
pub async fn faults(tx: &mut TenantTx, page: Page) -> Result<Vec<(AccountId, String)>, Error> {
    Ok(store::faults::page(tx, page).await?)
}

/// Bills the accounts after `after`, one transaction each, and ends the run or queues the rest.
pub(super) async fn work(app: &App, scope: &Scope, id: BillingRunId, after: Option<AccountId>) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let Some(run) = store::runs::find(&mut tx, id).await?.filter(|run| run.status == RunStatus::Running.name()) else {
        return Ok(());
    };
    drop(tx);
    usage::merge_all(app, scope).await?;
    let mut tx = app.db.read(scope).await?;
    let accounts = store::runs::accounts(&mut tx, &run, after.max(run.last_account_id), ACCOUNTS_A_JOB).await?;
    drop(tx);
    for &account in &accounts {
        work_on_account(app, scope, &run, account).await?;
    }
    let mut tx = app.db.begin(scope).await?;
    match accounts.last() {
        Some(&last) if accounts.len() as i64 == ACCOUNTS_A_JOB => {
            let now = tx.at();
            jobs::enqueue(&mut tx, &super::jobs::WorkOnRun { run: id, after: Some(last) }, now).await?;
        }
        _ => {
            if store::runs::finish(&mut tx, id).await? {
                audit::record(&mut tx, "finish billing run", id, json!({})).await?;
            }
        }
    }
    Ok(tx.commit().await?)
}

async fn work_on_account(app: &App, scope: &Scope, run: &store::runs::RunRow, account: AccountId) -> Result<(), Error> {
    for _ in 0..PRICINGS_MAX {
        match bill_account(app, scope, run, account).await {
            Err(Error::UsageMoved) => {}
            done => return done,
        }
    }
    Err(Error::UsageMoved)
}

async fn bill_account(app: &App, scope: &Scope, run: &store::runs::RunRow, account: AccountId) -> Result<(), Error> {
    let priced = pricing::prices(app, scope, run, account).await;
    let mut tx = app.db.begin(scope).await?;
    // The run's row is the claim: whoever moves it on bills the account, a second worker finds it moved.
    if !store::runs::claim(&mut tx, run.id, account).await? {
        return Ok(());
    }
    let billed = match priced {
        Ok(mut prices) => account::bill(&mut tx, run.id, run.as_of, account, &mut prices).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &billed
        && error.is_passing()
    {
        return billed.map(drop);
    }
    let issued = matches!(billed, Ok(true));
    if !issued {
        // Nothing of what was taken is kept.
        drop(tx);
        tx = app.db.begin(scope).await?;
        if !store::runs::claim(&mut tx, run.id, account).await? {
            return Ok(());
        }
    }
    match billed {
        Ok(_) => {
            store::faults::forget(&mut tx, account).await?;
            store::runs::count(&mut tx, run.id, issued.into()).await?;
        }
        // What cannot be billed stops one account, not the run.
        Err(refused) => {
            tracing::error!(%account, error = %refused, "an account cannot be billed");
            store::runs::fault(&mut tx, run.id, &format!("{account}: {refused}")).await?;
            store::faults::note(&mut tx, account, run.id, &refused.to_string()).await?;
        }
    }
    Ok(tx.commit().await?)
}
