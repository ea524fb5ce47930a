//! The usage stream: a hash-chained log of sealed records, applied by the cloud exactly once.
//!
//! A record holds differences of cumulative kernel counters since the record before it within one counter
//! generation. Bytes are layer 3 (no link header) as delivered by the shaper. `(epoch, seq)` names a record;
//! `prev_hash` chains it to the one before.

/// Agent to cloud: one sealed record as stored, or what stands for records that are gone.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Up {
    /// An encoded [`Record`]; its hash ([`crate::hash::usage_record`]) is over exactly these bytes. Empty with a [`GapFill`].
    #[prost(bytes = "vec", tag = "1")]
    pub record: Vec<u8>,
    /// From revision 9 on.
    #[prost(message, optional, tag = "2")]
    pub gap_fill: Option<GapFill>,
    /// The record is of an epoch the cloud does not go on with: people decide whether it counts. From revision 9 on.
    #[prost(bool, tag = "3")]
    pub quarantine: bool,
}

/// Answers [`crate::control::Verdict::Gap`]: records the cloud misses were deleted by the agent, which knows what they and all
/// before them came to.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GapFill {
    /// Hash of the last record deleted.
    #[prost(bytes = "vec", tag = "1")]
    pub last_hash: Vec<u8>,
    /// What lines moved in the epoch up to and with the last record deleted, as one record of its `epoch`, `seq` and `end_ms`,
    /// in the tally the agent counts now; without lines and with `end_ms` 0 if the agent does not know.
    #[prost(message, optional, tag = "2")]
    pub totals: Option<Record>,
}

/// One sealed record, columnar: the n-th entry of each column speaks of the n-th handle.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Record {
    /// 8 bytes, random; a new one whenever the log cannot prove its own continuity.
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    /// 1, 2, 3, ... within the epoch.
    #[prost(uint64, tag = "2")]
    pub seq: u64,
    /// Hash of the record before it; [`crate::hash::GENESIS`] for the first.
    #[prost(bytes = "vec", tag = "3")]
    pub prev_hash: Vec<u8>,
    /// The kernel's boot id, 16 bytes.
    #[prost(bytes = "vec", tag = "4")]
    pub boot_id: Vec<u8>,
    /// First instant covered, Unix milliseconds, by the agent's clock.
    #[prost(uint64, tag = "5")]
    pub start_ms: u64,
    /// Instant covered up to, Unix milliseconds, by the agent's clock.
    #[prost(uint64, tag = "6")]
    pub end_ms: u64,
    /// Why it was sealed.
    #[prost(enumeration = "SealReason", tag = "7")]
    pub seal_reason: i32,
    /// Handles, ascending, each as the difference to the one before.
    #[prost(uint32, repeated, tag = "8")]
    pub handle_deltas: Vec<u32>,
    /// Bytes toward the subscriber.
    #[prost(uint64, repeated, tag = "9")]
    pub down_bytes: Vec<u64>,
    /// Bytes from the subscriber.
    #[prost(uint64, repeated, tag = "10")]
    pub up_bytes: Vec<u64>,
    /// Packets toward the subscriber.
    #[prost(uint64, repeated, tag = "11")]
    pub down_packets: Vec<u64>,
    /// Packets from the subscriber.
    #[prost(uint64, repeated, tag = "12")]
    pub up_packets: Vec<u64>,
    /// The agent's own running count these bytes are part of, 8 bytes, random; a new one whenever it had to begin that
    /// count anew. Whoever adds what this tally holds to what all other records hold counts each byte once.
    #[prost(bytes = "vec", tag = "13")]
    pub tally: Vec<u8>,
    /// Of the bytes toward the subscriber, those of IPv6; empty if not measured. Never charged for.
    #[prost(uint64, repeated, tag = "14")]
    pub down_v6_bytes: Vec<u64>,
    /// Of the bytes from the subscriber, those of IPv6; empty if not measured. Never charged for.
    #[prost(uint64, repeated, tag = "15")]
    pub up_v6_bytes: Vec<u64>,
    /// Packets toward the subscriber that the shaper dropped; empty if not measured.
    #[prost(uint64, repeated, tag = "16")]
    pub down_dropped_packets: Vec<u64>,
    /// Packets from the subscriber that the shaper dropped; empty if not measured.
    #[prost(uint64, repeated, tag = "17")]
    pub up_dropped_packets: Vec<u64>,
}

/// Why a record was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum SealReason {
    /// The interval ran out.
    Interval = 0,
    /// A cut point was reached.
    Boundary = 1,
    /// The agent is stopping.
    Shutdown = 2,
    /// Found open after a crash and sealed at start.
    Recovered = 3,
}

/// The same toward and from the subscriber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BothWays {
    /// Toward the subscriber.
    pub down: u64,
    /// From the subscriber.
    pub up: u64,
}

/// One line's share of a [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineUsage {
    /// The line.
    pub handle: u32,
    /// Bytes toward the subscriber.
    pub down_bytes: u64,
    /// Bytes from the subscriber.
    pub up_bytes: u64,
    /// Packets toward the subscriber.
    pub down_packets: u64,
    /// Packets from the subscriber.
    pub up_packets: u64,
    /// Of its bytes those of IPv6, if measured.
    pub v6_bytes: Option<BothWays>,
    /// Packets the shaper dropped, if measured.
    pub dropped_packets: Option<BothWays>,
}

/// Why a record's columns make no sense.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ColumnError {
    /// The columns differ in length.
    #[error("columns of {handles} handles differ in length")]
    Length {
        /// How many handles the record names.
        handles: usize,
    },
    /// Handles repeat or overflow.
    #[error("handles are not strictly ascending")]
    Handles,
}

