//! Who is told what happened: each listener by a job of its own, so that one in trouble keeps no other waiting.

use serde::{Deserialize, Serialize};

use super::queue::apart;
use super::{self as jobs, Job};
use crate::app::App;
use crate::db::Scope;
use crate::events::{self, Listener};
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
        tell(&app, &scope, self.listener, self.event).await
    }
}

/// Tells one listener of many events, each of which it is told of alone should it fail at it.
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
        for event in self.events {
            let (told, whose) = (app.clone(), scope);
            if let Err(error) = apart(async move { tell(&told, &whose, self.listener, event).await }).await {
                tracing::warn!(%event, listener = self.listener.name(), error = format!("{error:#}"), "is told again");
                let mut tx = app.db.begin(&scope).await?;
                let now = tx.at();
                jobs::enqueue(&mut tx, &TellListener { listener: self.listener, event }, now).await?;
                tx.commit().await?;
            }
        }
        Ok(())
    }
}

async fn tell(app: &App, scope: &Scope, listener: Listener, id: EventId) -> anyhow::Result<()> {
    let mut tx = app.db.read(scope).await?;
    let Some(event) = events::event(&mut tx, id).await? else { anyhow::bail!("no such event: {id}") };
    drop(tx);
    match listener {
        Listener::Notifications => Ok(notifications::listen(app, scope, &event).await?),
        Listener::Dunning => Ok(dunning::listen(app, scope, &event).await?),
        Listener::Plugins => Ok(plugins::listen(app, scope, &event).await?),
        Listener::Payments => Ok(payments::listen(app, scope, &event).await?),
        Listener::Webhooks => Ok(webhooks::listen(app, scope, &event).await?),
    }
}
