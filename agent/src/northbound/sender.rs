//! Which usage record goes next, and what an answer means. Pure: the log is behind [`Log`].
//!
//! Strictly in order, at most [`WINDOW`] records unanswered. An epoch the cloud cannot go on with is *held*: its
//! records stay on disk and are not sent, because sending some could bill a byte twice. Where records are gone that the
//! cloud misses, it is told what they came to first ([`Sender::gap`]). Nothing here deletes; it says how far the log may be
//! trimmed, never past what was sent.

use crate::usage::spool::Epoch;
use weir_protocol::control::{EpochPosition, StreamPosition, Verdict};
use weir_protocol::hash::Hash;
use weir_protocol::usage::{Down, Outcome};

/// Most records sent and not answered.
pub const WINDOW: u64 = 64;
/// Answers "not the next one" to the same position before the session is given up.
const PATIENCE: u64 = 2 * WINDOW;
/// The first revision whose cloud is told what records came to that are gone, and takes those that fork into quarantine.
const MENDS_SINCE_REV: u32 = 9;

/// What the sender must know of the log.
pub trait Log {
    /// Every epoch held, oldest first, the current one last.
    fn epochs(&self) -> Vec<EpochPosition>;
    /// Hash of a record held, or of the one before the first.
    fn hash_of(&self, epoch: &Epoch, seq: u64) -> Option<Hash>;
}

impl<D: crate::store::disk::Disk> Log for crate::usage::spool::Spool<D> {
    fn epochs(&self) -> Vec<EpochPosition> {
        Self::epochs(self)
    }

    fn hash_of(&self, epoch: &Epoch, seq: u64) -> Option<Hash> {
        Self::hash_of(self, epoch, seq)
    }
}

/// What must happen after a Welcome or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Records up to here may be deleted.
    Trim(Epoch, u64),
    /// This epoch is held; `current` if new records would go into it, so another must be opened.
    Hold {
        /// The epoch.
        epoch: Epoch,
        /// Whether it is the one records are sealed into.
        current: bool,
        /// Why, one plain sentence.
        text: String,
    },
    /// The cloud said something impossible.
    Strange(String),
    /// The session is over.
    End(&'static str),
}

#[derive(Debug)]
struct Lane {
    epoch: Epoch,
    acked: u64,
    next: u64,
    sent: u64,
    held: bool,
    /// What the cloud has to be told before the next record.
    gap: Option<Gap>,
    /// Where the log forked from the cloud's: its records go into quarantine, one by one.
    quarantine: Option<Quarantine>,
}

/// How far an epoch is in quarantine.
#[derive(Debug, Clone, Copy)]
struct Quarantine {
    next: u64,
    waits: bool,
}

/// Records that are gone and the cloud misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// The cloud is to be told what they came to; the last before them is this.
    After(u64),
    /// It was; the last of them is this.
    ToldUpTo(u64),
}

/// Where every epoch stands in this session.
#[derive(Debug, Default)]
pub struct Sender {
    lanes: Vec<Lane>,
    /// Answers "not the next one" to the same position, and how many.
    missed: Option<(Epoch, u64, u64)>,
    /// Whether the cloud knows what to do with gaps and forks.
    mends: bool,
}

