//! How well lines are served: what routers measured of queues, echoes and their own way out, by the hour.
//!
//! Told by agents now and then ([`report`]) or because somebody asks ([`ask`]), kept for two weeks, shown to staff. Nothing of
//! it is ever money.

pub mod api;
pub mod error;
pub mod jobs;
mod model;
mod probes;
mod report;
mod store;
mod verdict;

pub use error::Error;
pub use model::{LineHour, UplinkHour};
pub use probes::{LineProbe, State as ProbeState, answered, ask, due, probe, probes};
pub use report::report;
pub use verdict::{EchoesNow, Measured, Verdict, WayNow};

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::ids::{RouterId, SubscriptionId};

/// Instants from one up to another.
pub type Range = std::ops::Range<DateTime<Utc>>;

/// The hours of a line in that time that its router told something of, oldest first.
pub async fn of_line(tx: &mut TenantTx, id: SubscriptionId, within: Range) -> Result<Vec<LineHour>, Error> {
    Ok(store::hours::line_hours(tx, id, within).await?)
}

/// The hours of a router's own way to the internet in that time, oldest first.
pub async fn of_router(tx: &mut TenantTx, id: RouterId, within: Range) -> Result<Vec<UplinkHour>, Error> {
    Ok(store::hours::uplink_hours(tx, id, within).await?)
}
