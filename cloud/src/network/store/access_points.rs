//! SQL of access points.

use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{AccessPointId, RouterId, SubscriptionId};
use crate::network::{AccessPoint, Error};

pub async fn access_points(tx: &mut TenantTx, page: Page) -> Result<Vec<AccessPoint>, sqlx::Error> {
    sqlx::query_as!(
        AccessPoint,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", parent_id AS "parent_id: _", name, committed_down_bps, committed_up_bps,
                  peak_down_bps, peak_up_bps, created_at
           FROM access_points WHERE $1::uuid IS NULL OR (name, id) > (SELECT name, id FROM access_points WHERE id = $1)
           ORDER BY name, id LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn of_router(tx: &mut TenantTx, router: RouterId) -> Result<Vec<AccessPoint>, sqlx::Error> {
    sqlx::query_as!(
        AccessPoint,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", parent_id AS "parent_id: _", name, committed_down_bps, committed_up_bps,
                  peak_down_bps, peak_up_bps, created_at
           FROM access_points WHERE router_id = $1 ORDER BY name, id"#,
        router.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn access_point(tx: &mut TenantTx, id: AccessPointId) -> Result<Option<AccessPoint>, sqlx::Error> {
    sqlx::query_as!(
        AccessPoint,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", parent_id AS "parent_id: _", name, committed_down_bps, committed_up_bps,
                  peak_down_bps, peak_up_bps, created_at
           FROM access_points WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Access points of this id, or whose name contains `text`.
pub async fn find(
    tx: &mut TenantTx,
    id: Option<AccessPointId>,
    text: &str,
    limit: i64,
) -> Result<Vec<AccessPoint>, sqlx::Error> {
    sqlx::query_as!(
        AccessPoint,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", parent_id AS "parent_id: _", name, committed_down_bps, committed_up_bps,
                  peak_down_bps, peak_up_bps, created_at
           FROM access_points WHERE id = $1 OR position($2 IN lower(name)) > 0 ORDER BY name, id LIMIT $3"#,
        id.map(AccessPointId::uuid),
        text,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// The subscriptions behind an access point itself, ended ones too.
pub async fn lines_behind(tx: &mut TenantTx, id: AccessPointId) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SubscriptionId" FROM subscriptions WHERE access_point_id = $1 ORDER BY id"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Holds changes of the subscriptions behind an access point back.
pub async fn lock_lines_behind(tx: &mut TenantTx, id: AccessPointId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM subscriptions WHERE access_point_id = $1 ORDER BY id FOR NO KEY UPDATE", id.uuid())
        .fetch_all(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert(tx: &mut TenantTx, added: &AccessPoint) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO access_points (tenant_id, id, router_id, parent_id, name, committed_down_bps, committed_up_bps, peak_down_bps,
                                    peak_up_bps, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        added.id.uuid(),
        added.router_id.uuid(),
        added.parent_id.map(AccessPointId::uuid),
        added.name,
        added.committed_down_bps,
        added.committed_up_bps,
        added.peak_down_bps,
        added.peak_up_bps,
        added.created_at
    )
    .execute(tx.conn())
    .await;
    name_taken(inserted, added)
}

pub async fn update(tx: &mut TenantTx, changed: &AccessPoint) -> Result<(), Error> {
    let updated = sqlx::query!(
        "UPDATE access_points SET parent_id = $2, name = $3, committed_down_bps = $4, committed_up_bps = $5, peak_down_bps = $6,
                peak_up_bps = $7 WHERE id = $1",
        changed.id.uuid(),
        changed.parent_id.map(AccessPointId::uuid),
        changed.name,
        changed.committed_down_bps,
        changed.committed_up_bps,
        changed.peak_down_bps,
        changed.peak_up_bps
    )
    .execute(tx.conn())
    .await;
    name_taken(updated, changed)
}

/// What hangs on it hangs on what it hangs on.
pub async fn hang_higher(tx: &mut TenantTx, gone: &AccessPoint) -> Result<(), sqlx::Error> {
    let parent = gone.parent_id.map(AccessPointId::uuid);
    sqlx::query!("UPDATE access_points SET parent_id = $2 WHERE parent_id = $1", gone.id.uuid(), parent)
        .execute(tx.conn())
        .await?;
    sqlx::query!("UPDATE subscriptions SET access_point_id = $2 WHERE access_point_id = $1", gone.id.uuid(), parent)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn delete(tx: &mut TenantTx, id: AccessPointId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM access_points WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

fn name_taken<T>(result: Result<T, sqlx::Error>, wanted: &AccessPoint) -> Result<(), Error> {
    match result {
        Err(error) if broken_constraint(&error) == Some("access_points_name_unique") => {
            Err(Error::AccessPointNameTaken(wanted.name.clone()))
        }
        other => Ok(other.map(|_| ())?),
    }
}
