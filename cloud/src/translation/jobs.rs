//! What is forgotten.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::store::lookups as store;
use crate::app::App;
use crate::audit;
use crate::db::Scope;
use crate::jobs::Job;

/// Forgets the port blocks that ended longer ago than the ISP keeps them; the audit log proves that.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldPortBlocks {}

impl Job for ForgetOldPortBlocks {
    const KIND: &'static str = "translation.forget_old";

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let (blocks, newest) = store::forget(&mut tx).await?;
        if blocks > 0 {
            let tenant = tx.tenant();
            audit::record(&mut tx, "forget port blocks", tenant, json!({ "blocks": blocks, "newest_end": newest }))
                .await?;
        }
        Ok(tx.commit().await?)
    }
}
