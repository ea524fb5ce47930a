//! Where records are: runs of them by segment, with a mark every so many bytes, whatever the log's size. Pure.

use super::Epoch;
use std::collections::BTreeMap;
use weir_protocol::hash::Hash;

/// Bytes between two marks: about what is read to find one record.
const STRIDE: u64 = 16 * 1024;

/// A record of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub epoch: Epoch,
    pub seq: u64,
    pub prev_hash: Hash,
    pub hash: Hash,
    /// Where its frame begins and ends in the segment.
    pub from: u64,
    pub end: u64,
    /// Checksum of the frame before it.
    pub before: u32,
}

/// Somewhere before a record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub segment: u64,
    /// Bytes of the segment it is in.
    pub from: u64,
    pub end: u64,
    /// Checksum of the frame before, where they are chained.
    pub before: Option<u32>,
    /// Records in them before it.
    pub skip: u64,
}

#[derive(Debug)]
struct Mark {
    seq: u64,
    from: u64,
    before: u32,
}

/// Records of one epoch that follow each other in one segment.
#[derive(Debug)]
struct Run {
    epoch: Epoch,
    span: Span,
    end: u64,
    marks: Vec<Mark>,
}

/// From the first record to the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub first: u64,
    pub prev_hash: Hash,
    pub last: u64,
    pub hash: Hash,
}

/// One file of the log.
#[derive(Debug)]
pub(super) struct Segment {
    /// Bytes of the file.
    pub size: u64,
    /// Whether its frames are chained and the file is used again.
    pub chained: bool,
    runs: Vec<Run>,
}

/// An epoch of which something is held, or the current one.
#[derive(Debug)]
pub(super) struct EpochLog {
    pub epoch: Epoch,
    pub span: Option<Span>,
    trimmed: u64,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Index {
    pub segments: BTreeMap<u64, Segment>,
    /// Oldest first, the current one last.
    pub epochs: Vec<EpochLog>,
}

impl Index {
    /// Takes a segment in that holds no record yet.
    pub fn add(&mut self, number: u64, size: u64, chained: bool) {
        self.segments.insert(number, Segment { size, chained, runs: Vec::new() });
    }

    /// Takes a record in that follows those before it in an epoch that was begun.
    pub fn enter(&mut self, segment: u64, entry: &Entry) {
        let Entry { epoch, seq, prev_hash, hash, .. } = *entry;
        if let Some(log) = self.epochs.iter_mut().find(|log| log.epoch == epoch) {
            let span = log.span.get_or_insert(Span { first: seq, prev_hash, last: seq, hash });
            (span.last, span.hash) = (seq, hash);
        }
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.enter(entry);
        }
    }

    /// Begins an epoch; those before it without a record are over.
    pub fn begin(&mut self, epoch: Epoch) {
        self.epochs.retain(|log| log.span.is_some());
        self.epochs.push(EpochLog { epoch, span: None, trimmed: 0 });
    }

    pub fn epoch(&self, epoch: &Epoch) -> Option<&EpochLog> {
        self.epochs.iter().find(|log| log.epoch == *epoch)
    }

    /// Leaves out records from `next` on: what is written after them says that they never came to be.
    pub fn cut(&mut self, epoch: &Epoch, next: u64, hash: Hash) {
        for segment in self.segments.values_mut() {
            segment.runs.retain(|run| run.epoch != *epoch || run.span.first < next);
            for run in segment.runs.iter_mut().filter(|run| run.epoch == *epoch && run.span.last >= next) {
                (run.span.last, run.span.hash) = (next - 1, hash);
                run.marks.retain(|mark| mark.seq < next);
            }
        }
        self.refresh(epoch);
    }

    /// The first run of an epoch that begins after a record, and its segment.
    pub fn run_after(&self, epoch: &Epoch, seq: u64) -> Option<(u64, Span)> {
        let runs =
            self.segments.iter().flat_map(|(number, segment)| segment.runs.iter().map(move |run| (*number, run)));
        let later = runs.filter(|(_, run)| run.epoch == *epoch && run.span.first > seq);
        later.map(|(number, run)| (number, run.span)).min_by_key(|(_, span)| span.first)
    }

