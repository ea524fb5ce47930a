//! A note in memory-backed storage of what the log's end must look like, written before each seal and, as then only one end
//! is right, after it.
//!
//! It does not survive a reboot and need not: counters start anew then. Within a boot it tells a log that was
//! rolled back or lost from one that is whole. See [`Marker::judge`].

use super::spool::format::PositionColumns;
use super::{Positions, spool::Tail};
use crate::store::disk::Disk;
use crate::store::frame;
use prost::Message;
use std::io;
use uuid::Uuid;

const FILE: &str = "usage-intent";

/// What the log may end with, and how far counters are recorded if it does.
#[derive(Clone, PartialEq, Message)]
pub struct Marker {
    /// Boot the counters belong to.
    #[prost(bytes = "vec", tag = "1")]
    boot_id: Vec<u8>,
    /// Epochs and hashes the log may end with: before the writes announced since one succeeded, and after each.
    #[prost(bytes = "vec", repeated, tag = "2")]
    ends: Vec<Vec<u8>>,
    /// Counters including the write announced.
    #[prost(message, optional, tag = "3")]
    positions: Option<PositionColumns>,
    /// The log has this boot for sure: one that ends in another was put back.
    #[prost(bool, tag = "4")]
    boot_in_log: bool,
}

/// What the marker says about a log.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// No marker of this boot, or the log ends as announced.
    Sound,
    /// The log is older than the counters: go on from these positions, in a new epoch.
    RolledBack(Positions),
}

impl Marker {
    /// Announces a write that leaves the log ending in one of `ends`.
    pub fn announce(boot_id: Uuid, boot_in_log: bool, ends: &[Tail], positions: &Positions) -> Self {
        Self {
            boot_id: boot_id.as_bytes().to_vec(),
            ends: ends.iter().map(end).collect(),
            positions: Some(PositionColumns::from(positions)),
            boot_in_log,
        }
    }

    /// Whether the log had this boot for sure when it was written.
    pub fn boot_in_log(&self) -> bool {
        self.boot_in_log
    }

    /// Reads the marker; an unreadable one counts as none.
    pub fn load(disk: &impl Disk) -> Option<Self> {
        let bytes = disk.read(FILE).ok()?;
        Self::decode(frame::at(&bytes, 0)?.body).ok()
    }

    /// Keeps the marker.
    pub fn save(&self, disk: &mut impl Disk) -> io::Result<()> {
        disk.replace(FILE, &frame::encode(1, &self.encode_to_vec()))
    }

    /// Compares a log's end with what was announced in this boot.
    pub fn judge(&self, boot_id: Uuid, tail: &Tail) -> Judgement {
        if self.boot_id != boot_id.as_bytes() || self.ends.contains(&end(tail)) {
            return Judgement::Sound;
        }
        Judgement::RolledBack(self.recorded())
    }

    /// Counters including the write announced.
    pub fn recorded(&self) -> Positions {
        self.positions.as_ref().map(PositionColumns::positions).unwrap_or_default()
    }

    /// Whether it was written in this boot.
    pub fn is_of(&self, boot_id: Uuid) -> bool {
        self.boot_id == boot_id.as_bytes()
    }
}

fn end(tail: &Tail) -> Vec<u8> {
    [tail.epoch.as_slice(), &tail.hash].concat()
}
