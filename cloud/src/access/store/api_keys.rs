//! SQL of API keys.

use std::net::IpAddr;

use crate::access::ApiKey;
use crate::access::api_keys::StoredKey;
use crate::db::{PlatformTx, TenantTx};
use crate::http::paging::Page;
use crate::ids::ApiKeyId;

pub async fn insert(tx: &mut TenantTx, key: &ApiKey, hash: &[u8]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO platform.api_keys
             (key_hash, tenant_id, id, name, beginning, scopes, networks, made_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        hash,
        tenant.uuid(),
        key.id.uuid(),
        key.name,
        key.beginning,
        &key.scopes,
        &key.networks as _,
        key.made_by.uuid(),
        key.created_at,
        key.expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn list(tx: &mut TenantTx, page: Page) -> Result<Vec<ApiKey>, sqlx::Error> {
    sqlx::query_as!(
        ApiKey,
        r#"SELECT id AS "id: _", name, beginning, scopes, networks AS "networks: _", made_by AS "made_by: _", created_at,
                  expires_at, last_used_at, last_used_from, revoked_at
           FROM platform.api_keys WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn get(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<ApiKey>, sqlx::Error> {
    sqlx::query_as!(
        ApiKey,
        r#"SELECT id AS "id: _", name, beginning, scopes, networks AS "networks: _", made_by AS "made_by: _", created_at,
                  expires_at, last_used_at, last_used_from, revoked_at
           FROM platform.api_keys WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Whether it was in force until now.
pub async fn revoke(tx: &mut TenantTx, id: ApiKeyId) -> Result<bool, sqlx::Error> {
    let now = tx.at();
    let revoked = sqlx::query!(
        "UPDATE platform.api_keys SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(),
        now
    );
    Ok(revoked.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn find(tx: &mut PlatformTx, hash: &[u8]) -> Result<Option<StoredKey>, sqlx::Error> {
    sqlx::query_as!(
        StoredKey,
        r#"SELECT id AS "id: _", tenant_id AS "tenant: _", made_by AS "made_by: _", scopes, networks AS "networks: _",
                  expires_at, last_used_at, revoked_at
           FROM platform.api_keys WHERE key_hash = $1"#,
        hash
    )
    .fetch_optional(tx.conn())
    .await
}

/// Notes that a key is used, and from where.
pub async fn touch(tx: &mut PlatformTx, hash: &[u8], address: Option<IpAddr>) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE platform.api_keys SET last_used_at = $2, last_used_from = coalesce($3, last_used_from) WHERE key_hash = $1",
        hash,
        now,
        address.map(|address| address.to_string())
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
