//! How much each line moved lately, as far as it is sealed: a fold over the usage log that outlives its trimming.
//!
//! The log is the truth; this is what fair use needs to know of records the cloud has and the router has deleted. Every
//! record says which tally it is part of ([`weir_protocol::usage::Record::tally`]) and is taken in once. The file is
//! written before records are deleted; after a crash the records still held are taken in again from where it stands.

use super::spool::{Epoch, Spool};
use crate::store::disk::Disk;
use crate::store::frame;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use weir_protocol::state::Turn;
use weir_protocol::usage::{LineUsage, Record};

const FILE: &str = "tally";
/// Longer than any period that is metered.
const KEPT_MS: u64 = 40 * 24 * 3600 * 1000;
/// Longer than two of them, where what was left of one is carried over into the next.
const CARRIED_MS: u64 = 70 * 24 * 3600 * 1000;
/// Changes of a line's rule kept.
const TURNS: usize = 16;

/// Names a tally.
pub type Id = [u8; 8];

/// What a line's records mean.
pub trait Rules {
    /// Whether what a line moved up to an instant counts.
    fn counts(&self, handle: u32, end_ms: u64) -> bool;
    /// The local day of the moment before an instant: what was moved on different days is kept apart.
    fn day(&self, handle: u32, end_ms: u64) -> i64;
    /// Whether the period before the one that holds matters, too.
    fn carries(&self, handle: u32) -> bool;
}

/// What was counted of one day, up to its last record's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    end_ms: u64,
    bytes: u64,
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Line {
    days: Vec<Day>,
    /// What was known to be counted since an instant, sealed or not.
    floor: (u64, u64),
    turns: Vec<Turn>,
}

/// The tally and its file.
#[derive(Debug)]
pub struct Tally<D> {
    disk: D,
    id: Id,
    /// The last record taken in of every epoch held.
    taken: BTreeMap<Epoch, u64>,
    lines: BTreeMap<u32, Line>,
}

#[derive(Clone, PartialEq, Message)]
struct File {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, repeated, tag = "2")]
    taken: Vec<Taken>,
    #[prost(message, repeated, tag = "3")]
    lines: Vec<LineColumns>,
}

#[derive(Clone, PartialEq, Message)]
struct Taken {
    #[prost(bytes = "vec", tag = "1")]
    epoch: Vec<u8>,
    #[prost(uint64, tag = "2")]
    seq: u64,
}

#[derive(Clone, PartialEq, Message)]
struct LineColumns {
    #[prost(uint32, tag = "1")]
    handle: u32,
    #[prost(uint64, repeated, tag = "2")]
    end_ms: Vec<u64>,
    #[prost(uint64, repeated, tag = "3")]
    bytes: Vec<u64>,
    #[prost(uint64, tag = "4")]
    floor_since_ms: u64,
    #[prost(uint64, tag = "5")]
    floor_bytes: u64,
    #[prost(message, repeated, tag = "6")]
    turns: Vec<Turn>,
}

impl<D: Disk> Tally<D> {
    /// Goes on from the file, or begins a tally if there is none that can be read.
    pub fn open(disk: D, fresh: fn() -> Id) -> Self {
        let read = disk.read(FILE).ok();
        let read = read.and_then(|bytes| File::decode(frame::at(&bytes, 0)?.body).ok());
        let mut tally = Self { disk, id: fresh(), taken: BTreeMap::new(), lines: BTreeMap::new() };
        match read {
            Some(file) => tally.restore(file),
            None => tally.save_or_warn(),
        }
        tally
    }

    fn restore(&mut self, file: File) {
        self.id = Id::try_from(file.id.as_slice()).unwrap_or(self.id);
        let taken = |taken: Taken| Some((Epoch::try_from(taken.epoch.as_slice()).ok()?, taken.seq));
        self.taken = file.taken.into_iter().filter_map(taken).collect();
        let line = |line: LineColumns| {
            let days =
                line.end_ms.iter().zip(&line.bytes).map(|(end_ms, bytes)| Day { end_ms: *end_ms, bytes: *bytes });
            let floor = (line.floor_since_ms, line.floor_bytes);
            (line.handle, Line { days: days.collect(), floor, turns: line.turns })
        };
        self.lines = file.lines.into_iter().map(line).collect();
    }

    /// Its name.
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// Begins anew, because what the log holds is not all that was sealed; what fair use did is still known.
    pub fn renew(&mut self, id: Id, spool: &Spool<impl Disk>) {
        self.id = id;
        self.taken = spool.epochs().iter().filter_map(|held| Some((epoch(&held.epoch)?, held.last_seq))).collect();
        for line in self.lines.values_mut() {
            (line.days, line.floor) = (Vec::new(), (0, 0));
        }
        self.save_or_warn();
    }

