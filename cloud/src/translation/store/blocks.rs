//! SQL of who has which block.

use std::net::Ipv4Addr;

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{RouterId, SubscriptionId};
use crate::translation::{Pool, PortBlock, Ports};

/// How a line stands.
pub struct Standing {
    /// Whether it is to have a block: it is not over, and its router has public networks.
    pub due: bool,
    pub has: Option<Ports>,
}

fn ports(address: Option<String>, first: Option<i32>, last: Option<i32>) -> Option<Ports> {
    let address: Ipv4Addr = address?.parse().ok()?;
    Some(Ports { address, first: u16::try_from(first?).ok()?, last: u16::try_from(last?).ok()? })
}

pub async fn standing(tx: &mut TenantTx, line: SubscriptionId) -> Result<Option<Standing>, sqlx::Error> {
    let now = tx.at();
    let row = sqlx::query!(
        r#"SELECT r.public_networks <> '{}' AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date) AS "due!",
                  host(b.address) AS "address?", b.first_port AS "first_port?", b.last_port AS "last_port?"
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN routers r ON r.tenant_id = s.tenant_id AND r.id = s.router_id
           LEFT JOIN port_blocks b ON b.tenant_id = s.tenant_id AND b.subscription_id = s.id AND b.ended_at IS NULL
           WHERE s.id = $1"#,
        line.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Standing { due: row.due, has: ports(row.address, row.first_port, row.last_port) }))
}

/// What a line has.
pub async fn in_use(tx: &mut TenantTx, line: SubscriptionId) -> Result<Option<Ports>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT host(address) AS address, first_port, last_port FROM port_blocks WHERE subscription_id = $1 AND ended_at IS NULL"#,
        line.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| ports(row.address, Some(row.first_port), Some(row.last_port))))
}

