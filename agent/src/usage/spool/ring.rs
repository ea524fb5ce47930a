//! The files of the log: made once, written over again and again.
//!
//! Writing over blocks that are there costs a file system nothing but those blocks; appending pays for the file's length
//! each time. A file is made when it is needed, so a quiet router has two. One that holds nothing any more waits under a
//! name of its own; when it is needed again it gets the next number for good *before* its header says that number. Until
//! then what it says is of an earlier lap, and nobody reads it; and a name that a power cut brings back is never that of
//! a file written over.

use super::format::{self, Header, PositionColumns, TotalColumns};
use super::{Epoch, Error, Spool};
use crate::store::disk::Disk;
use crate::store::frame;
use prost::Message;
use std::io;

/// Most files that wait; with more, files are removed.
const SPARES: usize = 4;

/// A file that waits to be used again.
#[derive(Debug)]
pub(super) struct Spare {
    pub name: String,
    /// Its bytes.
    pub size: u64,
}

impl<D: Disk> Spool<D> {
    /// Bytes of the quota that hold something; what is left over at the end of a segment counts.
    pub(super) fn used(&self) -> u64 {
        let left = self.newest.filter(|_| self.appendable).and_then(|number| self.index.segments.get(&number));
        let left = left.map_or(0, |segment| segment.size.saturating_sub(self.end));
        self.index.segments.values().map(|segment| segment.size).sum::<u64>() - left + self.open.bytes()
    }

    /// Bytes of all files.
    fn bytes(&self) -> u64 {
        let segments = self.index.segments.values().map(|segment| segment.size);
        segments.chain(self.spares.iter().map(|spare| spare.size)).sum::<u64>() + self.open.bytes()
    }

    /// Sees to it that so many bytes more fit into the quota, if need be without files that wait.
    pub(super) fn make_room(&mut self, bytes: u64) -> Result<(), Error> {
        while self.bytes().saturating_add(bytes) > self.limits.quota {
            let Some(spare) = self.spares.pop() else { return Err(Error::Full) };
            gone(self.disk.remove(&spare.name))?;
        }
        Ok(())
    }

    /// Writes one frame durably; answers its segment, where it begins, and the checksum of the one before.
    pub(super) fn commit(&mut self, kind: u8, body: &[u8]) -> Result<(u64, u64, u32), Error> {
        let Some(number) = self.newest.filter(|number| self.fits(*number, body)) else { return self.turn(kind, body) };
        let (from, before) = (self.end, self.check);
        let bytes = frame::encode_after(before, kind, body);
        self.write(number, from, &bytes)?;
        (self.end, self.check) = (from + bytes.len() as u64, check_of(&bytes));
        Ok((number, from, before))
    }

    fn fits(&self, number: u64, body: &[u8]) -> bool {
        let size = self.index.segments.get(&number).map_or(0, |segment| segment.size);
        self.appendable && self.end + (frame::HEADER + body.len()) as u64 <= size
    }

    /// Begins a new segment where nothing may follow in this one: its header says where the log ends.
    pub(super) fn leave_failed(&mut self) -> Result<(), Error> {
        if self.appendable { Ok(()) } else { self.turn_with(|_| Vec::new()).map(drop) }
    }

    /// Writes a frame as the first of a new segment.
    fn turn(&mut self, kind: u8, body: &[u8]) -> Result<(u64, u64, u32), Error> {
        self.turn_with(|before| frame::encode_after(before, kind, body))
    }

    fn turn_with(&mut self, first: impl Fn(u32) -> Vec<u8>) -> Result<(u64, u64, u32), Error> {
        let number = self.last + 1;
        let mut bytes = frame::encode(format::HEADER, &self.header(number).encode_to_vec());
        let (from, before) = (bytes.len() as u64, check_of(&bytes));
        let frame = first(before);
        bytes.extend_from_slice(&frame);
        let size = self.provide(number, bytes.len() as u64)?;
        self.index.add(number, size, true);
        if let Err(error) = self.write(number, 0, &bytes) {
            // Its number is used up: what of it reached the disk must not be taken for what is written next. Nor is the
            // file tried again: the fault may be where it lies.
            self.index.remove(number);
            let _found_at_the_next_start = self.disk.remove(&segment_name(number));
            return Err(error);
        }
        (self.newest, self.appendable) = (Some(number), true);
        (self.end, self.check) = (bytes.len() as u64, if frame.is_empty() { before } else { check_of(&frame) });
        Ok((number, from, before))
    }

    fn write(&mut self, number: u64, from: u64, bytes: &[u8]) -> Result<(), Error> {
        let name = segment_name(number);
        let written = self.disk.write_at(&name, from, bytes).and_then(|()| self.disk.sync(&name));
        // What reached the disk is unknown: nothing may follow it in the same segment.
        self.appendable &= written.is_ok();
        Ok(written?)
    }

