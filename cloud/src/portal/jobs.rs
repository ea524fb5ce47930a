//! What the portal does later.

use serde::{Deserialize, Serialize};

use super::store;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Removes a tenant's sessions and links that have ended.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldPortalSessions {}

impl Job for ForgetOldPortalSessions {
    const KIND: &'static str = "portal.forget_old_sessions";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        store::delete_expired(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
