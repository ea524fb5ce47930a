//! What routers hold back until somebody confirms it: too much taken away at once, or anything at all on the word of a cloud
//! that was restored.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::Error;
use super::store::held as store;
use crate::audit;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::RouterId;

pub(super) const ONE: Page = Page { after: None, limit: 1 };

/// What a router holds back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HeldChanges)]
pub struct Held {
    /// Which router.
    pub router_id: RouterId,
    /// Its name.
    pub router: String,
    /// When its agent connected last; before the database was restored, it told of nothing yet.
    pub connected_at: Option<DateTime<Utc>>,
    /// Lines that would go.
    pub removals: i64,
    /// Lines that could do less than now: throttled, in the walled garden, or closed.
    pub suspensions: i64,
    /// Lines that would be slower, or lose an address.
    pub reductions: i64,
    /// Settings of the router and access points that would be others.
    pub settings: i64,
}

impl Held {
    /// Everything there is.
    pub fn all(&self) -> i64 {
        self.removals + self.suspensions + self.reductions + self.settings
    }
}

/// Since when the database is of an earlier time than its routers, while nobody has said that what it wants is right.
pub async fn restored_at(tx: &mut TenantTx) -> Result<Option<DateTime<Utc>>, Error> {
    Ok(store::restored_at(tx).await?)
}

/// A page of the routers that hold something back; of all with an agent while the database is restored.
pub async fn by_router(tx: &mut TenantTx, page: Page) -> Result<Vec<Held>, Error> {
    Ok(store::held(tx, None, page).await?)
}

/// What one router holds back; nothing if it has no agent.
pub async fn of_router(tx: &mut TenantTx, router: RouterId) -> Result<Option<Held>, Error> {
    Ok(store::held(tx, Some(router), ONE).await?.pop())
}

/// Lets everything come into force that routers hold back, and has them believe a restored database from now on.
pub async fn release(tx: &mut TenantTx) -> Result<(), Error> {
    let restored_at = restored_at(tx).await?;
    store::lock_routers(tx).await?;
    let held = store::sums(tx).await?;
    let agents = store::release(tx, restored_at.is_some()).await?;
    if restored_at.is_none() && agents.is_empty() {
        return Err(Error::NothingHeld);
    }
    let tenant = tx.tenant();
    let detail = json!({
        "restored_at": restored_at,
        "routers": agents.len(),
        "removals": held.removals,
        "suspensions": held.suspensions,
        "reductions": held.reductions,
        "settings": held.settings,
    });
    audit::record(tx, "release held changes", tenant, detail).await?;
    for agent in agents {
        tx.wake(agent);
    }
    Ok(())
}
