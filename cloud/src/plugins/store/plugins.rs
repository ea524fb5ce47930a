//! SQL of plugins and their settings.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use weir_plugin_host::call::Hook;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{EventId, PluginId, PluginVersionId};
use crate::plugins::pricing::Rule;
use crate::plugins::{Plugin, PluginStatus, Settings};

struct PluginRow {
    id: PluginId,
    name: String,
    hook: String,
    active_version_id: Option<PluginVersionId>,
    previous_version_id: Option<PluginVersionId>,
    revision: i32,
    entries: Json<BTreeMap<String, String>>,
    limit_percent: i32,
    effects: Vec<String>,
    events: Vec<String>,
    paused_at: Option<DateTime<Utc>>,
    paused_because: Option<String>,
    created_by: String,
    created_at: DateTime<Utc>,
}

impl TryFrom<PluginRow> for Plugin {
    type Error = sqlx::Error;

    fn try_from(row: PluginRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.id,
            hook: Hook::from_name(&row.hook).ok_or_else(|| sqlx::Error::Decode(row.hook.into()))?,
            name: row.name,
            status: match (row.active_version_id, row.paused_at) {
                (_, Some(_)) => PluginStatus::Paused,
                (Some(_), None) => PluginStatus::Active,
                (None, None) => PluginStatus::Idle,
            },
            active_version_id: row.active_version_id,
            previous_version_id: row.previous_version_id,
            settings: Settings {
                revision: row.revision,
                entries: row.entries.0,
                limit_percent: row.limit_percent,
                effects: row.effects,
                events: row.events,
            },
            paused_at: row.paused_at,
            paused_because: row.paused_because,
            created_by: row.created_by,
            created_at: row.created_at,
        })
    }
}

/// Whether the name was free.
pub async fn insert(tx: &mut TenantTx, id: PluginId, name: &str, hook: Hook) -> Result<bool, sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant().uuid(), tx.at(), tx.actor().to_string());
    let inserted = sqlx::query!(
        "INSERT INTO plugins (tenant_id, id, name, hook, settings_revision, created_by, created_at) VALUES ($1, $2, $3, $4, 1, $5, $6)
         ON CONFLICT (tenant_id, name) DO NOTHING",
        tenant,
        id.uuid(),
        name,
        hook.name(),
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Adds a revision of the settings and makes it the one that is read.
pub async fn insert_settings(tx: &mut TenantTx, id: PluginId, settings: &Settings) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant().uuid(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "WITH added AS (
             INSERT INTO plugin_settings (tenant_id, plugin_id, revision, entries, limit_percent, effects, events, set_by, set_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING revision)
         UPDATE plugins SET settings_revision = added.revision FROM added WHERE id = $2",
        tenant,
        id.uuid(),
        settings.revision,
        Json(&settings.entries) as _,
        settings.limit_percent,
        &settings.effects,
        &settings.events,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: PluginId) -> Result<Option<Plugin>, sqlx::Error> {
    let row = sqlx::query_as!(
        PluginRow,
        r#"SELECT p.id AS "id: _", p.name, p.hook, p.active_version_id AS "active_version_id: _", p.previous_version_id AS "previous_version_id: _",
                  s.revision, s.entries AS "entries: _", s.limit_percent, s.effects, s.events, p.paused_at, p.paused_because, p.created_by, p.created_at
           FROM plugins p JOIN plugin_settings s ON s.plugin_id = p.id AND s.revision = p.settings_revision WHERE p.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Plugin::try_from).transpose()
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<Plugin>, sqlx::Error> {
    let rows = sqlx::query_as!(
        PluginRow,
        r#"SELECT p.id AS "id: _", p.name, p.hook, p.active_version_id AS "active_version_id: _", p.previous_version_id AS "previous_version_id: _",
                  s.revision, s.entries AS "entries: _", s.limit_percent, s.effects, s.events, p.paused_at, p.paused_because, p.created_by, p.created_at
           FROM plugins p JOIN plugin_settings s ON s.plugin_id = p.id AND s.revision = p.settings_revision
           WHERE $1::uuid IS NULL OR p.id < $1 ORDER BY p.id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Plugin::try_from).collect()
}

pub struct RuleRow {
    pub plugin_id: PluginId,
    pub name: String,
    pub version_id: PluginVersionId,
    pub number: i32,
    pub digest: Vec<u8>,
    pub revision: i32,
    pub entries: Json<BTreeMap<String, String>>,
    pub limit_percent: i32,
    pub effects: Vec<String>,
    pub events: Vec<String>,
    pub paused: bool,
}

impl TryFrom<RuleRow> for Rule {
    type Error = sqlx::Error;

    fn try_from(row: RuleRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            plugin_id: row.plugin_id,
            name: row.name,
            version_id: row.version_id,
            number: row.number,
            digest: row.digest.try_into().map_err(|_| sqlx::Error::Decode("a digest of another length".into()))?,
            settings: Settings {
                revision: row.revision,
                entries: row.entries.0,
                limit_percent: row.limit_percent,
                effects: row.effects,
                events: row.events,
            },
            paused: row.paused,
        })
    }
}

