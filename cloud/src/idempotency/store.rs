//! SQL of stored replies.

use serde_json::Value;

use crate::db::TenantTx;

pub async fn lock_key(tx: &mut TenantTx, key: &str) -> Result<(), sqlx::Error> {
    let name = format!("{} {key}", tx.tenant());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

pub struct ReplyRow {
    pub operation: String,
    pub fingerprint: Vec<u8>,
    pub body: Value,
}

pub async fn reply(tx: &mut TenantTx, key: &str) -> Result<Option<ReplyRow>, sqlx::Error> {
    sqlx::query_as!(ReplyRow, "SELECT operation, fingerprint, body FROM idempotency_keys WHERE key = $1", key)
        .fetch_optional(tx.conn())
        .await
}

pub async fn insert_reply(
    tx: &mut TenantTx,
    key: &str,
    operation: &str,
    fingerprint: &[u8],
    status: i16,
    body: &Value,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO idempotency_keys (tenant_id, key, operation, fingerprint, status, body, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        key,
        operation,
        fingerprint,
        status,
        body,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
