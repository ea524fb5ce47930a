//! SQL of sessions as people see them, and of attempts to open one.

use chrono::{DateTime, Utc};

use crate::access::SessionView;
use crate::db::{PlatformTx, TenantTx};
use crate::ids::{SessionId, StaffId};

/// Sessions that were used since `idle_since`.
pub async fn of(tx: &mut TenantTx, staff: StaffId, idle_since: DateTime<Utc>) -> Result<Vec<SessionView>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        SessionView,
        r#"SELECT id AS "id: _", '' AS "device!", user_agent, address, created_at, last_seen_at, expires_at
           FROM platform.staff_sessions WHERE staff_id = $1 AND expires_at > $2 AND last_seen_at > $3
           ORDER BY last_seen_at DESC, id"#,
        staff.uuid(),
        now,
        idle_since
    )
    .fetch_all(tx.conn())
    .await
}

/// Whose session it is.
pub async fn owner(tx: &mut TenantTx, id: SessionId) -> Result<Option<StaffId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT staff_id AS "staff: StaffId" FROM platform.staff_sessions WHERE id = $1 FOR UPDATE"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn delete(tx: &mut TenantTx, id: SessionId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.staff_sessions WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Ends a person's sessions, all but the one `kept`.
pub async fn delete_of(tx: &mut TenantTx, staff: StaffId, kept: Option<SessionId>) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query!(
        "DELETE FROM platform.staff_sessions WHERE staff_id = $1 AND ($2::uuid IS NULL OR id <> $2)",
        staff.uuid(),
        kept.map(SessionId::uuid)
    );
    Ok(deleted.execute(tx.conn()).await?.rows_affected())
}

/// Counts an attempt as wrong and says how many there were; nothing while attempts have to wait. Beyond `free` ones each
/// makes the next wait twice as long, up to `wait_max` seconds. What was tried before `forgotten` does not count.
pub async fn count_attempt(
    tx: &mut PlatformTx,
    address: &[u8],
    free: i32,
    wait_max: i64,
    forgotten: DateTime<Utc>,
) -> Result<Option<i32>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        "INSERT INTO platform.log_in_attempts AS a (address_hash, failures, last_at) VALUES ($1, 1, $2)
         ON CONFLICT (address_hash) DO UPDATE SET
             failures = CASE WHEN a.last_at < $5 THEN 1 ELSE a.failures + 1 END,
             waits_until = CASE WHEN a.last_at >= $5 AND a.failures >= $3
                 THEN $2 + least(power(2, least(a.failures + 1 - $3, 20)), $4::bigint) * interval '1 second' END,
             last_at = $2
         WHERE a.waits_until IS NULL OR a.waits_until <= $2
         RETURNING failures",
        address,
        now,
        free,
        wait_max,
        forgotten
    )
    .fetch_optional(tx.conn())
    .await
}

/// Until when attempts for an address have to wait.
pub async fn waits_until(tx: &mut PlatformTx, address: &[u8]) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    let found =
        sqlx::query_scalar!("SELECT waits_until FROM platform.log_in_attempts WHERE address_hash = $1", address);
    Ok(found.fetch_optional(tx.conn()).await?.flatten())
}

/// Forgets the attempts for an address.
pub async fn forget_attempts(tx: &mut PlatformTx, address: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.log_in_attempts WHERE address_hash = $1", address).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets all attempts before an instant.
pub async fn forget_attempts_before(tx: &mut PlatformTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.log_in_attempts WHERE last_at < $1", before).execute(tx.conn()).await?;
    Ok(())
}
