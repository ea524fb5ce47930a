//! What pauses do later.

use serde::{Deserialize, Serialize};

use super::{keep, turning};
use crate::app::App;
use crate::db::Scope;
use crate::jobs::Job;

/// Closes the lines whose pause has begun, and opens those whose pause is over.
#[derive(Serialize, Deserialize)]
pub struct KeepPauses {}

impl Job for KeepPauses {
    const KIND: &'static str = "deals.keep_pauses";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(&scope).await?;
        let turning = turning(&mut tx).await?;
        drop(tx);
        let mut failed = None;
        for id in turning {
            let mut tx = app.db.begin(&scope).await?;
            match keep(&mut tx, id).await {
                Ok(()) => tx.commit().await?,
                // One line that cannot be closed or opened keeps no other from it.
                Err(error) => {
                    tracing::error!(pause = %id, %error, "a pause cannot be kept");
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(()), |error| Err(error.into()))
    }
}
