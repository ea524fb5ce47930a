//! Reading the log back: the longest sound prefix of each segment, headers over what came before.

use super::format::{self, Header, Opened, PositionColumns, Sealed};
use super::{CHECKPOINT, Entry, Epoch, Error, Findings, Limits, Spool, Tail, segment_name};
use crate::store::disk::{self, Disk};
use crate::store::frame::{self, Found};
use crate::usage::Positions;
use prost::Message;
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::Record;

impl<D: Disk> Spool<D> {
    /// Opens the log; a torn end is cut off, everything before it stands. With nothing to read
    /// ([`Findings::any`] is false) it is of `boot`, and an epoch must be opened before anything else.
    pub fn open(disk: D, limits: Limits, boot: Uuid) -> Result<(Self, Findings), Error> {
        let mut numbers: Vec<u64> = disk.list()?.iter().filter_map(|name| segment_number(name)).collect();
        numbers.sort_unstable();
        let mut spool = Self {
            disk,
            limits,
            boot,
            tail: Tail { epoch: Epoch::default(), next_seq: 1, hash: hash::GENESIS, end_ms: 0 },
            positions: Positions::new(),
            epochs: Vec::new(),
            segments: BTreeMap::new(),
            checkpoint: 0,
            appendable: false,
        };
        let mut findings = Findings::default();
        for number in &numbers {
            spool.replay(*number, Some(number) == numbers.last(), &mut findings)?;
        }
        // What was read may so far be in memory only; it must not be sent before it is durable.
        if let Some(number) = spool.segments.keys().next_back().copied() {
            spool.appendable &= disk::made(spool.disk.sync(&segment_name(number)))?;
        }
        spool.take_checkpoint(&mut findings)?;
        Ok((spool, findings))
    }

    fn take_checkpoint(&mut self, findings: &mut Findings) -> Result<(), Error> {
        let bytes = match self.disk.read(CHECKPOINT) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        self.checkpoint = bytes.len() as u64;
        match frame::at(&bytes, 0).and_then(|found| sealed(found.body)) {
            Some((record, _, positions)) if self.follows(&record) && record.boot_id == self.boot.as_bytes() => {
                findings.checkpoint = Some((record, positions));
            }
            Some(_) => {}
            None => findings.damaged += 1,
        }
        Ok(())
    }

    fn replay(&mut self, number: u64, last: bool, findings: &mut Findings) -> Result<(), Error> {
        let name = segment_name(number);
        let bytes = self.disk.read(&name)?;
        let (frames, mut end) = frame::all(&bytes);
        let header = frames.first().filter(|frame| frame.kind == format::HEADER);
        let Some(header) = header.and_then(|frame| Head::decode(frame.body)) else {
            if last && frames.is_empty() {
                disk::made(self.disk.remove(&name))?;
            } else {
                self.segments.insert(number, bytes.len() as u64);
                findings.damaged += 1;
            }
            self.appendable = false;
            return Ok(());
        };
        self.take_header(header);
        findings.any = true;
        for found in &frames[1..] {
            if self.take_frame(number, found, findings).is_none() {
                end = found.offset - frame::HEADER;
                findings.damaged += 1;
                break;
            }
        }
        let torn = end < bytes.len() && last;
        self.appendable = last && (!torn || disk::made(self.disk.truncate(&name, end as u64))?);
        self.segments.insert(number, if last { end } else { bytes.len() } as u64);
        Ok(())
    }

    fn take_header(&mut self, header: Head) {
        // A record whose write was reported as failed may be there all the same; the header knows better.
        if let Some(log) = self.epochs.iter_mut().find(|log| log.epoch == header.tail.epoch) {
            log.records.retain(|seq, _| *seq < header.tail.next_seq);
        } else {
            self.begin_epoch(header.tail.epoch, &Positions::new());
        }
        (self.tail, self.boot, self.positions) = (header.tail, header.boot, header.positions);
    }

    /// `None` if the frame makes no sense where it is.
    fn take_frame(&mut self, segment: u64, found: &Found<'_>, findings: &mut Findings) -> Option<()> {
        match found.kind {
            format::SEAL => {
                let (record, bytes, positions) = sealed(found.body)?;
                if !self.follows(&record) {
                    return None;
                }
                let (hash, prev_hash) = (hash::usage_record(&bytes), self.tail.hash);
                let entry = Entry { hash, prev_hash, segment, offset: found.offset as u64, length: found.body.len() };
                self.enter(self.tail.epoch, record.seq, entry);
                self.tail = Tail { next_seq: record.seq.checked_add(1)?, hash, end_ms: record.end_ms, ..self.tail };
                self.positions.extend(positions);
                findings.checkpoint = None;
            }
            format::CHECKPOINT => {
                let (record, _, positions) = sealed(found.body)?;
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

struct Head {
    tail: Tail,
    boot: Uuid,
    positions: Positions,
}

impl Head {
    fn decode(body: &[u8]) -> Option<Self> {
        let header = Header::decode(body).ok()?;
        let hash: Hash = header.prev_hash.try_into().ok()?;
        let epoch: Epoch = header.epoch.try_into().ok()?;
        if header.revision == 0 || header.revision > format::REVISION || header.next_seq == 0 {
            return None;
        }
        Some(Self {
            tail: Tail { epoch, next_seq: header.next_seq, hash, end_ms: header.end_ms },
            boot: Uuid::from_slice(&header.boot_id).ok()?,
            positions: header.positions.as_ref().map(PositionColumns::positions).unwrap_or_default(),
        })
    }
}

fn sealed(body: &[u8]) -> Option<(Record, Vec<u8>, Positions)> {
    let sealed = Sealed::decode(body).ok()?;
    let record = Record::decode(sealed.record.as_slice()).ok()?;
    record.lines().ok()?;
    let positions = sealed.positions.as_ref().map(PositionColumns::positions).unwrap_or_default();
    Some((record, sealed.record, positions))
}

fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix("usage-")?.strip_suffix(".log")?.parse().ok()
}
