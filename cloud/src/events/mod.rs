//! News: what happened, written in the transaction of the change and told to every listener afterwards, at least once.
//!
//! A slice that comes later in the order hears of an earlier one only this way. Start with [`publish`].

mod model;
mod store;

use serde_json::Value;

use crate::db::{Error, TenantTx};
use crate::ids::{AccountId, EventId};
use crate::jobs::{self, TellListener};

pub use model::{Event, EventKind, Listener};

/// Says what happened to `subject`, an id; `data` holds the facts a listener needs, amounts as exact decimals, no secrets.
pub async fn publish(
    tx: &mut TenantTx,
    kind: EventKind,
    subject: impl ToString,
    account: Option<AccountId>,
    data: Value,
) -> Result<EventId, Error> {
    let now = tx.at();
    let event = Event {
        id: tx.new_id(),
        at: now,
        actor: tx.actor().to_string(),
        kind,
        subject: subject.to_string(),
        account_id: account,
        data,
    };
    store::insert(tx, &event).await?;
    let tenants_own = store::tenants_own_listeners(tx, kind).await?;
    let wants =
        |listener: &Listener| !listener.is_tenants_own() || tenants_own.iter().any(|own| own == listener.name());
    for listener in Listener::ALL.into_iter().filter(|listener| listener.hears(kind)).filter(wants) {
        jobs::enqueue(tx, &TellListener { listener, event: event.id }, now).await?;
    }
    Ok(event.id)
}

/// One event; `None` when there is none.
pub async fn event(tx: &mut TenantTx, id: EventId) -> Result<Option<Event>, Error> {
    Ok(store::find(tx, id).await?)
}

/// The newest events of a kind about one subject, newest first.
pub async fn about(
    tx: &mut TenantTx,
    kind: EventKind,
    subject: impl ToString,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    Ok(store::about(tx, kind, &subject.to_string(), limit.into()).await?)
}
