//! SQL of calls.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{EventId, PluginId, PluginInvocationId, PluginVersionId};
use crate::plugins::calls::{About, Made, answer};
use crate::plugins::pricing::Rule;
use crate::plugins::{Invocation, InvocationSummary, Stats};

pub async fn insert(
    tx: &mut TenantTx,
    rule: &Rule,
    about: &About,
    made: &Made,
    mode: &str,
    (outcome, message): (&str, &str),
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO plugin_invocations (tenant_id, id, plugin_id, version_id, mode, subject, event_id, at, call, result, outcome, message, logs, fuel, micros)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tenant,
        made.id.uuid(),
        rule.plugin_id.uuid(),
        rule.version_id.uuid(),
        mode,
        about.subject,
        about.event.map(EventId::uuid),
        at,
        Json(&made.call) as _,
        answer(&made.reply),
        outcome,
        // The one character the database cannot hold, should a plugin say it.
        message.replace('\0', "\u{fffd}"),
        Json(logs(made)) as _,
        i64::try_from(made.reply.fuel).unwrap_or(i64::MAX),
        i64::try_from(made.reply.micros).unwrap_or(i64::MAX)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn logs(made: &Made) -> Vec<(&str, String)> {
    made.reply.logs.iter().map(|(level, text)| (level.as_str(), text.replace('\0', "\u{fffd}"))).collect()
}

struct InvocationRow {
    id: PluginInvocationId,
    plugin_id: PluginId,
    version_id: PluginVersionId,
    version: i32,
    mode: String,
    subject: String,
    event_id: Option<EventId>,
    at: DateTime<Utc>,
    outcome: String,
    message: String,
    fuel: i64,
    micros: i64,
    digest: Vec<u8>,
    call: Value,
    result: Value,
    logs: Value,
    set_aside: bool,
}

pub async fn find(tx: &mut TenantTx, id: PluginInvocationId) -> Result<Option<Invocation>, sqlx::Error> {
    let row = sqlx::query_as!(
        InvocationRow,
        r#"SELECT i.id AS "id: _", i.plugin_id AS "plugin_id: _", i.version_id AS "version_id: _", v.number AS version, i.mode, i.subject,
                  i.event_id AS "event_id: _", i.at, i.outcome, i.message, i.fuel, i.micros, v.digest, i.call, i.result, i.logs,
                  (i.mode = 'live' AND i.event_id IS NOT NULL AND NOT EXISTS (
                      SELECT FROM plugin_invocations o WHERE o.plugin_id = i.plugin_id AND o.event_id = i.event_id AND o.mode = 'live'
                        AND (o.outcome = 'ok' OR o.id > i.id))) AS "set_aside!"
           FROM plugin_invocations i JOIN plugin_versions v ON v.id = i.version_id WHERE i.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Invocation {
        summary: InvocationSummary {
            id: row.id,
            plugin_id: row.plugin_id,
            version_id: row.version_id,
            version: row.version,
            mode: row.mode,
            subject: row.subject,
            event_id: row.event_id,
            at: row.at,
            outcome: row.outcome,
            message: row.message,
            fuel: row.fuel,
            micros: row.micros,
        },
        digest: hex::encode(row.digest),
        call: row.call,
        result: row.result,
        logs: row.logs,
        set_aside: row.set_aside,
    }))
}

pub async fn page(
    tx: &mut TenantTx,
    plugin: PluginId,
    page: Page,
    set_aside: bool,
) -> Result<Vec<InvocationSummary>, sqlx::Error> {
    sqlx::query_as!(
        InvocationSummary,
        r#"SELECT i.id AS "id: _", i.plugin_id AS "plugin_id: _", i.version_id AS "version_id: _", v.number AS version, i.mode, i.subject,
                  i.event_id AS "event_id: _", i.at, i.outcome, i.message, i.fuel, i.micros
           FROM plugin_invocations i JOIN plugin_versions v ON v.id = i.version_id
           WHERE i.plugin_id = $1 AND ($2::uuid IS NULL OR i.id < $2)
             AND (NOT $4 OR (i.mode = 'live' AND i.event_id IS NOT NULL AND NOT EXISTS (
                      SELECT FROM plugin_invocations o WHERE o.plugin_id = i.plugin_id AND o.event_id = i.event_id AND o.mode = 'live'
                        AND (o.outcome = 'ok' OR o.id > i.id))))
           ORDER BY i.id DESC LIMIT $3"#,
        plugin.uuid(),
        page.after,
        page.fetch(),
        set_aside
    )
    .fetch_all(tx.conn())
    .await
}

/// Whether a plugin was told of an event before, whatever came of it.
pub async fn was_told(tx: &mut TenantTx, plugin: PluginId, event: EventId) -> Result<bool, sqlx::Error> {
    Ok(told(tx, plugin, event).await?.is_some())
}

/// The last time a plugin was told of an event.
pub async fn told(
    tx: &mut TenantTx,
    plugin: PluginId,
    event: EventId,
) -> Result<Option<PluginInvocationId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: _" FROM plugin_invocations WHERE plugin_id = $1 AND event_id = $2 AND mode = 'live' ORDER BY id DESC LIMIT 1"#,
        plugin.uuid(),
        event.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// What a plugin answered to the last events.
pub async fn answers(tx: &mut TenantTx, plugin: PluginId) -> Result<Vec<(EventId, Value)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT event_id AS "event_id!: EventId", result FROM plugin_invocations
           WHERE plugin_id = $1 AND event_id IS NOT NULL AND mode = 'live' AND outcome = 'ok' ORDER BY id DESC LIMIT 1000"#,
        plugin.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.event_id, row.result)).collect())
}

pub async fn stats(tx: &mut TenantTx, plugin: PluginId) -> Result<Stats, sqlx::Error> {
    sqlx::query_as!(
        Stats,
        r#"SELECT count(*) AS "calls!", count(*) FILTER (WHERE outcome <> 'ok') AS "faults!",
                  coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY micros), 0) AS "p50_micros!",
                  coalesce(percentile_disc(0.99) WITHIN GROUP (ORDER BY micros), 0) AS "p99_micros!",
                  (SELECT count(*) FROM plugin_invocations i
                   WHERE i.plugin_id = $1 AND i.mode = 'live' AND i.event_id IS NOT NULL AND NOT EXISTS (
                       SELECT FROM plugin_invocations o WHERE o.plugin_id = i.plugin_id AND o.event_id = i.event_id AND o.mode = 'live'
                         AND (o.outcome = 'ok' OR o.id > i.id))) AS "set_aside!"
           FROM (SELECT outcome, micros FROM plugin_invocations WHERE plugin_id = $1 AND mode = 'live' ORDER BY id DESC LIMIT 1000) recent"#,
        plugin.uuid()
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn forget(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM plugin_invocations WHERE at < $1", before).execute(tx.conn()).await?;
    Ok(())
}
