//! SQL of sites and routers. Access points: [`access_points`].

pub mod access_points;

use super::{Error, Router, Site};
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{RouterId, SiteId};

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
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked, created_at
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
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked, created_at
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
                  unknown_hosts AS "unknown_hosts: _", own_networks::text[] AS "own_networks!", untracked, created_at
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
                              unknown_hosts, own_networks, untracked, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[]::cidr[], $12, $13)",
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
        router.created_at
    )
    .execute(tx.conn())
    .await;
    router_written(inserted, router)
}

pub async fn update_router(tx: &mut TenantTx, router: &Router) -> Result<(), Error> {
    let updated = sqlx::query!(
        "UPDATE routers SET site_id = $2, name = $3, lan_interface = $4, wan_interface = $5, nat = $6, capacity_down_bps = $7,
                capacity_up_bps = $8, unknown_hosts = $9, own_networks = $10::text[]::cidr[],
                untracked = $11 WHERE id = $1",
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
        router.untracked
    )
    .execute(tx.conn())
    .await;
    router_written(updated, router)
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
