//! Work of billing: a run, piece by piece, and the daily look for what is due.

use serde::{Deserialize, Serialize};

use super::{RunWish, due, runs};
use crate::app::App;
use crate::db::Scope;
use crate::ids::{AccountId, BillingRunId};
use crate::jobs::Job;
use crate::usage;

/// Goes on with a run after an account.
#[derive(Serialize, Deserialize)]
pub struct WorkOnRun {
    /// The run.
    pub run: BillingRunId,
    /// The last account of the job before.
    pub after: Option<AccountId>,
}

impl Job for WorkOnRun {
    const KIND: &'static str = "billing.work_on_run";

    fn unique_key(&self) -> Option<String> {
        let after = self.after.map_or_else(String::new, |account| account.to_string());
        Some(format!("{} {after}", self.run))
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        Ok(runs::work(&app, &scope, self.run, self.after).await?)
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
        usage::merge_what_is_over(&app, &scope).await?;
        let mut tx = app.db.begin(&scope).await?;
        if runs::resume(&mut tx).await? {
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
