//! The usage log: sealed records and the counter baseline, in segments that are written over again and again.
//!
//! The log is the only truth: no ledger, and no index but the one made while it is read. A segment begins with a header
//! that carries the chain's end, every counter's recorded position and what lines moved in the epoch, so leaving out
//! older segments loses no baseline.
//! Frames are durable when a call returns. Beside the log is only the newest checkpoint, which counts for as long as
//! the log ends where it begins, and takes its room once. Files are [`ring`]'s business, reading back is in [`replay`],
//! where records are in [`index`]; what frames hold in [`format`].

mod checkpoint;
pub mod format;
mod gone;
mod index;
mod replay;
mod ring;
#[cfg(test)]
mod ring_tests;
#[cfg(test)]
mod tests;

use super::{Positions, Reading};
use crate::store::disk::Disk;
use crate::store::frame;
use checkpoint::Open;
use format::{Opened, PositionColumns, Sealed};
use index::{Entry, EpochLog, Index, Span};
use prost::Message;
use ring::{Spare, segment_name};
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;
use weir_protocol::control::EpochPosition;
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::{LineUsage, Record};

/// Names one run of the log whose continuity is proven.
pub type Epoch = [u8; 8];

/// What each line moved in an epoch, by handle.
pub type Totals = BTreeMap<u32, Reading>;

/// Why the log could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused.
    #[error("usage log: {0}")]
    Io(#[from] io::Error),
    /// The quota is used up: counters keep counting in the kernel.
    #[error("usage log is full")]
    Full,
    /// A record is not (or no longer) what was written.
    #[error("usage log: record {0} is damaged")]
    Damaged(u64),
}

/// Sizes, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a segment; more where a header and a record take much of it.
    pub segment: u64,
    /// All files together.
    pub quota: u64,
}

/// Where the chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tail {
    /// Current epoch.
    pub epoch: Epoch,
    /// Sequence of the next record.
    pub next_seq: u64,
    /// Hash of the last record.
    pub hash: Hash,
    /// End of the last record, Unix milliseconds; 0 if there was none.
    pub end_ms: u64,
}

/// A record ready to be written.
#[derive(Debug)]
pub struct Prepared {
    record: Vec<u8>,
    lines: Vec<LineUsage>,
    prev_hash: Hash,
    positions: Positions,
    /// Where the chain ends once it is.
    pub after: Tail,
}

/// What opening the log found besides the log.
#[derive(Debug, Default)]
pub struct Findings {
    /// The newest open record, if nothing was sealed after it.
    pub checkpoint: Option<(Record, Positions)>,
    /// Segments with frames that do not check, other than a torn end.
    pub damaged: usize,
    /// Whether any segment could be read.
    pub any: bool,
}

/// The log.
#[derive(Debug)]
pub struct Spool<D> {
    disk: D,
    limits: Limits,
    boot: Uuid,
    tail: Tail,
    positions: Positions,
    /// Of the current epoch up to the tail; none in an epoch of revision 1.
    totals: Option<Totals>,
    index: Index,
    /// Files that wait to be used again.
    spares: Vec<Spare>,
    /// Number of the last segment made or tried.
    last: u64,
    /// The last segment with a header, which says what everything before it comes to.
    newest: Option<u64>,
    /// Where frames of the newest segment end, and the checksum of the last.
    end: u64,
    check: u32,
    /// Whether frames may follow there.
    appendable: bool,
    open: Open,
}

impl<D: Disk> Spool<D> {
    /// Where the chain ends.
    pub fn tail(&self) -> &Tail {
        &self.tail
    }

    /// How far every counter is recorded.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// What each line moved in the current epoch up to the tail, with records that are trimmed; `None` in an epoch an
    /// older agent began.
    pub fn totals(&self) -> Option<&Totals> {
        self.totals.as_ref()
    }

    /// Boot of the counters recorded last.
    pub fn boot(&self) -> Uuid {
        self.boot
    }

    /// How full the quota is, in thousandths.
    pub fn fill_permille(&self) -> u64 {
        self.used().saturating_mul(1000) / self.limits.quota.max(1)
    }

    /// Every epoch still held, oldest first, the current one last.
    pub fn epochs(&self) -> Vec<EpochPosition> {
        self.index.epochs.iter().map(|log| self.position(log)).collect()
    }

    /// Hash of a record, if it is still held or is the one before the first.
    pub fn hash_of(&self, epoch: &Epoch, seq: u64) -> Option<Hash> {
        let tail = (*epoch == self.tail.epoch && seq + 1 == self.tail.next_seq).then_some(self.tail.hash);
        let known = tail.or_else(|| self.index.hash_at_an_end(epoch, seq));
        known.or_else(|| self.read(epoch, seq).ok().map(|record| hash::usage_record(&record)))
    }

