//! The queue: claims due jobs with a lease, runs them, retries with growing delays, sets hopeless ones aside.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tokio::sync::watch;

use super::{Job, schedule};
use crate::app::App;
use crate::db::{Error, Scope};
use crate::ids::{JobId, TenantId};

const LEASE: TimeDelta = TimeDelta::minutes(10);
const ATTEMPTS_MAX: i32 = 12;
const KEPT: TimeDelta = TimeDelta::days(30);
const IDLE: Duration = Duration::from_millis(500);
/// Jobs done side by side.
const SIDE_BY_SIDE: usize = 4;
/// How many outward ones are done side by side.
const OUTWARD_SIDE_BY_SIDE: usize = 4;

struct Claimed {
    id: JobId,
    tenant: TenantId,
    kind: String,
    payload: Value,
    attempts: i32,
}

/// Works until `stop` changes.
pub async fn work(app: App, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    // Jobs of a worker that was killed are leased for a while yet; a run has no time for that.
    if let Err(error) = crate::billing::jobs::go_on(&app).await {
        tracing::error!(%error, "billing runs at work are taken up later");
    }
    let hands = (0..SIDE_BY_SIDE + OUTWARD_SIDE_BY_SIDE)
        .map(|hand| work_alone(app.clone(), hand >= SIDE_BY_SIDE, stop.clone()));
    futures_util::future::join_all(hands).await;
    Ok(())
}

/// Does what is due, and what that makes due, until nothing is: for whoever moves the clock on themselves and wants to
/// know when its consequences are in. What fails is tried again at a later time, as always.
pub async fn work_off(app: &App) -> Result<(), Error> {
    loop {
        let hands = (0..SIDE_BY_SIDE).map(|hand| work_off_alone(app, hand == 0));
        if futures_util::future::try_join_all(hands).await?.iter().sum::<u32>() == 0 {
            return Ok(());
        }
    }
}

async fn work_off_alone(app: &App, outward: bool) -> Result<u32, Error> {
    let mut done = 0;
    while turn(app, false).await? || (outward && turn(app, true).await?) {
        done += 1;
    }
    Ok(done)
}

async fn work_alone(app: App, outward: bool, mut stop: watch::Receiver<bool>) {
    let mut moved = app.clock.moved();
    while !*stop.borrow() {
        let worked = match turn(&app, outward).await {
            Ok(worked) => worked,
            Err(error) => {
                tracing::error!(%error, "the job queue failed");
                false
            }
        };
        if !worked {
            tokio::select! {
                () = tokio::time::sleep(IDLE) => {}
                _ = moved.changed() => {}
                () = crate::http::server::stopped(&mut stop) => {}
            }
        }
    }
}

async fn turn(app: &App, outward: bool) -> Result<bool, Error> {
    schedule::plan(app).await?;
    let Some(job) = claim(app, outward).await? else { return Ok(false) };
    let (id, kind, attempts) = (job.id, job.kind.clone(), job.attempts);
    let outcome = apart(run(app.clone(), job)).await;
    if let Err(error) = &outcome {
        tracing::warn!(job = %id, kind, attempts, error = format!("{error:#}"), "a job failed");
    }
    metrics::counter!("weir_jobs_total", "kind" => kind, "outcome" => if outcome.is_ok() { "done" } else { "failed" })
        .increment(1);
    let error = outcome.err().map(|error| format!("{error:#}"));
    let given_up = app.clock.now() + LEASE;
    // A database that is back after a moment is told, or nobody would do the job again until its lease is over.
    while let Err(failed) = settle(app, id, attempts, error.clone()).await {
        if !failed.is_passing() || app.clock.now() > given_up {
            return Err(failed);
        }
        tokio::time::sleep(IDLE).await;
    }
    Ok(true)
}

/// Does something in a task of its own: a panic is its failure, not the end of whoever asked.
pub(super) async fn apart(work: impl Future<Output = anyhow::Result<()>> + Send + 'static) -> anyhow::Result<()> {
    tokio::spawn(work).await.unwrap_or_else(|panic| Err(panic.into()))
}

/// Declares every kind of job once: how it is run, and what the kinds are.
macro_rules! kinds {
    ($($kind:ty),* $(,)?) => {
        /// Every kind of job this program does.
        pub const KINDS: &[&str] = &[$(<$kind as Job>::KIND),*];

        async fn run(app: App, job: Claimed) -> anyhow::Result<()> {
            let scope = Scope::system(job.tenant);
            match job.kind.as_str() {
                $(<$kind as Job>::KIND => serde_json::from_value::<$kind>(job.payload)?.run(app, scope).await,)*
                other => anyhow::bail!("no such kind of job: {other}"),
            }
        }
    };
}

