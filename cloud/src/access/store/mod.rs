//! SQL of log-ins and sessions; of staff and of invitations in files of their own.

pub mod api_keys;
pub mod invitations;
pub mod members;
pub mod second_step;
pub mod sessions;

use std::net::IpAddr;

use chrono::{DateTime, Utc};

use crate::access::{Device, Error, NewStaff, Person};
use crate::db::{PlatformTx, TenantTx};
use crate::error::broken_constraint;
use crate::ids::{SessionId, StaffId, TenantId, new_id};

pub struct Login {
    pub tenant: TenantId,
    pub staff: StaffId,
    pub password_hash: String,
}

pub struct StoredSession {
    pub id: SessionId,
    pub tenant: TenantId,
    pub staff: StaffId,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl StoredSession {
    /// Whether it has ended, by its age or because nobody used it.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now || self.last_seen_at + super::service::IDLE <= now
    }
}

pub async fn login(tx: &mut PlatformTx, email: &str) -> Result<Option<Login>, sqlx::Error> {
    sqlx::query_as!(
        Login,
        r#"SELECT tenant_id AS "tenant: _", staff_id AS "staff: _", password_hash
           FROM platform.staff_logins WHERE email_normalised = $1"#,
        email
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert_session(
    tx: &mut PlatformTx,
    digest: &[u8],
    person: &Person,
    expires_at: DateTime<Utc>,
    device: &Device,
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    let id: SessionId = new_id(now);
    sqlx::query!(
        "INSERT INTO platform.staff_sessions
             (token_hash, tenant_id, staff_id, created_at, last_seen_at, expires_at, user_agent, id, address)
         VALUES ($1, $2, $3, $4, $4, $5, left($6, 200), $7, $8)",
        digest,
        person.tenant.uuid(),
        person.id.uuid(),
        now,
        expires_at,
        device.user_agent,
        id.uuid(),
        device.address.map(|address| address.to_string()).unwrap_or_default()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn session(tx: &mut PlatformTx, digest: &[u8]) -> Result<Option<StoredSession>, sqlx::Error> {
    sqlx::query_as!(
        StoredSession,
        r#"SELECT id AS "id: _", tenant_id AS "tenant: _", staff_id AS "staff: _", last_seen_at, expires_at
           FROM platform.staff_sessions WHERE token_hash = $1"#,
        digest
    )
    .fetch_optional(tx.conn())
    .await
}

/// Notes that a session is used, and from where.
pub async fn touch_session(tx: &mut PlatformTx, digest: &[u8], address: Option<IpAddr>) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE platform.staff_sessions SET last_seen_at = $2, address = coalesce($3, address) WHERE token_hash = $1",
        digest,
        now,
        address.map(|address| address.to_string())
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete_session(tx: &mut PlatformTx, digest: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.staff_sessions WHERE token_hash = $1", digest).execute(tx.conn()).await?;
    Ok(())
}

pub async fn delete_expired_sessions(tx: &mut TenantTx) -> Result<u64, sqlx::Error> {
    let now = tx.at();
    let deleted =
        sqlx::query!("DELETE FROM platform.staff_sessions WHERE expires_at < $1", now).execute(tx.conn()).await?;
    Ok(deleted.rows_affected())
}

pub async fn person(tx: &mut TenantTx, staff: StaffId) -> Result<Option<Person>, sqlx::Error> {
    sqlx::query_as!(
        Person,
        r#"SELECT s.tenant_id AS "tenant: _", s.id AS "id: _", s.name, s.email, s.role AS "role: _", s.language, s.theme,
                  s.single_keys, (t.confirmed_at IS NOT NULL) AS "second_step!",
                  EXISTS (SELECT FROM staff_policies p WHERE p.second_step_required) AS "second_step_required!"
           FROM staff s LEFT JOIN staff_second_steps t ON t.staff_id = s.id
           WHERE s.id = $1 AND s.disabled_at IS NULL"#,
        staff.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert_staff(tx: &mut TenantTx, id: StaffId, new: &NewStaff) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO staff (tenant_id, id, name, email, role, language, created_at)
         SELECT $1, $2, $3, $4, $5, t.language, $6 FROM tenants t WHERE t.tenant_id = $1",
        tenant.uuid(),
        id.uuid(),
        new.name.trim(),
        new.email.trim(),
        new.role.name(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_login(tx: &mut TenantTx, staff: StaffId, email: &str, hash: &str) -> Result<(), Error> {
    let tenant = tx.tenant();
    let inserted = sqlx::query!(
        "INSERT INTO platform.staff_logins (email_normalised, tenant_id, staff_id, password_hash) VALUES ($1, $2, $3, $4)",
        email,
        tenant.uuid(),
        staff.uuid(),
        hash
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if broken_constraint(&error) == Some("staff_logins_pkey") => {
            Err(Error::EmailTaken(email.to_owned()))
        }
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn update_preferences(
    tx: &mut TenantTx,
    staff: StaffId,
    language: &str,
    theme: &str,
    single_keys: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE staff SET language = $2, theme = $3, single_keys = $4 WHERE id = $1",
        staff.uuid(),
        language,
        theme,
        single_keys
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