    /// A record's bytes as they are sent.
    pub fn read(&self, epoch: &Epoch, seq: u64) -> Result<Vec<u8>, Error> {
        let place = self.index.find(epoch, seq).ok_or(Error::Damaged(seq))?;
        let length = usize::try_from(place.end - place.from).map_err(|_| Error::Damaged(seq))?;
        let bytes = self.disk.read_at(&segment_name(place.segment), place.from, length)?;
        let mut records = frame::from(&bytes, 0, place.before).filter(|found| found.kind == format::SEAL);
        let skip = usize::try_from(place.skip).map_err(|_| Error::Damaged(seq))?;
        let found = records.nth(skip).ok_or(Error::Damaged(seq))?;
        Ok(Sealed::decode(found.body).map_err(|_| Error::Damaged(seq))?.record)
    }

    /// Chains a record to the end of the log, without writing it.
    pub fn prepare(&self, record: Record, positions: Positions) -> Prepared {
        let Tail { epoch, next_seq, hash: prev_hash, .. } = self.tail;
        let (end_ms, lines) = (record.end_ms, record.lines().unwrap_or_default());
        let record = self.chained(record).encode_to_vec();
        let after = Tail { epoch, next_seq: next_seq + 1, hash: hash::usage_record(&record), end_ms };
        Prepared { record, lines, prev_hash, positions, after }
    }

    fn chained(&self, record: Record) -> Record {
        let Tail { epoch, next_seq: seq, hash, .. } = self.tail;
        Record { epoch: epoch.to_vec(), seq, prev_hash: hash.to_vec(), ..record }
    }

    fn follows(&self, record: &Record) -> bool {
        let Tail { epoch, next_seq: seq, hash, .. } = self.tail;
        record.epoch == epoch && record.seq == seq && record.prev_hash == hash
    }

    /// Writes a prepared record.
    pub fn seal(&mut self, prepared: Prepared) -> Result<(), Error> {
        let Prepared { record, lines, prev_hash, positions, after } = prepared;
        let sealed = Sealed { record, positions: Some(PositionColumns::from(&positions)), number: 0 };
        let (segment, from, before) = self.commit(format::SEAL, &sealed.encode_to_vec())?;
        let Tail { epoch, next_seq, hash, .. } = after;
        let entry = Entry { epoch, seq: next_seq - 1, prev_hash, hash, from, end: self.end, before };
        self.index.enter(segment, &entry);
        self.add_up(&lines);
        self.positions.extend(positions);
        self.tail = after;
        Ok(())
    }

    /// Starts an epoch and takes counters as recorded. Holds even if the disk refuses: the next segment's
    /// header says it again, and until then nothing can be sealed.
    pub fn open_epoch(&mut self, epoch: Epoch, positions: &Positions) -> Result<(), Error> {
        let opened = Opened { epoch: epoch.to_vec(), positions: Some(PositionColumns::from(positions)) };
        let written = self.commit(format::EPOCH, &opened.encode_to_vec());
        self.begin_epoch(epoch, positions);
        self.settle(written)
    }

    /// Notes a new boot: the counters known so far are dead.
    pub fn open_boot(&mut self, boot: Uuid) -> Result<(), Error> {
        let written = self.commit(format::BOOT, boot.as_bytes());
        self.boot = boot;
        self.positions.clear();
        self.settle(written)
    }

    /// Forgets counters that will not be read again.
    pub fn forget(&mut self, gone: impl Fn(u32) -> bool) {
        self.positions.retain(|key, _| !gone(key.handle));
    }

    fn settle(&mut self, written: Result<(u64, u64, u32), Error>) -> Result<(), Error> {
        self.appendable &= written.is_ok();
        written.map(drop)
    }

    fn begin_epoch(&mut self, epoch: Epoch, positions: &Positions) {
        self.tail = Tail { epoch, next_seq: 1, hash: hash::GENESIS, end_ms: self.tail.end_ms };
        self.positions.extend(positions);
        self.totals = Some(Totals::new());
        self.index.begin(epoch);
    }

    fn add_up(&mut self, lines: &[LineUsage]) {
        let Some(totals) = &mut self.totals else { return };
        for line in lines {
            let total = totals.entry(line.handle).or_default();
            *total = total.plus(&Reading {
                down_bytes: line.down_bytes,
                up_bytes: line.up_bytes,
                down_packets: line.down_packets,
                up_packets: line.up_packets,
            });
        }
    }

    fn position(&self, log: &EpochLog) -> EpochPosition {
        let Tail { next_seq, hash, .. } = self.tail;
        let none = Span { first: next_seq, prev_hash: hash, last: next_seq - 1, hash };
        let span = log.span.unwrap_or(none);
        EpochPosition {
            epoch: log.epoch.to_vec(),
            first_seq: span.first,
            last_seq: span.last,
            first_prev_hash: span.prev_hash.to_vec(),
            last_hash: span.hash.to_vec(),
        }
    }
}