/// Gives lines of a router that are not over and have no block the lowest free ones, in the order the lines were sold; one
/// line alone, or all. Tells which got one.
pub async fn assign(
    tx: &mut TenantTx,
    router: RouterId,
    only: Option<SubscriptionId>,
) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    // A slot is the number of a block, counted through the addresses of all networks. As many slots are looked at as are
    // wanted and taken: a free one is among them, if there is one. Lists are paired by place, and nothing is joined that the
    // database could think small: it knows nothing of 50,000 rows that came a moment ago.
    sqlx::query_scalar!(
        r#"WITH waiting AS (
               SELECT coalesce(array_agg(s.id ORDER BY s.id), '{}') AS lines FROM subscriptions s
               JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
               WHERE s.router_id = $3 AND ($4::uuid IS NULL OR s.id = $4)
                 AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date)
                 AND s.id NOT IN (SELECT b.subscription_id FROM port_blocks b WHERE b.router_id = $3 AND b.ended_at IS NULL)),
           sizes AS (SELECT ports_per_line AS ports, 64512 / ports_per_line AS blocks FROM routers WHERE id = $3),
           networks AS (
               SELECT n, set_masklen(network(n)::inet, 32) AS base, 1::bigint << (32 - masklen(n)) AS addresses,
                      (sum(1::bigint << (32 - masklen(n))) OVER (ORDER BY n))::bigint - (1::bigint << (32 - masklen(n))) AS before
               FROM routers r, unnest(r.public_networks) AS n WHERE r.id = $3),
           blocking AS (
               SELECT address, first_port, last_port FROM port_blocks WHERE router_id = $3 AND ended_at IS NULL
               UNION ALL
               SELECT address, first_port, last_port FROM port_blocks
               WHERE ended_at > $2::timestamptz - interval '1 day' AND free_at > $2 AND subscription_id IS DISTINCT FROM $4),
           taken AS (
               SELECT (n.before + (b.address - n.base)) * z.blocks + k AS slot
               FROM sizes z, networks n JOIN blocking b ON b.address <<= n.n,
                    LATERAL generate_series((b.first_port - 1024) / z.ports, least((b.last_port - 1024) / z.ports, z.blocks - 1)) AS k),
           bound AS (
               SELECT CASE WHEN lines = '{}' THEN 0
                           ELSE least((SELECT sum(addresses) FROM networks) * (SELECT blocks FROM sizes),
                                      (SELECT count(*) FROM taken) + cardinality(lines))::bigint END AS slots FROM waiting),
           free AS (
               SELECT ARRAY(SELECT slot FROM (SELECT generate_series(0, slots - 1) AS slot FROM bound EXCEPT SELECT slot FROM taken) AS f
                            ORDER BY slot LIMIT (SELECT cardinality(lines) FROM waiting)) AS slots)
           INSERT INTO port_blocks (tenant_id, id, router_id, subscription_id, address, first_port, last_port, assigned_at)
           SELECT $1, gen_random_uuid(), $3, x.line, n.base + (x.slot / z.blocks - n.before),
                  1024 + (x.slot % z.blocks) * z.ports, 1024 + (x.slot % z.blocks + 1) * z.ports - 1, $2
           FROM waiting w CROSS JOIN free f CROSS JOIN sizes z CROSS JOIN LATERAL unnest(w.lines, f.slots) AS x (line, slot)
           JOIN networks n ON x.slot / z.blocks >= n.before AND x.slot / z.blocks < n.before + n.addresses
           WHERE x.line IS NOT NULL
           RETURNING subscription_id AS "line: SubscriptionId""#,
        tenant,
        now,
        router.uuid(),
        only.map(SubscriptionId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

/// Ends a line's block; its ports are another's after a while.
pub async fn end(tx: &mut TenantTx, line: SubscriptionId, cooling: TimeDelta) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE port_blocks SET ended_at = $2, free_at = $3 WHERE subscription_id = $1 AND ended_at IS NULL",
        line.uuid(),
        now,
        now + cooling
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends the blocks of a router that are not of its networks or have another size; their ports are free at once.
pub async fn end_unfit(tx: &mut TenantTx, router: RouterId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE port_blocks b SET ended_at = $2, free_at = $2 FROM routers r
         WHERE r.id = $1 AND b.tenant_id = r.tenant_id AND b.router_id = r.id AND b.ended_at IS NULL
           AND (b.last_port - b.first_port + 1 <> r.ports_per_line OR NOT (b.address <<= ANY (r.public_networks)))",
        router.uuid(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The lines of a router whose block was given or ended at an instant.
pub async fn changed_at(
    tx: &mut TenantTx,
    router: RouterId,
    at: DateTime<Utc>,
) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT DISTINCT subscription_id AS "line: SubscriptionId" FROM port_blocks
           WHERE router_id = $1 AND out_of_force_at IS NULL AND (assigned_at = $2 OR ended_at = $2) ORDER BY 1"#,
        router.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn of_line(
    tx: &mut TenantTx,
    line: SubscriptionId,
    history: bool,
    page: Page,
) -> Result<Vec<PortBlock>, sqlx::Error> {
    sqlx::query_as!(
        PortBlock,
        r#"SELECT id AS "id: _", subscription_id AS "subscription_id: _", router_id AS "router_id: _", host(address) AS "address!",
                  first_port, last_port, assigned_at, in_force_at, ended_at, out_of_force_at
           FROM port_blocks
           WHERE subscription_id = $1 AND ($4 OR ended_at IS NULL)
             AND ($2::uuid IS NULL OR (assigned_at, id) < (SELECT b.assigned_at, b.id FROM port_blocks b WHERE b.id = $2))
           ORDER BY assigned_at DESC, id DESC LIMIT $3"#,
        line.uuid(),
        page.after,
        page.fetch(),
        history
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn pool(tx: &mut TenantTx, router: RouterId) -> Result<Pool, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Pool,
        r#"SELECT (SELECT coalesce(sum(1::bigint << (32 - masklen(n))), 0) FROM unnest(r.public_networks) AS n)::bigint
                      * (64512 / r.ports_per_line) AS "blocks!",
                  (SELECT count(*) FROM port_blocks b
                   WHERE b.tenant_id = r.tenant_id AND b.router_id = r.id AND b.ended_at IS NULL) AS "used!",
                  (SELECT count(*) FROM port_blocks b
                   WHERE b.tenant_id = r.tenant_id AND b.router_id = r.id
                     AND b.ended_at > $2::timestamptz - interval '1 day' AND b.free_at > $2) AS "cooling!",
                  (SELECT count(*) FROM subscriptions s JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
                   WHERE s.tenant_id = r.tenant_id AND s.router_id = r.id
                     AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date)
                     AND s.id NOT IN (SELECT b.subscription_id FROM port_blocks b WHERE b.router_id = $1 AND b.ended_at IS NULL))
                      AS "lines_without!"
           FROM routers r WHERE r.id = $1"#,
        router.uuid(),
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// Routers that have public networks.
pub async fn routers_with_networks(tx: &mut TenantTx) -> Result<Vec<RouterId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT id AS "id: RouterId" FROM routers WHERE public_networks <> '{}' ORDER BY id"#)
        .fetch_all(tx.conn())
        .await
}
