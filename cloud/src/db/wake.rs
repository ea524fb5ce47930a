//! Tells gateways that agents have new desired state: one coalesced notification, after the commit, never inside it.
//!
//! A lost wake costs at most one sweep of the gateway; correctness never depends on it.

use std::collections::BTreeSet;

use sqlx::PgPool;
use tokio::sync::mpsc;

use crate::ids::AgentId;

/// Channel of the notifications; the payload is agent ids, separated by spaces.
pub const WAKE_CHANNEL: &str = "weir_wake";

/// A notification's payload must stay under 8,000 bytes.
const AGENTS_A_NOTIFICATION: usize = 200;

/// Sends wakes in the background.
#[derive(Clone)]
pub struct Wake(mpsc::UnboundedSender<BTreeSet<AgentId>>);

impl Wake {
    pub(super) fn start(pool: PgPool) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        tokio::spawn(send_all(pool, receiver));
        Self(sender)
    }

    pub(super) fn send(&self, agents: BTreeSet<AgentId>) {
        if !agents.is_empty() && self.0.send(agents).is_err() {
            tracing::debug!("no longer sending wakes: shutting down");
        }
    }
}

async fn send_all(pool: PgPool, mut receiver: mpsc::UnboundedReceiver<BTreeSet<AgentId>>) {
    while let Some(mut agents) = receiver.recv().await {
        while let Ok(more) = receiver.try_recv() {
            agents.extend(more);
        }
        let agents: Vec<_> = agents.iter().map(ToString::to_string).collect();
        for some in agents.chunks(AGENTS_A_NOTIFICATION) {
            let payload = some.join(" ");
            if let Err(error) = sqlx::query!("SELECT pg_notify($1, $2)", WAKE_CHANNEL, payload).execute(&pool).await {
                tracing::warn!(%error, "could not wake gateways; they will notice at their next sweep");
            }
        }
    }
}
