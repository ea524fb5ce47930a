//! Endpoints and what was sent to them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::events::EventKind;
use crate::ids::{DeliveryId, EventId, WebhookId};

/// A program elsewhere that is told what happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Which.
    pub id: WebhookId,
    /// Where deliveries are posted to.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// The kinds of events it is told of; all of them if empty.
    pub kinds: Vec<EventKind>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when deliveries are signed with the secret before, too.
    pub old_secret_until: Option<DateTime<Utc>>,
    /// Since when nothing is sent.
    pub paused_at: Option<DateTime<Utc>>,
    /// Why nothing is sent.
    pub paused_because: Option<Pause>,
}

/// Why an endpoint is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = WebhookPause)]
pub enum Pause {
    /// Somebody wanted it.
    ByHand,
    /// It took nothing for three days.
    Failing,
    /// It answered that it is gone for good (410).
    Gone,
}

impl Pause {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::ByHand => "by_hand",
            Self::Failing => "failing",
            Self::Gone => "gone",
        }
    }
}

/// An endpoint to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where to post to; https.
    #[schema(example = "https://books.example.net/weir")]
    pub url: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The kinds of events it wants; all of them if absent.
    #[serde(default)]
    pub kinds: Vec<EventKind>,
}

/// A change of an endpoint; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Where to post to; https.
    pub url: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The kinds of events it wants; all of them if empty.
    pub kinds: Option<Vec<EventKind>>,
    /// Whether nothing is to be sent for now.
    pub paused: Option<bool>,
}

/// An endpoint with its secret, shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeWebhook {
    /// The endpoint.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// What its deliveries are signed with.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    pub secret: String,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// What is sent to an endpoint.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Which.
    pub id: DeliveryId,
    /// To which endpoint.
    pub webhook_id: WebhookId,
    /// Of which event; null for a test.
    pub event_id: Option<EventId>,
    /// The kind of event, or `webhook.test`.
    #[schema(example = "invoice.issued")]
    pub kind: String,
    /// When the event happened.
    pub created_at: DateTime<Utc>,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: i32,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// What the endpoint answered last, as an HTTP status.
    pub last_status: Option<i16>,
    /// What kept it from being taken last, in words.
    pub last_error: Option<String>,
    /// How long the last attempt took.
    pub last_duration_ms: Option<i32>,
}

/// An attempt to deliver.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub struct Attempt {
    /// The how-manieth.
    pub number: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: i32,
    /// What was answered, as an HTTP status; null when nothing was.
    pub status: Option<i16>,
    /// The first two kilobytes of the answer.
    pub body: String,
    /// What kept it from being taken; empty when it was.
    pub error: String,
}

/// A delivery with all its attempts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// What is sent, to the byte.
    pub payload: String,
    /// Every attempt, the first one first.
    pub tried: Vec<Attempt>,
}
