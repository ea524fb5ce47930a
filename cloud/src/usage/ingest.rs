//! Applies records: record, segments and watermark in one transaction, under the epoch's row lock and the session's fence.
//!
//! An epoch grows only by the record that continues it, so a duplicate, a reordering or a replay changes nothing.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use weir_protocol::hash;
use weir_protocol::usage::{LineUsage, Outcome, Record, SealReason};

use super::{Error, store};
use crate::app::App;
use crate::fleet::sessions::Session;

/// How far in the future a router's clock may be before its records are not believed.
const CLOCK_AHEAD_MAX: TimeDelta = TimeDelta::hours(24);

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

/// Applies one record as it came.
pub async fn apply(app: &App, session: Session, body: &[u8]) -> Result<Applied, Error> {
    let Some(sound) = read(app, body) else {
        let epoch = Record::decode(body).map(|record| record.epoch).unwrap_or_default();
        return Ok(Applied { epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Malformed });
    };
    let mut tx = session.begin(app).await?;
    let epoch = sound.record.epoch.clone();
    let Some(known) = store::lock_epoch(&mut tx, session.agent, &epoch).await? else {
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
    if sound.record.prev_hash != known.applied_hash {
        return Ok(refused(Outcome::Fork));
    }
    store::insert_record(&mut tx, session.agent, &sound, body).await?;
    store::insert_segments(&mut tx, session.agent, &sound).await?;
    // No backup is configured, so what is committed is as safe as it gets, and the agent may delete it.
    store::advance(&mut tx, session.agent, &epoch, seq, &sound.hash).await?;
    tx.commit().await.map_err(Error::Db)?;
    metrics::counter!("weir_usage_records_total").increment(1);
    Ok(Applied { epoch, applied_seq: seq, trim_seq: seq, outcome: Outcome::Applied })
}

fn read(app: &App, body: &[u8]) -> Option<Sound> {
    let record = Record::decode(body).ok()?;
    let at = |ms: u64| i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    let (start_at, end_at) = (at(record.start_ms)?, at(record.end_ms)?);
    let lines = record.lines().ok()?;
    let bytes_fit = lines.iter().all(|line| {
        [line.down_bytes, line.up_bytes, line.down_packets, line.up_packets]
            .iter()
            .all(|count| i64::try_from(*count).is_ok())
            && i32::try_from(line.handle).is_ok()
    });
    let whole =
        record.epoch.len() == 8 && record.prev_hash.len() == 16 && record.seq > 0 && i64::try_from(record.seq).is_ok();
    let plausible = start_at <= end_at && end_at <= app.clock.now().max(app.clock.system_now()) + CLOCK_AHEAD_MAX;
    let reason = match record.seal_reason() {
        SealReason::Interval => "interval",
        SealReason::Boundary => "boundary",
        SealReason::Shutdown => "shutdown",
        SealReason::Recovered => "recovered",
    };
    let hash = hash::usage_record(body);
    (whole && bytes_fit && plausible).then_some(Sound { record, hash, start_at, end_at, reason, lines })
}
