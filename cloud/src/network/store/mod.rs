//! SQL of sites and routers. Access points: [`access_points`].

pub mod access_points;

use ipnet::IpNet;

use super::{Error, Router, Site};
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{RouterId, SiteId, SubscriptionId};

pub async fn sites(tx: &mut TenantTx, page: Page) -> Result<Vec<Site>, sqlx::Error> {
    sqlx::query_as!(
        Site,
        r#"SELECT id AS "id: _", name, address, created_at FROM sites
           WHERE $1::uuid IS NULL OR (name, id) > (SELECT name, id FROM sites WHERE id = $1)
           ORDER BY name, id LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn site(tx: &mut TenantTx, id: SiteId) -> Result<Option<Site>, sqlx::Error> {
    sqlx::query_as!(Site, r#"SELECT id AS "id: _", name, address, created_at FROM sites WHERE id = $1"#, id.uuid())
        .fetch_optional(tx.conn())
        .await
}

/// Sites of this id, or whose name or address contains `text`.
pub async fn find_sites(
    tx: &mut TenantTx,
    id: Option<SiteId>,
    text: &str,
    limit: i64,
) -> Result<Vec<Site>, sqlx::Error> {
    sqlx::query_as!(
        Site,
        r#"SELECT id AS "id: _", name, address, created_at FROM sites
           WHERE id = $1 OR position($2 IN lower(name)) > 0 OR position($2 IN lower(address)) > 0 ORDER BY name, id LIMIT $3"#,
        id.map(SiteId::uuid),
        text,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_site(tx: &mut TenantTx, site: &Site) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO sites (tenant_id, id, name, address, created_at) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        site.id.uuid(),
        site.name,
        site.address,
        site.created_at
    )
    .execute(tx.conn())
    .await;
    name_taken(inserted, site)
}

pub async fn update_site(tx: &mut TenantTx, site: &Site) -> Result<(), Error> {
    let updated =
        sqlx::query!("UPDATE sites SET name = $2, address = $3 WHERE id = $1", site.id.uuid(), site.name, site.address)
            .execute(tx.conn())
            .await;
    name_taken(updated, site)
}

pub async fn delete_site(tx: &mut TenantTx, id: SiteId) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM sites WHERE id = $1", id.uuid()).execute(tx.conn()).await;
    match deleted {
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
            Err(Error::SiteInUse(id))
        }
        other => Ok(other.map(|_| ())?),
    }
}

fn name_taken<T>(result: Result<T, sqlx::Error>, site: &Site) -> Result<(), Error> {
    match result {
        Err(error) if broken_constraint(&error) == Some("sites_name_unique") => {
            Err(Error::SiteNameTaken(site.name.clone()))
        }
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn routers(tx: &mut TenantTx, page: Page) -> Result<Vec<Router>, sqlx::Error> {
    sqlx::query_as!(
        Router,
        r#"SELECT id AS "id: _", site_id AS "site_id: _", name, lan_interface, wan_interface, nat, capacity_down_bps, capacity_up_bps,
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked,
                  public_networks::text[] AS "public_networks!", ports_per_line, metered, created_at
           FROM routers WHERE $1::uuid IS NULL OR (name, id) > (SELECT name, id FROM routers WHERE id = $1)
           ORDER BY name, id LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn lock_router(tx: &mut TenantTx, id: RouterId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM routers WHERE id = $1 FOR NO KEY UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    Ok(())
}

pub async fn router(tx: &mut TenantTx, id: RouterId) -> Result<Option<Router>, sqlx::Error> {
    sqlx::query_as!(
        Router,
        r#"SELECT id AS "id: _", site_id AS "site_id: _", name, lan_interface, wan_interface, nat, capacity_down_bps, capacity_up_bps,
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked,
                  public_networks::text[] AS "public_networks!", ports_per_line, metered, created_at
           FROM routers WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Routers of this id, or whose name contains `text`.
pub async fn find_routers(
    tx: &mut TenantTx,
    id: Option<RouterId>,
    text: &str,
    limit: i64,
) -> Result<Vec<Router>, sqlx::Error> {
    sqlx::query_as!(
        Router,
        r#"SELECT id AS "id: _", site_id AS "site_id: _", name, lan_interface, wan_interface, nat, capacity_down_bps, capacity_up_bps,
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked,
                  public_networks::text[] AS "public_networks!", ports_per_line, metered, created_at
           FROM routers WHERE id = $1 OR position($2 IN lower(name)) > 0 ORDER BY name, id LIMIT $3"#,
        id.map(RouterId::uuid),
        text,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_router(tx: &mut TenantTx, router: &Router) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO routers (tenant_id, id, site_id, name, lan_interface, wan_interface, nat, capacity_down_bps, capacity_up_bps,
                              unknown_hosts, own_networks, untracked, created_at, public_networks, ports_per_line, metered)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[]::cidr[], $12, $13, $14::text[]::cidr[], $15, $16)",
        tenant,
        router.id.uuid(),
        router.site_id.uuid(),
        router.name,
        router.lan_interface,
        router.wan_interface,
        router.nat,
        router.capacity_down_bps,
        router.capacity_up_bps,
        router.unknown_hosts.name(),
        &router.own_networks,
        router.untracked,
        router.created_at,
        &router.public_networks,
        router.ports_per_line,
        router.metered
    )
    .execute(tx.conn())
    .await;
    router_written(inserted, router)
}

pub async fn update_router(tx: &mut TenantTx, router: &Router) -> Result<(), Error> {
    let updated = sqlx::query!(
        "UPDATE routers SET site_id = $2, name = $3, lan_interface = $4, wan_interface = $5, nat = $6, capacity_down_bps = $7,
                capacity_up_bps = $8, unknown_hosts = $9, own_networks = $10::text[]::cidr[],
                untracked = $11, public_networks = $12::text[]::cidr[], ports_per_line = $13, metered = $14 WHERE id = $1",
        router.id.uuid(),
        router.site_id.uuid(),
        router.name,
        router.lan_interface,
        router.wan_interface,
        router.nat,
        router.capacity_down_bps,
        router.capacity_up_bps,
        router.unknown_hosts.name(),
        &router.own_networks,
        router.untracked,
        &router.public_networks,
        router.ports_per_line,
        router.metered
    )
    .execute(tx.conn())
    .await;
    router_written(updated, router)
}

/// Serialises who takes public networks: they are of one router of the ISP.
pub async fn lock_public_networks(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT tenant_id FROM tenants FOR NO KEY UPDATE").fetch_all(tx.conn()).await?;
    Ok(())
}

/// A public network wished for a router that overlaps with one of another: which of the wishes, what with, and whose.
pub async fn public_network_of_another(
    tx: &mut TenantTx,
    router: &Router,
) -> Result<Option<(i64, String, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT w.nth - 1 AS "nth!", n.network::text AS "network!", r.name
           FROM unnest($2::text[]::cidr[]) WITH ORDINALITY AS w (network, nth)
           JOIN (routers r CROSS JOIN unnest(r.public_networks) AS n (network)) ON n.network && w.network
           WHERE r.id <> $1 ORDER BY w.nth, n.network LIMIT 1"#,
        router.id.uuid(),
        &router.public_networks
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.nth, row.network, row.name)))
}

/// Keeps public networks from being taken until the transaction ends, without keeping others from doing the same.
pub async fn hold_public_networks(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT tenant_id FROM tenants FOR SHARE").fetch_all(tx.conn()).await?;
    Ok(())
}

/// A public network wished for a router that overlaps with a prefix a line has, or will have: which of the wishes, what with,
/// and whose.
pub async fn public_network_of_line(
    tx: &mut TenantTx,
    router: &Router,
) -> Result<Option<(i64, String, SubscriptionId)>, sqlx::Error> {
    let today = tx.at().date_naive();
    let row = sqlx::query!(
        r#"SELECT w.nth - 1 AS "nth!", p.prefix::text AS "prefix!", p.subscription_id AS "line: SubscriptionId"
           FROM unnest($1::text[]::cidr[]) WITH ORDINALITY AS w (network, nth)
           JOIN subscription_prefixes p ON p.prefix && w.network
           WHERE p.valid && daterange($2, NULL) ORDER BY w.nth, p.prefix LIMIT 1"#,
        &router.public_networks,
        today
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.nth, row.prefix, row.line)))
}

/// The public network of a router that overlaps with a prefix, and the router's name.
pub async fn public_network_with(tx: &mut TenantTx, prefix: &IpNet) -> Result<Option<(String, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT n.network::text AS "network!", r.name
           FROM routers r CROSS JOIN unnest(r.public_networks) AS n (network)
           WHERE n.network && $1::text::cidr ORDER BY n.network LIMIT 1"#,
        prefix.to_string()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.network, row.name)))
}

pub async fn delete_router(tx: &mut TenantTx, id: RouterId) -> Result<(), Error> {
    let deleted = sqlx::query!("DELETE FROM routers WHERE id = $1", id.uuid()).execute(tx.conn()).await;
    match deleted {
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
            Err(Error::RouterInUse(id))
        }
        other => Ok(other.map(|_| ())?),
    }
}

fn router_written<T>(result: Result<T, sqlx::Error>, router: &Router) -> Result<(), Error> {
    match result {
        Err(error) if broken_constraint(&error) == Some("routers_name_unique") => {
            Err(Error::RouterNameTaken(router.name.clone()))
        }
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => {
            Err(Error::SiteNotFound(router.site_id))
        }
        other => Ok(other.map(|_| ())?),
    }
}
