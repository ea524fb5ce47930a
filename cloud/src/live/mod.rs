//! This second's rates, for people who are watching: from routers through the gateway to browsers. Lossy, never billed.
//!
//! Both ways go through the database's notifications, so the roles may be separate processes: [`WATCH_CHANNEL`] says
//! that somebody of a tenant watches, [`LIVE_CHANNEL`] carries samples.

pub mod api;
mod store;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::app::App;
use crate::db::Error;
use crate::ids::{RouterId, TenantId};

/// Carries [`Sample`]s as JSON.
pub const LIVE_CHANNEL: &str = "weir_live";
/// Carries the id of a tenant somebody watches.
pub const WATCH_CHANNEL: &str = "weir_watch";
/// Lines a sample names at most: a notification stays under 8,000 bytes.
const LINES_MAX: usize = 150;
/// Samples a slow browser may lag behind before it misses some.
const LAG_MAX: usize = 64;

/// One router's rates over the last interval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Whose router.
    pub tenant: TenantId,
    /// Which router.
    pub router: RouterId,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// All lines together, toward the subscribers, bits per second.
    pub down_bps: u64,
    /// All lines together, from the subscribers, bits per second.
    pub up_bps: u64,
    /// Handle, down and up of the lines that moved something.
    pub lines: Vec<(u32, u64, u64)>,
}

/// Where samples reach the browsers of this process.
pub type Hub = broadcast::Sender<Sample>;

/// An empty hub.
pub fn hub() -> Hub {
    broadcast::channel(LAG_MAX).0
}

/// Publishes a router's sample.
pub async fn publish(app: &App, mut sample: Sample) -> Result<(), Error> {
    sample.lines.truncate(LINES_MAX);
    let payload = serde_json::to_string(&sample).map_err(|error| sqlx::Error::Encode(error.into()))?;
    app.db.notify(LIVE_CHANNEL, &payload).await
}

/// Says that somebody of a tenant watches; to be repeated while they do.
pub async fn watch(app: &App, tenant: TenantId) -> Result<(), Error> {
    app.db.notify(WATCH_CHANNEL, &tenant.to_string()).await
}

/// The next sample of a router, asked for now; `None` when none comes within `patience`.
pub async fn sample(app: &App, tenant: TenantId, router: RouterId, patience: Duration) -> Option<Sample> {
    let mut samples = app.live.subscribe();
    watch(app, tenant).await.ok()?;
    let next = async {
        loop {
            match samples.recv().await {
                Ok(sample) if sample.tenant == tenant && sample.router == router => return Some(sample),
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    };
    tokio::time::timeout(patience, next).await.ok().flatten()
}

impl Sample {
    /// Down and up of a line, bits per second; `None` when the sample could not name every line.
    pub fn line(&self, handle: u32) -> Option<(u64, u64)> {
        match self.lines.iter().find(|line| line.0 == handle) {
            Some(line) => Some((line.1, line.2)),
            None if self.lines.len() < LINES_MAX => Some((0, 0)),
            None => None,
        }
    }
}

/// Passes samples on to this process's hub, for ever.
pub async fn relay(app: App) {
    loop {
        if let Err(error) = relay_until_failure(&app).await {
            tracing::warn!(%error, "live rates are interrupted");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }
}

async fn relay_until_failure(app: &App) -> Result<(), Error> {
    let mut listener = app.db.listen(&[LIVE_CHANNEL]).await?;
    loop {
        let notification = listener.recv().await?;
        if let Ok(sample) = serde_json::from_str::<Sample>(notification.payload()) {
            // Nobody watching in this process is no fault.
            let _watchers = app.live.send(sample);
        }
    }
}
