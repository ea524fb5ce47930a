//! News of other slices: an invoice that is due the day it is issued is charged the same day.

use super::jobs::ChargeAccount;
use crate::app::App;
use crate::db::Scope;
use crate::events::{Event, EventKind};
use crate::jobs;

/// Hears an event. Heard again it changes nothing: what is charged is decided by what is owed.
pub async fn listen(app: &App, scope: &Scope, event: &Event) -> anyhow::Result<()> {
    if let (EventKind::InvoiceIssued, Some(account)) = (event.kind, event.account_id) {
        let mut tx = app.db.begin(scope).await?;
        let at = tx.at();
        jobs::enqueue(&mut tx, &ChargeAccount { account }, at).await?;
        tx.commit().await?;
    }
    Ok(())
}
