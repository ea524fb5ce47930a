//! SQL of what routers refuse. What they hold back is not among it: that waits for a person.

use crate::db::TenantTx;
use crate::fleet::refusals::Refusal;
use crate::http::paging::Page;
use crate::ids::RouterId;

pub async fn of_router(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Refusal>, sqlx::Error> {
    sqlx::query_as!(
        Refusal,
        r#"SELECT o.object_id AS place, CASE o.kind WHEN 2 THEN o.object_id END AS "subscription_id: _",
                  CASE o.kind WHEN 4 THEN o.object_id END AS "access_point_id: _", o.status, o.code, o.detail, o.reported_at
           FROM agents a
           JOIN applied_objects o ON o.tenant_id = a.tenant_id AND o.agent_id = a.id
           JOIN desired_objects d ON d.tenant_id = o.tenant_id AND d.agent_id = o.agent_id AND d.kind = o.kind
                                 AND d.object_id = o.object_id AND NOT d.removed
           WHERE a.router_id = $1 AND a.revoked_at IS NULL AND o.kind IN (1, 2, 4)
             AND o.status IN ('failed', 'rejected', 'unsupported') AND o.code NOT LIKE '%-held' AND ($2::uuid IS NULL OR o.object_id > $2)
           ORDER BY o.object_id LIMIT $3"#,
        router.uuid(),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn counts(tx: &mut TenantTx) -> Result<Vec<(RouterId, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT a.router_id AS "router: RouterId", count(*) AS "count!" FROM agents a
           JOIN applied_objects o ON o.tenant_id = a.tenant_id AND o.agent_id = a.id
           JOIN desired_objects d ON d.tenant_id = o.tenant_id AND d.agent_id = o.agent_id AND d.kind = o.kind
                                 AND d.object_id = o.object_id AND NOT d.removed
           WHERE a.revoked_at IS NULL AND o.kind IN (1, 2, 4) AND o.status IN ('failed', 'rejected', 'unsupported')
             AND o.code NOT LIKE '%-held'
           GROUP BY a.router_id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.router, row.count)).collect())
}
