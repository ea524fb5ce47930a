//! A router's settings as its agent holds them: a change is told to it at once, its lines' share of it soon after.

use super::jobs::RefreshLines;
use super::{Error, desired};
use crate::db::TenantTx;
use crate::ids::RouterId;
use crate::network::{self, Router, RouterWish};
use crate::{jobs, translation};

/// Changes a router, gives its lines other port blocks where that is what changed, and tells the router.
pub async fn change_router(tx: &mut TenantTx, id: RouterId, wish: RouterWish) -> Result<Router, Error> {
    let (before, after) = network::change_router(tx, id, wish).await?;
    if (&before.public_networks, before.ports_per_line) != (&after.public_networks, after.ports_per_line) {
        translation::resize(tx, id).await?;
        let now = tx.at();
        jobs::enqueue(tx, &RefreshLines::of_blocks(id, now), now).await?;
    }
    desired::refresh_router(tx, id).await?;
    Ok(after)
}
