//! Applies records: record, segments and watermark in one transaction, under the epoch's row lock and the session's fence.
//!
//! An epoch grows only by the record that continues it, so a duplicate, a reordering or a replay changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use weir_protocol::control::{Event, Severity};
use weir_protocol::hash;
use weir_protocol::usage::{BothWays, LineUsage, Outcome, Record, SealReason};

use super::{Error, store};
use crate::app::App;
use crate::fleet::pools;
use crate::fleet::positions;
use crate::fleet::sessions::{self, Session};

/// How far in the future a router's clock may be before its records are not believed.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::hours(24);
/// The fastest line there is, bits a second: what moved more in its time was not moved.
const LINE_RATE_MAX: u128 = 400_000_000_000;
/// A record may hold what was counted before its start, while a disk was full or a clock wrong.
const SPAN_SLACK: TimeDelta = TimeDelta::hours(24);
const EPOCH_BYTES: usize = 8;
const TALLY_BYTES: usize = 8;

/// What became of a record, for the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The record's epoch; empty if it could not be read.
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
enum Refusal {
    #[error("it cannot be read")]
    Unreadable,
    #[error("its epoch, hash, tally or sequence is none")]
    Nameless,
    #[error("it ends at {end_ms}, before it begins or too far ahead")]
    Time { end_ms: u64 },
    #[error("line {handle} would have moved {count} bytes or packets in {seconds} s")]
    Volume { handle: u32, count: u64, seconds: i64 },
    #[error("no line has the handle {0}")]
    Handle(u32),
}

/// Applies one record as it came.
pub async fn apply(app: &App, session: Session, body: &[u8]) -> Result<Applied, Error> {
    let sound = match read(app, body) {
        Ok(sound) => sound,
        Err(refusal) => return refuse(app, session, body, &refusal).await,
    };
    let mut tx = session.begin(app).await?;
    let epoch = sound.record.epoch.clone();
    let Some(known) = positions::lock(&mut tx, session.agent, &epoch).await? else {
        return Ok(Applied { epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Gap });
    };
    let (applied, trim) = (known.applied_seq.unsigned_abs(), known.trim_seq.unsigned_abs());
    let refused = |outcome| Applied { epoch: epoch.clone(), applied_seq: applied, trim_seq: trim, outcome };
    let seq = sound.record.seq;
    if seq <= applied {
        let same = store::record_hash(&mut tx, session.agent, &epoch, seq).await?.as_deref() == Some(&sound.hash[..]);
        return Ok(refused(if same { Outcome::Duplicate } else { Outcome::Fork }));
    }
    if seq > applied + 1 {
        return Ok(refused(Outcome::Gap));
    }
    if known.superseded || sound.record.prev_hash != known.applied_hash {
        return Ok(refused(Outcome::Fork));
    }
    store::insert_record(&mut tx, session.agent, &sound, body).await?;
    store::insert_segments(&mut tx, session.agent, &sound).await?;
    // No backup is configured, so what is committed is as safe as it gets, and the agent may delete it.
    store::advance(&mut tx, session.agent, &epoch, seq, &sound.hash).await?;
    pools::hear(&mut tx, session.agent, &epoch, seq.cast_signed()).await?;
    if !sessions::counts_in(&mut tx, session.agent, sound.tally()).await? {
        sessions::refresh_metered(&mut tx, session.agent).await?;
    }
    tx.commit().await.map_err(Error::Db)?;
    metrics::counter!("weir_usage_records_total").increment(1);
    Ok(Applied { epoch, applied_seq: seq, trim_seq: seq, outcome: Outcome::Applied })
}

