//! SQL of what routers told people.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::fleet::events::{Event, Severity};
use crate::http::paging::Page;
use crate::ids::{AgentId, RouterId};

/// Of all agents the router ever had.
pub async fn of_router(
    tx: &mut TenantTx,
    router: RouterId,
    severity: Option<Severity>,
    page: Page,
) -> Result<Vec<Event>, sqlx::Error> {
    sqlx::query_as!(
        Event,
        r#"SELECT e.id, e.kind, e.severity AS "severity: _", e.at, e.received_at, e.text
           FROM agents a JOIN agent_events e ON e.tenant_id = a.tenant_id AND e.agent_id = a.id
           WHERE a.router_id = $1 AND ($2::text IS NULL OR e.severity = $2)
             AND ($3::uuid IS NULL OR (e.received_at, e.id) < (
                 SELECT b.received_at, b.id FROM agents o JOIN agent_events b ON b.tenant_id = o.tenant_id AND b.agent_id = o.id
                 WHERE o.router_id = $1 AND b.id = $3 LIMIT 1))
           ORDER BY e.received_at DESC, e.id DESC LIMIT $4"#,
        router.uuid(),
        severity.map(Severity::name),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// How many events of a kind came from an agent since then.
pub async fn count_since(
    tx: &mut TenantTx,
    agent: AgentId,
    kind: &str,
    since: DateTime<Utc>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM agent_events WHERE agent_id = $1 AND kind = $2 AND received_at > $3"#,
        agent.uuid(),
        kind,
        since
    )
    .fetch_one(tx.conn())
    .await
}

/// Forgets what was told before; tells how much that was.
pub async fn forget(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query!("DELETE FROM agent_events WHERE received_at < $1", before).execute(tx.conn()).await?;
    Ok(forgotten.rows_affected())
}
