//! SQL of who had an address.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::ids::{AccountId, PortBlockId, RouterId, SubscriptionId};

/// A block, and whose line's it is.
pub struct Row {
    pub id: PortBlockId,
    pub subscription_id: SubscriptionId,
    pub account_id: AccountId,
    pub router_id: RouterId,
    pub first_port: i32,
    pub last_port: i32,
    pub assigned_at: DateTime<Utc>,
    pub in_force_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub out_of_force_at: Option<DateTime<Utc>>,
}

/// The blocks with a port of an address under which flows may have been at an instant, the newest first: from their beginning
/// up to a day after their end, or after the router let go of them, whichever is later.
pub async fn held(tx: &mut TenantTx, address: &str, port: i32, at: DateTime<Utc>) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT b.id AS "id: _", b.subscription_id AS "subscription_id: _", s.account_id AS "account_id: _", b.router_id AS "router_id: _",
                  b.first_port, b.last_port, b.assigned_at, b.in_force_at, b.ended_at, b.out_of_force_at
           FROM port_blocks b JOIN subscriptions s ON s.tenant_id = b.tenant_id AND s.id = b.subscription_id
           WHERE b.address = $1::text::inet AND $2 BETWEEN b.first_port AND b.last_port AND b.assigned_at <= $3
             AND (b.ended_at IS NULL OR $3 < b.ended_at + interval '1 day'
                  OR $3 < coalesce(b.out_of_force_at, 'infinity') + interval '1 day')
           ORDER BY b.assigned_at DESC, b.id LIMIT 50"#,
        address,
        port,
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// Forgets what ended longer ago than the ISP keeps it; tells how many blocks, and when the last of them ended. What a router
/// has not told that it let go of is kept for as long as the router has an agent that may still tell.
pub async fn forget(tx: &mut TenantTx) -> Result<(i64, Option<DateTime<Utc>>), sqlx::Error> {
    let now = tx.at();
    let row = sqlx::query!(
        r#"WITH gone AS (
               DELETE FROM port_blocks b USING tenants t
               WHERE t.tenant_id = b.tenant_id AND b.ended_at < $1::timestamptz - make_interval(months => t.port_block_months)
                 AND (b.out_of_force_at IS NOT NULL OR NOT EXISTS (
                     SELECT FROM agents a
                     WHERE a.tenant_id = b.tenant_id AND a.router_id = b.router_id AND a.revoked_at IS NULL))
               RETURNING b.ended_at)
           SELECT count(*) AS "blocks!", max(ended_at) AS "newest?" FROM gone"#,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok((row.blocks, row.newest))
}
