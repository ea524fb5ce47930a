//! SQL of a tenant's accounts with providers, and of the messages they sent.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;

pub struct ProviderRow {
    pub publishable_key: String,
    pub secret_key: Vec<u8>,
    pub secret_hint: String,
    pub webhook_secret: Option<Vec<u8>>,
    pub enabled: bool,
    pub listed_until: DateTime<Utc>,
}

pub async fn find(tx: &mut TenantTx, provider: &str) -> Result<Option<ProviderRow>, sqlx::Error> {
    sqlx::query_as!(
        ProviderRow,
        "SELECT publishable_key, secret_key, secret_hint, webhook_secret, enabled, listed_until FROM payment_providers WHERE provider = $1",
        provider
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn upsert(tx: &mut TenantTx, provider: &str, row: &ProviderRow) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO payment_providers (tenant_id, provider, publishable_key, secret_key, secret_hint, webhook_secret, enabled, listed_until, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, provider) DO UPDATE SET publishable_key = $3, secret_key = $4, secret_hint = $5, webhook_secret = $6,
             enabled = $7, changed_at = $9",
        tenant.uuid(),
        provider,
        row.publishable_key,
        row.secret_key,
        row.secret_hint,
        row.webhook_secret,
        row.enabled,
        row.listed_until,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves the cursor of lists on, never back.
pub async fn listed_until(tx: &mut TenantTx, provider: &str, until: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE payment_providers SET listed_until = $2 WHERE provider = $1 AND listed_until < $2",
        provider,
        until
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a message once; says whether it is new.
pub async fn insert_event(tx: &mut TenantTx, provider: &str, event: &str, kind: &str) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO provider_events (tenant_id, provider, event_id, kind, received_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, provider, event_id) DO NOTHING",
        tenant.uuid(),
        provider,
        event,
        kind,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}
