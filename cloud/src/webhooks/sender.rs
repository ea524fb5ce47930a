//! Sends what is due, over all ISPs: one delivery at a time to an endpoint, many endpoints at a time, so that a slow one
//! keeps no other waiting. A delivery that is not taken is tried again later and later, for three days.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::outbound::{Client, Message, Outcome};
use super::service::place;
use super::{Error, Pause, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::events;
use crate::ids::{DeliveryId, EventId, TenantId, WebhookId};

/// Endpoints sent to at once.
const SIDE_BY_SIDE: usize = 64;
/// How long a delivery is one sender's own.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How often it is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Delays before the second attempt and each further one; the last is repeated.
const DELAYS_SECONDS: [i64; 8] = [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600];
/// How long a delivery is tried again.
const TRIED_FOR: TimeDelta = TimeDelta::days(3);

/// A delivery that is due.
pub(super) struct Due {
    pub tenant: TenantId,
    pub id: DeliveryId,
    pub webhook: WebhookId,
    pub event: Option<EventId>,
    pub attempts: i32,
    pub begun_at: DateTime<Utc>,
}

/// Sends until `stop` changes.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let client = Client::new(app.config.webhooks_private)?;
    let (mut sending, mut busy) = (JoinSet::new(), BTreeSet::new());
    let mut moved = app.clock.moved();
    while !*stop.borrow() {
        match claim(&app, &busy, SIDE_BY_SIDE - sending.len()).await {
            Ok(due) => {
                for due in due {
                    busy.insert(due.webhook);
                    sending.spawn(send(app.clone(), client.clone(), due));
                }
            }
            Err(error) => tracing::error!(error = %error, "could not look for webhooks to send"),
        }
        tokio::select! {
            Some(sent) = sending.join_next() => {
                // A task that panicked took its name along: look again who is busy when all are done.
                match sent {
                    Ok(webhook) => { busy.remove(&webhook); }
                    Err(error) => tracing::error!(%error, "sending a webhook failed"),
                }
                if sending.is_empty() {
                    busy.clear();
                }
            }
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = moved.changed() => {}
            () = crate::http::server::stopped(&mut stop) => {}
        }
    }
    // What is on its way may arrive; what does not settle in time is sent again: receivers know ids.
    let _in_time =
        tokio::time::timeout(Duration::from_secs(5), async { while sending.join_next().await.is_some() {} }).await;
    Ok(())
}

async fn claim(app: &App, busy: &BTreeSet<WebhookId>, room: usize) -> Result<Vec<Due>, Error> {
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut tx = app.db.platform().await?;
    let until = tx.at() + LEASE;
    let busy: Vec<_> = busy.iter().map(|id| id.uuid()).collect();
    let due = store::claim(&mut tx, &busy, until, i64::try_from(room).unwrap_or(1)).await?;
    tx.commit().await?;
    Ok(due)
}

/// Sends one delivery and settles it; says whose turn is over.
async fn send(app: App, client: Client, due: Due) -> WebhookId {
    let webhook = due.webhook;
    let scope = Scope::system(due.tenant);
    match attempt(&app, &client, &scope, &due).await {
        Ok(()) => {}
        Err(error) => {
            tracing::error!(delivery = %due.id, error = %error, "a webhook could not be sent");
            // What cannot even be prepared is tried later and later, and given up, like what is not taken.
            let outcome =
                Outcome { status: None, body: String::new(), error: error.to_string(), duration: Duration::ZERO };
            if let Err(error) = note(&app, &scope, &due, &outcome).await {
                tracing::error!(delivery = %due.id, error = %error, "what became of a webhook could not be noted");
            }
        }
    }
    webhook
}

async fn attempt(app: &App, client: &Client, scope: &Scope, due: &Due) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let Some(endpoint) = store::endpoint(&mut tx, due.webhook).await? else { return Ok(()) };
    let now = tx.at();
    let mut secrets = vec![app.secrets.unseal_text(place(&tx, due.webhook), &endpoint.sealed_secret)?];
    if let Some(old) = endpoint.sealed_old.filter(|_| endpoint.old_until.is_some_and(|until| until > now)) {
        secrets.push(app.secrets.unseal_text(place(&tx, due.webhook), &old)?);
    }
    let body = payload(&mut tx, due.id, due.event).await?;
    drop(tx);
    let id = due.event.map_or_else(|| due.id.to_string(), |event| event.to_string());
    let message = Message { url: &endpoint.url, id: &id, at: now.timestamp(), body: &body, secrets: &secrets };
    let outcome = client.post(&message).await;
    let label = if outcome.is_taken() { "delivered" } else { "failed" };
    metrics::counter!("weir_webhook_attempts_total", "outcome" => label).increment(1);
    note(app, scope, due, &outcome).await
}

async fn note(app: &App, scope: &Scope, due: &Due, outcome: &Outcome) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    settle(&mut tx, due, outcome).await?;
    Ok(tx.commit().await?)
}

/// What is sent: the same bytes at every attempt.
pub(super) async fn payload(tx: &mut TenantTx, id: DeliveryId, event: Option<EventId>) -> Result<String, Error> {
    let tenant = tx.tenant();
    let event = match event {
        Some(event) => events::event(tx, event).await?,
        None => None,
    };
    let payload = match event {
        Some(event) => json!({
            "type": event.kind, "timestamp": event.at, "id": event.id, "tenant_id": tenant, "actor": event.actor,
            "subject": event.subject, "account_id": event.account_id, "data": event.data,
        }),
        None => json!({
            "type": "webhook.test", "timestamp": store::created_at(tx, id).await?, "id": id, "tenant_id": tenant,
            "data": { "message": "nothing happened: this is a test" },
        }),
    };
    Ok(payload.to_string())
}

async fn settle(tx: &mut TenantTx, due: &Due, outcome: &Outcome) -> Result<(), Error> {
    let number = due.attempts + 1;
    store::insert_attempt(tx, due.id, number, outcome).await?;
    if outcome.is_taken() {
        return Ok(store::settle(tx, due.id, number, "delivered", None).await?);
    }
    let next = tx.at() + delay(number);
    let gone = outcome.status == Some(410);
    if !gone && next <= due.begun_at + TRIED_FOR {
        return Ok(store::settle(tx, due.id, number, "pending", Some(next)).await?);
    }
    store::settle(tx, due.id, number, "failed", None).await?;
    let because = if gone { Pause::Gone } else { Pause::Failing };
    if store::pause(tx, due.webhook, because).await? {
        store::give_up(tx, due.webhook).await?;
        audit::record(tx, "pause webhook", due.webhook, json!({ "because": because, "error": outcome.error })).await?;
    }
    Ok(())
}

fn delay(attempts: i32) -> TimeDelta {
    let n = usize::try_from(attempts - 1).unwrap_or(0).min(DELAYS_SECONDS.len() - 1);
    TimeDelta::seconds(DELAYS_SECONDS[n])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_six_hours() {
        let seconds: Vec<_> = (1..=10).map(|attempts| delay(attempts).num_seconds()).collect();
        assert_eq!(seconds, [5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 21_600, 21_600]);
    }
}
