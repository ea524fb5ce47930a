//! Recurring work: asks "whose minute has no job yet", so late, twice or skipped looks are harmless.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};

use super::{enqueue, queue};
use crate::access::{self, jobs::ForgetOldSessions};
use crate::app::App;
use crate::audit::jobs::LinkEntries;
use crate::billing::jobs::StartDueRun;
use crate::books::jobs::CheckBooks;
use crate::db::{Error, Scope};
use crate::deals::pauses::jobs::KeepPauses;
use crate::diagnostics::jobs::ForgetOldDiagnoses;
use crate::dunning::jobs::CheckOverdue;
use crate::fleet::jobs::{AssignPortBlocks, ForgetOldEvents, RefreshDesired, WatchCertificates};
use crate::ledger::recognition::jobs::RecogniseRevenue;
use crate::payments::jobs::{ChargeDue, Reconcile};
use crate::plugins::jobs::ForgetOldCalls;
use crate::portal::jobs::ForgetOldPortalSessions;
use crate::quality::jobs::ForgetOldQuality;
use crate::subscriptions::jobs::ReleaseOverHolds;
use crate::tickets::jobs::WatchPromises;
use crate::translation::jobs::ForgetOldPortBlocks;
use crate::webhooks::jobs::ForgetOldDeliveries;

/// Queues what is due for every tenant and not queued yet.
pub async fn plan(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let minute = now.timestamp() / 60;
    let before = app.schedule.load(Ordering::Relaxed);
    // Whoever moves the minute on plans it.
    let mine = app.schedule.compare_exchange(before, minute, Ordering::Relaxed, Ordering::Relaxed).is_ok();
    if before == minute || !mine {
        return Ok(());
    }
    let planned = plan_minute(app, now, before / 60 != minute / 60).await;
    if planned.is_err() {
        // It is planned again at the next look; what was planned already is one job.
        app.schedule.store(before, Ordering::Relaxed);
    }
    planned
}

async fn plan_minute(app: &App, now: DateTime<Utc>, new_hour: bool) -> Result<(), Error> {
    if new_hour {
        queue::tidy(app).await?;
        access::forget_old_attempts(app).await?;
    }
    for tenant in app.db.tenants().await? {
        let mut tx = app.db.begin(&Scope::system(tenant)).await?;
        enqueue(&mut tx, &RefreshDesired {}, now).await?;
        enqueue(&mut tx, &ReleaseOverHolds {}, now).await?;
        enqueue(&mut tx, &KeepPauses {}, now).await?;
        enqueue(&mut tx, &LinkEntries {}, now).await?;
        enqueue(&mut tx, &WatchPromises {}, now).await?;
        if new_hour {
            enqueue(&mut tx, &ForgetOldSessions {}, now).await?;
            enqueue(&mut tx, &ForgetOldCalls {}, now).await?;
            enqueue(&mut tx, &ForgetOldQuality {}, now).await?;
            enqueue(&mut tx, &ForgetOldDiagnoses {}, now).await?;
            enqueue(&mut tx, &ForgetOldEvents {}, now).await?;
            enqueue(&mut tx, &WatchCertificates {}, now).await?;
            enqueue(&mut tx, &ForgetOldPortBlocks {}, now).await?;
            enqueue(&mut tx, &AssignPortBlocks {}, now).await?;
            enqueue(&mut tx, &ForgetOldDeliveries {}, now).await?;
            enqueue(&mut tx, &ForgetOldPortalSessions {}, now).await?;
            enqueue(&mut tx, &StartDueRun {}, now).await?;
            enqueue(&mut tx, &CheckOverdue {}, now).await?;
            enqueue(&mut tx, &ChargeDue {}, now).await?;
            enqueue(&mut tx, &Reconcile {}, now).await?;
            enqueue(&mut tx, &RecogniseRevenue {}, now).await?;
            enqueue(&mut tx, &CheckBooks {}, now).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
