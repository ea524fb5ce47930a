//! SQL of sites and routers.

use super::{Error, Site};
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::SiteId;

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
        Err(error) if error.as_database_error().is_some_and(|error| error.is_foreign_key_violation()) => Err(Error::SiteInUse(id)),
        other => Ok(other.map(|_| ())?),
    }
}

fn name_taken<T>(result: Result<T, sqlx::Error>, site: &Site) -> Result<(), Error> {
    match result {
        Err(error) if broken_constraint(&error) == Some("sites_name_unique") => Err(Error::SiteNameTaken(site.name.clone())),
        other => Ok(other.map(|_| ())?),
    }
}
