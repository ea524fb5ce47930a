//! The nightly check.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Checks the books if nobody has today; looked for every hour.
#[derive(Serialize, Deserialize)]
pub struct CheckBooks {}

impl Job for CheckBooks {
    const KIND: &'static str = "books.check";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        super::check_if_due(&app, &scope).await?;
        Ok(())
    }
}