impl Sender {
    /// Takes the cloud's positions for the epochs the log holds, in a session of a revision.
    pub fn welcome(log: &impl Log, positions: &[StreamPosition], rev: u32) -> (Self, Vec<Effect>) {
        let mut sender = Self { mends: rev >= MENDS_SINCE_REV, ..Self::default() };
        let mut effects = Vec::new();
        let epochs = log.epochs();
        for (n, held) in epochs.iter().enumerate() {
            let Ok(epoch) = Epoch::try_from(held.epoch.as_slice()) else { continue };
            let position = positions.iter().find(|position| position.epoch == held.epoch);
            let applied = position.map_or(0, |position| position.applied_seq);
            let sent = applied.min(held.last_seq);
            let mut lane =
                Lane { epoch, acked: applied, next: applied + 1, sent, held: false, gap: None, quarantine: None };
            if position.is_some_and(|position| position.verdict() == Verdict::Later) {
                lane.held = true;
                sender.lanes.push(lane);
                continue;
            }
            let gap = |position: &&StreamPosition| position.verdict() == Verdict::Gap && held.first_seq > applied + 1;
            if sender.mends && position.is_some_and(|position| gap(&position)) {
                lane.gap = Some(Gap::After(applied));
                sender.lanes.push(lane);
                continue;
            }
            let objection = position.and_then(|position| objection(log, held, &epoch, position));
            if let Some(text) = objection {
                lane.held = true;
                let current = n + 1 == epochs.len();
                // The current one is left first.
                let start = Quarantine { next: held.first_seq, waits: false };
                lane.quarantine = Some(start).filter(|_| sender.mends && !current);
                effects.push(Effect::Hold { epoch, current, text });
            } else if let Some(position) = position {
                let trim = position.trim_seq.min(lane.sent).min(lane.acked);
                if trim > 0 {
                    effects.push(Effect::Trim(epoch, trim));
                }
            }
            sender.lanes.push(lane);
        }
        (sender, effects)
    }

    /// The next record to send, if the window allows one.
    pub fn next(&mut self, log: &impl Log) -> Option<(Epoch, u64)> {
        let unanswered: u64 = self.lanes.iter().filter(|lane| !lane.held).map(|lane| lane.next - 1 - lane.acked).sum();
        if unanswered >= WINDOW {
            return None;
        }
        let epochs = log.epochs();
        for lane in self.lanes.iter_mut().filter(|lane| !lane.held && lane.gap.is_none()) {
            let Some(held) = epochs.iter().find(|held| held.epoch == lane.epoch) else { continue };
            if lane.next <= held.last_seq {
                let seq = lane.next;
                lane.next += 1;
                lane.sent = lane.sent.max(seq);
                return Some((lane.epoch, seq));
            }
        }
        None
    }

    /// An epoch of which the cloud must be told what records came to that are gone, and the last before them.
    pub fn gap(&self) -> Option<(Epoch, u64)> {
        self.lanes.iter().filter(|lane| !lane.held).find_map(|lane| match lane.gap {
            Some(Gap::After(seq)) => Some((lane.epoch, seq)),
            Some(Gap::ToldUpTo(_)) | None => None,
        })
    }

