//! Which usage record goes next, and what an answer means. Pure: the log is behind [`Log`].
//!
//! Strictly in order, at most [`WINDOW`] records unanswered. An epoch the cloud cannot go on with is *held*: its
//! records stay on disk and are not sent, because sending some could bill a byte twice. Nothing here deletes;
//! it says how far the log may be trimmed, never past what was sent.

use crate::usage::spool::Epoch;
use weir_protocol::control::{EpochPosition, StreamPosition, Verdict};
use weir_protocol::hash::Hash;
use weir_protocol::usage::{Down, Outcome};

/// Most records sent and not answered.
pub const WINDOW: u64 = 64;
/// Answers "not the next one" to the same position before the session is given up.
const PATIENCE: u64 = 2 * WINDOW;

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
}

/// Where every epoch stands in this session.
#[derive(Debug, Default)]
pub struct Sender {
    lanes: Vec<Lane>,
    gap: Option<(Epoch, u64, u64)>,
}

impl Sender {
    /// Takes the cloud's positions for the epochs the log holds.
    pub fn welcome(log: &impl Log, positions: &[StreamPosition]) -> (Self, Vec<Effect>) {
        let mut sender = Self::default();
        let mut effects = Vec::new();
        let epochs = log.epochs();
        for (n, held) in epochs.iter().enumerate() {
            let Ok(epoch) = Epoch::try_from(held.epoch.as_slice()) else { continue };
            let position = positions.iter().find(|position| position.epoch == held.epoch);
            let applied = position.map_or(0, |position| position.applied_seq);
            let mut lane =
                Lane { epoch, acked: applied, next: applied + 1, sent: applied.min(held.last_seq), held: false };
            if position.is_some_and(|position| position.verdict() == Verdict::Later) {
                lane.held = true;
                sender.lanes.push(lane);
                continue;
            }
            let objection = position.and_then(|position| objection(log, held, &epoch, position));
            if let Some(text) = objection {
                lane.held = true;
                effects.push(Effect::Hold { epoch, current: n + 1 == epochs.len(), text });
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
        for lane in self.lanes.iter_mut().filter(|lane| !lane.held) {
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

    /// A record of the log could not be read back: nothing after it can be sent.
    pub fn unreadable(&mut self, log: &impl Log, epoch: &Epoch, seq: u64) -> Vec<Effect> {
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
        match down.outcome() {
            Outcome::Applied | Outcome::Duplicate => {
                if down.applied_seq > lane.sent {
                    return vec![Effect::Strange(format!("record {} acknowledged and never sent", down.applied_seq))];
                }
                lane.acked = lane.acked.max(down.applied_seq);
                lane.next = lane.next.max(lane.acked + 1);
                self.gap = None;
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
        let seen = match &mut self.gap {
            Some((epoch, at, seen)) if *epoch == lane.epoch && *at == applied => {
                *seen += 1;
                *seen
            }
            gap => {
                *gap = Some((lane.epoch, applied, 0));
                lane.acked = applied;
                lane.next = applied + 1;
                0
            }
        };
        if seen > PATIENCE {
            return vec![Effect::End("the cloud keeps missing a record")];
        }
        let epoch = lane.epoch;
        let first = log.epochs().iter().find(|held| held.epoch == epoch).map_or(applied + 1, |held| held.first_seq);
        if first > applied + 1 {
            return self.hold(log, &epoch, format!("the cloud misses records from {} on, deleted here", applied + 1));
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
        let (mut sender, effects) = Sender::welcome(&log, &[at(A, 10, 4)]);
        assert_eq!(effects, [Effect::Trim(A, 4)]);
        assert_eq!(sent(&mut sender, &log), (11..=74).collect::<Vec<_>>());
        assert_eq!(sender.answer(&log, &down(A, 12, 0, Outcome::Applied)), []);
        assert_eq!(sent(&mut sender, &log), [75, 76]);
        assert_eq!(sender.pending(&log), 188);
    }

    #[test]
    fn epochs_go_oldest_first_and_a_held_one_is_passed_over() {
        let log = Plain(vec![(A, 1, 2), (B, 1, 2)]);
        let (mut sender, _) = Sender::welcome(&log, &[]);
        let order: Vec<_> = std::iter::from_fn(|| sender.next(&log)).collect();
        assert_eq!(order, [(A, 1), (A, 2), (B, 1), (B, 2)]);
        let forked = StreamPosition { verdict: Verdict::Fork as i32, ..at(A, 1, 0) };
        let (mut sender, effects) = Sender::welcome(&log, &[forked, at(B, 0, 0)]);
        assert!(matches!(effects.as_slice(), [Effect::Hold { epoch: A, current: false, .. }]));
        assert_eq!(sender.next(&log), Some((B, 1)));
    }

    #[test]
    fn a_gap_rewinds_once_however_often_it_is_told() {
        let log = Plain(vec![(A, 1, 10)]);
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)]);
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
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)]);
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
        let (mut sender, effects) = Sender::welcome(&log, &[at(A, 3, 99)]);
        assert_eq!(effects, [Effect::Trim(A, 3)]);
        assert_eq!(sender.next(&log), Some((A, 4)));
        assert!(matches!(sender.answer(&log, &down(A, 9, 9, Outcome::Applied)).as_slice(), [Effect::Strange(_)]));
        assert_eq!(sender.answer(&log, &down(A, 4, 99, Outcome::Duplicate)), [Effect::Trim(A, 4)]);
    }

    #[test]
    fn a_fork_holds_the_epoch_and_says_when_a_new_one_is_needed() {
        let log = Plain(vec![(A, 1, 5)]);
        let (mut sender, _) = Sender::welcome(&log, &[at(A, 0, 0)]);
        sender.next(&log);
        let effects = sender.answer(&log, &down(A, 0, 0, Outcome::Fork));
        assert!(matches!(effects.as_slice(), [Effect::Hold { current: true, .. }]));
        assert_eq!(sender.next(&log), None);
        assert_eq!(sender.answer(&log, &down(A, 0, 0, Outcome::Fork)), [], "told once");
    }

    #[test]
    fn what_was_sent_first_and_not_answered_is_what_a_connection_was_closed_over() {
        let log = Plain(vec![(A, 1, 2), (B, 1, 5)]);
        let (mut sender, _) = Sender::welcome(&log, &[]);
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
            let (mut sender, effects) = Sender::welcome(&log, &[position]);
            assert!(matches!(effects.as_slice(), [Effect::Hold { .. }]));
            assert_eq!(sender.next(&log), None);
        }
        assert_eq!(Sender::welcome(&log, &[at(A, 4, 0)]).1, []);
    }
}
