//! Why a webhook could not be changed or replayed.

use crate::db;
use crate::error::{FieldError, Problem};
use crate::ids::{DeliveryId, WebhookId};

crate::kinds! {
    WEBHOOK_NOT_FOUND = 404 "webhook-not-found", "There is no such webhook", "Check the id, or list the webhooks.";
    DELIVERY_NOT_FOUND = 404 "delivery-not-found", "There is no such delivery", "Deliveries are kept for thirty days. List those of the webhook.";
    WEBHOOK_PAUSED = 409 "webhook-paused", "The webhook is paused", "Resume the webhook first, then send again.";
}

/// Why a webhook could not be changed or replayed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No webhook has this id.
    #[error("there is no webhook {0}")]
    NotFound(WebhookId),
    /// No delivery has this id.
    #[error("there is no delivery {0}")]
    DeliveryNotFound(DeliveryId),
    /// Nothing is sent to it.
    #[error("the webhook {0} is paused")]
    Paused(WebhookId),
    /// Fields cannot be as they were sent.
    #[error("{} of the webhook's fields cannot be as sent", .0.len())]
    Invalid(Vec<FieldError>),
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Secrets(#[from] crate::secrets::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] db::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound(_) => Self::new(&WEBHOOK_NOT_FOUND, &error),
            Error::DeliveryNotFound(_) => Self::new(&DELIVERY_NOT_FOUND, &error),
            Error::Paused(_) => Self::new(&WEBHOOK_PAUSED, &error),
            Error::Invalid(errors) => Self::invalid(errors),
            Error::Secrets(_) | Error::Db(_) => Self::internal(&error),
        }
    }
}
