//! SQL of policies.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::db::TenantTx;

pub struct PolicyRow {
    pub version: i32,
    pub policy: Value,
    pub restores: Option<i32>,
    pub made_by: String,
    pub made_at: DateTime<Utc>,
}

/// Every version, newest first; only this one if given.
pub async fn versions(tx: &mut TenantTx, only: Option<i32>) -> Result<Vec<PolicyRow>, sqlx::Error> {
    sqlx::query_as!(
        PolicyRow,
        "SELECT version, policy, restores, made_by, made_at FROM dunning_policies
         WHERE $1::integer IS NULL OR version = $1 ORDER BY version DESC",
        only
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn newest(tx: &mut TenantTx) -> Result<Option<PolicyRow>, sqlx::Error> {
    sqlx::query_as!(
        PolicyRow,
        "SELECT version, policy, restores, made_by, made_at FROM dunning_policies ORDER BY version DESC LIMIT 1"
    )
    .fetch_optional(tx.conn())
    .await
}

/// Every number a step ever had, with the kind of that step.
pub async fn numbers(tx: &mut TenantTx) -> Result<Vec<(i32, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT (step->>'number')::integer AS "number!", step->>'kind' AS "kind!"
           FROM dunning_policies, jsonb_array_elements(policy->'steps') AS step"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.number, row.kind)).collect())
}

/// Whether the version was free.
pub async fn insert(
    tx: &mut TenantTx,
    version: i32,
    policy: &Value,
    restores: Option<i32>,
) -> Result<bool, sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    let inserted = sqlx::query!(
        "INSERT INTO dunning_policies (tenant_id, version, policy, restores, made_by, made_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        tenant.uuid(),
        version,
        policy,
        restores,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}