    /// Makes the file of a segment that begins with `length` bytes; answers its size.
    fn provide(&mut self, number: u64, length: u64) -> Result<u64, Error> {
        loop {
            let own = self.spares.last().map_or(0, |spare| spare.size);
            let free = self.limits.quota.saturating_sub(self.bytes());
            let size = self.size(length).min(own.saturating_add(free)).max(own);
            if size < length {
                // Too small a file to wait for.
                let Some(spare) = self.spares.pop() else { return Err(Error::Full) };
                gone(self.disk.remove(&spare.name))?;
                continue;
            }
            self.last = number;
            let name = segment_name(number);
            if let Some(spare) = self.spares.pop() {
                match gone(self.disk.rename(&spare.name, &name)) {
                    Ok(true) => {}
                    // Somebody removed it.
                    Ok(false) => continue,
                    Err(error) => {
                        self.spares.push(spare);
                        return Err(error.into());
                    }
                }
            }
            let allocated = if size > own { self.allocate(&name, size, length.max(own)) } else { Ok(size) };
            let named = allocated.and_then(|size| self.disk.sync_names().map(|()| size));
            if named.is_err() {
                // On a full disk, what there is of it would be in somebody's way.
                let _found_at_the_next_start = self.disk.remove(&name);
            }
            return Ok(named?);
        }
    }

    /// Fills a file with zeros, up to what is needed where the disk has no room for what is wished; answers how far.
    pub(super) fn allocate(&mut self, name: &str, wished: u64, needed: u64) -> io::Result<u64> {
        match self.disk.allocate(name, wished) {
            Ok(()) => Ok(wished),
            Err(_) => self.disk.allocate(name, needed).map(|()| needed),
        }
    }

    /// What a segment should take that begins with `length` bytes: of many lines, more than most, so that what its
    /// header says again is a small part of it.
    fn size(&self, length: u64) -> u64 {
        let roomy = length.saturating_mul(4).min(self.limits.quota / 8);
        self.limits.segment.max(roomy).max(length)
    }

    /// Whether [`Spool::trim`] up to `seq` of `epoch` would give anything up.
    pub fn frees(&self, epoch: &Epoch, seq: u64) -> bool {
        !self.index.free(self.newest, epoch, seq).is_empty()
    }

    /// Gives up segments that hold nothing after `seq` of `epoch` or of others trimmed before.
    pub fn trim(&mut self, epoch: &Epoch, seq: u64) -> Result<(), Error> {
        if !self.index.trimmed(epoch, seq) {
            return Ok(());
        }
        let given_up = self.index.free(self.newest, epoch, seq).into_iter().try_for_each(|number| self.retire(number));
        self.index.refresh(&self.tail.epoch);
        given_up
    }

    /// Forgets what [`Spool::trim`] was told of records that are still there.
    pub fn ask_anew(&mut self) {
        self.index.untrim();
    }

    /// Lets a segment's file wait, or removes it. What a power cut brings back of it is known to the cloud, or the last
    /// that was tried.
    fn retire(&mut self, number: u64) -> Result<(), Error> {
        let name = segment_name(number);
        let waits = self.index.segments.get(&number).filter(|segment| segment.chained && self.spares.len() < SPARES);
        let spare = waits.map(|segment| Spare { name: spare_name(number), size: segment.size });
        let waits = match &spare {
            Some(spare) => gone(self.disk.rename(&name, &spare.name))?,
            None => gone(self.disk.remove(&name)).map(|_| false)?,
        };
        self.spares.extend(spare.filter(|_| waits));
        self.index.remove(number);
        Ok(())
    }

    fn header(&self, number: u64) -> Header {
        Header {
            revision: format::REVISION,
            epoch: self.tail.epoch.to_vec(),
            next_seq: self.tail.next_seq,
            prev_hash: self.tail.hash.to_vec(),
            boot_id: self.boot.as_bytes().to_vec(),
            end_ms: self.tail.end_ms,
            positions: Some(PositionColumns::from(&self.positions)),
            lap: number,
            totals: self.totals.as_ref().map(TotalColumns::from),
        }
    }
}

/// Whether a file was there to be given up.
fn gone(given_up: io::Result<()>) -> io::Result<bool> {
    match given_up {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        given_up => given_up.map(|()| true),
    }
}

/// The checksum of the frame that begins here.
fn check_of(frame: &[u8]) -> u32 {
    frame.get(5..frame::HEADER).and_then(|check| check.try_into().ok()).map_or(0, u32::from_le_bytes)
}

pub(super) fn segment_name(number: u64) -> String {
    format!("usage-{number:010}.log")
}

pub(super) fn segment_number(name: &str) -> Option<u64> {
    name.strip_prefix("usage-")?.strip_suffix(".log")?.parse().ok()
}

pub(super) fn spare_name(number: u64) -> String {
    format!("usage-{number:010}.spare")
}

pub(super) fn spare_number(name: &str) -> Option<u64> {
    name.strip_prefix("usage-")?.strip_suffix(".spare")?.parse().ok()
}
