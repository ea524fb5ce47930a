//! Recurring work: asks "whose minute has no job yet", so late, twice or skipped looks are harmless.

use std::sync::atomic::Ordering;

use super::{enqueue, queue};
use crate::access::jobs::ForgetOldSessions;
use crate::app::App;
use crate::billing::jobs::StartDueRun;
use crate::db::{Error, Scope};
use crate::dunning::jobs::CheckOverdue;
use crate::fleet::jobs::RefreshDesired;
use crate::subscriptions::jobs::ReleaseOverHolds;
use crate::tickets::jobs::WatchPromises;

/// Queues what is due for every tenant and not queued yet.
pub async fn plan(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let minute = now.timestamp() / 60;
    let before = app.schedule.load(Ordering::Relaxed);
    if before == minute {
        return Ok(());
    }
    let new_hour = before / 60 != minute / 60;
    if new_hour {
        queue::forget_done(app).await?;
    }
    for tenant in app.db.tenants().await? {
        let mut tx = app.db.begin(&Scope::system(tenant)).await?;
        enqueue(&mut tx, &RefreshDesired {}, now).await?;
        enqueue(&mut tx, &ReleaseOverHolds {}, now).await?;
        enqueue(&mut tx, &WatchPromises {}, now).await?;
        if new_hour {
            enqueue(&mut tx, &ForgetOldSessions {}, now).await?;
            enqueue(&mut tx, &StartDueRun {}, now).await?;
            enqueue(&mut tx, &CheckOverdue {}, now).await?;
        }
        tx.commit().await?;
    }
    // Only now: what failed in between is planned again at the next look, and what was planned already is one job.
    app.schedule.store(minute, Ordering::Relaxed);
    Ok(())
}
