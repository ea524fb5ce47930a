//! The hourly check.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Judges every account that owes or is held.
#[derive(Serialize, Deserialize)]
pub struct CheckOverdue {}

impl Job for CheckOverdue {
    const KIND: &'static str = "dunning.check_overdue";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        super::check(&app, &scope).await?;
        Ok(())
    }
}
