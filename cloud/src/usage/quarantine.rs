//! Records of epochs the cloud does not go on with: kept for people to look at, and billed if they say so.
//!
//! A log that was put back in time goes on from where it was, and some of what it says then is counted already: which, nobody
//! can tell who does not know what happened to the router. What nobody decides about is never billed.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use weir_protocol::usage::{LineUsage, Outcome};

use super::ingest::{self, Applied, Intake};
use super::jobs::CountQuarantined;
use super::shares::{self, Attribution, Whose};
use super::store::quarantine as rows;
use super::{Error, store};
use crate::app::App;
use crate::audit;
use crate::db::TenantTx;
use crate::fleet::{pools, positions, sessions};
use crate::http::paging::Page;
use crate::ids::{AgentId, QuarantinedId, RouterId};
use crate::jobs::enqueue;
use crate::network;

/// Records of one router that may wait for somebody to decide, and bytes of one.
const WAITING_MAX: i64 = 2_000;
const RECORD_MAX: usize = 1024 * 1024;
/// Records that are counted in one transaction.
const AT_A_TIME: i64 = 100;
/// Longer than the transaction takes that keeps a record.
const TRANSACTION_MAX: TimeDelta = TimeDelta::minutes(1);

/// What somebody said of a quarantined record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Decision {
    /// It counts like any other.
    Billed,
    /// It is never billed.
    Dropped,
}

impl Decision {
    /// The name it is stored and shown under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Billed => "billed",
            Self::Dropped => "dropped",
        }
    }
}

/// A record that is not counted unless somebody says so.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Quarantined {
    /// Which.
    pub id: QuarantinedId,
    /// Its epoch, 16 hexadecimal digits.
    pub epoch: String,
    /// Its number in the epoch.
    pub seq: i64,
    /// First instant covered, by the router's clock.
    pub start_at: DateTime<Utc>,
    /// Instant covered up to, by the router's clock.
    pub end_at: DateTime<Utc>,
    /// How many lines moved something.
    pub lines: i32,
    /// Bytes toward subscribers.
    pub down_bytes: i64,
    /// Bytes from subscribers.
    pub up_bytes: i64,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What somebody said of it; null while nobody has.
    pub decision: Option<Decision>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// When it was counted, if it is to be billed; null until then.
    pub counted_at: Option<DateTime<Utc>>,
}

/// Quarantined records of one epoch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = QuarantinedEpoch)]
pub struct Batch {
    /// One of them.
    pub id: QuarantinedId,
    /// 16 hexadecimal digits.
    pub epoch: String,
    /// How many.
    pub records: i64,
    /// First instant covered.
    pub start_at: DateTime<Utc>,
    /// Instant covered up to.
    pub end_at: DateTime<Utc>,
    /// Bytes toward subscribers.
    pub down_bytes: i64,
    /// Bytes from subscribers.
    pub up_bytes: i64,
}

impl Intake {
    /// Keeps a record that is not to be counted, unless it is already; answers like [`Intake::apply`].
    pub async fn quarantine(&mut self, app: &App, body: &[u8]) -> Result<Applied, Error> {
        let sound = match ingest::read(body) {
            Ok(sound) => sound,
            Err(refusal) => return ingest::refuse(app, self.session, body, &refusal).await,
        };
        let (agent, epoch, seq) = (self.session.agent, sound.record.epoch.clone(), sound.record.seq);
        let mut tx = self.session.begin(app).await?;
        let stays = Applied { epoch: epoch.clone(), applied_seq: seq, trim_seq: 0, outcome: Outcome::Gap };
        // Another router's log is nobody's to decide about here.
        let Some((router, waiting)) = rows::router_of(&mut tx, agent, &epoch).await? else { return Ok(stays) };
        let counted = store::record(&mut tx, agent, &epoch, seq).await?.filter(|here| here.hash == sound.hash);
        let here = match counted {
            Some(counted) => Some(counted.received_at),
            None => rows::received_at(&mut tx, router, &sound.hash).await?,
        };
        if here.is_none() {
            if waiting >= WAITING_MAX || body.len() > RECORD_MAX {
                return Ok(stays);
            }
            if let Some(implausible) = self.objection(&mut tx, &sound).await? {
                drop(tx);
                return ingest::refuse(app, self.session, body, &implausible.into()).await;
            }
            rows::insert(&mut tx, (router, agent), &sound, body).await?;
            metrics::counter!("weir_usage_records_quarantined_total").increment(1);
        }
        // As with records that are counted: a restored cloud must find what it lost.
        let backup = rows::newest_backup(&mut tx).await?;
        let kept = backup.is_none_or(|began| here.is_some_and(|at| at < began - TRANSACTION_MAX));
        tx.commit().await.map_err(Error::Db)?;
        let trim_seq = if kept { seq } else { 0 };
        Ok(Applied { epoch, applied_seq: seq, trim_seq, outcome: Outcome::Quarantined })
    }
}

