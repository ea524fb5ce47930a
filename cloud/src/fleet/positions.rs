//! Where the cloud stands in each epoch of the usage log an agent offers, and whether it goes on from there.
//!
//! An epoch grows here only by the record that continues it. What a log says that was put back in time, or belongs to another
//! router, may be counted already: nothing is taken of it. What is missing here and gone there is noted, and the rest is taken.

use chrono::TimeDelta;
use uuid::Uuid;
use weir_protocol::control::{EpochPosition, Event, Severity, StreamPosition, Verdict};
use weir_protocol::hash;

use super::sessions::Session;
use super::store::{agents, epochs};
use super::{Error, events};
use crate::db::TenantTx;
use crate::ids::AgentId;

pub(crate) use super::store::epochs::{Epoch, Trim, applied, lock};

/// Epochs that are new within a day after which an agent opens no more: its log breaks at most once in a while.
const NEW_A_DAY: i64 = 64;
/// The first revision whose agents delete records that are only kept for a backup when they need the room.
const KEEPS_SINCE_REV: u32 = 8;
/// The first revision whose agents know that records can wait.
const WAITS_SINCE_REV: u32 = 8;
/// The first revision whose agents say what records came to that are gone ([`weir_protocol::usage::GapFill`]).
const FILLS_SINCE_REV: u32 = 9;
/// Longer than the transaction takes that applies a record.
const TRANSACTION_MAX: TimeDelta = TimeDelta::minutes(1);

/// An answer for each epoch an agent offers, oldest first, the one it adds to last.
pub(super) async fn of(
    tx: &mut TenantTx,
    session: Session,
    offered: &[EpochPosition],
) -> Result<Vec<StreamPosition>, Error> {
    let agent = session.agent;
    let names: Vec<_> = offered.iter().map(|one| one.epoch.clone()).collect();
    let mut streams = Vec::with_capacity(offered.len());
    for (n, one) in offered.iter().enumerate() {
        let mut known = match known(tx, agent, &one.epoch).await? {
            Known::Here(known) => known,
            Known::OfAnother => {
                streams.push(told(one, &nothing(), Verdict::Fork));
                continue;
            }
            Known::OneTooMany(opened) => {
                wait(tx, session, opened).await?;
                streams.push(told(one, &nothing(), Verdict::Later));
                continue;
            }
        };
        let is_current = n + 1 == offered.len();
        if is_current && !known.superseded && epochs::is_behind(tx, agent, &one.epoch, &names).await? {
            epochs::supersede(tx, agent, &one.epoch).await?;
            known.superseded = true;
            let text = "records of a newer usage log are here than the router has: its disk was put back, or another router was \
                        in its place meanwhile; what it holds of this log is not taken";
            tell(tx, agent, ("usage-superseded", Severity::Critical), (&one.epoch, 0), text).await?;
        }
        let verdict = match verdict(&known, one) {
            Verdict::Gap if session.rev < FILLS_SINCE_REV => go_on_after_gap(tx, agent, one, &mut known).await?,
            verdict => verdict,
        };
        let trim = trim(tx, session, &one.epoch, &known, known.applied_seq).await?;
        if trim != known.trim {
            epochs::set_trim(tx, agent, &one.epoch, trim).await?;
            known.trim = trim;
        }
        streams.push(told(one, &known, verdict));
    }
    Ok(streams)
}

/// How far an agent may delete an epoch of which records are here up to `applied_seq`: to the last that is in a backup, once
/// there are backups and the agent makes room by itself where it needs some. A transaction that began before a backup may
/// have ended after.
pub(crate) async fn trim(
    tx: &mut TenantTx,
    session: Session,
    epoch: &[u8],
    known: &Epoch,
    applied_seq: i64,
) -> Result<Trim, Error> {
    let newest = known.newest_backup.filter(|_| session.rev >= KEEPS_SINCE_REV);
    let seq = match newest {
        None => applied_seq,
        Some(_) if known.trim.reckoned_for == newest => known.trim.seq,
        Some(began) => {
            let before = began - TRANSACTION_MAX;
            let backed_up = epochs::last_before(tx, session.agent, epoch, known.trim.seq, before).await?;
            backed_up.map_or(known.trim.seq, |seq| seq.min(applied_seq))
        }
    };
    Ok(Trim { seq, reckoned_for: newest })
}

/// What is known of an epoch.
enum Known {
    Here(Epoch),
    /// It is another router's.
    OfAnother,
    /// It is not, and so many others are new since yesterday.
    OneTooMany(i64),
}

/// Has what is in new epochs wait at the router, and says so; an agent that knows no such word has no session meanwhile.
async fn wait(tx: &mut TenantTx, session: Session, opened: i64) -> Result<(), Error> {
    if session.rev < WAITS_SINCE_REV {
        return Err(Error::TooManyEpochs(opened));
    }
    let text =
        format!("{opened} epochs of its usage log are new since yesterday: what is in newer ones waits at the router");
    events::first_of_day(tx, session.agent, ("usage-waits", "epochs"), Severity::Critical, text).await
}

