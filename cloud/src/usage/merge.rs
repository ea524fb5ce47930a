//! Merging: what the lines moved in a record waits in one row until its hour is over, and becomes one segment a line then.

use chrono::{DateTime, Utc};

use super::Error;
use super::store::unmerged;
use crate::app::App;
use crate::db::Scope;
use crate::ids::AgentId;

/// Records of an agent that wait, at most: whoever asks what a line used by now has all of them looked through.
const WAITING_MAX: u32 = 12;
const HOUR_MICROS: i64 = 3_600_000_000;

/// What waits of an agent, as far as its session knows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    /// Hours since 1970; none while it is not known what waits.
    hour: Option<i64>,
    records: u32,
}

impl Waiting {
    /// Whether all of it is to be merged before a record is added that ends then.
    pub(super) fn is_due(self, end_at: DateTime<Utc>) -> bool {
        self.records >= WAITING_MAX || self.hour != Some(hour(end_at))
    }

    /// With that record.
    pub(super) fn with(self, end_at: DateTime<Utc>) -> Self {
        let before = if self.is_due(end_at) { 0 } else { self.records };
        Self { hour: Some(hour(end_at)), records: before + 1 }
    }
}

/// What ends on the hour belongs to the one before.
fn hour(end_at: DateTime<Utc>) -> i64 {
    (end_at.timestamp_micros() - 1).div_euclid(HOUR_MICROS)
}

/// Merges all that waits, an agent at a time.
pub async fn merge_all(app: &App, scope: &Scope) -> Result<(), Error> {
    let agents = unmerged::agents(&mut app.db.read(scope).await?).await?;
    for agent in agents {
        merge_of(app, scope, agent).await?;
    }
    Ok(())
}

/// Merges all that waits of an agent.
pub(super) async fn merge_of(app: &App, scope: &Scope, agent: AgentId) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    unmerged::merge(&mut tx, agent).await?;
    tx.commit().await.map_err(Error::Db)
}
