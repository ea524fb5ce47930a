//! Reading the log back: the longest sound prefix of each segment, headers over what came before.
//!
//! One segment at a time is in memory. Segments of revision 1 are read like the others; nothing is added to them.

use super::checkpoint::Open;
use super::format::{self, Header, Opened, PositionColumns, Sealed};
use super::index::{Entry, Index};
use super::ring::{Spare, segment_name, segment_number, spare_name, spare_number};
use super::{Epoch, Error, Findings, Limits, Spool, Tail, Totals};
use crate::store::disk::Disk;
use crate::store::frame::{self, Found};
use crate::usage::Positions;
use prost::Message;
use uuid::Uuid;
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::Record;

impl<D: Disk> Spool<D> {
    /// Opens the log; a torn end is left out, everything before it stands. With nothing to read
    /// ([`Findings::any`] is false) it is of `boot`, and an epoch must be opened before anything else.
    pub fn open(disk: D, limits: Limits, boot: Uuid) -> Result<(Self, Findings), Error> {
        let mut spool = Self {
            disk,
            limits,
            boot,
            tail: Tail { epoch: Epoch::default(), next_seq: 1, hash: hash::GENESIS, end_ms: 0 },
            positions: Positions::new(),
            totals: None,
            index: Index::default(),
            spares: Vec::new(),
            last: 0,
            newest: None,
            end: 0,
            check: 0,
            appendable: false,
            open: Open::default(),
        };
        let names = spool.disk.list()?;
        for (name, number) in names.iter().filter_map(|name| Some((name, spare_number(name)?))) {
            // What waits may say that number, if it was given up before anything followed.
            spool.last = spool.last.max(number);
            spool.spares.push(Spare { name: name.clone(), size: spool.disk.length(name)? });
        }
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment_number(name)).collect();
        numbers.sort_unstable();
        let newest = numbers.last().copied();
        spool.last = spool.last.max(newest.unwrap_or(0));
        let mut findings = Findings::default();
        for number in numbers {
            spool.replay(number, Some(number) == newest, &mut findings);
        }
        // What was read may so far be in memory only; it should not be sent before it is durable. Where it cannot be made
        // so, nothing follows it there.
        if let Some(number) = spool.newest {
            spool.appendable &= spool.disk.sync(&segment_name(number)).is_ok();
        }
        spool.take_checkpoint(&mut findings);
        Ok((spool, findings))
    }

    /// Whatever cannot be read is damage: it keeps nobody from enforcing.
    fn replay(&mut self, number: u64, last: bool, findings: &mut Findings) {
        let Ok(bytes) = self.disk.read(&segment_name(number)) else {
            return self.damaged(number, 0, findings);
        };
        let first = frame::at(&bytes, 0).filter(|frame| frame.kind == format::HEADER);
        let header = first.and_then(|frame| Header::decode(frame.body).ok());
        let unused = bytes.iter().all(|byte| *byte == 0);
        let torn = last && first.is_none();
        if unused || torn || header.as_ref().is_some_and(|header| header.is_of_another_lap(number)) {
            return self.set_aside(number, bytes.len() as u64);
        }
        let Some((first, head)) = first.zip(header.and_then(Head::of)) else {
            return self.damaged(number, bytes.len() as u64, findings);
        };
        let before = head.chained.then_some(first.check);
        if last && head.tail.epoch == Epoch::default() && frame::from(&bytes, first.end(), before).next().is_none() {
            // The log began here, and its first epoch never did.
            return self.set_aside(number, bytes.len() as u64);
        }
        findings.any = true;
        self.index.add(number, bytes.len() as u64, head.chained);
        (self.newest, self.appendable) = (Some(number), head.chained);
        (self.end, self.check) = (first.end() as u64, first.check);
        self.take_header(head);
        for found in frame::from(&bytes, first.end(), before) {
            if self.take_frame(number, &found, findings).is_none() {
                findings.damaged += 1;
                break;
            }
            (self.end, self.check) = (found.end() as u64, found.check);
        }
    }

    /// Leaves a file alone that says nothing.
    fn damaged(&mut self, number: u64, size: u64, findings: &mut Findings) {
        self.index.add(number, size, false);
        self.appendable = false;
        findings.damaged += 1;
    }

    /// Lets a file wait in which nothing was written, or nothing whole; where it cannot, it is left alone.
    fn set_aside(&mut self, number: u64, size: u64) {
        let name = spare_name(number);
        if self.disk.rename(&segment_name(number), &name).is_ok() {
            self.spares.push(Spare { name, size });
        }
    }

    fn take_header(&mut self, header: Head) {
        // A record whose write was reported as failed may be there all the same; the header knows better.
        let Tail { epoch, next_seq, hash, .. } = header.tail;
        if self.index.epoch(&epoch).is_some() {
            self.index.cut(&epoch, next_seq, hash);
        } else {
            self.begin_epoch(epoch, &Positions::new());
        }
        (self.tail, self.boot, self.positions) = (header.tail, header.boot, header.positions);
        self.totals = header.totals;
    }

    /// `None` if the frame makes no sense where it is.
    fn take_frame(&mut self, segment: u64, found: &Found<'_>, findings: &mut Findings) -> Option<()> {
        match found.kind {
            format::SEAL => {
                let (record, bytes, positions) = parts(Sealed::decode(found.body).ok()?)?;
                let lines = record.lines().ok()?;
                if !self.follows(&record) {
                    return None;
                }
                let (hash, prev_hash) = (hash::usage_record(&bytes), self.tail.hash);
                let (epoch, seq, from, end) = (self.tail.epoch, record.seq, self.end, found.end() as u64);
                let entry = Entry { epoch, seq, prev_hash, hash, from, end, before: self.check };
                self.index.enter(segment, &entry);
                self.tail = Tail { next_seq: record.seq.checked_add(1)?, hash, end_ms: record.end_ms, ..self.tail };
                self.add_up(&lines);
                self.positions.extend(positions);
                findings.checkpoint = None;
            }
            format::CHECKPOINT => {
                let (record, _, positions) = parts(Sealed::decode(found.body).ok()?)?;
                findings.checkpoint = Some((record, positions));
            }
            format::EPOCH => {
                let opened = Opened::decode(found.body).ok()?;
                let positions = opened.positions.as_ref().map(PositionColumns::positions).unwrap_or_default();
                self.begin_epoch(opened.epoch.try_into().ok()?, &positions);
            }
            format::BOOT => {
                self.boot = Uuid::from_slice(found.body).ok()?;
                self.positions.clear();
                findings.checkpoint = None;
            }
            _ => return None,
        }
        Some(())
    }
}

