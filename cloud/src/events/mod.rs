//! News: what happened, written in the transaction of the change and told to every listener afterwards, at least once.
//!
//! A slice that comes later in the order hears of an earlier one only this way. Start with [`publish`].

mod model;
mod store;

use serde_json::Value;

use crate::db::{Error, TenantTx};
use crate::ids::{AccountId, EventId};
use crate::jobs::{self, TellListener, TellListenerOfMany};

pub use model::{Event, EventKind, Listener, News};

/// How many events one job tells a listener of, where many happened at once.
const TOLD_AT_ONCE: usize = 250;
/// The same where each calls somebody's program, which takes its time: a job's lease is enough for so many.
const CALLED_AT_ONCE: usize = 50;

/// Says what happened to `subject`, an id; `data` holds the facts a listener needs, amounts as exact decimals, no secrets.
pub async fn publish(
    tx: &mut TenantTx,
    kind: EventKind,
    subject: impl ToString,
    account: Option<AccountId>,
    data: Value,
) -> Result<EventId, Error> {
    let news = News { subject: subject.to_string(), account, data };
    let told = publish_all(tx, kind, vec![news]).await?;
    told.first().copied().ok_or_else(|| sqlx::Error::RowNotFound.into())
}

/// Says that things of one kind happened, in the order given.
pub async fn publish_all(tx: &mut TenantTx, kind: EventKind, news: Vec<News>) -> Result<Vec<EventId>, Error> {
    let (now, actor) = (tx.at(), tx.actor().to_string());
    let mut events = Vec::with_capacity(news.len());
    for News { subject, account, data } in news {
        let (id, actor) = (tx.new_id(), actor.clone());
        events.push(Event { id, at: now, actor, kind, subject, account_id: account, data });
    }
    store::insert(tx, &events).await?;
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let tenants_own = store::tenants_own_listeners(tx, kind).await?;
    let wants =
        |listener: &Listener| !listener.is_tenants_own() || tenants_own.iter().any(|own| own == listener.name());
    for listener in Listener::ALL.into_iter().filter(|listener| listener.hears(kind)).filter(wants) {
        match ids.as_slice() {
            [event] => jobs::enqueue(tx, &TellListener { listener, event: *event }, now).await?,
            many => {
                let at_once = if listener.is_tenants_own() { CALLED_AT_ONCE } else { TOLD_AT_ONCE };
                for events in many.chunks(at_once) {
                    jobs::enqueue(tx, &TellListenerOfMany { listener, events: events.to_vec() }, now).await?;
                }
            }
        }
    }
    Ok(ids)
}

/// One event; `None` when there is none.
pub async fn event(tx: &mut TenantTx, id: EventId) -> Result<Option<Event>, Error> {
    Ok(events(tx, &[id]).await?.pop())
}

/// These events, in the order they happened; whichever there is not is left out.
pub async fn events(tx: &mut TenantTx, ids: &[EventId]) -> Result<Vec<Event>, Error> {
    Ok(store::find(tx, ids).await?)
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
