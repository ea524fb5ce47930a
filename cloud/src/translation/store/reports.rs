//! SQL of what routers tell that they hold.

use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::AgentId;
use crate::translation::Told;

/// Whether any block of an agent's router waits for what the router says of it.
pub async fn awaited(tx: &mut TenantTx, agent: AgentId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM port_blocks b JOIN agents a ON a.tenant_id = b.tenant_id AND a.router_id = b.router_id
                          WHERE a.id = $1 AND b.out_of_force_at IS NULL) AS "awaited!""#,
        agent.uuid()
    )
    .fetch_one(tx.conn())
    .await
}

/// Notes which blocks came into force and which ended ones left it.
pub async fn note(tx: &mut TenantTx, agent: AgentId, told: &[Told]) -> Result<(), sqlx::Error> {
    let now = tx.at();
    let lines: Vec<Uuid> = told.iter().map(|told| told.line).collect();
    let addresses: Vec<Option<String>> =
        told.iter().map(|told| told.ports.map(|ports| ports.address.to_string())).collect();
    let first: Vec<Option<i32>> = told.iter().map(|told| told.ports.map(|ports| ports.first.into())).collect();
    let last: Vec<Option<i32>> = told.iter().map(|told| told.ports.map(|ports| ports.last.into())).collect();
    // Line by line along the index, however many there are: the database could think that they are few.
    sqlx::query!(
        "WITH seen AS (
             SELECT b.tenant_id, b.id,
                    coalesce(t.address = host(b.address) AND t.first_port = b.first_port AND t.last_port = b.last_port, false)
                        -- A line that was given the same ports again holds them by the newer row.
                        AND NOT EXISTS (SELECT FROM port_blocks n
                                        WHERE n.tenant_id = b.tenant_id AND n.subscription_id = b.subscription_id AND n.ended_at IS NULL
                                          AND n.id <> b.id AND n.address = b.address
                                          AND n.first_port = b.first_port AND n.last_port = b.last_port) AS held
             FROM unnest($3::uuid[], $4::text[], $5::integer[], $6::integer[]) AS t (line, address, first_port, last_port)
             CROSS JOIN LATERAL (SELECT * FROM port_blocks p WHERE p.subscription_id = t.line OFFSET 0) AS b
             WHERE b.router_id = (SELECT a.router_id FROM agents a WHERE a.id = $1)
               AND b.out_of_force_at IS NULL AND (b.in_force_at IS NULL OR b.ended_at IS NOT NULL))
         UPDATE port_blocks b
         SET in_force_at = CASE WHEN seen.held THEN coalesce(b.in_force_at, $2) ELSE b.in_force_at END,
             out_of_force_at = CASE WHEN NOT seen.held AND b.ended_at IS NOT NULL THEN $2 END
         FROM seen
         WHERE b.tenant_id = seen.tenant_id AND b.id = seen.id
           AND ((seen.held AND b.in_force_at IS NULL) OR (NOT seen.held AND b.ended_at IS NOT NULL))",
        agent.uuid(),
        now,
        &lines,
        &addresses as &[Option<String>],
        &first as &[Option<i32>],
        &last as &[Option<i32>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that the ended blocks of lines that are not among these are out of force.
pub async fn note_others(tx: &mut TenantTx, agent: AgentId, named: &[Uuid]) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE port_blocks SET out_of_force_at = $2
         WHERE router_id = (SELECT a.router_id FROM agents a WHERE a.id = $1) AND out_of_force_at IS NULL AND ended_at IS NOT NULL
           AND subscription_id NOT IN (SELECT unnest($3::uuid[]))",
        agent.uuid(),
        now,
        named
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
