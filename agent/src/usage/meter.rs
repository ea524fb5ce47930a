//! Differences of cumulative counters since they were last sealed. Pure: no clock, no disk.

use super::{Key, Positions, Reading, reading};
use crate::memory;
use crate::southbound::Counter;
use std::collections::{BTreeMap, BTreeSet};
use weir_protocol::usage::LineUsage;

/// What is sealed and what was seen since.
#[derive(Debug, Default)]
pub struct Meter {
    counters: BTreeMap<Key, Stand>,
}

/// How far a counter is.
#[derive(Debug, Clone, Copy)]
struct Stand {
    sealed: Reading,
    latest: Reading,
}

impl From<Reading> for Stand {
    fn from(at: Reading) -> Self {
        Self { sealed: at, latest: at }
    }
}

/// The open record: everything seen and not yet sealed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Open {
    /// Lines that moved, ascending.
    pub lines: Vec<LineUsage>,
    /// Where their counters stand.
    pub positions: Positions,
}

impl Meter {
    /// Starts from what a log says is sealed.
    pub fn new(sealed: &Positions) -> Self {
        Self { counters: sealed.iter().map(|(key, at)| (*key, (*at).into())).collect() }
    }

    /// Counters of a sweep that ran backwards against what was last seen.
    pub fn regressed(&self, sweep: &[Counter]) -> Positions {
        let backwards =
            |(key, now): &(Key, Reading)| self.counters.get(key).is_some_and(|seen| now.since(&seen.latest).is_none());
        sweep.iter().map(reading).filter(backwards).collect()
    }

    /// Takes a sweep in. A counter never seen counts from its generation's base; one that ran backwards is left
    /// out until [`Meter::rebase`].
    pub fn observe(&mut self, sweep: &[Counter]) {
        for counter in sweep {
            let (key, now) = reading(counter);
            let base = Reading::of(&counter.base_down, &counter.base_up);
            let seen = self.counters.entry(key).or_insert(base.into());
            if now.since(&seen.latest).is_some() {
                seen.latest = now;
            }
        }
    }

    /// Takes counters as already counted, whatever they show.
    pub fn rebase(&mut self, positions: &Positions) {
        self.counters.extend(positions.iter().map(|(key, at)| (*key, Stand::from(*at))));
        memory::pack(&mut self.counters);
    }

    /// What a record sealed now would hold.
    pub fn open(&self) -> Open {
        let mut lines: BTreeMap<u32, Reading> = BTreeMap::new();
        let mut positions = Positions::new();
        for (key, Stand { sealed, latest: now }) in &self.counters {
            let moved = now.since(sealed).unwrap_or_default();
            if moved != Reading::default() {
                let line = lines.entry(key.handle).or_default();
                *line = line.plus(&moved);
                positions.insert(*key, *now);
            }
        }
        let lines = lines.into_iter().map(|(handle, moved)| usage(handle, &moved)).collect();
        Open { lines, positions }
    }

    /// Marks positions as sealed; only after they are on disk.
    pub fn seal(&mut self, positions: &Positions) {
        for (key, at) in positions {
            self.counters.entry(*key).or_insert((*at).into()).sealed = *at;
        }
    }

    /// Forgets lines whose last counters are sealed.
    pub fn forget(&mut self, handles: &BTreeSet<u32>) {
        self.counters.retain(|key, _| !handles.contains(&key.handle));
    }

    /// The line of every counter known.
    pub fn handles(&self) -> impl Iterator<Item = u32> {
        self.counters.keys().map(|key| key.handle)
    }
}

fn usage(handle: u32, moved: &Reading) -> LineUsage {
    LineUsage {
        handle,
        down_bytes: moved.down_bytes,
        up_bytes: moved.up_bytes,
        down_packets: moved.down_packets,
        up_packets: moved.up_packets,
        ..LineUsage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::southbound::Total;
    use uuid::Uuid;

    fn counter(generation: u128, base: u64, now: u64) -> Counter {
        let total = |bytes| Total { bytes, packets: bytes / 100 };
        Counter {
            handle: 7,
            generation: Uuid::from_u128(generation),
            base_down: total(base),
            base_up: total(0),
            down: total(now),
            up: total(0),
        }
    }

    fn down(meter: &Meter) -> u64 {
        meter.open().lines.iter().map(|line| line.down_bytes).sum()
    }

    #[test]
    fn a_counter_counts_from_its_base_and_on_from_what_was_sealed() {
        let mut meter = Meter::default();
        meter.observe(&[counter(1, 1000, 1500)]);
        assert_eq!(down(&meter), 500);
        let open = meter.open();
        meter.seal(&open.positions);
        assert_eq!(down(&meter), 0);
        meter.observe(&[counter(1, 1000, 1700)]);
        assert_eq!(down(&meter), 200);
    }

    #[test]
    fn two_generations_of_a_line_add_up() {
        let mut meter = Meter::default();
        meter.observe(&[counter(1, 0, 300)]);
        meter.observe(&[counter(2, 0, 50)]);
        let open = meter.open();
        assert_eq!(open.lines.len(), 1);
        assert_eq!(open.lines[0].down_bytes, 350);
        assert_eq!(open.positions.len(), 2);
    }

    #[test]
    fn a_counter_running_backwards_bills_nothing_for_that_step() {
        let mut meter = Meter::default();
        meter.observe(&[counter(1, 0, 300)]);
        let back = [counter(1, 0, 100)];
        let regressed = meter.regressed(&back);
        assert_eq!(regressed.len(), 1);
        meter.observe(&back);
        assert_eq!(down(&meter), 300);
        let open = meter.open();
        meter.seal(&open.positions);
        meter.rebase(&regressed);
        meter.observe(&[counter(1, 0, 140)]);
        assert_eq!(down(&meter), 40);
    }
}