/// The active versions that answer a hook, oldest plugin first.
pub async fn rules(tx: &mut TenantTx, hook: &str) -> Result<Vec<Rule>, sqlx::Error> {
    let rows = sqlx::query_as!(
        RuleRow,
        r#"SELECT p.id AS "plugin_id: _", p.name, v.id AS "version_id: _", v.number, v.digest,
                  s.revision, s.entries AS "entries: _", s.limit_percent, s.effects, s.events, p.paused_at IS NOT NULL AS "paused!"
           FROM plugins p
           JOIN plugin_versions v ON v.id = p.active_version_id
           JOIN plugin_settings s ON s.plugin_id = p.id AND s.revision = p.settings_revision
           WHERE p.hook = $1 ORDER BY p.id"#,
        hook
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Rule::try_from).collect()
}

/// The active version of a plugin.
pub async fn rule(tx: &mut TenantTx, id: PluginId) -> Result<Option<Rule>, sqlx::Error> {
    let row = sqlx::query_as!(
        RuleRow,
        r#"SELECT p.id AS "plugin_id: _", p.name, v.id AS "version_id: _", v.number, v.digest,
                  s.revision, s.entries AS "entries: _", s.limit_percent, s.effects, s.events, p.paused_at IS NOT NULL AS "paused!"
           FROM plugins p
           JOIN plugin_versions v ON v.id = p.active_version_id
           JOIN plugin_settings s ON s.plugin_id = p.id AND s.revision = p.settings_revision
           WHERE p.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Rule::try_from).transpose()
}

/// Whether a plugin is as it was read, and stays so until the transaction ends.
pub async fn is_still(
    tx: &mut TenantTx,
    id: PluginId,
    version: PluginVersionId,
    revision: i32,
    paused: bool,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        r#"SELECT true AS "still!" FROM plugins
           WHERE id = $1 AND active_version_id = $2 AND settings_revision = $3 AND (paused_at IS NOT NULL) = $4 FOR SHARE"#,
        id.uuid(),
        version.uuid(),
        revision,
        paused
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.is_some())
}

/// Locks a plugin until the transaction ends.
pub async fn lock(tx: &mut TenantTx, id: PluginId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM plugins WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// Locks a plugin; says whether nothing was done yet about an event.
pub async fn lock_for_event(tx: &mut TenantTx, id: PluginId, event: EventId) -> Result<bool, sqlx::Error> {
    lock(tx, id).await?;
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (SELECT FROM plugin_invocations WHERE plugin_id = $1 AND event_id = $2 AND mode = 'live' AND outcome = 'ok') AS "free!""#,
        id.uuid(),
        event.uuid()
    )
    .fetch_one(tx.conn())
    .await
}

/// The name of another plugin that sets prices, if this one would.
pub async fn other_price_setter(tx: &mut TenantTx, id: PluginId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT other.name FROM plugins other JOIN plugins this ON this.id = $1
         WHERE other.id <> $1 AND this.hook = 'rate-usage' AND other.hook = 'rate-usage' AND other.active_version_id IS NOT NULL",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Which version is asked; a plugin with another one starts afresh.
pub async fn set_active(
    tx: &mut TenantTx,
    id: PluginId,
    active: Option<PluginVersionId>,
    previous: Option<PluginVersionId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plugins SET active_version_id = $2, previous_version_id = $3, faults_in_a_row = 0, paused_at = NULL, paused_because = NULL WHERE id = $1",
        id.uuid(),
        active.map(PluginVersionId::uuid),
        previous.map(PluginVersionId::uuid)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Counts a call; how many failed in a row.
pub async fn count(tx: &mut TenantTx, id: PluginId, ok: bool) -> Result<i32, sqlx::Error> {
    let faults = sqlx::query_scalar!(
        "UPDATE plugins SET faults_in_a_row = CASE WHEN $2 THEN 0 ELSE faults_in_a_row + 1 END
         WHERE id = $1 AND NOT ($2 AND faults_in_a_row = 0) RETURNING faults_in_a_row",
        id.uuid(),
        ok
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(faults.unwrap_or(0))
}

/// Whether it was not paused already.
pub async fn pause(tx: &mut TenantTx, id: PluginId, because: &str) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    let paused = sqlx::query!(
        "UPDATE plugins SET paused_at = $2, paused_because = $3 WHERE id = $1 AND paused_at IS NULL",
        id.uuid(),
        at,
        because
    )
    .execute(tx.conn())
    .await?;
    Ok(paused.rows_affected() == 1)
}

pub async fn resume(tx: &mut TenantTx, id: PluginId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plugins SET paused_at = NULL, paused_because = NULL, faults_in_a_row = 0 WHERE id = $1",
        id.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
