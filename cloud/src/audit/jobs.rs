//! What the audit log does later.

use serde::{Deserialize, Serialize};

use super::chain;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Gives the entries written since the last time their places in the chain.
#[derive(Serialize, Deserialize)]
pub struct LinkEntries {}

impl Job for LinkEntries {
    const KIND: &'static str = "audit.link_entries";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut reached = None;
        loop {
            let mut tx = app.db.begin(&scope).await?;
            let linked = chain::link(&mut tx, reached).await?;
            tx.commit().await?;
            if linked.is_none() {
                return Ok(());
            }
            reached = linked;
        }
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