/// What is known of an epoch, noted if it is new.
async fn known(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<Known, Error> {
    if let Some(known) = lock(tx, agent, epoch).await? {
        return Ok(Known::Here(known));
    }
    match epochs::offered_before(tx, agent, epoch).await? {
        Some((_, false)) => return Ok(Known::OfAnother),
        Some((before, true)) => epochs::adopt(tx, agent, before, epoch).await?,
        None => {
            let since = tx.at() - TimeDelta::days(1);
            let opened = epochs::opened_since(tx, agent, since).await?;
            if opened >= NEW_A_DAY {
                return Ok(Known::OneTooMany(opened));
            }
            epochs::insert(tx, agent, epoch).await?;
        }
    }
    Ok(lock(tx, agent, epoch).await?.map_or(Known::OfAnother, Known::Here))
}

fn nothing() -> Epoch {
    let trim = Trim { seq: 0, reckoned_for: None };
    Epoch { applied_seq: 0, applied_hash: hash::GENESIS.to_vec(), trim, newest_backup: None, superseded: false }
}

fn verdict(known: &Epoch, offered: &EpochPosition) -> Verdict {
    let applied = known.applied_seq.unsigned_abs();
    let agrees = if applied + 1 == offered.first_seq {
        offered.first_prev_hash.is_empty() || known.applied_hash == offered.first_prev_hash
    } else if applied == offered.last_seq {
        known.applied_hash == offered.last_hash
    } else {
        true
    };
    if known.superseded || applied > offered.last_seq || !agrees {
        Verdict::Fork
    } else if offered.first_seq > applied + 1 {
        Verdict::Gap
    } else {
        Verdict::Ok
    }
}

/// Takes what an agent still has though records before it are missing: it deletes only what was here once, so the cloud was
/// restored from before they came, or the router's disk lost them.
async fn go_on_after_gap(
    tx: &mut TenantTx,
    agent: AgentId,
    offered: &EpochPosition,
    known: &mut Epoch,
) -> Result<Verdict, Error> {
    let whole = offered.first_prev_hash.len() == size_of::<hash::Hash>();
    let (Ok(last_seq), true) = (i64::try_from(offered.first_seq - 1), whole) else {
        return Ok(Verdict::Gap);
    };
    let gap = Gap { epoch: &offered.epoch, first_seq: known.applied_seq + 1, last_seq };
    gap_passed(tx, agent, gap, &offered.first_prev_hash).await?;
    (known.applied_seq, known.trim.seq) = (last_seq, last_seq);
    known.applied_hash.clone_from(&offered.first_prev_hash);
    Ok(Verdict::Ok)
}

/// Opens an epoch that no agent adds to, unless it is there. It stands at no record, so that no other is behind it.
pub(crate) async fn open_beside(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<(), Error> {
    if lock(tx, agent, epoch).await?.is_none() {
        epochs::insert(tx, agent, epoch).await?;
        epochs::supersede(tx, agent, epoch).await?;
    }
    Ok(())
}

/// Records that are missing here and gone at the router.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gap<'a> {
    pub epoch: &'a [u8],
    pub first_seq: i64,
    pub last_seq: i64,
}

/// Goes on after records of which nobody knows what lines moved in them; the last has this hash.
pub(crate) async fn gap_passed(tx: &mut TenantTx, agent: AgentId, gap: Gap<'_>, last_hash: &[u8]) -> Result<(), Error> {
    let Gap { epoch, first_seq, last_seq } = gap;
    epochs::note_gap(tx, agent, gap, false).await?;
    epochs::pass_over(tx, agent, epoch, last_seq, last_hash).await?;
    let text = format!(
        "records {first_seq} to {last_seq} of the usage log {} are missing and gone: what lines moved in them is not billed",
        hex::encode(epoch)
    );
    tell(tx, agent, ("usage-gap", Severity::Critical), (epoch, last_seq.unsigned_abs()), &text).await
}

/// Notes that what so many lines moved in records that are gone is in the last of them now.
pub(crate) async fn gap_filled(tx: &mut TenantTx, agent: AgentId, gap: Gap<'_>, lines: usize) -> Result<(), Error> {
    let Gap { epoch, first_seq, last_seq } = gap;
    if first_seq < last_seq {
        epochs::note_gap(tx, agent, Gap { last_seq: last_seq - 1, ..gap }, true).await?;
    }
    let text = format!(
        "records {first_seq} to {last_seq} of the usage log {} are missing and gone; what {lines} lines moved in them is known \
         and billed, as of one record",
        hex::encode(epoch)
    );
    tell(tx, agent, ("usage-gap-filled", Severity::Warning), (epoch, last_seq.unsigned_abs()), &text).await
}

/// Tells people, once for each place in a log.
async fn tell(
    tx: &mut TenantTx,
    agent: AgentId,
    (kind, severity): (&str, Severity),
    (epoch, seq): (&[u8], u64),
    text: &str,
) -> Result<(), Error> {
    let epoch = epoch.try_into().map_or(0, u64::from_be_bytes);
    let wall_ms = tx.at().timestamp_millis().unsigned_abs();
    let (kind, severity, text) = (kind.to_owned(), severity.into(), text.to_owned());
    let event = Event { kind, severity, wall_ms, text, ..Event::default() };
    Ok(agents::insert_event(tx, agent, Uuid::from_u64_pair(epoch, seq), &event).await?)
}

fn told(offered: &EpochPosition, known: &Epoch, verdict: Verdict) -> StreamPosition {
    StreamPosition {
        epoch: offered.epoch.clone(),
        applied_seq: known.applied_seq.unsigned_abs(),
        applied_hash: known.applied_hash.clone(),
        trim_seq: known.trim.seq.unsigned_abs(),
        verdict: verdict.into(),
    }
}
