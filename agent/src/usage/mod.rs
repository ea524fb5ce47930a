//! From counters to sealed records: what each line moved, never lost, never twice.
//!
//! [`meter`] turns sweeps of cumulative counters into differences, [`spool`] keeps sealed records with the
//! baseline inside the same atomic write, [`marker`] notices a disk that went back in time, [`tally`]
//! knows what lines moved lately. [`Journal`] ties
//! them together and decides when to seal. Sending is [`crate::northbound::sender`]'s business.
//! Invariant: a counter value is inside a record exactly when it is inside the baseline.

pub mod aside;
pub mod journal;
pub mod live;
pub mod marker;
pub mod meter;
pub mod spool;
pub mod tally;
#[cfg(test)]
mod tests;

pub use journal::Journal;

use crate::southbound::{Counter, Total};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Names one cumulative counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The line.
    pub handle: u32,
    /// The life of the kernel counter.
    pub generation: Uuid,
}

/// A cumulative counter's value, or a difference of two; layer 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// Bytes toward the subscriber.
    pub down_bytes: u64,
    /// Bytes from the subscriber.
    pub up_bytes: u64,
    /// Packets toward the subscriber.
    pub down_packets: u64,
    /// Packets from the subscriber.
    pub up_packets: u64,
}

/// How far each counter has been recorded.
pub type Positions = BTreeMap<Key, Reading>;

impl Reading {
    /// Joins the two directions of a counter.
    pub fn of(down: &Total, up: &Total) -> Self {
        Self { down_bytes: down.bytes, up_bytes: up.bytes, down_packets: down.packets, up_packets: up.packets }
    }

    /// `self - earlier`; `None` if any part ran backwards.
    pub fn since(&self, earlier: &Self) -> Option<Self> {
        self.zip(earlier, u64::checked_sub)
    }

    /// Sum of two; saturates.
    pub fn plus(&self, other: &Self) -> Self {
        self.zip(other, |a, b| Some(a.saturating_add(b))).unwrap_or_default()
    }

    /// The larger of each part.
    pub fn max(&self, other: &Self) -> Self {
        self.zip(other, |a, b| Some(a.max(b))).unwrap_or_default()
    }

    fn zip(&self, other: &Self, join: impl Fn(u64, u64) -> Option<u64>) -> Option<Self> {
        Some(Self {
            down_bytes: join(self.down_bytes, other.down_bytes)?,
            up_bytes: join(self.up_bytes, other.up_bytes)?,
            down_packets: join(self.down_packets, other.down_packets)?,
            up_packets: join(self.up_packets, other.up_packets)?,
        })
    }
}

/// The key and current value of a kernel counter.
pub fn reading(counter: &Counter) -> (Key, Reading) {
    let key = Key { handle: counter.handle, generation: counter.generation };
    (key, Reading::of(&counter.down, &counter.up))
}
