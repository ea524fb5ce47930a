//! SQL of agents' certificates.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::TenantTx;
use crate::fleet::authority::AgentCertificate;
use crate::ids::{AgentId, RouterId};

pub struct Held {
    pub router: RouterId,
    pub key_sha256: Vec<u8>,
    pub certificate: Vec<u8>,
    pub until: DateTime<Utc>,
    pub root: Option<Uuid>,
    pub renewed_at: Option<DateTime<Utc>>,
    /// When its newest session began.
    pub connected_at: Option<DateTime<Utc>>,
}

/// An agent's newest certificate, its row locked; `None` if the agent is unknown or revoked.
pub async fn lock(tx: &mut TenantTx, agent: AgentId) -> Result<Option<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"SELECT router_id AS "router: _", key_sha256, certificate, certificate_until AS until, authority_id AS root,
                  certificate_renewed_at AS renewed_at, connected_at
           FROM agents WHERE id = $1 AND revoked_at IS NULL FOR UPDATE"#,
        agent.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Whether a root is trusted, and stays so until the transaction ends: whoever retires it waits.
pub async fn hold_root(tx: &mut TenantTx, root: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock_shared(7765)").fetch_one(tx.conn()).await?;
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM platform.authorities WHERE id = $1 AND retired_at IS NULL) AS "trusted!""#,
        root
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn set(tx: &mut TenantTx, agent: AgentId, certificate: &AgentCertificate) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE agents SET key_sha256 = $2, certificate = $3, certificate_until = $4, authority_id = $5, certificate_renewed_at = $6
         WHERE id = $1",
        agent.uuid(),
        certificate.key_sha256,
        &certificate.der[..],
        certificate.until,
        certificate.root,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes what the roots an agent was told of hash to.
pub async fn set_trust(tx: &mut TenantTx, agent: AgentId, digest: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE agents SET trust_digest = $2 WHERE id = $1", agent.uuid(), digest).execute(tx.conn()).await?;
    Ok(())
}

/// Agents that are not revoked and whose newest certificate ends between these instants.
pub async fn ending(
    tx: &mut TenantTx,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<(AgentId, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: AgentId", certificate_until FROM agents
           WHERE revoked_at IS NULL AND certificate_until >= $1 AND certificate_until < $2"#,
        from,
        to
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.certificate_until)).collect())
}
