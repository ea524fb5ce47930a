//! Who has which block, from when to when. Whoever calls holds the router's lock.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::store::{blocks as store, reports};
use super::{Error, Pool, PortBlock, Ports, Told};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AgentId, RouterId, SubscriptionId};
use crate::network;

/// How long the ports of a line that left are nobody else's: flows begun under them may live on, and an address that is asked
/// about should be one line's. When the router's own setting takes blocks away they are free at once, for all are given anew.
pub const COOLING: TimeDelta = TimeDelta::hours(24);

/// Whether a line that waits for a block is looked for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// It is: nobody has looked since it waits.
    Pool,
    /// It is not: who looked for all lines of the router found none for it, or will look.
    Nothing,
}

/// Gives a line its block where its router has public networks, ends it where the line or the networks are over; tells what
/// it has. The lowest block that is free is given, by address and port.
pub async fn settle(
    tx: &mut TenantTx,
    router: RouterId,
    line: SubscriptionId,
    search: Search,
) -> Result<Option<Ports>, Error> {
    let Some(stands) = store::standing(tx, line).await? else { return Ok(None) };
    match (stands.due, stands.has) {
        (true, None) if search == Search::Pool => {
            store::assign(tx, router, Some(line)).await?;
            Ok(store::in_use(tx, line).await?)
        }
        (false, Some(_)) => {
            store::end(tx, line, COOLING).await?;
            Ok(None)
        }
        (_, has) => Ok(has),
    }
}

/// Gives every line of a router that waits for a block the lowest that are free; tells which got one.
pub async fn assign_waiting(tx: &mut TenantTx, router: RouterId) -> Result<Vec<SubscriptionId>, Error> {
    Ok(store::assign(tx, router, None).await?)
}

/// Ends the blocks of a router that do not fit its settings any more, and gives new ones.
pub async fn resize(tx: &mut TenantTx, router: RouterId) -> Result<(), Error> {
    store::end_unfit(tx, router).await?;
    assign_waiting(tx, router).await?;
    Ok(())
}

/// The lines of a router whose block was given or ended at an instant.
pub async fn changed_at(tx: &mut TenantTx, router: RouterId, at: DateTime<Utc>) -> Result<Vec<SubscriptionId>, Error> {
    Ok(store::changed_at(tx, router, at).await?)
}

/// Routers that have public networks.
pub async fn routers_with_networks(tx: &mut TenantTx) -> Result<Vec<RouterId>, Error> {
    Ok(store::routers_with_networks(tx).await?)
}

/// Whether what an agent reports of its lines' ports is of interest: its router has, or had, blocks.
pub async fn awaits_reports(tx: &mut TenantTx, agent: AgentId) -> Result<bool, Error> {
    Ok(reports::awaited(tx, agent).await?)
}

/// Notes what an agent told that its router's kernel holds; `all`: every line it knows, those it could not tell anything of
/// too. Others have nothing then.
pub async fn told(tx: &mut TenantTx, agent: AgentId, told: &[Told], all: Option<&[Uuid]>) -> Result<(), Error> {
    reports::note(tx, agent, told).await?;
    if let Some(all) = all {
        reports::note_others(tx, agent, all).await?;
    }
    Ok(())
}

/// The block a line has and, with `history`, those it had, the newest first.
pub async fn of_line(
    tx: &mut TenantTx,
    line: SubscriptionId,
    history: bool,
    page: Page,
) -> Result<Vec<PortBlock>, Error> {
    Ok(store::of_line(tx, line, history, page).await?)
}

/// How full a router's public networks are.
pub async fn pool(tx: &mut TenantTx, router: RouterId) -> Result<Pool, Error> {
    network::router(tx, router).await?;
    Ok(store::pool(tx, router).await?)
}
