//! SQL of how subscribers sign in, and of the portal's settings; the latter in a file of its own.

mod settings;

use chrono::{DateTime, Utc};

use super::PortalLogin;
use crate::db::TenantTx;
use crate::ids::{SubscriberId, SubscriptionId};

pub use settings::{StoredSettings, door_of_host, host, put_settings, set_host, settings};

pub struct Login {
    pub subscriber: SubscriberId,
    pub password_hash: Option<String>,
}

pub struct StoredSession {
    pub subscriber: SubscriberId,
    pub last_seen_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

pub struct StoredLink {
    pub subscriber: SubscriberId,
    pub used: bool,
}

/// The log-in of a normalised e-mail address. Of several subscribers with one address, the first with a password has it.
pub async fn login_of_email(tx: &mut TenantTx, email: &str) -> Result<Option<Login>, sqlx::Error> {
    sqlx::query_as!(
        Login,
        r#"SELECT l.subscriber_id AS "subscriber: _", l.password_hash
           FROM subscribers s JOIN portal_logins l ON l.tenant_id = s.tenant_id AND l.subscriber_id = s.id
           WHERE s.email IS NOT NULL AND lower(btrim(s.email)) = $1 ORDER BY l.password_hash IS NULL, s.id LIMIT 1"#,
        email
    )
    .fetch_optional(tx.conn())
    .await
}

/// Whether a log-in's password is the one in force, until this transaction ends.
pub async fn is_password_still(tx: &mut TenantTx, login: &Login) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT true AS "found!" FROM portal_logins WHERE subscriber_id = $1 AND password_hash = $2 FOR SHARE"#,
        login.subscriber.uuid(),
        login.password_hash
    );
    Ok(found.fetch_optional(tx.conn()).await?.is_some())
}

/// Whoever has a normalised e-mail address; whoever signs in with it goes first.
pub async fn subscriber_of_email(tx: &mut TenantTx, email: &str) -> Result<Option<SubscriberId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "id: SubscriberId" FROM subscribers s
           LEFT JOIN portal_logins l ON l.tenant_id = s.tenant_id AND l.subscriber_id = s.id
           WHERE s.email IS NOT NULL AND lower(btrim(s.email)) = $1 ORDER BY l.password_hash IS NULL, s.id LIMIT 1"#,
        email
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn login(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<Option<PortalLogin>, sqlx::Error> {
    sqlx::query_as!(
        PortalLogin,
        "SELECT password_set_at, link_requested_at FROM portal_logins WHERE subscriber_id = $1",
        subscriber.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn set_password(tx: &mut TenantTx, subscriber: SubscriberId, hash: &str) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO portal_logins (tenant_id, subscriber_id, password_hash, password_set_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, subscriber_id) DO UPDATE
         SET password_hash = $3, password_set_at = $4",
        tenant,
        subscriber.uuid(),
        hash,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a subscriber wants a link, unless they said so after `since`; tells whether it was noted.
pub async fn note_request(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    since: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let noted = sqlx::query!(
        "INSERT INTO portal_logins (tenant_id, subscriber_id, link_requested_at) VALUES ($1, $2, $3)
         ON CONFLICT (tenant_id, subscriber_id) DO UPDATE SET link_requested_at = $3
         WHERE portal_logins.link_requested_at IS NULL OR portal_logins.link_requested_at <= $4",
        tenant,
        subscriber.uuid(),
        now,
        since
    )
    .execute(tx.conn())
    .await?;
    Ok(noted.rows_affected() == 1)
}

pub async fn insert_link(
    tx: &mut TenantTx,
    digest: &[u8],
    subscriber: SubscriberId,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO portal_links (tenant_id, token_hash, subscriber_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        digest,
        subscriber.uuid(),
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A link that is not too old, used or not.
pub async fn link(tx: &mut TenantTx, digest: &[u8]) -> Result<Option<StoredLink>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        StoredLink,
        r#"SELECT subscriber_id AS "subscriber: _", used_at IS NOT NULL AS "used!" FROM portal_links
           WHERE token_hash = $1 AND expires_at > $2"#,
        digest,
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// Uses a link up; tells whether it was there to be used.
pub async fn use_link(tx: &mut TenantTx, digest: &[u8]) -> Result<bool, sqlx::Error> {
    let now = tx.at();
    let used = sqlx::query!(
        "UPDATE portal_links SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2",
        digest,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(used.rows_affected() == 1)
}

/// Ends the links of a subscriber that were not used.
pub async fn delete_links_of(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM portal_links WHERE subscriber_id = $1 AND used_at IS NULL", subscriber.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert_session(
    tx: &mut TenantTx,
    digest: &[u8],
    subscriber: SubscriberId,
    expires_at: DateTime<Utc>,
    user_agent: &str,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO portal_sessions (tenant_id, token_hash, subscriber_id, created_at, last_seen_at, expires_at, user_agent)
         VALUES ($1, $2, $3, $4, $4, $5, left($6, 200))",
        tenant,
        digest,
        subscriber.uuid(),
        now,
        expires_at,
        user_agent
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn session(tx: &mut TenantTx, digest: &[u8]) -> Result<Option<StoredSession>, sqlx::Error> {
    sqlx::query_as!(
        StoredSession,
        r#"SELECT subscriber_id AS "subscriber: _", last_seen_at, expires_at FROM portal_sessions WHERE token_hash = $1"#,
        digest
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn touch_session(tx: &mut TenantTx, digest: &[u8]) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE portal_sessions SET last_seen_at = $2 WHERE token_hash = $1", digest, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn delete_session(tx: &mut TenantTx, digest: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM portal_sessions WHERE token_hash = $1", digest).execute(tx.conn()).await?;
    Ok(())
}

pub async fn delete_sessions_of(tx: &mut TenantTx, subscriber: SubscriberId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM portal_sessions WHERE subscriber_id = $1", subscriber.uuid()).execute(tx.conn()).await?;
    Ok(())
}

pub async fn delete_expired(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("DELETE FROM portal_sessions WHERE expires_at < $1", now).execute(tx.conn()).await?;
    sqlx::query!("DELETE FROM portal_links WHERE expires_at < $1", now).execute(tx.conn()).await?;
    Ok(())
}

/// Serialises a subscriber's changes of a line.
pub async fn lock_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM subscriptions WHERE id = $1 FOR NO KEY UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(())
}

/// Whether a subscriber changed a line's plan after `since`.
pub async fn changed_since(
    tx: &mut TenantTx,
    subscriber: SubscriberId,
    line: SubscriptionId,
    since: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM audit_entries WHERE subject = $1 AND actor = $2 AND action = 'change plan' AND at > $3) AS "changed!""#,
        line.to_string(),
        subscriber.to_string(),
        since
    )
    .fetch_one(tx.conn())
    .await
}
