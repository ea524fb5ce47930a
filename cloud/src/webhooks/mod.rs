//! Programs elsewhere that are told what happened: endpoints, signed deliveries, retries, a log. Not what routers are told.
//!
//! [`listen`] hears of an event and writes a delivery for every endpoint that wants it; [`sender`] sends what is due. The
//! form is that of Standard Webhooks; `docs/webhooks.md` tells receivers how to check it.

pub mod api;
pub mod error;
pub mod jobs;
mod model;
mod outbound;
pub mod sender;
mod service;
mod store;

pub use error::Error;
pub use model::{
    Attempt, Delivery, DeliveryDetail, DeliveryStatus, MadeWebhook, NewWebhook, Pause, Webhook, WebhookChange,
};
pub use service::{
    add, change, deliveries, delivery, listen, remove, replay, replay_failed, resume, rotate_secret, send_test,
    webhook, webhooks,
};
