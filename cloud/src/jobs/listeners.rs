//! Who is told what happened: each listener by a job of its own, so that one in trouble keeps no other waiting.

use serde::{Deserialize, Serialize};

use super::queue::apart;
use super::{self as jobs, Job};
use crate::app::App;
use crate::db::Scope;
use crate::events::{self, Event, Listener};
use crate::ids::EventId;
use crate::{dunning, notifications, payments, plugins, webhooks};

/// Tells one listener of one event.
#[derive(Serialize, Deserialize)]
pub struct TellListener {
    /// Who.
    pub listener: Listener,
    /// Of what.
    pub event: EventId,
}

impl Job for TellListener {
    const KIND: &'static str = "events.tell";

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.listener.name(), self.event))
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let events = told_of(&app, &scope, &[self.event]).await?;
        tell(&app, &scope, self.listener, &events).await
    }
}

/// Tells one listener of many events; of each alone should it fail at them together.
#[derive(Serialize, Deserialize)]
pub struct TellListenerOfMany {
    /// Who.
    pub listener: Listener,
    /// Of what.
    pub events: Vec<EventId>,
}

impl Job for TellListenerOfMany {
    const KIND: &'static str = "events.tell_many";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let events = told_of(&app, &scope, &self.events).await?;
        for events in events.chunks(self.listener.hears_at_once()) {
            let (told, together) = (app.clone(), events.to_vec());
            let told = apart(async move { tell(&told, &scope, self.listener, &together).await }).await;
            let Err(error) = told else { continue };
            tracing::warn!(
                listener = self.listener.name(),
                error = format!("{error:#}"),
                "is told again, of each alone"
            );
            let alone = events.iter().map(|event| TellListener { listener: self.listener, event: event.id });
            let mut tx = app.db.begin(&scope).await?;
            let now = tx.at();
            jobs::enqueue_all(&mut tx, &Vec::from_iter(alone), now).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

async fn told_of(app: &App, scope: &Scope, ids: &[EventId]) -> anyhow::Result<Vec<Event>> {
    let mut tx = app.db.read(scope).await?;
    tx.look_up_by_keys().await?;
    let events = events::events(&mut tx, ids).await?;
    for missing in ids.iter().filter(|id| events.iter().all(|event| event.id != **id)) {
        tracing::error!(event = %missing, "nobody can be told of an event that is not there");
    }
    Ok(events)
}

async fn tell(app: &App, scope: &Scope, listener: Listener, events: &[Event]) -> anyhow::Result<()> {
    match listener {
        Listener::Notifications => Ok(notifications::listen(app, scope, events).await?),
        Listener::Dunning => Ok(dunning::listen(app, scope, events).await?),
        Listener::Payments => Ok(payments::listen(app, scope, events).await?),
        Listener::Plugins => {
            for event in events {
                plugins::listen(app, scope, event).await?;
            }
            Ok(())
        }
        Listener::Webhooks => {
            for event in events {
                webhooks::listen(app, scope, event).await?;
            }
            Ok(())
        }
    }
}
