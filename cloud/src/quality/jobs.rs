//! What is forgotten.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// How long hours and probes are kept.
pub const KEPT: TimeDelta = TimeDelta::days(14);

/// Forgets hours and probes older than two weeks.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldQuality {}

impl Job for ForgetOldQuality {
    const KIND: &'static str = "quality.forget_old";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let before = tx.at() - KEPT;
        store::hours::forget(&mut tx, before).await?;
        store::probes::forget(&mut tx, before).await?;
        Ok(tx.commit().await?)
    }
}
