//! Access points as their routers hold them: every change of one is told to its router's agent at once.

use super::{Error, desired};
use crate::db::TenantTx;
use crate::ids::AccessPointId;
use crate::network::{self, AccessPoint, AccessPointChange, AccessPointWish};

/// Adds an access point, and tells the router.
pub async fn add_access_point(tx: &mut TenantTx, wish: AccessPointWish) -> Result<AccessPoint, Error> {
    let added = network::add_access_point(tx, wish).await?;
    desired::refresh_router(tx, added.router_id).await?;
    Ok(added)
}

/// Changes an access point, and tells the router.
pub async fn change_access_point(
    tx: &mut TenantTx,
    id: AccessPointId,
    change: AccessPointChange,
) -> Result<AccessPoint, Error> {
    let changed = network::change_access_point(tx, id, change).await?;
    desired::refresh_router(tx, changed.router_id).await?;
    Ok(changed)
}

/// Removes an access point, and tells the router where its lines hang now.
pub async fn remove_access_point(tx: &mut TenantTx, id: AccessPointId) -> Result<AccessPoint, Error> {
    let (gone, lines) = network::remove_access_point(tx, id).await?;
    for line in lines {
        desired::refresh_line(tx, line).await?;
    }
    desired::refresh_router(tx, gone.router_id).await?;
    Ok(gone)
}