kinds!(
    crate::audit::jobs::LinkEntries,
    crate::webhooks::jobs::ForgetOldDeliveries,
    crate::imports::jobs::WorkOnImport,
    crate::access::jobs::ForgetOldSessions,
    crate::fleet::jobs::RefreshDesired,
    crate::fleet::jobs::RefreshMetered,
    crate::fleet::jobs::RefreshLines,
    crate::fleet::jobs::RefreshPool,
    crate::fleet::jobs::AssignPortBlocks,
    crate::fleet::jobs::ForgetOldEvents,
    crate::fleet::jobs::WatchCertificates,
    crate::translation::jobs::ForgetOldPortBlocks,
    crate::subscriptions::jobs::ReleaseOverHolds,
    crate::usage::jobs::CountQuarantined,
    crate::billing::jobs::StartDueRun,
    crate::billing::jobs::WorkOnRun,
    crate::deals::pauses::jobs::KeepPauses,
    crate::dunning::jobs::CheckOverdue,
    crate::ledger::recognition::jobs::RecogniseRevenue,
    crate::books::jobs::CheckBooks,
    crate::plugins::jobs::ForgetOldCalls,
    crate::quality::jobs::ForgetOldQuality,
    crate::diagnostics::jobs::ForgetOldDiagnoses,
    crate::tickets::jobs::WatchPromises,
    crate::portal::jobs::ForgetOldPortalSessions,
    super::TellListener,
    super::TellListenerOfMany,
    crate::notifications::jobs::SendMessage,
    crate::payments::jobs::LookAtAttempt,
    crate::payments::jobs::LookAtRefund,
    crate::payments::jobs::LookAtSubject,
    crate::payments::jobs::ChargeAccount,
    crate::payments::jobs::ChargeDue,
    crate::payments::jobs::Reconcile,
);

async fn claim(app: &App, outward: bool) -> Result<Option<Claimed>, Error> {
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let job = sqlx::query_as!(
        Claimed,
        r#"UPDATE platform.jobs SET attempts = attempts + 1, locked_until = $2
           WHERE id = (
               SELECT id FROM platform.jobs
               WHERE done_at IS NULL AND failed_at IS NULL AND attempts < $3 AND outward = $4
                 AND run_at <= $1 AND (locked_until IS NULL OR locked_until < $1)
               ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING id AS "id: _", tenant_id AS "tenant: _", kind, payload, attempts"#,
        now,
        now + LEASE,
        ATTEMPTS_MAX,
        outward
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(job)
}

async fn settle(app: &App, id: JobId, attempts: i32, error: Option<String>) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    let (done, failed) = match &error {
        None => (Some(now), None),
        Some(_) if attempts >= ATTEMPTS_MAX => (None, Some(now)),
        Some(_) => (None, None),
    };
    sqlx::query!(
        "UPDATE platform.jobs SET done_at = $2, failed_at = $3, last_error = $4, locked_until = NULL, run_at = $5 WHERE id = $1",
        id.uuid(),
        done,
        failed,
        error,
        retry_at(now, attempts)
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Forgets what was done long ago, and gives up what ended its worker every time it was tried. What failed for good stays
/// until somebody has looked.
pub(super) async fn tidy(app: &App) -> Result<(), Error> {
    let mut tx = app.db.platform().await?;
    let now = tx.at();
    sqlx::query!("DELETE FROM platform.jobs WHERE done_at < $1", now - KEPT).execute(tx.conn()).await?;
    sqlx::query!(
        "UPDATE platform.jobs SET failed_at = $1, last_error = coalesce(last_error, 'its worker ended each time')
         WHERE done_at IS NULL AND failed_at IS NULL AND attempts >= $2 AND locked_until < $1",
        now,
        ATTEMPTS_MAX
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// 1 s, 2 s, 4 s … an hour at most.
fn retry_at(now: DateTime<Utc>, attempts: i32) -> DateTime<Utc> {
    now + TimeDelta::seconds(1i64 << attempts.clamp(1, 12).saturating_sub(1)).min(TimeDelta::hours(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_the_failure_of_what_panicked() {
        assert!(apart(async { Ok(()) }).await.is_ok());
        let panicked = apart(async { panic!("one of fifty") }).await.unwrap_err();
        assert!(panicked.to_string().contains("panic"), "{panicked}");
    }
}
