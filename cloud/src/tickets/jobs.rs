//! Jobs of tickets.

use serde::{Deserialize, Serialize};

use super::clocks;
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Notes missed promises, and closes what stayed solved; every minute.
#[derive(Serialize, Deserialize)]
pub struct WatchPromises {}

impl Job for WatchPromises {
    const KIND: &'static str = "tickets.watch_promises";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        Ok(clocks::watch(&app, &scope).await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
