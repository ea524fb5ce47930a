//! The usage log: sealed records and the counter baseline, in segments that are appended to and removed whole.
//!
//! The log is the only truth: no index, no ledger. Beside it is only the newest checkpoint, which counts for as long
//! as the log ends where it begins, and takes its room once. A segment begins with a header that carries the
//! chain's end and every counter's recorded position, so removing older segments loses no baseline. Frames are
//! durable when a call returns. Reading back is in [`replay`]; what frames hold in [`format`].

pub mod format;
mod replay;
#[cfg(test)]
mod tests;

use super::Positions;
use crate::store::disk::Disk;
use crate::store::frame;
use format::{Header, Opened, PositionColumns, Sealed};
use prost::Message;
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;
use weir_protocol::control::EpochPosition;
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::Record;

/// The file of the newest checkpoint.
const CHECKPOINT: &str = "open";

/// Names one run of the log whose continuity is proven.
pub type Epoch = [u8; 8];

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
    /// A segment is left when it would grow past this.
    pub segment: u64,
    /// All segments together.
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

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: Hash,
    prev_hash: Hash,
    segment: u64,
    offset: u64,
    length: usize,
}

#[derive(Debug)]
struct EpochLog {
    epoch: Epoch,
    records: BTreeMap<u64, Entry>,
    trimmed: u64,
}

/// The log.
#[derive(Debug)]
pub struct Spool<D> {
    disk: D,
    limits: Limits,
    boot: Uuid,
    tail: Tail,
    positions: Positions,
    epochs: Vec<EpochLog>,
    segments: BTreeMap<u64, u64>,
    /// Bytes of the newest checkpoint.
    checkpoint: u64,
    /// Whether frames may follow in the newest segment.
    appendable: bool,
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

    /// Boot of the counters recorded last.
    pub fn boot(&self) -> Uuid {
        self.boot
    }

    /// How full the quota is, in thousandths.
    pub fn fill_permille(&self) -> u64 {
        self.bytes().saturating_mul(1000) / self.limits.quota.max(1)
    }

    fn bytes(&self) -> u64 {
        self.segments.values().sum::<u64>() + self.checkpoint
    }

    /// Every epoch still held, oldest first, the current one last.
    pub fn epochs(&self) -> Vec<EpochPosition> {
        self.epochs.iter().map(|log| self.position(log)).collect()
    }

    /// Hash of a record, if it is still held or is the one before the first.
    pub fn hash_of(&self, epoch: &Epoch, seq: u64) -> Option<Hash> {
        let log = self.log(epoch)?;
        let after = seq.checked_add(1).and_then(|next| log.records.get(&next)).map(|entry| entry.prev_hash);
        let tail = (*epoch == self.tail.epoch && seq + 1 == self.tail.next_seq).then_some(self.tail.hash);
        log.records.get(&seq).map(|entry| entry.hash).or(after).or(tail)
    }

    /// A record's bytes as they are sent.
    pub fn read(&self, epoch: &Epoch, seq: u64) -> Result<Vec<u8>, Error> {
        let entry = self.log(epoch).and_then(|log| log.records.get(&seq)).ok_or(Error::Damaged(seq))?;
        let body = self.disk.read_at(&segment_name(entry.segment), entry.offset, entry.length)?;
        let sealed = Sealed::decode(body.as_slice()).map_err(|_| Error::Damaged(seq))?;
        if hash::usage_record(&sealed.record) != entry.hash {
            return Err(Error::Damaged(seq));
        }
        Ok(sealed.record)
    }

    /// Chains a record to the end of the log, without writing it.
    pub fn prepare(&self, record: Record, positions: Positions) -> Prepared {
        let Tail { epoch, next_seq, hash: prev_hash, .. } = self.tail;
        let end_ms = record.end_ms;
        let record = self.chained(record).encode_to_vec();
        let after = Tail { epoch, next_seq: next_seq + 1, hash: hash::usage_record(&record), end_ms };
        Prepared { record, prev_hash, positions, after }
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
        let Prepared { record, prev_hash, positions, after } = prepared;
        let sealed = Sealed { record, positions: Some(PositionColumns::from(&positions)) };
        let body = sealed.encode_to_vec();
        let (segment, offset) = self.commit(format::SEAL, &body)?;
        let entry = Entry { hash: after.hash, prev_hash, segment, offset, length: body.len() };
        self.enter(after.epoch, after.next_seq - 1, entry);
        self.positions.extend(positions);
        self.tail = after;
        Ok(())
    }

