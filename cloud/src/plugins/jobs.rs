//! Work of plugins: calls are forgotten when they are old.

use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// How long a call is kept.
const KEPT: chrono::TimeDelta = chrono::TimeDelta::days(90);

/// Forgets calls older than ninety days. What a rule did to an invoice line stands on the line for ever.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldCalls {}

impl Job for ForgetOldCalls {
    const KIND: &'static str = "plugins.forget_old_calls";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let before = tx.at() - KEPT;
        store::invocations::forget(&mut tx, before).await?;
        Ok(tx.commit().await?)
    }
}
