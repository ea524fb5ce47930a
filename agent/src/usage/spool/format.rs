//! What the frames of the usage log hold. Kept by the agent alone; never on the wire.

use super::Totals;
use crate::usage::{Key, Positions, Reading};
use prost::Message;
use uuid::Uuid;

/// Revision of this format. In the first, segments were files that grew, and each frame stood for itself.
pub const REVISION: u32 = 2;
/// First frame of every segment: [`Header`]. Its checksum is its own, so that any agent can tell the revision.
pub const HEADER: u8 = 1;
/// A sealed record: [`Sealed`].
pub const SEAL: u8 = 2;
/// The open record at some instant, never sent: [`Sealed`]. In files of its own; among the records in logs of old.
pub const CHECKPOINT: u8 = 3;
/// A new epoch: [`Opened`].
pub const EPOCH: u8 = 4;
/// A new boot: every counter known so far is dead.
pub const BOOT: u8 = 5;

/// Everything needed to go on without the segments before.
#[derive(Clone, PartialEq, Message)]
pub struct Header {
    /// [`REVISION`] of the writer.
    #[prost(uint32, tag = "1")]
    pub revision: u32,
    /// Current epoch.
    #[prost(bytes = "vec", tag = "2")]
    pub epoch: Vec<u8>,
    /// Sequence of the next record.
    #[prost(uint64, tag = "3")]
    pub next_seq: u64,
    /// Hash of the record before it.
    #[prost(bytes = "vec", tag = "4")]
    pub prev_hash: Vec<u8>,
    /// Boot the counters belong to.
    #[prost(bytes = "vec", tag = "5")]
    pub boot_id: Vec<u8>,
    /// End of the last record.
    #[prost(uint64, tag = "6")]
    pub end_ms: u64,
    /// How far every counter is recorded.
    #[prost(message, optional, tag = "7")]
    pub positions: Option<PositionColumns>,
    /// The segment's own number: under any other the file is one that waits to be used again.
    #[prost(uint64, tag = "8")]
    pub lap: u64,
    /// What lines moved in the current epoch before the segment, with what is in no segment any more; not there in an
    /// epoch of revision 1, which did not add it up.
    #[prost(message, optional, tag = "9")]
    pub totals: Option<TotalColumns>,
}

/// A record and the baseline it leaves, in one atomic write.
#[derive(Clone, PartialEq, Message)]
pub struct Sealed {
    /// The record as it is sent.
    #[prost(bytes = "vec", tag = "1")]
    pub record: Vec<u8>,
    /// Where the counters it covers stand.
    #[prost(message, optional, tag = "2")]
    pub positions: Option<PositionColumns>,
    /// Of several checkpoints the one with the highest is the newest.
    #[prost(uint64, tag = "3")]
    pub number: u64,
}

/// A new epoch.
#[derive(Clone, PartialEq, Message)]
pub struct Opened {
    /// Its id, 8 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    /// Counters taken as recorded from here on.
    #[prost(message, optional, tag = "2")]
    pub positions: Option<PositionColumns>,
}

/// [`Totals`], a column a part.
#[derive(Clone, PartialEq, Message)]
pub struct TotalColumns {
    #[prost(uint32, repeated, tag = "1")]
    handles: Vec<u32>,
    #[prost(uint64, repeated, tag = "2")]
    down_bytes: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    up_bytes: Vec<u64>,
    #[prost(uint64, repeated, tag = "4")]
    down_packets: Vec<u64>,
    #[prost(uint64, repeated, tag = "5")]
    up_packets: Vec<u64>,
}

impl From<&Totals> for TotalColumns {
    fn from(totals: &Totals) -> Self {
        let column = |part: fn(&Reading) -> u64| totals.values().map(part).collect();
        Self {
            handles: totals.keys().copied().collect(),
            down_bytes: column(|total| total.down_bytes),
            up_bytes: column(|total| total.up_bytes),
            down_packets: column(|total| total.down_packets),
            up_packets: column(|total| total.up_packets),
        }
    }
}

impl TotalColumns {
    /// The totals; `None` if the columns do not fit together.
    pub fn totals(&self) -> Option<Totals> {
        let total = |n: usize| {
            let reading = Reading {
                down_bytes: *self.down_bytes.get(n)?,
                up_bytes: *self.up_bytes.get(n)?,
                down_packets: *self.down_packets.get(n)?,
                up_packets: *self.up_packets.get(n)?,
            };
            Some((*self.handles.get(n)?, reading))
        };
        (0..self.handles.len()).map(total).collect()
    }
}

/// [`Positions`], a column a part.
#[derive(Clone, PartialEq, Message)]
pub struct PositionColumns {
    #[prost(bytes = "vec", repeated, tag = "1")]
    generations: Vec<Vec<u8>>,
    #[prost(uint32, repeated, tag = "2")]
    handles: Vec<u32>,
    #[prost(uint32, repeated, tag = "3")]
    generation_of: Vec<u32>,
    #[prost(uint64, repeated, tag = "4")]
    down_bytes: Vec<u64>,
    #[prost(uint64, repeated, tag = "5")]
    up_bytes: Vec<u64>,
    #[prost(uint64, repeated, tag = "6")]
    down_packets: Vec<u64>,
    #[prost(uint64, repeated, tag = "7")]
    up_packets: Vec<u64>,
}

impl From<&Positions> for PositionColumns {
    fn from(positions: &Positions) -> Self {
        let mut columns = Self::default();
        let mut index = std::collections::BTreeMap::new();
        for (key, reading) in positions {
            let next = columns.generations.len() as u32;
            let generation = *index.entry(key.generation).or_insert_with(|| {
                columns.generations.push(key.generation.as_bytes().to_vec());
                next
            });
            columns.handles.push(key.handle);
            columns.generation_of.push(generation);
            columns.down_bytes.push(reading.down_bytes);
            columns.up_bytes.push(reading.up_bytes);
            columns.down_packets.push(reading.down_packets);
            columns.up_packets.push(reading.up_packets);
        }
        columns
    }
}

impl PositionColumns {
    /// The positions; entries that make no sense are left out.
    pub fn positions(&self) -> Positions {
        let generation = |n: u32| Uuid::from_slice(self.generations.get(n as usize)?).ok();
        let entry = |n: usize| {
            let key = Key { handle: *self.handles.get(n)?, generation: generation(*self.generation_of.get(n)?)? };
            let reading = Reading {
                down_bytes: *self.down_bytes.get(n)?,
                up_bytes: *self.up_bytes.get(n)?,
                down_packets: *self.down_packets.get(n)?,
                up_packets: *self.up_packets.get(n)?,
            };
            Some((key, reading))
        };
        (0..self.handles.len()).filter_map(entry).collect()
    }
}