    /// Writes the open record over the one before, in case the next seal never comes.
    pub fn checkpoint(&mut self, record: Record, positions: &Positions) -> Result<(), Error> {
        let record = self.chained(record).encode_to_vec();
        let sealed = Sealed { record, positions: Some(PositionColumns::from(positions)) };
        let bytes = frame::encode(format::CHECKPOINT, &sealed.encode_to_vec());
        let length = bytes.len() as u64;
        if self.bytes() - self.checkpoint + length > self.limits.quota {
            return Err(Error::Full);
        }
        self.disk.replace(CHECKPOINT, &bytes)?;
        self.checkpoint = length;
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

    /// Whether [`Spool::trim`] up to `seq` of `epoch` would delete anything.
    pub fn frees(&self, epoch: &Epoch, seq: u64) -> bool {
        let kept = |log: &EpochLog, segment: u64| {
            let trimmed = if log.epoch == *epoch { log.trimmed.max(seq) } else { log.trimmed };
            log.records.range(trimmed + 1..).any(|(_, entry)| entry.segment == segment)
        };
        let newest = self.segments.keys().next_back();
        let older = self.segments.keys().filter(|number| Some(*number) != newest);
        older.into_iter().any(|number| !self.epochs.iter().any(|log| kept(log, *number)))
    }

    /// Deletes segments that hold nothing after `seq` of `epoch` or of others trimmed before.
    pub fn trim(&mut self, epoch: &Epoch, seq: u64) -> Result<(), Error> {
        let Some(log) = self.epochs.iter_mut().find(|log| log.epoch == *epoch) else { return Ok(()) };
        log.trimmed = log.trimmed.max(seq);
        let newest = self.segments.keys().next_back().copied();
        let free: Vec<u64> = self.segments.keys().copied().filter(|n| Some(*n) != newest && !self.needed(*n)).collect();
        for number in free {
            match self.disk.remove(&segment_name(number)) {
                // It never came to be, or is gone already.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
            self.segments.remove(&number);
            for log in &mut self.epochs {
                log.records.retain(|_, entry| entry.segment != number);
            }
        }
        let current = self.tail.epoch;
        self.epochs.retain(|log| log.epoch == current || !log.records.is_empty());
        Ok(())
    }

    fn needed(&self, segment: u64) -> bool {
        let kept = |log: &EpochLog| log.records.range(log.trimmed + 1..).any(|(_, entry)| entry.segment == segment);
        self.epochs.iter().any(kept)
    }

    fn settle(&mut self, written: Result<(u64, u64), Error>) -> Result<(), Error> {
        self.appendable &= written.is_ok();
        written.map(drop)
    }

    /// Appends one frame durably; answers its segment and where its body begins.
    fn commit(&mut self, kind: u8, body: &[u8]) -> Result<(u64, u64), Error> {
        let bytes = frame::encode(kind, body);
        let (number, length) = self.segments.last_key_value().map_or((0, 0), |(number, length)| (*number, *length));
        let fresh = !self.appendable || length + bytes.len() as u64 > self.limits.segment;
        let (number, length, bytes) = if fresh {
            let mut segment = frame::encode(format::HEADER, &self.header().encode_to_vec());
            segment.extend_from_slice(&bytes);
            (number + 1, 0, segment)
        } else {
            (number, length, bytes)
        };
        if self.bytes() + bytes.len() as u64 > self.limits.quota {
            return Err(Error::Full);
        }
        let name = segment_name(number);
        let written = self.disk.append(&name, &bytes).and_then(|()| self.disk.sync(&name));
        if let Err(error) = written {
            // What reached the disk is unknown: nothing may follow it in the same segment.
            self.appendable = false;
            let _ = if fresh { self.disk.remove(&name) } else { self.disk.truncate(&name, length) };
            if fresh {
                self.segments.insert(number, 0);
            }
            return Err(error.into());
        }
        self.appendable = true;
        let end = length + bytes.len() as u64;
        self.segments.insert(number, end);
        Ok((number, end - body.len() as u64))
    }

    fn header(&self) -> Header {
        Header {
            revision: format::REVISION,
            epoch: self.tail.epoch.to_vec(),
            next_seq: self.tail.next_seq,
            prev_hash: self.tail.hash.to_vec(),
            boot_id: self.boot.as_bytes().to_vec(),
            end_ms: self.tail.end_ms,
            positions: Some(PositionColumns::from(&self.positions)),
        }
    }

    fn begin_epoch(&mut self, epoch: Epoch, positions: &Positions) {
        self.tail = Tail { epoch, next_seq: 1, hash: hash::GENESIS, end_ms: self.tail.end_ms };
        self.positions.extend(positions);
        self.epochs.retain(|log| !log.records.is_empty());
        self.epochs.push(EpochLog { epoch, records: BTreeMap::new(), trimmed: 0 });
    }

    fn enter(&mut self, epoch: Epoch, seq: u64, entry: Entry) {
        match self.epochs.iter_mut().find(|log| log.epoch == epoch) {
            Some(log) => drop(log.records.insert(seq, entry)),
            None => self.epochs.push(EpochLog { epoch, records: BTreeMap::from([(seq, entry)]), trimmed: 0 }),
        }
    }

    fn log(&self, epoch: &Epoch) -> Option<&EpochLog> {
        self.epochs.iter().find(|log| log.epoch == *epoch)
    }

    fn position(&self, log: &EpochLog) -> EpochPosition {
        let epoch = log.epoch.to_vec();
        match (log.records.first_key_value(), log.records.last_key_value()) {
            (Some((first_seq, first)), Some((last_seq, last))) => EpochPosition {
                epoch,
                first_seq: *first_seq,
                last_seq: *last_seq,
                first_prev_hash: first.prev_hash.to_vec(),
                last_hash: last.hash.to_vec(),
            },
            _ => EpochPosition {
                epoch,
                first_seq: self.tail.next_seq,
                last_seq: self.tail.next_seq - 1,
                first_prev_hash: self.tail.hash.to_vec(),
                last_hash: self.tail.hash.to_vec(),
            },
        }
    }
}

fn segment_name(number: u64) -> String {
    format!("usage-{number:010}.log")
}
