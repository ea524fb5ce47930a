//! SQL of webhooks.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::outbound::Outcome;
use super::sender::Due;
use super::{Attempt, Delivery, DeliveryStatus, Pause, Webhook};
use crate::db::{PlatformTx, TenantTx};
use crate::events::EventKind;
use crate::http::paging::Page;
use crate::ids::{DeliveryId, EventId, WebhookId};

/// What a delivery needs to know of its endpoint.
pub struct Endpoint {
    pub url: String,
    pub sealed_secret: Vec<u8>,
    pub sealed_old: Option<Vec<u8>>,
    pub old_until: Option<DateTime<Utc>>,
}

struct Row {
    id: WebhookId,
    url: String,
    description: String,
    kinds: Vec<String>,
    created_at: DateTime<Utc>,
    old_until: Option<DateTime<Utc>>,
    paused_at: Option<DateTime<Utc>>,
    paused_because: Option<Pause>,
}

impl From<Row> for Webhook {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            url: row.url,
            description: row.description,
            kinds: row.kinds.iter().filter_map(|kind| EventKind::from_name(kind)).collect(),
            created_at: row.created_at,
            old_secret_until: row.old_until,
            paused_at: row.paused_at,
            paused_because: row.paused_because,
        }
    }
}

pub async fn list(tx: &mut TenantTx) -> Result<Vec<Webhook>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", url, description, kinds, created_at, old_until, paused_at, paused_because AS "paused_because: _"
           FROM webhooks ORDER BY id"#
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(Webhook::from).collect())
}

pub async fn get(tx: &mut TenantTx, id: WebhookId) -> Result<Option<Webhook>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", url, description, kinds, created_at, old_until, paused_at, paused_because AS "paused_because: _"
           FROM webhooks WHERE id = $1"#,
        id.uuid()
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(Webhook::from))
}

pub async fn endpoint(tx: &mut TenantTx, id: WebhookId) -> Result<Option<Endpoint>, sqlx::Error> {
    sqlx::query_as!(Endpoint, "SELECT url, sealed_secret, sealed_old, old_until FROM webhooks WHERE id = $1", id.uuid())
        .fetch_optional(tx.conn())
        .await
}

