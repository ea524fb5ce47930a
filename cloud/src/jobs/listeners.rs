//! Who is told what happened: each listener by a job of its own, so that one in trouble keeps no other waiting.

use serde::{Deserialize, Serialize};

use super::Job;
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
        let mut tx = app.db.read(&scope).await?;
        let Some(event) = events::event(&mut tx, self.event).await? else {
            anyhow::bail!("no such event: {}", self.event)
        };
        drop(tx);
        match self.listener {
            Listener::Notifications => Ok(notifications::listen(&app, &scope, &event).await?),
            Listener::Dunning => Ok(dunning::listen(&app, &scope, &event).await?),
            Listener::Plugins => Ok(plugins::listen(&app, &scope, &event).await?),
            Listener::Payments => Ok(payments::listen(&app, &scope, &event).await?),
            Listener::Webhooks => Ok(webhooks::listen(&app, &scope, &event).await?),
        }
    }
}
