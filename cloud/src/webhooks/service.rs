//! The verbs: add, change, rotate, pause, test, replay; and hearing of events.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{
    Delivery, DeliveryDetail, DeliveryStatus, Error, MadeWebhook, NewWebhook, Pause, Webhook, WebhookChange, outbound,
    sender, store,
};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::error::FieldError;
use crate::events::{Event, EventKind};
use crate::http::paging::Page;
use crate::ids::{DeliveryId, WebhookId};
use crate::secrets::Place;

/// How long the secret before still signs after a rotation.
const OVERLAP: TimeDelta = TimeDelta::hours(24);
/// Longest address, in characters.
const URL_MAX: usize = 500;
/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 200;
/// Kind of a delivery that tells of nothing.
const TEST: &str = "webhook.test";

/// The ISP's webhooks, the oldest first.
pub async fn webhooks(tx: &mut TenantTx) -> Result<Vec<Webhook>, Error> {
    Ok(store::list(tx).await?)
}

/// One webhook.
pub async fn webhook(tx: &mut TenantTx, id: WebhookId) -> Result<Webhook, Error> {
    store::get(tx, id).await?.ok_or(Error::NotFound(id))
}

/// Adds a webhook; its secret is in the answer alone.
pub async fn add(app: &App, tx: &mut TenantTx, new: NewWebhook) -> Result<MadeWebhook, Error> {
    let (url, description) = (new.url.trim().to_owned(), new.description.trim().to_owned());
    check(app, Some(&url), Some(&description))?;
    let (id, secret): (WebhookId, _) = (tx.new_id(), outbound::new_secret()?);
    let sealed = app.secrets.seal(place(tx, id), secret.as_bytes())?;
    store::insert(tx, id, &url, &description, &names(&new.kinds), &sealed).await?;
    audit::record(tx, "add webhook", id, json!({ "url": url, "kinds": new.kinds })).await?;
    Ok(MadeWebhook { webhook: webhook(tx, id).await?, secret })
}

/// Changes a webhook. What fails while it is paused is kept in the log and can be replayed.
pub async fn change(app: &App, tx: &mut TenantTx, id: WebhookId, wish: WebhookChange) -> Result<Webhook, Error> {
    let before = webhook(tx, id).await?;
    let url = wish.url.map(|url| url.trim().to_owned());
    let description = wish.description.map(|text| text.trim().to_owned());
    check(app, url.as_deref(), description.as_deref())?;
    let kinds = wish.kinds.map(|kinds| names(&kinds));
    store::update(tx, id, url.as_deref(), description.as_deref(), kinds.as_deref()).await?;
    match wish.paused {
        Some(true) if store::pause(tx, id, Pause::ByHand).await? => store::give_up(tx, id).await?,
        Some(false) => store::resume(tx, id).await?,
        Some(true) | None => {}
    }
    let after = webhook(tx, id).await?;
    audit::record(tx, "change webhook", id, json!({ "before": before, "after": after })).await?;
    Ok(after)
}

/// Sends to a paused webhook again: what happens from now on.
pub async fn resume(tx: &mut TenantTx, id: WebhookId) -> Result<Webhook, Error> {
    webhook(tx, id).await?;
    store::resume(tx, id).await?;
    audit::record(tx, "resume webhook", id, json!({})).await?;
    webhook(tx, id).await
}

/// Gives a webhook a new secret. For a day deliveries are signed with both.
pub async fn rotate_secret(app: &App, tx: &mut TenantTx, id: WebhookId) -> Result<MadeWebhook, Error> {
    webhook(tx, id).await?;
    let secret = outbound::new_secret()?;
    let sealed = app.secrets.seal(place(tx, id), secret.as_bytes())?;
    let until = tx.at() + OVERLAP;
    store::rotate(tx, id, &sealed, until).await?;
    audit::record(tx, "rotate webhook secret", id, json!({ "old_until": until })).await?;
    Ok(MadeWebhook { webhook: webhook(tx, id).await?, secret })
}

/// Removes a webhook with its log.
pub async fn remove(tx: &mut TenantTx, id: WebhookId) -> Result<(), Error> {
    let before = webhook(tx, id).await?;
    store::delete(tx, id).await?;
    Ok(audit::record(tx, "remove webhook", id, json!(before)).await?)
}