impl Record {
    /// Fills the columns; `lines` must be strictly ascending by handle. What is measured of some lines is 0 of the others.
    pub fn set_lines(&mut self, lines: &[LineUsage]) {
        let mut previous = 0;
        self.handle_deltas =
            lines.iter().map(|line| line.handle - std::mem::replace(&mut previous, line.handle)).collect();
        self.down_bytes = lines.iter().map(|line| line.down_bytes).collect();
        self.up_bytes = lines.iter().map(|line| line.up_bytes).collect();
        self.down_packets = lines.iter().map(|line| line.down_packets).collect();
        self.up_packets = lines.iter().map(|line| line.up_packets).collect();
        (self.down_v6_bytes, self.up_v6_bytes) = columns(lines, |line| line.v6_bytes);
        (self.down_dropped_packets, self.up_dropped_packets) = columns(lines, |line| line.dropped_packets);
    }

    /// Reads the columns.
    pub fn lines(&self) -> Result<Vec<LineUsage>, ColumnError> {
        let handles = self.handle_deltas.len();
        let columns = [&self.down_bytes, &self.up_bytes, &self.down_packets, &self.up_packets];
        if columns.iter().any(|column| column.len() != handles) {
            return Err(ColumnError::Length { handles });
        }
        let v6_bytes = both_ways(handles, &self.down_v6_bytes, &self.up_v6_bytes)?;
        let dropped_packets = both_ways(handles, &self.down_dropped_packets, &self.up_dropped_packets)?;
        let mut handle = 0u32;
        let mut lines = Vec::with_capacity(handles);
        for (n, delta) in self.handle_deltas.iter().enumerate() {
            if *delta == 0 && n > 0 {
                return Err(ColumnError::Handles);
            }
            handle = handle.checked_add(*delta).ok_or(ColumnError::Handles)?;
            lines.push(LineUsage {
                handle,
                down_bytes: self.down_bytes[n],
                up_bytes: self.up_bytes[n],
                down_packets: self.down_packets[n],
                up_packets: self.up_packets[n],
                v6_bytes: v6_bytes.get(n).copied(),
                dropped_packets: dropped_packets.get(n).copied(),
            });
        }
        Ok(lines)
    }
}

/// The columns of what need not be measured.
fn columns(lines: &[LineUsage], measured: fn(&LineUsage) -> Option<BothWays>) -> (Vec<u64>, Vec<u64>) {
    if lines.iter().all(|line| measured(line).is_none()) {
        return (Vec::new(), Vec::new());
    }
    lines.iter().map(|line| measured(line).unwrap_or_default()).map(|BothWays { down, up }| (down, up)).unzip()
}

/// What two such columns say of each line; nothing if they are empty.
fn both_ways(handles: usize, down: &[u64], up: &[u64]) -> Result<Vec<BothWays>, ColumnError> {
    if down.len() != up.len() || ![0, handles].contains(&down.len()) {
        return Err(ColumnError::Length { handles });
    }
    Ok(down.iter().zip(up).map(|(down, up)| BothWays { down: *down, up: *up }).collect())
}

/// Cloud to agent: what became of a record.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Down {
    /// The epoch spoken of, 8 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    /// Last record committed. After a refusal the agent resends from here + 1.
    #[prost(uint64, tag = "2")]
    pub applied_seq: u64,
    /// Last record the agent may delete.
    #[prost(uint64, tag = "3")]
    pub trim_seq: u64,
    /// What happened.
    #[prost(enumeration = "Outcome", tag = "4")]
    pub outcome: i32,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Outcome {
    /// Committed.
    Applied = 0,
    /// Had been committed before.
    Duplicate = 1,
    /// Not the next one.
    Gap = 2,
    /// Its chain differs from ours: open a new epoch.
    Fork = 3,
    /// A newer session owns the stream.
    Fenced = 4,
    /// Not a record; kept by the agent, looked at by a person.
    Malformed = 5,
    /// Kept, and not counted unless somebody says so. From revision 9 on.
    Quarantined = 6,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_return_what_was_put_in() {
        let lines = [3u32, 4, 900].map(|handle| LineUsage {
            handle,
            down_bytes: 10,
            up_bytes: 1,
            down_packets: 2,
            up_packets: 1,
            dropped_packets: Some(BothWays { down: 3, up: handle.into() }),
            ..LineUsage::default()
        });
        let mut record = Record::default();
        record.set_lines(&lines);
        assert_eq!(record.handle_deltas, [3, 1, 896]);
        assert_eq!((record.down_v6_bytes.len(), record.up_dropped_packets.len()), (0, 3));
        assert_eq!(record.lines().unwrap(), lines);
    }

    #[test]
    fn what_is_measured_of_some_lines_is_nothing_of_the_others() {
        let v6_bytes = Some(BothWays { down: 5, up: 0 });
        let mut record = Record::default();
        record.set_lines(&[
            LineUsage { handle: 1, ..LineUsage::default() },
            LineUsage { handle: 2, v6_bytes, ..LineUsage::default() },
        ]);
        assert_eq!((record.down_v6_bytes.as_slice(), record.up_v6_bytes.as_slice()), (&[0, 5][..], &[0, 0][..]));
        record.up_v6_bytes.clear();
        assert_eq!(record.lines(), Err(ColumnError::Length { handles: 2 }));
    }

    #[test]
    fn columns_of_different_length_are_refused() {
        let record = Record { handle_deltas: vec![1, 1], ..Record::default() };
        assert_eq!(record.lines(), Err(ColumnError::Length { handles: 2 }));
    }
}
