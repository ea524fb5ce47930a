//! SQL of what servers of routers leased to lines.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AgentId, SubscriptionId};

/// Those of these lines that are of the agent's own router.
pub async fn own_lines(tx: &mut TenantTx, agent: AgentId, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT s.id FROM subscriptions s JOIN agents a ON a.tenant_id = s.tenant_id AND a.router_id = s.router_id
         WHERE a.id = $1 AND s.id = ANY($2)",
        agent.uuid(),
        ids
    )
    .fetch_all(tx.conn())
    .await
}

/// Notes how many leases are no line's.
pub async fn set_unclaimed(tx: &mut TenantTx, agent: AgentId, count: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE agents SET unclaimed_leases = $2 WHERE id = $1", agent.uuid(), count)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets what lines of the agent's router have, but for these.
pub async fn forget_others(tx: &mut TenantTx, agent: AgentId, but: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM learned_prefixes l USING subscriptions s, agents a
         WHERE a.id = $1 AND s.tenant_id = a.tenant_id AND s.router_id = a.router_id
           AND l.tenant_id = s.tenant_id AND l.subscription_id = s.id AND s.id <> ALL ($2)",
        agent.uuid(),
        but
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What lines have, column by column.
#[derive(Default)]
pub struct Rows {
    pub lines: Vec<Uuid>,
    pub prefixes: Vec<String>,
    pub sources: Vec<String>,
    pub since: Vec<Option<DateTime<Utc>>>,
    pub until: Vec<Option<DateTime<Utc>>>,
}

/// Puts what was told of these lines in the place of what was known of them.
pub async fn replace(tx: &mut TenantTx, lines: &[Uuid], rows: &Rows) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!("DELETE FROM learned_prefixes WHERE subscription_id = ANY ($1)", lines).execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO learned_prefixes (tenant_id, subscription_id, prefix, source, since_at, until_at, reported_at)
         SELECT $1, x.line, x.prefix::cidr, x.source, x.since_at, x.until_at, $2
         FROM unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
              AS x (line, prefix, source, since_at, until_at)",
        tenant,
        now,
        &rows.lines,
        &rows.prefixes,
        &rows.sources,
        &rows.since as &[Option<DateTime<Utc>>],
        &rows.until as &[Option<DateTime<Utc>>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What routers said of leases that this line and another claim, unless a line has what was leased since; newest first.
pub async fn conflicts(
    tx: &mut TenantTx,
    id: SubscriptionId,
    since: DateTime<Utc>,
) -> Result<Vec<(DateTime<Utc>, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT e.at, e.text FROM agent_events e
         JOIN agents a ON a.tenant_id = e.tenant_id AND a.id = e.agent_id
         JOIN subscriptions s ON s.tenant_id = a.tenant_id AND s.router_id = a.router_id
         WHERE s.id = $1 AND e.kind = 'address-conflict' AND e.at >= $2 AND position(s.id::text IN e.text) > 0
           AND NOT EXISTS (SELECT FROM learned_prefixes l
                           JOIN subscriptions o ON o.tenant_id = l.tenant_id AND o.id = l.subscription_id
                           WHERE l.tenant_id = e.tenant_id AND o.router_id = a.router_id
                             AND l.prefix::text = split_part(e.text, ' ', 1) AND l.since_at > e.at)
         ORDER BY e.at DESC LIMIT 50",
        id.uuid(),
        since
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.at, row.text)).collect())
}
