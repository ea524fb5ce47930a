//! What messages do later: being sent.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::db::Scope;
use crate::ids::MessageId;
use crate::jobs::Job;

/// Gives a message to its server, once. What the server puts off is queued again with a growing delay.
#[derive(Serialize, Deserialize)]
pub struct SendMessage {
    /// Which.
    pub message: MessageId,
    /// How often it was given to a server before.
    pub attempts: i32,
}

impl Job for SendMessage {
    const KIND: &'static str = "notifications.send_message";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.message, self.attempts))
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        Ok(super::deliver::deliver(&app, &scope, self.message, self.attempts).await?)
    }
}