    /// The cloud was told of such records up to this one.
    pub fn told(&mut self, epoch: &Epoch, last_seq: u64) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.epoch == *epoch) {
            lane.gap = Some(Gap::ToldUpTo(last_seq));
            lane.sent = lane.sent.max(last_seq);
        }
    }

    /// Nobody knows what is gone: nothing after it can be sent.
    pub fn untold(&mut self, log: &impl Log, epoch: &Epoch, after: u64) -> Vec<Effect> {
        self.hold(log, epoch, format!("the cloud misses records from {} on, deleted here", after + 1))
    }

    /// The next record to be kept in quarantine, one at a time.
    pub fn quarantine(&mut self, log: &impl Log) -> Option<(Epoch, u64)> {
        let waiting = |lane: &Lane| lane.quarantine.is_some_and(|quarantine| !quarantine.waits);
        if !self.lanes.iter().any(waiting) {
            return None;
        }
        let epochs = log.epochs();
        self.lanes.iter_mut().find_map(|lane| {
            let quarantine = lane.quarantine.as_mut().filter(|quarantine| !quarantine.waits)?;
            let held = epochs.iter().find(|held| held.epoch == lane.epoch)?;
            quarantine.next = quarantine.next.max(held.first_seq);
            quarantine.waits = quarantine.next <= held.last_seq;
            quarantine.waits.then_some((lane.epoch, quarantine.next))
        })
    }

    /// A record for quarantine could not be read back: the next one is tried.
    pub fn pass_over(&mut self, epoch: &Epoch, seq: u64) {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| lane.epoch == *epoch) {
            lane.quarantine = lane.quarantine.map(|_| Quarantine { next: seq + 1, waits: false });
        }
    }

    /// A record of the log could not be read back: what it and others came to can be told, or nothing after it be sent.
    pub fn unreadable(&mut self, log: &impl Log, epoch: &Epoch, seq: u64) -> Vec<Effect> {
        if let Some(lane) = self.lanes.iter_mut().find(|lane| self.mends && lane.epoch == *epoch) {
            lane.next = seq;
            lane.gap = Some(Gap::After(seq - 1));
            return Vec::new();
        }
        self.hold(log, epoch, format!("usage record {seq} cannot be read back; those after it are held"))
    }

    /// The cloud cannot read a record: nothing after it can be sent.
    pub fn unread(&mut self, log: &impl Log, epoch: &Epoch, seq: u64) -> Vec<Effect> {
        self.hold(log, epoch, format!("the cloud cannot read usage record {seq}; it and those after it are held"))
    }

    /// The first record sent that nobody answered, if one was.
    pub fn unanswered(&self) -> Option<(Epoch, u64)> {
        let lane = self.lanes.iter().find(|lane| !lane.held && lane.next > lane.acked + 1)?;
        Some((lane.epoch, lane.acked + 1))
    }

    /// Takes an answer in.
    pub fn answer(&mut self, log: &impl Log, down: &Down) -> Vec<Effect> {
        let Some(n) = self.lanes.iter().position(|lane| lane.epoch == *down.epoch.as_slice()) else {
            return vec![Effect::Strange("an answer for an epoch never offered".to_owned())];
        };
        let lane = &mut self.lanes[n];
        if let Some(quarantine) = lane.quarantine.take_if(|quarantine| quarantine.waits) {
            if down.outcome() != Outcome::Quarantined {
                // It stays where it is: the cloud does not want it.
                return Vec::new();
            }
            lane.quarantine = Some(Quarantine { next: quarantine.next + 1, waits: false });
            // What no backup of the cloud has is kept, and told again in the next session.
            let trim = down.trim_seq.min(quarantine.next);
            return if trim > 0 { vec![Effect::Trim(lane.epoch, trim)] } else { Vec::new() };
        }
        match down.outcome() {
            Outcome::Applied | Outcome::Duplicate => {
                if down.applied_seq > lane.sent {
                    return vec![Effect::Strange(format!("record {} acknowledged and never sent", down.applied_seq))];
                }
                lane.acked = lane.acked.max(down.applied_seq);
                lane.next = lane.next.max(lane.acked + 1);
                lane.gap = lane.gap.filter(|gap| !matches!(gap, Gap::ToldUpTo(last) if *last <= lane.acked));
                self.missed = None;
                let trim = down.trim_seq.min(lane.sent).min(lane.acked);
                if trim > 0 { vec![Effect::Trim(lane.epoch, trim)] } else { Vec::new() }
            }
            Outcome::Gap => self.rewind(log, n, down.applied_seq),
            Outcome::Fork => {
                let epoch = lane.epoch;
                self.hold(log, &epoch, "the cloud holds other records of this epoch; ours are held".to_owned())
            }
            Outcome::Malformed => {
                let epoch = lane.epoch;
                let text = format!("the cloud cannot read the record after {}; it is held", down.applied_seq);
                self.hold(log, &epoch, text)
            }
            Outcome::Fenced => vec![Effect::End("a newer session took over")],
            Outcome::Quarantined => vec![Effect::Strange("a record in quarantine that was not sent there".to_owned())],
        }
    }

    /// Records sealed and neither acknowledged nor held.
    pub fn pending(&self, log: &impl Log) -> u64 {
        let left = |held: &EpochPosition| {
            let lane = self.lanes.iter().find(|lane| lane.epoch == *held.epoch.as_slice());
            match lane {
                Some(lane) if lane.held => 0,
                Some(lane) => held.last_seq.saturating_sub(lane.acked),
                None => (held.last_seq + 1).saturating_sub(held.first_seq),
            }
        };
        log.epochs().iter().map(left).sum()
    }

    /// Whether the cloud was told of this epoch in this session.
    pub fn knows(&self, epoch: &Epoch) -> bool {
        self.lanes.iter().any(|lane| lane.epoch == *epoch)
    }

    /// Last record acknowledged of an epoch.
    pub fn acked(&self, epoch: &Epoch) -> Option<u64> {
        self.lanes.iter().find(|lane| lane.epoch == *epoch).map(|lane| lane.acked)
    }

    /// The last record acknowledged of each epoch that is not held.
    pub fn confirmed(&self) -> impl Iterator<Item = (Epoch, u64)> {
        self.lanes.iter().filter(|lane| !lane.held && lane.acked > 0).map(|lane| (lane.epoch, lane.acked))
    }

    fn rewind(&mut self, log: &impl Log, n: usize, applied: u64) -> Vec<Effect> {
        let lane = &mut self.lanes[n];
        if applied > lane.sent {
            return vec![Effect::Strange(format!("record {applied} acknowledged and never sent"))];
        }
        // Everything sent before the gap was noticed is answered the same way: go back only once.
        let seen = match &mut self.missed {
            Some((epoch, at, seen)) if *epoch == lane.epoch && *at == applied => {
                *seen += 1;
                *seen
            }
            missed => {
                *missed = Some((lane.epoch, applied, 0));
                lane.acked = applied;
                lane.next = applied + 1;
                lane.gap = None;
                0
            }
        };
        if seen > PATIENCE {
            return vec![Effect::End("the cloud keeps missing a record")];
        }
        let epoch = lane.epoch;
        let first = log.epochs().iter().find(|held| held.epoch == epoch).map_or(applied + 1, |held| held.first_seq);
        if first > applied + 1 {
            return self.untold(log, &epoch, applied);
        }
        Vec::new()
    }

    fn hold(&mut self, log: &impl Log, epoch: &Epoch, text: String) -> Vec<Effect> {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.epoch == *epoch) else { return Vec::new() };
        if std::mem::replace(&mut lane.held, true) {
            return Vec::new();
        }
        let current = log.epochs().last().is_some_and(|last| last.epoch == *epoch);
        vec![Effect::Hold { epoch: *epoch, current, text }]
    }
}

