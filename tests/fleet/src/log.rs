//! A router's usage log as its agent keeps it, in memory: sealed records, chained, kept until the cloud has them.

use std::collections::VecDeque;

use anyhow::{Result, ensure};
use prost::Message;
use weir_agent::northbound::sender::WINDOW;
use weir_protocol::control::{EpochPosition, StreamPosition, Verdict};
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::{Down, LineUsage, Outcome, Record};

/// The log.
pub struct Log {
    epoch: [u8; 8],
    boot: [u8; 16],
    tally: [u8; 8],
    /// The last record the cloud has, and its hash.
    acked: (u64, Hash),
    /// The last record sealed, and its hash.
    last: (u64, Hash),
    /// Until when is sealed, Unix milliseconds.
    sealed_until_ms: u64,
    /// Records the cloud does not have yet, with their hashes, in order.
    waiting: VecDeque<(Vec<u8>, Hash)>,
    /// How many of those were sent in this session.
    sent: usize,
}

impl Log {
    /// An empty one that counts from `now_ms` on.
    pub fn new(epoch: [u8; 8], boot: [u8; 16], tally: [u8; 8], now_ms: u64) -> Self {
        let none = (0, hash::GENESIS);
        Self { epoch, boot, tally, acked: none, last: none, sealed_until_ms: now_ms, waiting: VecDeque::new(), sent: 0 }
    }

    /// Seals what lines moved since the record before.
    pub fn seal(&mut self, lines: &[LineUsage], now_ms: u64) {
        let mut record = Record {
            epoch: self.epoch.to_vec(),
            seq: self.last.0 + 1,
            prev_hash: self.last.1.to_vec(),
            boot_id: self.boot.to_vec(),
            start_ms: self.sealed_until_ms.min(now_ms),
            end_ms: now_ms,
            tally: self.tally.to_vec(),
            ..Record::default()
        };
        record.set_lines(lines);
        let body = record.encode_to_vec();
        self.last = (record.seq, hash::usage_record(&body));
        self.sealed_until_ms = now_ms;
        self.waiting.push_back((body, self.last.1));
    }

    /// What a session begins with.
    pub fn position(&self) -> EpochPosition {
        EpochPosition {
            epoch: self.epoch.to_vec(),
            first_seq: self.acked.0 + 1,
            last_seq: self.last.0,
            first_prev_hash: self.acked.1.to_vec(),
            last_hash: self.last.1.to_vec(),
        }
    }

    /// Goes on from where the cloud stands.
    pub fn welcome(&mut self, positions: &[StreamPosition]) -> Result<()> {
        let [position] = positions else { anyhow::bail!("{} epochs are answered", positions.len()) };
        ensure!(position.verdict() == Verdict::Ok, "the cloud says {:?} of the log", position.verdict());
        self.sent = 0;
        self.advance(position.applied_seq)
    }

    /// The next record to send, if the window has room.
    pub fn to_send(&mut self) -> Option<Vec<u8>> {
        if self.sent as u64 >= WINDOW {
            return None;
        }
        let (body, _) = self.waiting.get(self.sent)?;
        self.sent += 1;
        Some(body.clone())
    }

    /// Takes an answer; anything but an acknowledgement is an error.
    pub fn answer(&mut self, answer: &Down) -> Result<()> {
        let kept = matches!(answer.outcome(), Outcome::Applied | Outcome::Duplicate);
        ensure!(kept, "the cloud says {:?} of a record after {}", answer.outcome(), answer.applied_seq);
        self.advance(answer.applied_seq)
    }

    /// The last record the cloud has.
    pub fn acked(&self) -> u64 {
        self.acked.0
    }

    /// The last record there is.
    pub fn sealed(&self) -> u64 {
        self.last.0
    }

    fn advance(&mut self, applied: u64) -> Result<()> {
        ensure!(applied >= self.acked.0, "the cloud had {} and has {applied}", self.acked.0);
        while self.acked.0 < applied {
            let Some((_, hash)) = self.waiting.pop_front() else {
                anyhow::bail!("the cloud has {applied}: never sealed")
            };
            self.acked = (self.acked.0 + 1, hash);
            self.sent = self.sent.saturating_sub(1);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOVED: LineUsage = LineUsage {
        handle: 1,
        down_bytes: 9,
        up_bytes: 0,
        down_packets: 1,
        up_packets: 0,
        v6_bytes: None,
        dropped_packets: None,
    };

    fn answer(log: &Log, applied_seq: u64, outcome: Outcome) -> Down {
        Down { epoch: log.epoch.to_vec(), applied_seq, trim_seq: applied_seq, outcome: outcome.into() }
    }

    #[test]
    fn a_new_session_sends_again_what_the_cloud_does_not_have() {
        let mut log = Log::new([1; 8], [2; 16], [3; 8], 1_000);
        (0..3).for_each(|n| log.seal(&[MOVED], 2_000 + n));
        let sent: Vec<_> = std::iter::from_fn(|| log.to_send()).collect();
        assert_eq!(sent.len(), 3);
        let acknowledged = answer(&log, 1, Outcome::Applied);
        log.answer(&acknowledged).unwrap();
        // The second was applied, too, but its answer was lost.
        let applied_hash = hash::usage_record(&sent[1]).to_vec();
        let (epoch, verdict) = (log.epoch.to_vec(), Verdict::Ok.into());
        log.welcome(&[StreamPosition { epoch, applied_seq: 2, applied_hash, trim_seq: 2, verdict }]).unwrap();
        assert_eq!((log.to_send().as_ref(), log.to_send()), (Some(&sent[2]), None));
        let third = Record::decode(sent[2].as_slice()).unwrap();
        assert_eq!((third.seq, third.prev_hash), (3, hash::usage_record(&sent[1]).to_vec()));
        assert_eq!((log.position().first_seq, log.position().last_seq, log.acked()), (3, 3, 2));
    }

    #[test]
    fn what_is_no_acknowledgement_is_an_error() {
        let mut log = Log::new([1; 8], [2; 16], [3; 8], 1_000);
        log.seal(&[MOVED], 2_000);
        for outcome in [Outcome::Gap, Outcome::Fork, Outcome::Fenced, Outcome::Malformed] {
            let refused = answer(&log, 0, outcome);
            assert!(log.answer(&refused).is_err());
        }
        let never_sealed = answer(&log, 2, Outcome::Applied);
        assert!(log.answer(&never_sealed).is_err());
    }
}
