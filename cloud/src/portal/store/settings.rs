//! SQL of the portal's settings and host names.

use crate::db::{PlatformTx, TenantTx};
use crate::error::broken_constraint;
use crate::portal::{Door, Error};

pub struct StoredSettings {
    pub how_to_pay: String,
    pub sign_up: bool,
    pub cheaper_at_period_end: bool,
    pub top_ups: bool,
}

impl Default for StoredSettings {
    fn default() -> Self {
        Self { how_to_pay: String::new(), sign_up: true, cheaper_at_period_end: true, top_ups: false }
    }
}

pub async fn settings(tx: &mut TenantTx) -> Result<Option<StoredSettings>, sqlx::Error> {
    sqlx::query_as!(StoredSettings, "SELECT how_to_pay, sign_up, cheaper_at_period_end, top_ups FROM portal_settings")
        .fetch_optional(tx.conn())
        .await
}

pub async fn put_settings(tx: &mut TenantTx, settings: &StoredSettings) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO portal_settings (tenant_id, how_to_pay, sign_up, cheaper_at_period_end, top_ups, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id) DO UPDATE SET how_to_pay = $2, sign_up = $3, cheaper_at_period_end = $4, top_ups = $5, updated_at = $6",
        tenant,
        settings.how_to_pay,
        settings.sign_up,
        settings.cheaper_at_period_end,
        settings.top_ups,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn host(tx: &mut TenantTx) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT host FROM platform.portal_hosts WHERE tenant_id = $1", tx.tenant().uuid())
        .fetch_optional(tx.conn())
        .await
}

/// Gives the portal a host name, or takes it away when it is empty.
pub async fn set_host(tx: &mut TenantTx, host: &str) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!("DELETE FROM platform.portal_hosts WHERE tenant_id = $1", tenant).execute(tx.conn()).await?;
    if host.is_empty() {
        return Ok(());
    }
    let inserted = sqlx::query!("INSERT INTO platform.portal_hosts (host, tenant_id) VALUES ($1, $2)", host, tenant);
    match inserted.execute(tx.conn()).await {
        Err(error) if broken_constraint(&error) == Some("portal_hosts_pkey") => Err(Error::HostTaken(host.to_owned())),
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn door_of_host(tx: &mut PlatformTx, host: &str) -> Result<Option<Door>, sqlx::Error> {
    sqlx::query_as!(
        Door,
        r#"SELECT h.tenant_id AS "tenant: _", t.slug FROM platform.portal_hosts h
           JOIN platform.tenants t ON t.tenant_id = h.tenant_id WHERE h.host = $1"#,
        host
    )
    .fetch_optional(tx.conn())
    .await
}
