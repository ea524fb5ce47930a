//! What routers' clocks show: many run without power for months and say so of nothing they measure.

use chrono::{DateTime, TimeDelta, Utc};
use weir_protocol::control::Hello;

use super::Error;
use super::store::clocks as store;
use crate::db::TenantTx;
use crate::ids::AgentId;

/// Length of a boot's id.
const BOOT_BYTES: usize = 16;
/// A clock that differs by less is right.
pub const AGREES: TimeDelta = TimeDelta::minutes(2);

/// What a router's clock showed when its agent began a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When that was.
    pub heard_at: DateTime<Utc>,
    /// What it showed.
    pub shown_at: DateTime<Utc>,
    /// When the router's boot had begun.
    pub booted_at: DateTime<Utc>,
}

impl Shown {
    /// How far the clock was behind; less than nothing if it was ahead, and nothing if it was right.
    #[must_use]
    pub fn behind(&self) -> TimeDelta {
        let behind = self.heard_at - self.shown_at;
        if behind.abs() <= AGREES { TimeDelta::zero() } else { behind }
    }
}

/// Notes the clock of an agent that begins a session: in a new boot, and where it is wrong.
pub(super) async fn note(tx: &mut TenantTx, agent: AgentId, hello: &Hello, new_boot: bool) -> Result<(), Error> {
    let at = |ms: u64| i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    let heard_at = tx.at();
    let up = i64::try_from(hello.mono_ms).ok().and_then(TimeDelta::try_milliseconds);
    let booted_at = up.and_then(|up| heard_at.checked_sub_signed(up)).unwrap_or_default().max(DateTime::UNIX_EPOCH);
    // What no calendar has is as wrong as what is long past.
    let shown_at = at(hello.wall_ms).unwrap_or_default();
    let shown = Shown { heard_at, shown_at, booted_at };
    if hello.boot_id.len() == BOOT_BYTES && (new_boot || !shown.behind().is_zero()) {
        store::insert(tx, agent, &hello.boot_id, shown).await?;
    }
    Ok(())
}

/// What is noted of a boot of an agent's router, whichever agent of it spoke; in order.
pub async fn of_boot(tx: &mut TenantTx, agent: AgentId, boot_id: &[u8]) -> Result<Vec<Shown>, Error> {
    Ok(store::of_boot(tx, agent, boot_id).await?)
}
