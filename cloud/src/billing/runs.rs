//! Runs: started once with a list of what there is to do, worked on by several jobs at once, resumed wherever it is not done.

use chrono::{Days, NaiveDate};
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::money::{Currency, Money};

use super::error::RulesError;
use super::jobs::WorkOnRun;
use super::store::batches::BatchRow;
use super::store::runs::RunRow;
use super::{BillingRun, Error, RunStatus, RunWish, batch, pricing, store};
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
/// Accounts billed in one transaction.
const ACCOUNTS_A_BATCH: i64 = 500;
/// Batches one job works on before it hands over to the next, well within a job's lease.
const BATCHES_A_JOB: u32 = 4;
/// Jobs that work on a run at once: while one writes, another reads and computes.
const HANDS: u16 = 2;
/// How often accounts are priced anew because something moved while they were, before they are tried one by one, or later.
const PRICINGS_MAX: u32 = 3;

/// Starts a run up to `as_of`; while one up to the same day is at work, that one is returned.
pub async fn start_run(tx: &mut TenantTx, wish: &RunWish) -> Result<BillingRun, Error> {
    check(tx, wish).await?;
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
    let accounts = billed_once(store::runs::accounts(tx, &row, None).await?);
    store::runs::set_total(tx, id, accounts.len()).await?;
    store::batches::insert(tx, id, &accounts, ACCOUNTS_A_BATCH).await?;
    audit::record(tx, "start billing run", id, json!({ "as_of": wish.as_of })).await?;
    put_to_work(tx, id, 0).await?;
    run(tx, id).await
}

/// Whom to bill of those that something is due of: each once, however many accounts it pays for.
pub(super) fn billed_once(mut accounts: Vec<AccountId>) -> Vec<AccountId> {
    accounts.sort_unstable();
    accounts.dedup();
    accounts
}

async fn put_to_work(tx: &mut TenantTx, run: BillingRunId, turn: i64) -> Result<(), Error> {
    let now = tx.at();
    for hand in 0..HANDS {
        jobs::enqueue(tx, &WorkOnRun { run, hand, turn }, now).await?;
    }
    Ok(())
}

