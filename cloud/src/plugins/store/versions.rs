//! SQL of versions.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use weir_plugin_host::compile::Report;

use super::plugins::RuleRow;
use crate::db::TenantTx;
use crate::ids::{PluginId, PluginVersionId};
use crate::plugins::pricing::Rule;
use crate::plugins::{DryRun, Version, VersionState};

struct VersionRow {
    id: PluginVersionId,
    plugin_id: PluginId,
    number: i32,
    digest: Vec<u8>,
    size: i32,
    imports: Vec<String>,
    state: String,
    dry_run: Option<Json<DryRun>>,
    uploaded_by: String,
    uploaded_at: DateTime<Utc>,
}

impl From<VersionRow> for Version {
    fn from(row: VersionRow) -> Self {
        Self {
            id: row.id,
            plugin_id: row.plugin_id,
            number: row.number,
            digest: hex::encode(row.digest),
            size: row.size,
            imports: row.imports,
            state: VersionState::from_name(&row.state),
            dry_run: row.dry_run.map(|found| found.0),
            uploaded_by: row.uploaded_by,
            uploaded_at: row.uploaded_at,
        }
    }
}

/// A version to be kept.
pub struct NewVersion<'a> {
    pub plugin_id: PluginId,
    pub digest: &'a [u8],
    pub component: &'a [u8],
    pub report: &'a Report,
    pub code: &'a [u8],
    pub signature: &'a [u8],
}

/// Keeps a version under the plugin's next number; the plugin is locked.
pub async fn insert(tx: &mut TenantTx, id: PluginVersionId, new: &NewVersion<'_>) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant().uuid(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO plugin_versions (tenant_id, id, plugin_id, number, digest, component, imports, code, signature, engine, state, uploaded_by, uploaded_at)
         VALUES ($1, $2, $3, (SELECT coalesce(max(number), 0) + 1 FROM plugin_versions WHERE plugin_id = $3), $4, $5, $6, $7, $8, $9, 'verified', $10, $11)",
        tenant,
        id.uuid(),
        new.plugin_id.uuid(),
        new.digest,
        new.component,
        &new.report.imports,
        new.code,
        new.signature,
        new.report.engine,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn find(tx: &mut TenantTx, id: PluginVersionId) -> Result<Option<Version>, sqlx::Error> {
    let row = sqlx::query_as!(
        VersionRow,
        r#"SELECT id AS "id: _", plugin_id AS "plugin_id: _", number, digest, length(component) AS "size!", imports, state,
                  dry_run AS "dry_run: _", uploaded_by, uploaded_at
           FROM plugin_versions WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Version::from))
}

pub async fn by_digest(tx: &mut TenantTx, plugin: PluginId, digest: &[u8]) -> Result<Option<Version>, sqlx::Error> {
    let row = sqlx::query_as!(
        VersionRow,
        r#"SELECT id AS "id: _", plugin_id AS "plugin_id: _", number, digest, length(component) AS "size!", imports, state,
                  dry_run AS "dry_run: _", uploaded_by, uploaded_at
           FROM plugin_versions WHERE plugin_id = $1 AND digest = $2"#,
        plugin.uuid(),
        digest
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Version::from))
}

/// The newest two hundred.
pub async fn of_plugin(tx: &mut TenantTx, plugin: PluginId) -> Result<Vec<Version>, sqlx::Error> {
    let rows = sqlx::query_as!(
        VersionRow,
        r#"SELECT id AS "id: _", plugin_id AS "plugin_id: _", number, digest, length(component) AS "size!", imports, state,
                  dry_run AS "dry_run: _", uploaded_by, uploaded_at
           FROM plugin_versions WHERE plugin_id = $1 ORDER BY number DESC LIMIT 200"#,
        plugin.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Version::from).collect())
}

/// A version with its plugin's settings, active or not.
pub async fn rule(tx: &mut TenantTx, id: PluginVersionId) -> Result<Option<Rule>, sqlx::Error> {
    let row = sqlx::query_as!(
        RuleRow,
        r#"SELECT p.id AS "plugin_id: _", p.name, v.id AS "version_id: _", v.number, v.digest,
                  s.revision, s.entries AS "entries: _", s.limit_percent, s.effects, s.events, p.paused_at IS NOT NULL AS "paused!"
           FROM plugin_versions v
           JOIN plugins p ON p.id = v.plugin_id
           JOIN plugin_settings s ON s.plugin_id = p.id AND s.revision = p.settings_revision
           WHERE v.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(Rule::try_from).transpose()
}

pub struct CodeRow {
    pub hook: String,
    pub component: Vec<u8>,
    pub code: Vec<u8>,
    pub signature: Vec<u8>,
    pub engine: String,
}

pub async fn code(tx: &mut TenantTx, id: PluginVersionId) -> Result<Option<CodeRow>, sqlx::Error> {
    sqlx::query_as!(
        CodeRow,
        "SELECT p.hook, v.component, v.code, v.signature, v.engine FROM plugin_versions v JOIN plugins p ON p.id = v.plugin_id WHERE v.id = $1",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn set_code(
    tx: &mut TenantTx,
    id: PluginVersionId,
    code: &[u8],
    signature: &[u8],
    engine: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE plugin_versions SET code = $2, signature = $3, engine = $4 WHERE id = $1",
        id.uuid(),
        code,
        signature,
        engine
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_state(tx: &mut TenantTx, id: PluginVersionId, state: VersionState) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE plugin_versions SET state = $2 WHERE id = $1", id.uuid(), state.name())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn set_dry_run(tx: &mut TenantTx, id: PluginVersionId, found: &DryRun) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE plugin_versions SET dry_run = $2 WHERE id = $1", id.uuid(), Json(found) as _)
        .execute(tx.conn())
        .await?;
    Ok(())
}