/// Nothing of the record is kept but its refusal, once: the agent keeps it, and a person looks at it.
async fn refuse(app: &App, session: Session, body: &[u8], refusal: &Refusal) -> Result<Applied, Error> {
    let record = Record::decode(body).unwrap_or_default();
    let id = hash::usage_record(body);
    let text = format!("record {} of the usage log is refused: {refusal}", record.seq);
    let wall_ms = app.clock.now().timestamp_millis().unsigned_abs();
    let (kind, severity) = ("usage-refused".to_owned(), Severity::Critical.into());
    sessions::event(app, session, &Event { id: id.to_vec(), kind, severity, wall_ms, text }).await?;
    metrics::counter!("weir_usage_records_refused_total").increment(1);
    Ok(Applied { epoch: record.epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Malformed })
}

impl Sound {
    /// The agent's own count it is part of, if it keeps one.
    pub(super) fn tally(&self) -> Option<&[u8]> {
        Some(self.record.tally.as_slice()).filter(|tally| !tally.is_empty())
    }
}

fn read(app: &App, body: &[u8]) -> Result<Sound, Refusal> {
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
    let latest = app.clock.now().max(app.clock.system_now()) + CLOCK_AHEAD_MAX;
    let span = at(record.start_ms).zip(at(record.end_ms)).filter(|(start, end)| start <= end && *end <= latest);
    let (start_at, end_at) = span.ok_or(Refusal::Time { end_ms: record.end_ms })?;
    lines.iter().try_for_each(|line| check_volume(line, end_at - start_at))?;
    let reason = match record.seal_reason() {
        SealReason::Interval => "interval",
        SealReason::Boundary => "boundary",
        SealReason::Shutdown => "shutdown",
        SealReason::Recovered => "recovered",
    };
    let hash = hash::usage_record(body);
    Ok(Sound { record, hash, start_at, end_at, reason, lines })
}

/// Whether a line can have moved that much in a span: a count that is damaged or forged must not become money.
fn check_volume(line: &LineUsage, span: TimeDelta) -> Result<(), Refusal> {
    let LineUsage { handle, down_bytes, up_bytes, down_packets, up_packets, v6_bytes, dropped_packets } = *line;
    if i32::try_from(handle).is_err() {
        return Err(Refusal::Handle(handle));
    }
    let milliseconds = (span + SPAN_SLACK).num_milliseconds().unsigned_abs();
    let most = LINE_RATE_MAX * u128::from(milliseconds) / 8000;
    let believed = |count: &u64| u128::from(*count) <= most && i64::try_from(*count).is_ok();
    let measured = [v6_bytes, dropped_packets].into_iter().flatten().flat_map(|BothWays { down, up }| [down, up]);
    match [down_bytes, up_bytes, down_packets, up_packets].into_iter().chain(measured).find(|count| !believed(count)) {
        Some(count) => Err(Refusal::Volume { handle, count, seconds: span.num_seconds() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(down_bytes: u64) -> LineUsage {
        LineUsage { handle: 7, down_bytes, down_packets: 1, ..LineUsage::default() }
    }

    #[test]
    fn no_line_moves_more_than_any_line_could() {
        let minute = TimeDelta::minutes(1);
        let most = 50_000_000_000 * (24 * 3600 + 60);
        assert_eq!(check_volume(&moved(most), minute), Ok(()));
        let refused = check_volume(&moved(most + 1), minute).unwrap_err();
        assert_eq!(refused.to_string(), format!("line 7 would have moved {} bytes or packets in 60 s", most + 1));
        assert!(check_volume(&moved(i64::MAX.cast_unsigned()), TimeDelta::days(300)).is_err());
        assert!(check_volume(&moved(u64::MAX), TimeDelta::days(1_000_000)).is_err());
        let dropped_packets = Some(BothWays { down: 0, up: u64::MAX });
        assert!(check_volume(&LineUsage { dropped_packets, ..moved(1) }, minute).is_err());
    }

    #[test]
    fn no_handle_is_beyond_the_lines() {
        let far = LineUsage { handle: u32::MAX, ..moved(1) };
        assert_eq!(check_volume(&far, TimeDelta::zero()), Err(Refusal::Handle(u32::MAX)));
    }
}
