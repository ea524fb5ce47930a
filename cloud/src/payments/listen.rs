//! News of other slices: an invoice that is due the day it is issued is charged the same day.

use super::Error;
use super::jobs::ChargeAccount;
use super::store::methods;
use crate::app::App;
use crate::db::Scope;
use crate::events::{Event, EventKind};
use crate::{billing, jobs};

/// Hears events. Heard again they change nothing: what is charged is decided by what is owed.
pub async fn listen(app: &App, scope: &Scope, events: &[Event]) -> Result<(), Error> {
    let issued = events.iter().filter(|event| event.kind == EventKind::InvoiceIssued);
    let accounts: Vec<_> = issued.filter_map(|event| event.account_id).collect();
    let mut tx = app.db.begin(scope).await?;
    tx.look_up_by_keys().await?;
    let (today, at) = (billing::today(&mut tx).await?, tx.at());
    let due = methods::to_charge(&mut tx, today, Some(&accounts)).await?;
    let charges: Vec<_> = due.into_iter().map(|account| ChargeAccount { account }).collect();
    jobs::enqueue_all(&mut tx, &charges, at).await?;
    Ok(tx.commit().await?)
}