    /// Takes in every record sealed since.
    pub fn follow(&mut self, spool: &Spool<impl Disk>, rules: &impl Rules) {
        let held = spool.epochs();
        for position in &held {
            let Some(epoch) = epoch(&position.epoch) else { continue };
            let taken = self.taken.get(&epoch).copied().unwrap_or(0);
            for seq in position.first_seq.max(taken + 1)..=position.last_seq {
                match spool.read(&epoch, seq).map(|bytes| Record::decode(bytes.as_slice())) {
                    Ok(Ok(record)) if record.tally == self.id => self.take(&record, rules),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::error!(%error, seq, "a usage record cannot be counted"),
                    Err(error) => tracing::error!(%error, seq, "a usage record cannot be counted"),
                }
            }
            self.taken.insert(epoch, taken.max(position.last_seq));
        }
        self.taken.retain(|epoch, _| held.iter().any(|position| position.epoch == epoch));
    }

    fn take(&mut self, record: &Record, rules: &impl Rules) {
        let end_ms = record.end_ms;
        for LineUsage { handle, down_bytes, up_bytes, .. } in record.lines().unwrap_or_default() {
            if !rules.counts(handle, end_ms) {
                continue;
            }
            let bytes = down_bytes.saturating_add(up_bytes);
            let days = &mut self.lines.entry(handle).or_default().days;
            match days.last_mut() {
                Some(last) if rules.day(handle, last.end_ms) == rules.day(handle, end_ms) => {
                    *last = Day { end_ms: last.end_ms.max(end_ms), bytes: last.bytes.saturating_add(bytes) };
                }
                _ => days.push(Day { end_ms, bytes }),
            }
            let kept_ms = if rules.carries(handle) { CARRIED_MS } else { KEPT_MS };
            days.retain(|day| day.end_ms.saturating_add(kept_ms) > end_ms);
        }
    }

    /// What a line moved that counts in `(start_ms, end_ms]`, sealed, and `open_bytes` that are not.
    ///
    /// Never less than it was before in the same period: what was measured and lost with the power stays used.
    pub fn used(&self, handle: u32, start_ms: u64, end_ms: u64, open_bytes: u64) -> u64 {
        let Some(line) = self.lines.get(&handle) else { return open_bytes };
        let inside = line.days.iter().filter(|day| start_ms < day.end_ms && day.end_ms <= end_ms);
        let sum = inside.fold(open_bytes, |sum, day| sum.saturating_add(day.bytes));
        if line.floor.0 == start_ms { sum.max(line.floor.1) } else { sum }
    }

    /// The last changes of a line's rule, oldest first.
    pub fn turns(&self, handle: u32) -> &[Turn] {
        self.lines.get(&handle).map_or(&[], |line| &line.turns)
    }

    /// Notes a change of a line's rule, and what its period that began at `start_ms` had seen of this tally by then.
    pub fn turn(&mut self, handle: u32, turn: Turn, start_ms: u64, bytes: u64) {
        let line = self.lines.entry(handle).or_default();
        if line.turns.len() == TURNS {
            line.turns.remove(0);
        }
        line.turns.push(turn);
        line.floor = (start_ms, bytes);
    }

    /// Forgets lines that are gone.
    pub fn forget(&mut self, handles: &BTreeSet<u32>) {
        self.lines.retain(|handle, _| !handles.contains(handle));
    }

    /// Writes the file.
    pub fn save(&mut self) -> io::Result<()> {
        let taken = self.taken.iter().map(|(epoch, seq)| Taken { epoch: epoch.to_vec(), seq: *seq }).collect();
        let line = |(handle, line): (&u32, &Line)| LineColumns {
            handle: *handle,
            end_ms: line.days.iter().map(|day| day.end_ms).collect(),
            bytes: line.days.iter().map(|day| day.bytes).collect(),
            floor_since_ms: line.floor.0,
            floor_bytes: line.floor.1,
            turns: line.turns.clone(),
        };
        let file = File { id: self.id.to_vec(), taken, lines: self.lines.iter().map(line).collect() };
        self.disk.replace(FILE, &frame::encode(1, &file.encode_to_vec()))
    }

    /// Writes the file if the disk lets it: fair use goes on from memory meanwhile.
    pub fn save_or_warn(&mut self) {
        if let Err(error) = self.save() {
            tracing::warn!(%error, "how much lines used of their allowance cannot be written");
        }
    }
}