/// An error if no run may bill up to that day.
pub(super) async fn check(tx: &mut TenantTx, wish: &RunWish) -> Result<(), Error> {
    let today = today(tx).await?;
    if today.checked_add_days(Days::new(AHEAD_DAYS_MAX)).is_none_or(|last| wish.as_of > last) {
        let message = format!("must be at most {AHEAD_DAYS_MAX} days after today, {today}");
        return Err(Error::Invalid(vec![FieldError::new("as_of", message)]));
    }
    Ok(())
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

async fn shown(tx: &mut TenantTx, row: RunRow) -> Result<BillingRun, Error> {
    let currency = Currency::from_code(&tenants::tenant(tx).await?.currency)?;
    let (mut totals, mut invoices) = (Vec::new(), 0);
    for (code, amount, count) in store::runs::totals(tx, row.id).await? {
        totals.push(Money::new(amount, Currency::from_code(&code)?)?);
        invoices += count;
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
        invoices_issued: i32::try_from(invoices).unwrap_or(i32::MAX),
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

/// Sees to it that a run at work has jobs, should its last ones have been given up. `anew`: even if it has, for they may be
/// leased to a worker that is no more; one too many finds nothing to do.
pub(super) async fn resume(tx: &mut TenantTx, anew: bool) -> Result<bool, Error> {
    let Some(running) = store::runs::running(tx).await? else { return Ok(false) };
    if anew || !store::runs::has_jobs(tx, running.id).await? {
        let turn = tx.at().timestamp_millis();
        put_to_work(tx, running.id, turn).await?;
    }
    Ok(true)
}

/// The accounts that could not be billed so far, and why.
pub async fn faults(tx: &mut TenantTx, page: Page) -> Result<Vec<(AccountId, String)>, Error> {
    Ok(store::faults::page(tx, page).await?)
}

/// Works on batches of a run that nobody else is at, and ends the run or queues the rest.
pub(super) async fn work(app: &App, scope: &Scope, job: &WorkOnRun) -> Result<(), Error> {
    let run = store::runs::find(&mut app.db.read(scope).await?, job.run).await?;
    let Some(run) = run.filter(|run| run.status == RunStatus::Running.name()) else { return Ok(()) };
    usage::merge_all(app, scope).await?;
    for _ in 0..BATCHES_A_JOB {
        if !work_on_next(app, scope, &run, job.hand % 2 == 1).await? {
            let mut tx = app.db.begin(scope).await?;
            if store::runs::finish(&mut tx, run.id).await? {
                store::batches::forget(&mut tx, run.id).await?;
                audit::record(&mut tx, "finish billing run", run.id, json!({})).await?;
            }
            return Ok(tx.commit().await?);
        }
    }
    let mut tx = app.db.begin(scope).await?;
    let now = tx.at();
    let next = WorkOnRun { turn: job.turn + i64::from(BATCHES_A_JOB), ..*job };
    jobs::enqueue(&mut tx, &next, now).await?;
    Ok(tx.commit().await?)
}

/// Bills the accounts of the next batch; false if there is none that nobody else is at.
async fn work_on_next(app: &App, scope: &Scope, run: &RunRow, backwards: bool) -> Result<bool, Error> {
    let mut tx = app.db.begin(scope).await?;
    let batch = store::batches::next(&mut tx, run.id, backwards).await?;
    // Not dropped: it is to be free again before anybody wants to hold it.
    tx.commit().await?;
    let Some(batch) = batch else { return Ok(false) };
    // A tenant's rule is asked, and may be paused, account by account.
    if pricing::is_asked(app, scope).await? {
        work_one_by_one(app, scope, run, &batch).await?;
        return Ok(true);
    }
    match bill(app, scope, run, &batch, &batch.accounts).await {
        Err(error) if error.is_passing() && !matches!(error, Error::UsageMoved) => return Err(error),
        // Whoever it is that cannot be billed, the others are.
        Err(_) => work_one_by_one(app, scope, run, &batch).await?,
        Ok(_) => {}
    }
    Ok(true)
}

/// Leaves the batch as soon as somebody else is at it: that one looks at all of its accounts, and so does whoever takes it
/// after that; an account that was billed is not billed again.
async fn work_one_by_one(app: &App, scope: &Scope, run: &RunRow, batch: &BatchRow) -> Result<(), Error> {
    for account in &batch.accounts {
        match bill(app, scope, run, batch, &[*account]).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(refused) if !refused.is_passing() => {
                let mut tx = app.db.begin(scope).await?;
                if !store::batches::hold(&mut tx, run.id, batch.number).await? {
                    return Ok(());
                }
                batch::note(&mut tx, run, &[(*account, refused.to_string())]).await?;
                tx.commit().await?;
            }
            Err(passing) => return Err(passing),
        }
    }
    let mut tx = app.db.begin(scope).await?;
    if store::batches::hold(&mut tx, run.id, batch.number).await? {
        store::batches::done(&mut tx, run.id, batch.number).await?;
    }
    Ok(tx.commit().await?)
}

/// Bills these accounts of a batch, which is done if they are all of it; false, and nothing is done, if somebody else is at it.
async fn bill(app: &App, scope: &Scope, run: &RunRow, of: &BatchRow, accounts: &[AccountId]) -> Result<bool, Error> {
    for _ in 0..PRICINGS_MAX {
        let asked = pricing::prices(app, scope, run, accounts).await?;
        let mut tx = app.db.begin(scope).await?;
        // The batch's row is the claim: it is free again as soon as whoever holds it is gone.
        if !store::batches::hold(&mut tx, run.id, of.number).await? {
            return Ok(false);
        }
        match batch::bill(&mut tx, run, accounts, asked).await {
            Err(Error::UsageMoved) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                if accounts.len() == of.accounts.len() {
                    store::batches::done(&mut tx, run.id, of.number).await?;
                }
                tx.commit().await?;
                return Ok(true);
            }
        }
    }
    Err(Error::UsageMoved)
}
