//! SQL of what routers hold back.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::fleet::held::Held;
use crate::http::paging::Page;
use crate::ids::{AgentId, RouterId};

pub async fn restored_at(tx: &mut TenantTx) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT restored_at FROM tenants").fetch_one(tx.conn()).await
}

pub async fn held(tx: &mut TenantTx, router: Option<RouterId>, page: Page) -> Result<Vec<Held>, sqlx::Error> {
    sqlx::query_as!(
        Held,
        r#"SELECT r.id AS "router_id: _", r.name AS router, a.connected_at,
                  a.unknown_held + count(*) FILTER (WHERE o.code = 'removal-held') AS "removals!",
                  count(*) FILTER (WHERE o.code = 'suspension-held') AS "suspensions!",
                  count(*) FILTER (WHERE o.code = 'reduction-held') AS "reductions!",
                  count(*) FILTER (WHERE o.code = 'settings-held') AS "settings!"
           FROM agents a
           JOIN routers r ON r.tenant_id = a.tenant_id AND r.id = a.router_id
           LEFT JOIN applied_objects o ON o.tenant_id = a.tenant_id AND o.agent_id = a.id AND o.code LIKE '%-held'
           WHERE a.revoked_at IS NULL AND ($1::uuid IS NULL OR r.id = $1) AND ($2::uuid IS NULL OR r.id > $2)
           GROUP BY r.id, r.name, a.connected_at, a.unknown_held
           HAVING a.unknown_held > 0 OR count(o.code) > 0 OR EXISTS (SELECT FROM tenants t WHERE t.restored_at IS NOT NULL)
           ORDER BY r.id LIMIT $3"#,
        router.map(RouterId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// What all routers hold back together.
pub struct Sums {
    pub removals: i64,
    pub suspensions: i64,
    pub reductions: i64,
    pub settings: i64,
}

pub async fn sums(tx: &mut TenantTx) -> Result<Sums, sqlx::Error> {
    sqlx::query_as!(
        Sums,
        r#"SELECT (SELECT coalesce(sum(unknown_held), 0) FROM agents WHERE revoked_at IS NULL)
                  + count(*) FILTER (WHERE o.code = 'removal-held') AS "removals!",
                  count(*) FILTER (WHERE o.code = 'suspension-held') AS "suspensions!",
                  count(*) FILTER (WHERE o.code = 'reduction-held') AS "reductions!",
                  count(*) FILTER (WHERE o.code = 'settings-held') AS "settings!"
           FROM agents a JOIN applied_objects o ON o.tenant_id = a.tenant_id AND o.agent_id = a.id
           WHERE a.revoked_at IS NULL AND o.code LIKE '%-held'"#
    )
    .fetch_one(tx.conn())
    .await
}

/// Locks all routers, in an order: before their agents, as whoever changes what those should hold does.
pub async fn lock_routers(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM routers ORDER BY id FOR NO KEY UPDATE").fetch_all(tx.conn()).await?;
    Ok(())
}

/// Makes a generation of the confirmation alone for each agent that holds something back, or for all, and ends that the
/// database is restored.
pub async fn release(tx: &mut TenantTx, all: bool) -> Result<Vec<AgentId>, sqlx::Error> {
    sqlx::query!("UPDATE tenants SET restored_at = NULL WHERE restored_at IS NOT NULL").execute(tx.conn()).await?;
    sqlx::query_scalar!(
        r#"UPDATE agents a SET desired_gen = desired_gen + 1, removals_confirmed_gen = desired_gen + 1
           WHERE revoked_at IS NULL AND ($1 OR unknown_held > 0 OR EXISTS (
               SELECT FROM applied_objects o WHERE o.tenant_id = a.tenant_id AND o.agent_id = a.id AND o.code LIKE '%-held'))
           RETURNING id AS "id: AgentId""#,
        all
    )
    .fetch_all(tx.conn())
    .await
}

/// Notes how many lines an agent keeps that nobody here knows.
pub async fn set_unknown(tx: &mut TenantTx, agent: AgentId, lines: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE agents SET unknown_held = $2 WHERE id = $1 AND unknown_held <> $2", agent.uuid(), lines)
        .execute(tx.conn())
        .await?;
    Ok(())
}