fn epoch(bytes: &[u8]) -> Option<Epoch> {
    Epoch::try_from(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{self, Now};
    use crate::southbound::{Counter, Total};
    use crate::store::sim::Sim;
    use crate::usage::journal::Journal;
    use crate::usage::spool::Limits;
    use proptest::prelude::*;
    use uuid::Uuid;
    use weir_protocol::usage::SealReason;

    /// Everything counts but what ends in the second half of a thousand; a day is ten thousand long.
    struct Halves;

    impl Rules for Halves {
        fn counts(&self, _: u32, end_ms: u64) -> bool {
            (end_ms - 1) % 1000 < 500
        }

        fn day(&self, _: u32, end_ms: u64) -> i64 {
            ((end_ms - 1) / 10_000).cast_signed()
        }

        fn carries(&self, _: u32) -> bool {
            false
        }
    }

    struct World {
        log: Sim,
        disk: Sim,
        journal: Journal<Sim>,
        tally: Tally<Sim>,
        boot: u128,
        now: Now,
        counter: u64,
        counted: u64,
    }

    const LIMITS: Limits = Limits { segment: 600, quota: 1 << 20 };

    impl World {
        fn new() -> Self {
            let (log, disk, now) = (Sim::default(), Sim::default(), Now { wall_ms: 1_000_001, mono_ms: 1 });
            let boot = Uuid::from_u128(1);
            let journal = Journal::start(log.clone(), Sim::default(), LIMITS, boot, now, clock::random::<8>).unwrap();
            let tally = Tally::open(disk.clone(), clock::random);
            let mut world = Self { log, disk, journal, tally, boot: 1, now, counter: 0, counted: 0 };
            world.journal.set_tally(*world.tally.id());
            world.sweep();
            world
        }

        fn sweep(&mut self) {
            let total = Total { bytes: self.counter, packets: 0 };
            let counter = Counter {
                handle: 7,
                generation: Uuid::from_u128(self.boot),
                base_down: Total::default(),
                base_up: Total::default(),
                down: total,
                up: Total::default(),
            };
            self.journal.observe(&[counter], self.now).unwrap();
        }

        fn seal(&mut self, bytes: u64, after_ms: u64) {
            (self.now.wall_ms, self.now.mono_ms) = (self.now.wall_ms + after_ms, self.now.mono_ms + after_ms);
            self.counter += bytes;
            self.sweep();
            self.journal.seal(self.now, self.now.wall_ms, SealReason::Interval).unwrap();
            if Halves.counts(7, self.now.wall_ms) {
                self.counted += bytes;
            }
        }

        fn trim(&mut self) {
            let tail = *self.journal.spool().tail();
            let seq = tail.next_seq - 1;
            let held = self.journal.spool().epochs().iter().map(|held| held.first_seq).sum::<u64>();
            let frees = self.journal.spool().frees(&tail.epoch, seq);
            if frees {
                self.tally.follow(self.journal.spool(), &Halves);
                self.tally.save().unwrap();
            }
            self.journal.trim(&tail.epoch, seq).unwrap();
            let now_held = self.journal.spool().epochs().iter().map(|held| held.first_seq).sum::<u64>();
            assert!(frees || held == now_held, "something was deleted that was said not to be");
        }

        fn kill(&mut self) {
            let (log, run) = (self.log.clone(), Sim::default());
            let boot = Uuid::from_u128(self.boot);
            self.journal = Journal::start(log, run, LIMITS, boot, self.now, clock::random::<8>).unwrap();
            self.tally = Tally::open(self.disk.clone(), clock::random);
            self.journal.set_tally(*self.tally.id());
        }

        fn used(&mut self) -> u64 {
            self.tally.follow(self.journal.spool(), &Halves);
            self.tally.used(7, 0, u64::MAX, 0)
        }
    }

    proptest! {
        #[test]
        fn every_record_is_counted_once_whatever_is_deleted_and_whoever_is_killed(
            steps in prop::collection::vec((0u8..6, 1u64..1000, 1u64..3000), 1..80),
        ) {
            let mut world = World::new();
            for (what, bytes, after) in steps {
                match what {
                    0 => world.trim(),
                    1 => world.kill(),
                    2 => { world.used(); }
                    _ => world.seal(bytes, after),
                }
            }
            prop_assert_eq!(world.used(), world.counted);
            world.kill();
            prop_assert_eq!(world.used(), world.counted);
        }
    }

    #[test]
    fn a_period_is_made_of_its_days_and_never_shrinks() {
        let mut world = World::new();
        for _ in 0..4 {
            world.seal(100, 10_000);
        }
        world.tally.follow(world.journal.spool(), &Halves);
        assert_eq!(world.tally.used(7, 1_015_000, 1_035_000, 5), 205);
        world.tally.turn(7, Turn { rule: 2, at_ms: 3, used_bytes: 900, step: 0 }, 1_015_000, 900);
        world.tally.save().unwrap();
        world.kill();
        assert_eq!(world.tally.used(7, 1_015_000, 1_035_000, 5), 900, "what was measured and lost stays used");
        assert_eq!(world.tally.used(7, 1_025_000, 1_035_000, 5), 105);
        assert_eq!(world.tally.turns(7).len(), 1);
    }

    #[test]
    fn a_broken_log_begins_a_tally_of_its_own() {
        let mut world = World::new();
        world.seal(100, 10_000);
        let id = *world.tally.id();
        world.journal.fork(world.now);
        assert!(world.journal.take_break() && !world.journal.take_break());
        world.tally.renew(clock::random(), world.journal.spool());
        world.journal.set_tally(*world.tally.id());
        assert_ne!(*world.tally.id(), id);
        world.seal(40, 10_000);
        assert_eq!(world.used(), 40);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_another_tally() {
        let mut world = World::new();
        world.seal(100, 10_000);
        world.used();
        world.tally.save().unwrap();
        world.disk.flip(FILE, 100);
        let id = *world.tally.id();
        world.kill();
        assert_ne!(*world.tally.id(), id);
        assert_eq!(world.used(), 0, "the cloud has these under the other name");
    }
}
