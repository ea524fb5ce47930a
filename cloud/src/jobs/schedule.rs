//! Recurring work: asks "whose hour has no job yet", so late, twice or skipped looks are harmless.

use super::enqueue;
use crate::access::jobs::ForgetOldSessions;
use crate::app::App;
use crate::db::{Error, Scope};

/// Queues what is due for every tenant and not queued yet.
pub async fn plan(app: &App) -> Result<(), Error> {
    let now = app.clock.now();
    let hour = now.timestamp() / 3_600;
    if app.schedule.swap(hour, std::sync::atomic::Ordering::Relaxed) == hour {
        return Ok(());
    }
    for tenant in app.db.tenants().await? {
        let mut tx = app.db.begin(&Scope::system(tenant)).await?;
        enqueue(&mut tx, &ForgetOldSessions {}, now).await?;
        enqueue(&mut tx, &crate::billing::jobs::StartDueRun {}, now).await?;
        enqueue(&mut tx, &crate::dunning::jobs::CheckOverdue {}, now).await?;
        tx.commit().await?;
    }
    Ok(())
}
