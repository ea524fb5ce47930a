//! What a gateway asks and notes for all its sessions at once, whoever's they are.

use chrono::TimeDelta;
use uuid::Uuid;

use super::Error;
use super::store::gateways as store;
use crate::app::App;
use crate::ids::AgentId;

pub use super::store::gateways::Sessions;

/// A gateway that was silent for longer is not there.
const PRESENT: TimeDelta = TimeDelta::seconds(20);

/// Agents that were told less than they should hold, or belong to another session.
pub async fn behind(app: &App, sessions: Sessions) -> Result<Vec<AgentId>, Error> {
    if sessions.agents.is_empty() {
        return Ok(Vec::new());
    }
    Ok(store::behind(&mut app.db.platform().await?, &sessions).await?)
}

/// Notes that agents spoke.
pub async fn seen(app: &App, sessions: Sessions) -> Result<(), Error> {
    if sessions.agents.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.platform().await?;
    store::set_seen(&mut tx, &sessions).await?;
    Ok(tx.commit().await?)
}

/// How many agents spoke within a while.
pub async fn seen_within(app: &App, within: TimeDelta) -> Result<u64, Error> {
    let mut tx = app.db.platform().await?;
    let since = tx.at() - within;
    Ok(store::seen_since(&mut tx, since).await?.unsigned_abs())
}

/// Notes that a gateway is there, where agents dial it; answers where they dial the others.
pub async fn appear(app: &App, id: Uuid, address: &str) -> Result<Vec<String>, Error> {
    let mut tx = app.db.platform().await?;
    store::put(&mut tx, id, address).await?;
    let since = tx.at() - PRESENT;
    let others = store::others(&mut tx, address, since).await?;
    tx.commit().await?;
    Ok(others)
}

/// Notes that a gateway stops; answers where agents dial the others.
pub async fn leave(app: &App, id: Uuid, address: &str) -> Result<Vec<String>, Error> {
    let mut tx = app.db.platform().await?;
    let since = tx.at() - PRESENT;
    // Those that were killed took nothing away.
    store::remove(&mut tx, id, since).await?;
    let others = store::others(&mut tx, address, since).await?;
    tx.commit().await?;
    Ok(others)
}