    /// Where a record is.
    pub fn find(&self, epoch: &Epoch, seq: u64) -> Option<Place> {
        self.segments.iter().find_map(|(number, segment)| {
            let (run, n) = segment.run(epoch, seq)?;
            let mark = run.marks.get(n)?;
            Some(Place {
                segment: *number,
                from: mark.from,
                end: run.marks.get(n + 1).map_or(run.end, |next| next.from),
                before: segment.chained.then_some(mark.before),
                skip: seq - mark.seq,
            })
        })
    }

    /// Hash of a record at either end of a run, or of the one before it.
    pub fn hash_at_an_end(&self, epoch: &Epoch, seq: u64) -> Option<Hash> {
        let runs = self.segments.values().flat_map(|segment| &segment.runs);
        runs.filter(|run| run.epoch == *epoch).find_map(|Run { span, .. }| {
            (span.last == seq).then_some(span.hash).or((span.first == seq + 1).then_some(span.prev_hash))
        })
    }

    /// Notes how far an epoch may be forgotten; `false` if nothing is known of it.
    pub fn trimmed(&mut self, epoch: &Epoch, seq: u64) -> bool {
        let log = self.epochs.iter_mut().find(|log| log.epoch == *epoch);
        log.map(|log| log.trimmed = log.trimmed.max(seq)).is_some()
    }

    /// Nothing may be forgotten until that is noted again.
    pub fn untrim(&mut self) {
        self.epochs.iter_mut().for_each(|log| log.trimmed = 0);
    }

    /// Segments other than `newest` that would hold nothing any more if `seq` of `epoch` was the last forgotten.
    pub fn free(&self, newest: Option<u64>, epoch: &Epoch, seq: u64) -> Vec<u64> {
        let trimmed = |of: &Epoch| {
            let known = self.epoch(of).map_or(0, |log| log.trimmed);
            if of == epoch { known.max(seq) } else { known }
        };
        let over = |segment: &Segment| segment.runs.iter().all(|run| run.span.last <= trimmed(&run.epoch));
        let free = self.segments.iter().filter(|(number, segment)| Some(**number) != newest && over(segment));
        free.map(|(number, _)| *number).collect()
    }

    /// Takes segments out.
    pub fn remove(&mut self, number: u64) {
        self.segments.remove(&number);
    }

    /// Looks anew at what is held of each epoch, and forgets those that are over and not `current`.
    pub fn refresh(&mut self, current: &Epoch) {
        for log in &mut self.epochs {
            log.span = None;
            for run in self.segments.values().flat_map(|segment| &segment.runs).filter(|run| run.epoch == log.epoch) {
                let span = log.span.get_or_insert(run.span);
                (span.last, span.hash) = (run.span.last, run.span.hash);
            }
        }
        self.epochs.retain(|log| log.epoch == *current || log.span.is_some());
    }
}

impl Segment {
    fn enter(&mut self, entry: &Entry) {
        let Entry { epoch, seq, prev_hash, hash, from, end, before } = *entry;
        let goes_on = self.runs.last().is_some_and(|run| run.epoch == epoch && run.span.last + 1 == seq);
        if !goes_on {
            let span = Span { first: seq, prev_hash, last: seq, hash };
            self.runs.push(Run { epoch, span, end, marks: Vec::new() });
        }
        let Some(run) = self.runs.last_mut() else { return };
        (run.span.last, run.span.hash, run.end) = (seq, hash, end);
        if run.marks.last().is_none_or(|mark| from - mark.from >= STRIDE) {
            run.marks.push(Mark { seq, from, before });
        }
    }

    /// The run that holds a record, and the mark before it.
    fn run(&self, epoch: &Epoch, seq: u64) -> Option<(&Run, usize)> {
        let holds = |run: &&Run| run.epoch == *epoch && (run.span.first..=run.span.last).contains(&seq);
        let run = self.runs.iter().find(holds)?;
        Some((run, run.marks.partition_point(|mark| mark.seq <= seq).checked_sub(1)?))
    }
}