/// What a header says.
struct Head {
    tail: Tail,
    boot: Uuid,
    positions: Positions,
    totals: Option<Totals>,
    /// Whether each frame's checksum goes on from the one before: not in revision 1.
    chained: bool,
}

impl Header {
    /// Whether the file has got another number and was not written since.
    fn is_of_another_lap(&self, number: u64) -> bool {
        self.revision == format::REVISION && self.lap != number
    }
}

impl Head {
    fn of(header: Header) -> Option<Self> {
        let hash: Hash = header.prev_hash.try_into().ok()?;
        let epoch: Epoch = header.epoch.try_into().ok()?;
        if header.revision == 0 || header.revision > format::REVISION || header.next_seq == 0 {
            return None;
        }
        Some(Self {
            tail: Tail { epoch, next_seq: header.next_seq, hash, end_ms: header.end_ms },
            boot: Uuid::from_slice(&header.boot_id).ok()?,
            positions: header.positions.as_ref().map(PositionColumns::positions).unwrap_or_default(),
            totals: header.totals.and_then(|totals| totals.totals()),
            chained: header.revision > 1,
        })
    }
}

/// A record, its bytes and the counters it covers.
pub(super) fn parts(sealed: Sealed) -> Option<(Record, Vec<u8>, Positions)> {
    let record = Record::decode(sealed.record.as_slice()).ok()?;
    record.lines().ok()?;
    let positions = sealed.positions.as_ref().map(PositionColumns::positions).unwrap_or_default();
    Some((record, sealed.record, positions))
}