/// Why the cloud's position and our log cannot go on together, if they cannot.
fn objection(log: &impl Log, held: &EpochPosition, epoch: &Epoch, position: &StreamPosition) -> Option<String> {
    let applied = position.applied_seq;
    match position.verdict() {
        Verdict::Unspecified | Verdict::Fork => {
            return Some(format!("the cloud's records differ from ours after {applied}; ours are held"));
        }
        Verdict::Gap => return Some(format!("the cloud misses records from {} on, deleted here", applied + 1)),
        Verdict::Ok | Verdict::Later => {}
    }
    if applied > held.last_seq {
        return Some(format!("the cloud has record {applied}, the log ends at {}", held.last_seq));
    }
    if held.first_seq > applied + 1 {
        return Some(format!("the cloud misses records from {} on, deleted here", applied + 1));
    }
    let ours = log.hash_of(epoch, applied);
    if applied > 0 && ours.is_some_and(|ours| ours != *position.applied_hash.as_slice()) {
        return Some(format!("record {applied} differs from the cloud's; ours are held"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain(Vec<(Epoch, u64, u64)>);

    impl Log for Plain {
        fn epochs(&self) -> Vec<EpochPosition> {
            let position = |(epoch, first_seq, last_seq): &(Epoch, u64, u64)| EpochPosition {
                epoch: epoch.to_vec(),
                first_seq: *first_seq,
                last_seq: *last_seq,
                ..EpochPosition::default()
            };
            self.0.iter().map(position).collect()
        }

        fn hash_of(&self, _: &Epoch, seq: u64) -> Option<Hash> {
            Some([seq as u8; 16])
        }
    }

    const A: Epoch = [1; 8];
    const B: Epoch = [2; 8];

    fn at(epoch: Epoch, applied_seq: u64, trim_seq: u64) -> StreamPosition {
        StreamPosition {
            epoch: epoch.to_vec(),
            applied_seq,
            applied_hash: vec![applied_seq as u8; 16],
            trim_seq,
            verdict: Verdict::Ok as i32,
        }
    }

    fn down(epoch: Epoch, applied_seq: u64, trim_seq: u64, outcome: Outcome) -> Down {
        Down { epoch: epoch.to_vec(), applied_seq, trim_seq, outcome: outcome as i32 }
    }

    fn sent(sender: &mut Sender, log: &Plain) -> Vec<u64> {
        std::iter::from_fn(|| sender.next(log)).map(|(_, seq)| seq).collect()
    }

    #[test]
    fn it_goes_on_after_the_last_applied_and_keeps_to_the_window() {
        let log = Plain(vec![(A, 1, 200)]);
        let (mut sender, effects) = Sender::welcome(&log, &[at(A, 10, 4)], MENDS_SINCE_REV);
        assert_eq!(effects, [Effect::Trim(A, 4)]);
        assert_eq!(sent(&mut sender, &log), (11..=74).collect::<Vec<_>>());
        assert_eq!(sender.answer(&log, &down(A, 12, 0, Outcome::Applied)), []);
        assert_eq!(sent(&mut sender, &log), [75, 76]);
        assert_eq!(sender.pending(&log), 188);
    }

    #[test]
    fn epochs_go_oldest_first_and_a_held_one_is_passed_over() {
        let log = Plain(vec![(A, 1, 2), (B, 1, 2)]);
        let (mut sender, _) = Sender::welcome(&log, &[], MENDS_SINCE_REV);
        let order: Vec<_> = std::iter::from_fn(|| sender.next(&log)).collect();
        assert_eq!(order, [(A, 1), (A, 2), (B, 1), (B, 2)]);
        let forked = StreamPosition { verdict: Verdict::Fork as i32, ..at(A, 1, 0) };
        let (mut sender, effects) = Sender::welcome(&log, &[forked, at(B, 0, 0)], MENDS_SINCE_REV);
        assert!(matches!(effects.as_slice(), [Effect::Hold { epoch: A, current: false, .. }]));
        assert_eq!(sender.next(&log), Some((B, 1)));
    }

    #[test]
    fn a_gap_rewinds_once_however_often_it_is_told() {
        let log = Plain(vec![(A, 1, 10)]);
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)], MENDS_SINCE_REV);
        assert_eq!(sent(&mut sender, &log).len(), 10);
        for _ in 0..8 {
            assert_eq!(sender.answer(&log, &down(A, 2, 0, Outcome::Gap)), []);
        }
        assert_eq!(sent(&mut sender, &log), (3..=10).collect::<Vec<_>>());
        assert_eq!(sender.answer(&log, &down(A, 10, 0, Outcome::Applied)), []);
        assert_eq!(sender.pending(&log), 0);
    }

    #[test]
    fn a_gap_told_without_end_ends_the_session() {
        let log = Plain(vec![(A, 1, 10)]);
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)], MENDS_SINCE_REV);
        sent(&mut sender, &log);
        let ended = (0..1000).any(|_| {
            let effects = sender.answer(&log, &down(A, 2, 0, Outcome::Gap));
            matches!(effects.as_slice(), [Effect::End(_)])
        });
        assert!(ended);
    }

    #[test]
    fn nothing_is_trimmed_past_what_was_sent() {
        let log = Plain(vec![(A, 1, 10)]);
        let (mut sender, effects) = Sender::welcome(&log, &[at(A, 3, 99)], MENDS_SINCE_REV);
        assert_eq!(effects, [Effect::Trim(A, 3)]);
        assert_eq!(sender.next(&log), Some((A, 4)));
        assert!(matches!(sender.answer(&log, &down(A, 9, 9, Outcome::Applied)).as_slice(), [Effect::Strange(_)]));
        assert_eq!(sender.answer(&log, &down(A, 4, 99, Outcome::Duplicate)), [Effect::Trim(A, 4)]);
    }

    #[test]
    fn a_fork_holds_the_epoch_and_says_when_a_new_one_is_needed() {
        let log = Plain(vec![(A, 1, 5)]);
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)], MENDS_SINCE_REV);
        sender.next(&log);
        let effects = sender.answer(&log, &down(A, 0, 0, Outcome::Fork));
        assert!(matches!(effects.as_slice(), [Effect::Hold { current: true, .. }]));
        assert_eq!(sender.next(&log), None);
        assert_eq!(sender.answer(&log, &down(A, 0, 0, Outcome::Fork)), [], "told once");
    }

    #[test]
    fn what_was_sent_first_and_not_answered_is_what_a_connection_was_closed_over() {
        let log = Plain(vec![(A, 1, 2), (B, 1, 5)]);
        let (mut sender, _) = Sender::welcome(&log, &[], MENDS_SINCE_REV);
        assert_eq!(sender.unanswered(), None, "nothing was sent");
        sent(&mut sender, &log);
        sender.answer(&log, &down(A, 2, 0, Outcome::Applied));
        assert_eq!(sender.unanswered(), Some((B, 1)));
        sender.answer(&log, &down(B, 1, 0, Outcome::Applied));
        assert_eq!(sender.unanswered(), Some((B, 2)));
        let effects = sender.unread(&log, &B, 2);
        assert!(matches!(effects.as_slice(), [Effect::Hold { epoch: B, current: true, .. }]));
        assert_eq!((sender.unanswered(), sender.pending(&log)), (None, 0));
    }

    #[test]
    fn a_cloud_that_knows_more_or_other_records_is_a_fork() {
        let log = Plain(vec![(A, 5, 10)]);
        let other = StreamPosition { applied_hash: vec![9; 16], ..at(A, 7, 0) };
        for position in [at(A, 11, 0), at(A, 3, 0), other] {
            let (mut sender, effects) = Sender::welcome(&log, &[position], MENDS_SINCE_REV);
            assert!(matches!(effects.as_slice(), [Effect::Hold { .. }]));
            assert_eq!(sender.next(&log), None);
        }
        assert_eq!(Sender::welcome(&log, &[at(A, 4, 0)], MENDS_SINCE_REV).1, []);
    }

    #[test]
    fn a_gap_is_told_before_anything_else_of_its_epoch_and_holds_nothing() {
        let log = Plain(vec![(A, 5, 7), (B, 1, 1)]);
        let missing = StreamPosition { verdict: Verdict::Gap as i32, ..at(A, 2, 0) };
        let (mut sender, effects) = Sender::welcome(&log, &[missing.clone(), at(B, 0, 0)], MENDS_SINCE_REV);
        assert_eq!((effects, sender.gap()), (vec![], Some((A, 2))));
        sender.told(&A, 4);
        assert_eq!((sender.gap(), sender.next(&log), sender.next(&log)), (None, Some((B, 1)), None));
        assert_eq!(sender.answer(&log, &down(A, 4, 4, Outcome::Applied)), [Effect::Trim(A, 4)]);
        assert_eq!(sent(&mut sender, &log), [5, 6, 7]);
        // A record that cannot be read is told of likewise, once those before it are answered or not.
        assert_eq!(sender.unreadable(&log, &A, 6), []);
        assert_eq!((sender.gap(), sender.next(&log)), (Some((A, 5)), None));
        sender.told(&A, 6);
        sender.answer(&log, &down(A, 5, 4, Outcome::Applied));
        assert_eq!(sender.next(&log), None, "that was the record before");
        sender.answer(&log, &down(A, 6, 4, Outcome::Applied));
        assert_eq!(sent(&mut sender, &log), [7]);
        // What nobody knows is held, and so is everything before the cloud has a word for it.
        let (mut sender, _) = Sender::welcome(&log, std::slice::from_ref(&missing), MENDS_SINCE_REV);
        assert!(matches!(sender.untold(&log, &A, 2).as_slice(), [Effect::Hold { epoch: A, .. }]));
        let (sender, effects) = Sender::welcome(&log, &[missing], MENDS_SINCE_REV - 1);
        assert!(matches!(effects.as_slice(), [Effect::Hold { epoch: A, .. }]));
        assert_eq!(sender.gap(), None);
    }
}
