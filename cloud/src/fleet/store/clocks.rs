//! SQL of what routers' clocks showed.

use crate::db::TenantTx;
use crate::fleet::clocks::Shown;
use crate::ids::AgentId;

/// So many are kept of an agent: nobody can fill the table.
const KEPT: i64 = 100;

pub async fn insert(tx: &mut TenantTx, agent: AgentId, boot_id: &[u8], shown: Shown) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO router_clocks (tenant_id, agent_id, boot_id, heard_at, shown_at, booted_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        tenant,
        agent.uuid(),
        boot_id,
        shown.heard_at,
        shown.shown_at,
        shown.booted_at
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "DELETE FROM router_clocks WHERE agent_id = $1
         AND heard_at < (SELECT heard_at FROM router_clocks WHERE agent_id = $1 ORDER BY heard_at DESC OFFSET $2 LIMIT 1)",
        agent.uuid(),
        KEPT - 1
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn of_boot(tx: &mut TenantTx, agent: AgentId, boot_id: &[u8]) -> Result<Vec<Shown>, sqlx::Error> {
    sqlx::query_as!(
        Shown,
        "SELECT c.heard_at, c.shown_at, c.booted_at FROM agents own
         JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
         JOIN router_clocks c ON c.tenant_id = a.tenant_id AND c.agent_id = a.id
         WHERE own.id = $1 AND c.boot_id = $2 ORDER BY c.heard_at",
        agent.uuid(),
        boot_id
    )
    .fetch_all(tx.conn())
    .await
}
