//! Whose what is in quarantine is: of the line that has a handle now, if that was sold before it was moved.
//!
//! A cloud that was put back may give handles again, so a line that was sold later did not move this. Where it cannot be known
//! which was first, nobody is billed, and whoever decides is told.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::dating::{self, Dated, Ended, Sold};
use super::ingest::{self, Sound};
use super::store::quarantine as rows;
use super::{Error, quarantine};
use crate::db::TenantTx;
use crate::fleet::clocks::{self, Shown};
use crate::ids::{AgentId, QuarantinedId, RouterId, SubscriptionId};

/// Records that are looked through at a time.
const AT_A_TIME: i64 = 100;

/// Whom what is said of a handle is billed to, if it is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Nobody: it cannot be known whether the line was sold before it was moved or after.
    Unknown,
    /// Nobody: the line was sold after it was moved.
    SoldLater,
    /// Nobody: no line has that handle.
    NoLine,
    /// The line.
    Line,
}

/// What records in quarantine say of a line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedShare)]
pub struct Share {
    /// The handle it is counted under.
    pub handle: u32,
    /// The line that has this handle now.
    pub subscription_id: Option<SubscriptionId>,
    /// Whom it would be billed to.
    pub whose: Whose,
    /// Bytes toward the subscriber.
    pub down_bytes: u64,
    /// Bytes from the subscriber.
    pub up_bytes: u64,
}

/// Whose the usage is that waits of an epoch, and when it was moved.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedShares)]
pub struct Shares {
    /// The router's clock was wrong, or it is not known that it was right: then the two instants below are what is known.
    pub clock_doubtful: bool,
    /// No record ended earlier, as far as the cloud knows; null if it knows of none.
    pub earliest_end_at: Option<DateTime<Utc>>,
    /// No record ended later.
    pub latest_end_at: Option<DateTime<Utc>>,
    /// By line and whom it would be billed to; what nobody would be billed for first.
    pub items: Vec<Share>,
}

/// Which lines of a router were sold when, and what its clock showed.
pub(super) struct Attribution {
    sold: BTreeMap<u32, (SubscriptionId, DateTime<Utc>)>,
    shown: BTreeMap<(AgentId, Vec<u8>), Vec<Shown>>,
}

impl Attribution {
    pub async fn of(tx: &mut TenantTx, router: RouterId) -> Result<Self, Error> {
        Ok(Self { sold: rows::sold(tx, router).await?, shown: BTreeMap::new() })
    }

    /// When a record ended.
    pub async fn ended(&mut self, tx: &mut TenantTx, kept: &rows::Kept, sound: &Sound) -> Result<Ended, Error> {
        let key = (kept.agent_id, sound.record.boot_id.clone());
        if !self.shown.contains_key(&key) {
            let shown = clocks::of_boot(tx, key.0, &key.1).await?;
            self.shown.insert(key.clone(), shown);
        }
        Ok(Ended::of(sound.end_at, kept.received_at, &self.shown[&key]))
    }

    /// Whose a handle was when a record ended.
    pub fn whose(&self, ended: &Ended, handle: u32) -> (Whose, Option<SubscriptionId>) {
        let Some((line, sold_at)) = self.sold.get(&handle) else { return (Whose::NoLine, None) };
        let whose = match ended.sold(*sold_at) {
            Sold::Before => Whose::Line,
            Sold::After => Whose::SoldLater,
            Sold::Unknown => Whose::Unknown,
        };
        (whose, Some(*line))
    }
}

/// Has a record count when it was moved: as it says if that can be, and as late as that can have been if not.
pub(super) fn date(sound: &mut Sound, ended: &Ended, received_at: DateTime<Utc>) {
    if ended.includes(sound.end_at) && dating::dated(sound.end_at, received_at) == Dated::ByRouter {
        return;
    }
    (sound.start_at, sound.end_at) = (ended.latest, ended.latest);
}

/// Whose what waits with a record of quarantine is.
pub async fn shares(tx: &mut TenantTx, id: QuarantinedId) -> Result<Shares, Error> {
    let (router, _) = quarantine::waiting_with(tx, id).await?;
    let mut attribution = Attribution::of(tx, router).await?;
    let mut shares = Shares { clock_doubtful: false, earliest_end_at: None, latest_end_at: None, items: Vec::new() };
    let mut sums = BTreeMap::new();
    let mut after = None;
    loop {
        let some = rows::waiting(tx, id, after, AT_A_TIME).await?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        for kept in &some {
            let Ok(sound) = ingest::read(&kept.body) else { continue };
            let ended = attribution.ended(tx, kept, &sound).await?;
            shares.take(&ended, sound.end_at);
            for line in &sound.lines {
                let (whose, subscription_id) = attribution.whose(&ended, line.handle);
                let sum = sums.entry((whose, line.handle)).or_insert(Share {
                    handle: line.handle,
                    subscription_id,
                    whose,
                    down_bytes: 0,
                    up_bytes: 0,
                });
                sum.down_bytes = sum.down_bytes.saturating_add(line.down_bytes);
                sum.up_bytes = sum.up_bytes.saturating_add(line.up_bytes);
            }
        }
    }
    shares.items = sums.into_values().collect();
    Ok(shares)
}

impl Shares {
    fn take(&mut self, ended: &Ended, end_at: DateTime<Utc>) {
        self.clock_doubtful |= !ended.includes(end_at) || ended.latest - ended.earliest > clocks::AGREES;
        self.earliest_end_at = Some(self.earliest_end_at.map_or(ended.earliest, |at| at.min(ended.earliest)));
        self.latest_end_at = self.latest_end_at.max(Some(ended.latest));
    }
}
