//! SQL of invitations.

use chrono::{DateTime, Utc};

use crate::access::{Invitation, NewInvitation};
use crate::db::{Actor, PlatformTx, TenantTx};
use crate::ids::{InvitationId, StaffId, TenantId};

pub async fn insert(
    tx: &mut TenantTx,
    id: InvitationId,
    new: &NewInvitation,
    token_hash: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    let invited_by = match tx.actor() {
        Actor::Staff(id) => Some(id.uuid()),
        Actor::ApiKey(_) | Actor::Subscriber(_) | Actor::Agent(_) | Actor::System => None,
    };
    sqlx::query!(
        "INSERT INTO platform.staff_invitations (token_hash, tenant_id, id, name, email, role, invited_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        token_hash,
        tenant.uuid(),
        id.uuid(),
        new.name,
        new.email,
        new.role.name(),
        invited_by,
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets what is over, and what was sent to this address before.
pub async fn delete_old(tx: &mut TenantTx, email: &str) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("DELETE FROM platform.staff_invitations WHERE email = $1 OR expires_at <= $2", email, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets what somebody has sent.
pub async fn delete_of(tx: &mut TenantTx, inviter: StaffId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.staff_invitations WHERE invited_by = $1", inviter.uuid())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn open(tx: &mut TenantTx) -> Result<Vec<Invitation>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Invitation,
        r#"SELECT id AS "id: _", name, email, role AS "role: _", created_at, expires_at
           FROM platform.staff_invitations WHERE expires_at > $1 ORDER BY id"#,
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// Whose invitation a token opens, if it is not over.
pub async fn tenant_of(tx: &mut PlatformTx, token_hash: &[u8]) -> Result<Option<TenantId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT tenant_id AS "tenant: TenantId" FROM platform.staff_invitations WHERE token_hash = $1 AND expires_at > $2"#,
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// Reads the invitation behind a token and locks it: it is accepted once.
pub async fn lock(tx: &mut TenantTx, token_hash: &[u8]) -> Result<Option<Invitation>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Invitation,
        r#"SELECT id AS "id: _", name, email, role AS "role: _", created_at, expires_at
           FROM platform.staff_invitations WHERE token_hash = $1 AND expires_at > $2 FOR UPDATE"#,
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// Whether there was one to delete.
pub async fn delete(tx: &mut TenantTx, id: InvitationId) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("DELETE FROM platform.staff_invitations WHERE id = $1", id.uuid());
    Ok(deleted.execute(tx.conn()).await?.rows_affected() > 0)
}
