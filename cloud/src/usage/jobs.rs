//! What is counted later.

use serde::{Deserialize, Serialize};

use super::{merge, quarantine};
use crate::app::App;
use crate::db::Scope;
use crate::fleet::jobs::RefreshMetered;
use crate::ids::QuarantinedId;
use crate::jobs::Job;

/// Counts what is to be billed of quarantine of a record's router.
#[derive(Serialize, Deserialize)]
pub struct CountQuarantined {
    /// The record it was decided with.
    pub with: QuarantinedId,
}

impl Job for CountQuarantined {
    const KIND: &'static str = "usage.count_quarantined";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        loop {
            let mut tx = app.db.begin(&scope).await?;
            let more = quarantine::count_some(&mut tx, self.with).await?;
            tx.commit().await?;
            if !more {
                return Ok(());
            }
        }
    }
}

impl Job for RefreshMetered {
    const KIND: &'static str = "fleet.refresh_metered";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        // What waits would be looked through once a line.
        merge::merge_of(&app, &scope, self.agent).await?;
        self.refresh(&app, &scope).await
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.agent, self.reason))
    }
}
