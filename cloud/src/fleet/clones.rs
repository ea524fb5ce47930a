//! Two machines that speak as one agent: a copy of a router's disk, or of its virtual machine, that runs beside it.
//!
//! Each takes the session from the other. That alone happens to routers on bad links, too; what does not is that a boot comes
//! back after another one, or that the usage log forks again and again.

use chrono::{DateTime, TimeDelta, Utc};
use weir_protocol::control::Severity;

use super::store::clones as store;
use super::{Error, events};
use crate::db::TenantTx;
use crate::ids::AgentId;

/// So many signs within [`SIGNS_WITHIN`] may be something else: a disk that is put back, a machine that is moved.
const SIGNS_MAX: i16 = 4;
const SIGNS_WITHIN: TimeDelta = TimeDelta::hours(1);
/// Length of a boot's id.
const BOOT_BYTES: usize = 16;
/// How long people are told on the router's page.
pub(super) const SHOWN: TimeDelta = TimeDelta::days(1);

/// What was known of an agent before this session.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The boot its session before was in.
    pub boot_id: Option<Vec<u8>>,
    /// Another boot before that one.
    pub boot_before: Option<Vec<u8>>,
    /// What told of two machines since [`Self::signs_since`].
    pub signs: i16,
    /// When that began.
    pub signs_since: Option<DateTime<Utc>>,
}

/// Notes in which boot an agent is and whether its usage log forked; people hear of what only two machines can do so often.
pub(super) async fn watch(
    tx: &mut TenantTx,
    agent: AgentId,
    known: Known,
    boot_id: &[u8],
    forked: bool,
) -> Result<(), Error> {
    let now = tx.at();
    let boot = Some(boot_id).filter(|boot| boot.len() == BOOT_BYTES && known.boot_id.as_deref() != Some(boot));
    let came_back = boot.is_some() && known.boot_before.as_deref() == boot;
    if boot.is_none() && !forked {
        return Ok(());
    }
    let since = known.signs_since.filter(|since| now - *since <= SIGNS_WITHIN);
    let signs = since.map_or(0, |_| known.signs).saturating_add(i16::from(came_back) + i16::from(forked));
    let next = match boot {
        Some(boot) => Known { boot_id: Some(boot.to_vec()), boot_before: known.boot_id, ..Known::default() },
        None => known,
    };
    let signs_since = (signs > 0).then_some(since.unwrap_or(now));
    let suspected = signs > SIGNS_MAX;
    store::note(tx, agent, &Known { signs, signs_since, ..next }, suspected).await?;
    if suspected {
        let text = "two machines speak as this router, in turns: a copy of its disk or of its virtual machine runs beside it. \
                    Revoke the agent, and enroll each machine on a router of its own"
            .to_owned();
        events::first_of_day(tx, agent, ("clone-suspected", "boots"), Severity::Critical, text).await?;
    }
    Ok(())
}
