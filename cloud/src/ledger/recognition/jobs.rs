//! The daily recognition.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Earns the revenue of days that are over; looked for every hour.
#[derive(Serialize, Deserialize)]
pub struct RecogniseRevenue {}

impl Job for RecogniseRevenue {
    const KIND: &'static str = "ledger.recognise_revenue";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        super::recognise_if_due(&app, &scope).await?;
        Ok(())
    }
}
