//! Applies records: record, what its lines moved, and watermark in one transaction, under the epoch's row lock and the session's fence.
//!
//! An epoch grows only by the record that continues it, so a duplicate, a reordering or a replay changes nothing.

use chrono::{DateTime, Utc};
use prost::Message;
use weir_protocol::control::{Event, Severity};
use weir_protocol::hash;
use weir_protocol::usage::{LineUsage, Outcome, Record, SealReason};

use super::dating::{self, Dated};
use super::merge::Waiting;
use super::plausible::{self, Implausible};
use super::{Error, store};
use crate::app::App;
use crate::db::TenantTx;
use crate::fleet::positions::Trim;
use crate::fleet::sessions::{self, Session};
use crate::fleet::{events, pools, positions};
use crate::ids::AgentId;

pub(super) const EPOCH_BYTES: usize = 8;
pub(super) const TALLY_BYTES: usize = 8;

/// What became of a record, for the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The record's epoch; empty if it could not be read, so that no answer can say which record it is about.
    pub epoch: Vec<u8>,
    /// Last record committed of that epoch.
    pub applied_seq: u64,
    /// Last record the agent may delete.
    pub trim_seq: u64,
    /// What happened.
    pub outcome: Outcome,
}

/// A record that makes sense on its own.
pub(super) struct Sound {
    pub record: Record,
    pub hash: hash::Hash,
    pub start_at: DateTime<Utc>,
    pub end_at: DateTime<Utc>,
    pub reason: &'static str,
    pub lines: Vec<LineUsage>,
}

/// Why a record makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("it cannot be read")]
    Unreadable,
    #[error("its epoch, hash, tally or sequence is none")]
    Nameless,
    #[error("it ends at {end_ms}, before it begins or at no time at all")]
    Time { end_ms: u64 },
    #[error(transparent)]
    Implausible(#[from] Implausible),
}

/// Takes in the records of one session.
pub struct Intake {
    pub(super) session: Session,
    /// No line of its router has this handle or one above it, as far as it is known here.
    next_handle: i32,
    waiting: Waiting,
}

impl Intake {
    /// One that knows nothing of the router yet.
    pub fn new(session: Session) -> Self {
        Self { session, next_handle: 0, waiting: Waiting::default() }
    }

    /// Applies one record as it came.
    pub async fn apply(&mut self, app: &App, body: &[u8]) -> Result<Applied, Error> {
        let mut sound = match read(body) {
            Ok(sound) => sound,
            Err(refusal) => return refuse(app, self.session, body, &refusal).await,
        };
        let mut tx = self.session.begin(app).await?;
        let agent = self.session.agent;
        let epoch = sound.record.epoch.clone();
        let Some(known) = positions::lock(&mut tx, agent, &epoch).await? else {
            return Ok(Applied { epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Gap });
        };
        let (applied, trim) = (known.applied_seq.unsigned_abs(), known.trim.seq.unsigned_abs());
        let refused = |outcome| Applied { epoch: epoch.clone(), applied_seq: applied, trim_seq: trim, outcome };
        let seq = sound.record.seq;
        if seq <= applied {
            let here = store::record(&mut tx, agent, &epoch, seq).await?;
            let same = here.is_some_and(|here| here.hash == sound.hash);
            return Ok(refused(if same { Outcome::Duplicate } else { Outcome::Fork }));
        }
        if seq > applied + 1 {
            return Ok(refused(Outcome::Gap));
        }
        if known.superseded || sound.record.prev_hash != known.applied_hash {
            return Ok(refused(Outcome::Fork));
        }
        if let Some(implausible) = self.objection(&mut tx, &sound).await? {
            drop(tx);
            return refuse(app, self.session, body, &implausible.into()).await;
        }
        date(app, &mut tx, agent, &mut sound).await?;
        let trim = positions::trim(&mut tx, self.session, &epoch, &known, seq.cast_signed()).await?;
        if self.waiting.is_due(sound.end_at) {
            store::unmerged::merge(&mut tx, agent).await?;
        }
        keep(&mut tx, self.session, &sound, body, trim).await?;
        tx.commit().await.map_err(Error::Db)?;
        self.waiting = self.waiting.with(sound.end_at);
        metrics::counter!("weir_usage_records_total").increment(1);
        Ok(Applied { epoch, applied_seq: seq, trim_seq: trim.seq.unsigned_abs(), outcome: Outcome::Applied })
    }

    /// Why the next record of an epoch cannot be true of its router's lines.
    pub(super) async fn objection(&mut self, tx: &mut TenantTx, sound: &Sound) -> Result<Option<Implausible>, Error> {
        if let Some(foreign) = self.foreign(tx, &sound.lines).await? {
            return Ok(Some(foreign));
        }
        let span = (sound.start_at, sound.end_at);
        if plausible::check_volume(&sound.lines, span).is_ok() {
            return Ok(None);
        }
        let before = match sound.record.seal_reason() {
            SealReason::Recovered => None,
            _ => store::record(tx, self.session.agent, &sound.record.epoch, sound.record.seq - 1).await?,
        };
        Ok(plausible::check_volume_since(&sound.lines, span, before.map(|before| before.end_at)).err())
    }

