//! What the fleet does later.

use serde::{Deserialize, Serialize};

use super::desired;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Refreshes what changes without anybody doing anything: terms that begin or end, holds that run out, cut points ahead.
#[derive(Serialize, Deserialize)]
pub struct RefreshDesired {}

impl Job for RefreshDesired {
    const KIND: &'static str = "fleet.refresh_desired";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        desired::refresh_due_lines(&mut tx).await?;
        desired::refresh_all_routers(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
