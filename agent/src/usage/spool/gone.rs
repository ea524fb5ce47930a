//! What records came to that are in no segment any more, or cannot be read: the header after them knows.

use super::format::{self, Header};
use super::ring::segment_name;
use super::{Epoch, Spool, Totals};
use crate::store::disk::Disk;
use crate::store::frame;
use prost::Message;
use weir_protocol::frame as wire;
use weir_protocol::usage::{self, GapFill, LineUsage, Record};

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
        Some(fitting(last_hash.to_vec(), record))
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

/// What is told of records that are gone, as much of it as one message can carry: packets are no money, and are left out of
/// what tens of thousands of lines moved in years. What still does not fit nobody knows: a message that cannot be sent would
/// hold up all that comes after it.
fn fitting(last_hash: Vec<u8>, totals: Record) -> GapFill {
    let fits =
        |fill: &GapFill| wire::encode(&usage::Up { gap_fill: Some(fill.clone()), ..usage::Up::default() }).is_ok();
    let mut fill = GapFill { last_hash, totals: Some(totals) };
    if !fits(&fill)
        && let Some(totals) = &mut fill.totals
    {
        totals.down_packets.fill(0);
        totals.up_packets.fill(0);
    }
    if !fits(&fill)
        && let Some(Record { epoch, seq, tally, .. }) = fill.totals.take()
    {
        tracing::warn!(
            epoch = hex::encode(&epoch),
            seq,
            "what usage records came to that are gone is too much to be told"
        );
        fill.totals = Some(Record { epoch, seq, tally, ..Record::default() });
    }
    fill
}
