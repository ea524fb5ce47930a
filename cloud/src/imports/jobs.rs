//! What imports do in the background.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Scope;
use crate::ids::ImportId;
use crate::jobs::Job;

/// Goes through the rows of an import: to check them, or to bring them in.
#[derive(Serialize, Deserialize)]
pub struct WorkOnImport {
    /// Which.
    pub import: ImportId,
}

impl Job for WorkOnImport {
    const KIND: &'static str = "imports.work";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        super::service::work(&app, scope.tenant, self.import).await
    }
}