/// Sends a test to a webhook.
pub async fn send_test(tx: &mut TenantTx, id: WebhookId) -> Result<Delivery, Error> {
    in_force(tx, id).await?;
    let delivery: DeliveryId = tx.new_id();
    store::insert_delivery(tx, delivery, id, None, TEST, DeliveryStatus::Pending).await?;
    found(tx, delivery).await
}

/// A page of what was sent to a webhook, the newest first.
pub async fn deliveries(
    tx: &mut TenantTx,
    id: WebhookId,
    page: Page,
    status: Option<DeliveryStatus>,
) -> Result<Vec<Delivery>, Error> {
    webhook(tx, id).await?;
    Ok(store::deliveries(tx, id, page, status.map(DeliveryStatus::name)).await?)
}

/// One delivery with all its attempts.
pub async fn delivery(tx: &mut TenantTx, id: DeliveryId) -> Result<DeliveryDetail, Error> {
    let delivery = found(tx, id).await?;
    let payload = sender::payload(tx, id, delivery.event_id).await?;
    Ok(DeliveryDetail { payload, tried: store::attempts(tx, id).await?, delivery })
}

/// Sends a delivery again, with the same id and body, whatever became of it.
pub async fn replay(tx: &mut TenantTx, id: DeliveryId) -> Result<Delivery, Error> {
    let webhook = found(tx, id).await?.webhook_id;
    in_force(tx, webhook).await?;
    store::replay(tx, id).await?;
    audit::record(tx, "replay webhook", webhook, json!({ "delivery": id })).await?;
    found(tx, id).await
}

/// Sends again all that failed since an instant; says how many deliveries.
pub async fn replay_failed(tx: &mut TenantTx, id: WebhookId, since: DateTime<Utc>) -> Result<u64, Error> {
    in_force(tx, id).await?;
    let count = store::replay_failed(tx, id, since).await?;
    audit::record(tx, "replay webhook", id, json!({ "since": since, "count": count })).await?;
    Ok(count)
}

/// Writes a delivery of an event for every webhook that wants it; once, however often it is told.
pub async fn listen(app: &App, scope: &Scope, event: &Event) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    for webhook in store::list(&mut tx).await? {
        if !webhook.kinds.is_empty() && !webhook.kinds.contains(&event.kind) || webhook.created_at > event.at {
            continue;
        }
        let status = if webhook.paused_at.is_some() { DeliveryStatus::Failed } else { DeliveryStatus::Pending };
        let id: DeliveryId = tx.new_id();
        store::insert_delivery(&mut tx, id, webhook.id, Some(event.id), event.kind.name(), status).await?;
    }
    Ok(tx.commit().await?)
}

async fn found(tx: &mut TenantTx, id: DeliveryId) -> Result<Delivery, Error> {
    store::delivery(tx, id).await?.ok_or(Error::DeliveryNotFound(id))
}

async fn in_force(tx: &mut TenantTx, id: WebhookId) -> Result<(), Error> {
    match webhook(tx, id).await?.paused_at {
        Some(_) => Err(Error::Paused(id)),
        None => Ok(()),
    }
}

fn check(app: &App, url: Option<&str>, description: Option<&str>) -> Result<(), Error> {
    let mut errors = Vec::new();
    if let Some(url) = url {
        if url.chars().count() > URL_MAX {
            errors.push(FieldError::new("url", format!("must have at most {URL_MAX} characters")));
        } else if let Err(wrong) = outbound::check_url(url, app.config.webhooks_private) {
            errors.push(FieldError::new("url", wrong));
        }
    }
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        errors.push(FieldError::new("description", format!("must have at most {DESCRIPTION_MAX} characters")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

fn names(kinds: &[EventKind]) -> Vec<String> {
    kinds.iter().map(|kind| kind.name().to_owned()).collect()
}

/// Where a webhook's secrets are sealed for.
pub(super) fn place(tx: &TenantTx, id: WebhookId) -> Place {
    Place::Tenant { tenant: tx.tenant(), column: "webhooks.secret", row: id.uuid() }
}
