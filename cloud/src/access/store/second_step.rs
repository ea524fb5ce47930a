//! SQL of the second step.

use chrono::{DateTime, Utc};

use crate::db::{PlatformTx, TenantTx};
use crate::ids::{StaffId, TenantId};

pub struct Stored {
    pub sealed_secret: Vec<u8>,
    pub confirmed_at: Option<DateTime<Utc>>,
    pub last_step: i64,
}

/// A log-in that waits for its second step.
pub struct Challenge {
    pub tenant: TenantId,
    pub staff: StaffId,
    pub address_hash: Vec<u8>,
}

pub async fn get(tx: &mut TenantTx, staff: StaffId) -> Result<Option<Stored>, sqlx::Error> {
    sqlx::query_as!(
        Stored,
        "SELECT sealed_secret, confirmed_at, last_step FROM staff_second_steps WHERE staff_id = $1",
        staff.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Puts a secret in the place of one that was never confirmed; says whether there was room.
pub async fn insert(tx: &mut TenantTx, staff: StaffId, sealed: &[u8]) -> Result<bool, sqlx::Error> {
    let (tenant, now) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO staff_second_steps (tenant_id, staff_id, sealed_secret, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, staff_id) DO UPDATE SET sealed_secret = $3, created_at = $4, last_step = 0
         WHERE staff_second_steps.confirmed_at IS NULL",
        tenant.uuid(),
        staff.uuid(),
        sealed,
        now
    );
    Ok(inserted.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn confirm(tx: &mut TenantTx, staff: StaffId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE staff_second_steps SET confirmed_at = $2 WHERE staff_id = $1", staff.uuid(), now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Notes that a step's code is used; of two that use it at once, one does.
pub async fn advance(tx: &mut TenantTx, staff: StaffId, step: i64) -> Result<bool, sqlx::Error> {
    let advanced = sqlx::query!(
        "UPDATE staff_second_steps SET last_step = $2 WHERE staff_id = $1 AND last_step < $2",
        staff.uuid(),
        step
    );
    Ok(advanced.execute(tx.conn()).await?.rows_affected() > 0)
}

/// Whether there was one to delete.
pub async fn delete(tx: &mut TenantTx, staff: StaffId) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query!("DELETE FROM staff_second_steps WHERE staff_id = $1", staff.uuid());
    Ok(deleted.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn codes_left(tx: &mut TenantTx, staff: StaffId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM staff_recovery_codes WHERE staff_id = $1"#, staff.uuid())
        .fetch_one(tx.conn())
        .await
}

pub async fn replace_codes(tx: &mut TenantTx, staff: StaffId, hashes: &[Vec<u8>]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!("DELETE FROM staff_recovery_codes WHERE staff_id = $1", staff.uuid()).execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO staff_recovery_codes (tenant_id, staff_id, code_hash) SELECT $1, $2, hash FROM unnest($3::bytea[]) AS hash",
        tenant.uuid(),
        staff.uuid(),
        hashes
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Uses a code up; says whether it was there.
pub async fn use_code(tx: &mut TenantTx, staff: StaffId, hash: &[u8]) -> Result<bool, sqlx::Error> {
    let used =
        sqlx::query!("DELETE FROM staff_recovery_codes WHERE staff_id = $1 AND code_hash = $2", staff.uuid(), hash);
    Ok(used.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn is_required(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM staff_policies WHERE second_step_required) AS "required!""#)
        .fetch_one(tx.conn())
        .await
}

pub async fn set_required(tx: &mut TenantTx, required: bool) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO staff_policies (tenant_id, second_step_required) VALUES ($1, $2)
         ON CONFLICT (tenant_id) DO UPDATE SET second_step_required = $2",
        tenant.uuid(),
        required
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_challenge(
    tx: &mut PlatformTx,
    token_hash: &[u8],
    challenge: &Challenge,
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO platform.log_in_challenges (token_hash, tenant_id, staff_id, address_hash, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        token_hash,
        challenge.tenant.uuid(),
        challenge.staff.uuid(),
        challenge.address_hash,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn challenge(tx: &mut PlatformTx, token_hash: &[u8]) -> Result<Option<Challenge>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Challenge,
        r#"SELECT tenant_id AS "tenant: _", staff_id AS "staff: _", address_hash
           FROM platform.log_in_challenges WHERE token_hash = $1 AND expires_at > $2"#,
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// Ends a challenge; of two that end it at once, one does.
pub async fn end_challenge(tx: &mut PlatformTx, token_hash: &[u8]) -> Result<bool, sqlx::Error> {
    let ended = sqlx::query!("DELETE FROM platform.log_in_challenges WHERE token_hash = $1", token_hash);
    Ok(ended.execute(tx.conn()).await?.rows_affected() > 0)
}

/// Forgets a tenant's challenges nobody answered.
pub async fn delete_old_challenges(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("DELETE FROM platform.log_in_challenges WHERE expires_at < $1", now).execute(tx.conn()).await?;
    Ok(())
}