/// A page of a router's quarantined records, the newest first.
pub async fn quarantined(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Quarantined>, Error> {
    network::router(tx, router).await?;
    Ok(rows::of_router(tx, router, page).await?)
}

/// What nobody decided about yet, by epoch.
pub async fn undecided(tx: &mut TenantTx, router: RouterId) -> Result<Vec<Batch>, Error> {
    network::router(tx, router).await?;
    Ok(rows::undecided(tx, router, None).await?)
}

/// The router of a quarantined record, and what waits of its epoch up to it.
pub async fn waiting_with(tx: &mut TenantTx, id: QuarantinedId) -> Result<(RouterId, Batch), Error> {
    let router = rows::router(tx, id).await?.ok_or(Error::QuarantinedNotFound(id))?;
    let batch = rows::undecided(tx, router, Some(id)).await?.pop();
    Ok((router, batch.ok_or(Error::QuarantineDecided(id))?))
}

/// Has all that waits of a record's epoch, up to that record, billed, or never; answers how many records. What is billed is
/// counted after that, some records at a time.
pub async fn decide(tx: &mut TenantTx, id: QuarantinedId, decision: Decision) -> Result<u64, Error> {
    let (router, batch) = waiting_with(tx, id).await?;
    let records = rows::decide(tx, id, decision).await?;
    if decision == Decision::Billed {
        let now = tx.at();
        enqueue(tx, &CountQuarantined { with: id }, now).await?;
    }
    let action = match decision {
        Decision::Billed => "bill quarantined usage",
        Decision::Dropped => "drop quarantined usage",
    };
    audit::record(tx, action, router, json!({ "epoch": batch.epoch, "records": records })).await?;
    Ok(records)
}

/// Counts some of what is to be billed of the router of a record and is not counted yet; answers whether there was any.
pub(super) async fn count_some(tx: &mut TenantTx, with: QuarantinedId) -> Result<bool, Error> {
    let some = rows::uncounted(tx, with, AT_A_TIME).await?;
    let Some(router) = rows::router(tx, with).await?.filter(|_| !some.is_empty()) else { return Ok(false) };
    let mut attribution = Attribution::of(tx, router).await?;
    for kept in &some {
        count(tx, &mut attribution, kept).await?;
        rows::set_counted(tx, kept.id).await?;
    }
    for agent in some.iter().map(|kept| kept.agent_id).collect::<BTreeSet<_>>() {
        store::unmerged::merge(tx, agent).await?;
    }
    Ok(true)
}

/// Counts a record in an epoch of its own, beside the one that forked: no agent ever adds to it. All of them are one number
/// after the other there.
async fn count(tx: &mut TenantTx, attribution: &mut Attribution, kept: &rows::Kept) -> Result<(), Error> {
    let Ok(mut sound) = ingest::read(&kept.body) else { return Ok(()) };
    let ended = attribution.ended(tx, kept, &sound).await?;
    shares::date(&mut sound, &ended, kept.received_at);
    leave_nobodys(&mut sound.lines, |handle| attribution.whose(&ended, handle).0 == Whose::Line);
    let agent: AgentId = kept.agent_id;
    sound.record.epoch = beside(&kept.epoch);
    sound.record.tally.clear();
    let epoch = sound.record.epoch.clone();
    positions::open_beside(tx, agent, &epoch).await?;
    let seq = store::next_seq(tx, agent, &epoch).await?;
    sound.record.seq = seq.unsigned_abs();
    store::insert_record(tx, agent, &sound, &kept.body).await?;
    store::unmerged::insert(tx, agent, &sound).await?;
    pools::hear(tx, agent, &epoch, seq).await?;
    Ok(sessions::refresh_metered(tx, agent).await?)
}

/// Makes nobody's what is not said of a line that moved it.
fn leave_nobodys(lines: &mut Vec<LineUsage>, is_its_own: impl Fn(u32) -> bool) {
    let mut nobodys = LineUsage::default();
    lines.retain(|line| {
        let stays = is_its_own(line.handle);
        if !stays {
            nobodys.down_bytes = nobodys.down_bytes.saturating_add(line.down_bytes);
            nobodys.up_bytes = nobodys.up_bytes.saturating_add(line.up_bytes);
            nobodys.down_packets = nobodys.down_packets.saturating_add(line.down_packets);
            nobodys.up_packets = nobodys.up_packets.saturating_add(line.up_packets);
        }
        stays
    });
    if nobodys != LineUsage::default() {
        lines.insert(0, nobodys);
    }
}

/// The epoch that what was quarantined of one is billed in.
fn beside(epoch: &[u8]) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_derive_key("weir usage billed from quarantine v1");
    hasher.update(epoch);
    hasher.finalize().as_bytes()[..ingest::EPOCH_BYTES].to_vec()
}
