//! What access does later.

use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Removes a tenant's sessions that have ended, and log-ins nobody finished.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldSessions {}

impl Job for ForgetOldSessions {
    const KIND: &'static str = "access.forget_old_sessions";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        store::second_step::delete_old_challenges(&mut tx).await?;
        store::delete_expired_sessions(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
