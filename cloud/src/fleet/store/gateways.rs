//! SQL of a gateway's sessions, all tenants' together, and of the gateways there are.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::PlatformTx;
use crate::ids::AgentId;

/// Sessions of a gateway, in columns.
#[derive(Default)]
pub struct Sessions {
    /// Whose.
    pub agents: Vec<Uuid>,
    /// Which.
    pub ids: Vec<i64>,
    /// Generation each agent was told last.
    pub told: Vec<i64>,
}

/// Those that own their agent no more, or whose agent should hold something newer.
pub async fn behind(tx: &mut PlatformTx, sessions: &Sessions) -> Result<Vec<AgentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.agent AS "id!: AgentId" FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS s (agent, session, told)
           JOIN agents a ON a.id = s.agent
           WHERE a.session_id IS DISTINCT FROM s.session OR a.desired_gen > s.told"#,
        &sessions.agents,
        &sessions.ids,
        &sessions.told
    )
    .fetch_all(tx.conn())
    .await
}

/// Notes that agents spoke. Whoever is being written is speaking: that row is noted the next time.
pub async fn set_seen(tx: &mut PlatformTx, sessions: &Sessions) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE agents a SET last_seen_at = $3
         FROM (SELECT own.id FROM unnest($1::uuid[], $2::bigint[]) AS s (agent, session)
               JOIN agents own ON own.id = s.agent AND own.session_id = s.session AND own.disconnected_at IS NULL
               FOR NO KEY UPDATE OF own SKIP LOCKED) seen
         WHERE a.id = seen.id",
        &sessions.agents,
        &sessions.ids,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many agents spoke since an instant, and may come back at once.
pub async fn seen_since(tx: &mut PlatformTx, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM agents WHERE revoked_at IS NULL AND last_seen_at > $1"#,
        since
    )
    .fetch_one(tx.conn())
    .await
}

/// Notes that a gateway is there.
pub async fn put(tx: &mut PlatformTx, id: Uuid, address: &str) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "INSERT INTO platform.gateways (id, address, seen_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO UPDATE SET seen_at = $3",
        id,
        address,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets a gateway, and those that were not there since an instant.
pub async fn remove(tx: &mut PlatformTx, id: Uuid, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM platform.gateways WHERE id = $1 OR seen_at < $2", id, before).execute(tx.conn()).await?;
    Ok(())
}

/// Where agents dial the gateways that were there since an instant, but for those they dial at the same address.
pub async fn others(tx: &mut PlatformTx, address: &str, since: DateTime<Utc>) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT DISTINCT address FROM platform.gateways WHERE seen_at >= $1 AND address <> $2 ORDER BY address",
        since,
        address
    )
    .fetch_all(tx.conn())
    .await
}
