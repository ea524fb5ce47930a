//! What webhooks do later.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// How long the log of deliveries is kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Forgets deliveries that were settled long ago.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldDeliveries {}

impl Job for ForgetOldDeliveries {
    const KIND: &'static str = "webhooks.forget_old_deliveries";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let before = tx.at() - KEPT;
        store::delete_old(&mut tx, before).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
