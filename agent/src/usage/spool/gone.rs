//! What records came to that are in no segment any more, or cannot be read: the header after them knows.

use super::format::{self, Header};
use super::ring::segment_name;
use super::{Epoch, Spool, Totals};
use crate::store::disk::Disk;
use crate::store::frame;
use prost::Message;
use weir_protocol::usage::{GapFill, LineUsage, Record};

impl<D: Disk> Spool<D> {
    /// What stands for the records of an epoch after `applied` that are gone, in this tally: all up to the next that is the
    /// first of a segment, or up to the end of the log. `None` if none can follow.
    pub fn gap_fill(&self, epoch: &Epoch, applied: u64, tally: &[u8]) -> Option<GapFill> {
        let (last_seq, last_hash, known) = match self.index.run_after(epoch, applied + 1) {
            Some((segment, span)) => (span.first - 1, span.prev_hash, self.told_by_header(segment, epoch, span.first)),
            None if *epoch == self.tail.epoch && self.tail.next_seq > applied + 1 => {
                let known = self.totals.clone().map(|totals| (totals, self.tail.end_ms));
                (self.tail.next_seq - 1, self.tail.hash, known)
            }
            None => return None,
        };
        let (totals, end_ms) = known.unwrap_or_default();
        let mut record =
            Record { epoch: epoch.to_vec(), seq: last_seq, end_ms, tally: tally.to_vec(), ..Record::default() };
        let moved = |(handle, total): (&u32, &crate::usage::Reading)| LineUsage {
            handle: *handle,
            down_bytes: total.down_bytes,
            up_bytes: total.up_bytes,
            down_packets: total.down_packets,
            up_packets: total.up_packets,
            ..LineUsage::default()
        };
        record.set_lines(&totals.iter().map(moved).collect::<Vec<_>>());
        Some(GapFill { last_hash: last_hash.to_vec(), totals: Some(record) })
    }

    /// What lines moved in an epoch before a segment, and when the last record before it ended.
    fn told_by_header(&self, segment: u64, epoch: &Epoch, next_seq: u64) -> Option<(Totals, u64)> {
        let bytes = self.disk.read(&segment_name(segment)).ok()?;
        let header = Header::decode(frame::at(&bytes, 0).filter(|first| first.kind == format::HEADER)?.body).ok()?;
        let fits = header.epoch == *epoch && header.next_seq == next_seq;
        let totals = header.totals.filter(|_| fits)?.totals()?;
        Some((totals, header.end_ms))
    }
}
