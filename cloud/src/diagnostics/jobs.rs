//! What is forgotten.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// How long packets of a line are kept.
const PACKETS_KEPT: TimeDelta = TimeDelta::days(1);
/// How long everything else is.
const KEPT: TimeDelta = TimeDelta::days(14);

/// Forgets packets older than a day, and diagnoses older than two weeks.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldDiagnoses {}

impl Job for ForgetOldDiagnoses {
    const KIND: &'static str = "diagnostics.forget_old";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let now = tx.at();
        store::forget_packets(&mut tx, now - PACKETS_KEPT).await?;
        store::forget(&mut tx, now - KEPT).await?;
        Ok(tx.commit().await?)
    }
}