pub async fn insert(
    tx: &mut TenantTx,
    id: WebhookId,
    url: &str,
    description: &str,
    kinds: &[String],
    sealed: &[u8],
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO webhooks (tenant_id, id, url, description, kinds, sealed_secret, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        id.uuid(),
        url,
        description,
        kinds,
        sealed,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn update(
    tx: &mut TenantTx,
    id: WebhookId,
    url: Option<&str>,
    description: Option<&str>,
    kinds: Option<&[String]>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET url = coalesce($2, url), description = coalesce($3, description), kinds = coalesce($4, kinds) WHERE id = $1",
        id.uuid(),
        url,
        description,
        kinds
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether it was in force until now.
pub async fn pause(tx: &mut TenantTx, id: WebhookId, because: Pause) -> Result<bool, sqlx::Error> {
    let now = tx.at();
    let paused = sqlx::query!(
        "UPDATE webhooks SET paused_at = $2, paused_because = $3 WHERE id = $1 AND paused_at IS NULL",
        id.uuid(),
        now,
        because.name()
    );
    Ok(paused.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn resume(tx: &mut TenantTx, id: WebhookId) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE webhooks SET paused_at = NULL, paused_because = NULL WHERE id = $1", id.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn rotate(
    tx: &mut TenantTx,
    id: WebhookId,
    sealed: &[u8],
    old_until: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE webhooks SET sealed_old = sealed_secret, old_until = $3, sealed_secret = $2 WHERE id = $1",
        id.uuid(),
        sealed,
        old_until
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut TenantTx, id: WebhookId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM webhooks WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

pub async fn insert_delivery(
    tx: &mut TenantTx,
    id: DeliveryId,
    webhook: WebhookId,
    event: Option<EventId>,
    kind: &str,
    status: DeliveryStatus,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    let next = (status == DeliveryStatus::Pending).then_some(now);
    sqlx::query!(
        "INSERT INTO platform.webhook_deliveries
             (tenant_id, id, webhook_id, event_id, kind, created_at, begun_at, status, next_attempt_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)
         ON CONFLICT (tenant_id, webhook_id, event_id) DO NOTHING",
        tenant.uuid(),
        id.uuid(),
        webhook.uuid(),
        event.map(EventId::uuid),
        kind,
        now,
        status.name(),
        next
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn deliveries(
    tx: &mut TenantTx,
    webhook: WebhookId,
    page: Page,
    status: Option<&str>,
) -> Result<Vec<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.id AS "id: _", d.webhook_id AS "webhook_id: _", d.event_id AS "event_id: _", d.kind, d.created_at,
                  d.status AS "status: _", d.attempts, d.next_attempt_at, a.status AS "last_status?",
                  nullif(a.error, '') AS last_error, a.duration_ms AS "last_duration_ms?"
           FROM platform.webhook_deliveries d
           LEFT JOIN webhook_attempts a ON a.delivery_id = d.id AND a.number = d.attempts
           WHERE d.webhook_id = $1 AND ($2::uuid IS NULL OR d.id < $2) AND ($3::text IS NULL OR d.status = $3)
           ORDER BY d.id DESC LIMIT $4"#,
        webhook.uuid(),
        page.after,
        status,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn delivery(tx: &mut TenantTx, id: DeliveryId) -> Result<Option<Delivery>, sqlx::Error> {
    sqlx::query_as!(
        Delivery,
        r#"SELECT d.id AS "id: _", d.webhook_id AS "webhook_id: _", d.event_id AS "event_id: _", d.kind, d.created_at,
                  d.status AS "status: _", d.attempts, d.next_attempt_at, a.status AS "last_status?",
                  nullif(a.error, '') AS last_error, a.duration_ms AS "last_duration_ms?"
           FROM platform.webhook_deliveries d
           LEFT JOIN webhook_attempts a ON a.delivery_id = d.id AND a.number = d.attempts WHERE d.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn created_at(tx: &mut TenantTx, id: DeliveryId) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar!("SELECT created_at FROM platform.webhook_deliveries WHERE id = $1", id.uuid())
        .fetch_one(tx.conn())
        .await
}

pub async fn attempts(tx: &mut TenantTx, id: DeliveryId) -> Result<Vec<Attempt>, sqlx::Error> {
    sqlx::query_as!(
        Attempt,
        "SELECT number, at, duration_ms, status, body, error FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number",
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Takes what is due, the oldest of each endpoint that is not busy, for this sender alone until `until`.
pub async fn claim(
    tx: &mut PlatformTx,
    busy: &[Uuid],
    until: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Due,
        r#"WITH turns AS (
               SELECT DISTINCT ON (d.tenant_id, d.webhook_id) d.tenant_id, d.id
               FROM platform.webhook_deliveries d
               WHERE d.status = 'pending' AND d.next_attempt_at <= $1 AND d.webhook_id <> ALL ($2)
                 AND NOT EXISTS (SELECT FROM platform.webhook_deliveries o
                     WHERE o.tenant_id = d.tenant_id AND o.webhook_id = d.webhook_id AND o.leased_until >= $1)
               ORDER BY d.tenant_id, d.webhook_id, d.next_attempt_at, d.id),
           taken AS (
               SELECT d.tenant_id, d.id FROM platform.webhook_deliveries d JOIN turns USING (tenant_id, id)
               WHERE d.status = 'pending' AND (d.leased_until IS NULL OR d.leased_until < $1)
               ORDER BY d.next_attempt_at LIMIT $4 FOR UPDATE OF d SKIP LOCKED)
           UPDATE platform.webhook_deliveries d SET leased_until = $3 FROM taken
           WHERE d.tenant_id = taken.tenant_id AND d.id = taken.id
           RETURNING d.tenant_id AS "tenant: _", d.id AS "id: _", d.webhook_id AS "webhook: _", d.event_id AS "event: _",
                     d.attempts, d.begun_at"#,
        now,
        busy,
        until,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_attempt(
    tx: &mut TenantTx,
    id: DeliveryId,
    number: i32,
    outcome: &Outcome,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO webhook_attempts (tenant_id, delivery_id, number, at, duration_ms, status, body, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, delivery_id, number) DO NOTHING",
        tenant.uuid(),
        id.uuid(),
        number,
        now,
        i32::try_from(outcome.duration.as_millis()).unwrap_or(i32::MAX),
        outcome.status.and_then(|status| i16::try_from(status).ok()),
        outcome.body,
        outcome.error
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Says what became of an attempt. One that was given up or replayed meanwhile keeps what it was told then.
pub async fn settle(
    tx: &mut TenantTx,
    id: DeliveryId,
    attempts: i32,
    status: &str,
    next: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE platform.webhook_deliveries SET attempts = $2, leased_until = NULL,
                status = CASE WHEN status = 'pending' OR $3 = 'delivered' THEN $3 ELSE status END,
                next_attempt_at = CASE WHEN status = 'pending' OR $3 = 'delivered' THEN $4 ELSE next_attempt_at END
         WHERE id = $1",
        id.uuid(),
        attempts,
        status,
        next
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gives up all that is still to be sent to an endpoint.
pub async fn give_up(tx: &mut TenantTx, webhook: WebhookId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE platform.webhook_deliveries SET status = 'failed', next_attempt_at = NULL WHERE webhook_id = $1 AND status = 'pending'",
        webhook.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn replay(tx: &mut TenantTx, id: DeliveryId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE platform.webhook_deliveries SET status = 'pending', next_attempt_at = $2, begun_at = $2 WHERE id = $1",
        id.uuid(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn replay_failed(tx: &mut TenantTx, webhook: WebhookId, since: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let now = tx.at();
    let replayed = sqlx::query!(
        "UPDATE platform.webhook_deliveries SET status = 'pending', next_attempt_at = $3, begun_at = $3
         WHERE webhook_id = $1 AND status = 'failed' AND created_at >= $2",
        webhook.uuid(),
        since,
        now
    );
    Ok(replayed.execute(tx.conn()).await?.rows_affected())
}

pub async fn delete_old(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.webhook_deliveries WHERE created_at < $1 AND status <> 'pending'", before)
        .execute(tx.conn())
        .await?;
    Ok(())
}