    /// A line that is none of the router's.
    pub(super) async fn foreign(
        &mut self,
        tx: &mut TenantTx,
        lines: &[LineUsage],
    ) -> Result<Option<Implausible>, Error> {
        if plausible::check_handles(lines, self.next_handle).is_ok() {
            return Ok(None);
        }
        // A line may have been sold since it was looked.
        self.next_handle = store::next_handle(tx, self.session.agent).await?;
        Ok(plausible::check_handles(lines, self.next_handle).err())
    }
}

/// Has what a clock dated that cannot be right count when it arrived.
pub(super) async fn date(app: &App, tx: &mut TenantTx, agent: AgentId, sound: &mut Sound) -> Result<(), Error> {
    let now = tx.at();
    if dating::dated(sound.end_at, now.max(app.clock.system_now())) == Dated::ByRouter {
        return Ok(());
    }
    let text = format!(
        "record {} of the usage log says it ends on {}, which cannot be; it counts when it arrived",
        sound.record.seq,
        sound.end_at.date_naive()
    );
    (sound.start_at, sound.end_at) = (now, now);
    // The agent counted it in another time, and must be told of it like of what it never counted.
    sound.record.tally.clear();
    Ok(events::first_of_day(tx, agent, ("clock-wrong", "usage"), Severity::Warning, text).await?)
}

pub(super) async fn keep(
    tx: &mut TenantTx,
    session: Session,
    sound: &Sound,
    body: &[u8],
    trim: Trim,
) -> Result<(), Error> {
    let (agent, epoch, seq) = (session.agent, &sound.record.epoch, sound.record.seq);
    store::insert_record(tx, agent, sound, body).await?;
    store::unmerged::insert(tx, agent, sound).await?;
    store::advance(tx, agent, epoch, (seq, &sound.hash), trim).await?;
    pools::hear(tx, agent, epoch, seq.cast_signed()).await?;
    if !sessions::counts_in(tx, agent, sound.tally()).await? {
        sessions::refresh_metered(tx, agent).await?;
    }
    Ok(())
}

/// Applies one record as it came, of a session of which nothing is known.
pub async fn apply(app: &App, session: Session, body: &[u8]) -> Result<Applied, Error> {
    Intake::new(session).apply(app, body).await
}

/// Nothing of the record is kept but its refusal, once: the agent keeps it, and a person looks at it.
pub(super) async fn refuse(app: &App, session: Session, body: &[u8], refusal: &Refusal) -> Result<Applied, Error> {
    let record = Record::decode(body).unwrap_or_default();
    let text = match refusal {
        Refusal::Unreadable if record.seq == 0 => "a record of the usage log is refused: it cannot be read".to_owned(),
        refusal => format!("record {} of the usage log is refused: {refusal}", record.seq),
    };
    let id = hash::usage_record(body);
    let wall_ms = app.clock.now().timestamp_millis().unsigned_abs();
    let (kind, severity) = ("usage-refused".to_owned(), Severity::Critical.into());
    let event = Event { id: id.to_vec(), kind, severity, wall_ms, text };
    events::refused(app, session, &event).await?;
    metrics::counter!("weir_usage_records_refused_total").increment(1);
    let epoch = if record.epoch.len() == EPOCH_BYTES { record.epoch } else { Vec::new() };
    Ok(Applied { epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Malformed })
}

impl Sound {
    /// The agent's own count it is part of, if it keeps one.
    pub(super) fn tally(&self) -> Option<&[u8]> {
        Some(self.record.tally.as_slice()).filter(|tally| !tally.is_empty())
    }
}

pub(super) fn read(body: &[u8]) -> Result<Sound, Refusal> {
    let record = Record::decode(body).map_err(|_| Refusal::Unreadable)?;
    let at = |ms: u64| i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    let lines = record.lines().map_err(|_| Refusal::Unreadable)?;
    let named = record.epoch.len() == EPOCH_BYTES
        && record.prev_hash.len() == size_of::<hash::Hash>()
        && (record.tally.is_empty() || record.tally.len() == TALLY_BYTES)
        && record.seq > 0
        && i64::try_from(record.seq).is_ok();
    if !named {
        return Err(Refusal::Nameless);
    }
    let span = at(record.start_ms).zip(at(record.end_ms)).filter(|(start, end)| start <= end);
    let (start_at, end_at) = span.ok_or(Refusal::Time { end_ms: record.end_ms })?;
    plausible::check_form(&lines)?;
    let reason = match record.seal_reason() {
        SealReason::Interval => "interval",
        SealReason::Boundary => "boundary",
        SealReason::Shutdown => "shutdown",
        SealReason::Recovered => "recovered",
    };
    let hash = hash::usage_record(body);
    Ok(Sound { record, hash, start_at, end_at, reason, lines })
}
