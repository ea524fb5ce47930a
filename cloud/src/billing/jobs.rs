//! Work of billing: a run, piece by piece, and the daily look for what is due.

use serde::{Deserialize, Serialize};

use super::{RunWish, due, runs};
use crate::app::App;
use crate::db::Scope;
use crate::ids::BillingRunId;
use crate::jobs::Job;
use crate::usage;

/// Works on a run, beside others that do.
#[derive(Serialize, Deserialize)]
pub struct WorkOnRun {
    /// The run.
    pub run: BillingRunId,
    /// Which of those at work on it at once.
    #[serde(default)]
    pub hand: u16,
    /// How many batches those before it worked on.
    #[serde(default)]
    pub turn: i64,
}

impl Job for WorkOnRun {
    const KIND: &'static str = "billing.work_on_run";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {} {}", self.run, self.hand, self.turn))
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        Ok(runs::work(&app, &scope, &self).await?)
    }
}

/// Goes on with the run at work, or starts one up to the ISP's local day if anything is due.
#[derive(Serialize, Deserialize)]
pub struct StartDueRun {}

impl Job for StartDueRun {
    const KIND: &'static str = "billing.start_due_run";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        usage::merge_all(&app, &scope).await?;
        let mut tx = app.db.begin(&scope).await?;
        if runs::resume(&mut tx, false).await? {
            return Ok(tx.commit().await?);
        }
        if due::anything(&mut tx).await? {
            let as_of = runs::today(&mut tx).await?;
            match super::start_run(&mut tx, &RunWish { as_of }).await {
                Ok(_) => tx.commit().await?,
                // Whatever it leaves is found at the next look.
                Err(super::Error::RunInProgress { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Goes on with whatever run was at work when the worker before this one ended, however it did.
pub async fn go_on(app: &App) -> Result<(), super::Error> {
    for tenant in app.db.tenants().await? {
        let mut tx = app.db.begin(&Scope::system(tenant)).await?;
        runs::resume(&mut tx, true).await?;
        tx.commit().await?;
    }
    Ok(())
}
