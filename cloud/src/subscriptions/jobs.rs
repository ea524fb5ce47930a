//! What subscriptions do later.

use serde::{Deserialize, Serialize};

use super::holds;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Releases the holds whose time has passed.
#[derive(Serialize, Deserialize)]
pub struct ReleaseOverHolds {}

impl Job for ReleaseOverHolds {
    const KIND: &'static str = "subscriptions.release_over_holds";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        holds::release_over(&mut tx).await?;
        Ok(tx.commit().await?)
    }
}
