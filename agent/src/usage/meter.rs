//! Differences of cumulative counters since they were last sealed. Pure: no clock, no disk.

use super::{Key, Positions, Reading, reading};
use crate::southbound::Counter;
use std::collections::{BTreeMap, BTreeSet};
use weir_protocol::usage::LineUsage;

/// What is sealed and what was seen since.
#[derive(Debug, Default)]
pub struct Meter {
    sealed: Positions,
    latest: Positions,
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
    pub fn new(sealed: Positions) -> Self {
        Self { latest: sealed.clone(), sealed }
    }

    /// Counters of a sweep that ran backwards against what was last seen.
    pub fn regressed(&self, sweep: &[Counter]) -> Positions {
        let backwards =
            |(key, now): &(Key, Reading)| self.latest.get(key).is_some_and(|seen| now.since(seen).is_none());
        sweep.iter().map(reading).filter(backwards).collect()
    }

    /// Takes a sweep in. A counter never seen counts from its generation's base; one that ran backwards is left
    /// out until [`Meter::rebase`].
    pub fn observe(&mut self, sweep: &[Counter]) {
        for counter in sweep {
            let (key, now) = reading(counter);
            let base = Reading::of(&counter.base_down, &counter.base_up);
            let seen = self.latest.entry(key).or_insert(base);
            if now.since(seen).is_some() {
                *seen = now;
                self.sealed.entry(key).or_insert(base);
            }
        }
    }

    /// Takes counters as already counted, whatever they show.
    pub fn rebase(&mut self, positions: &Positions) {
        self.sealed.extend(positions);
        self.latest.extend(positions);
    }

    /// What a record sealed now would hold.
    pub fn open(&self) -> Open {
        let mut lines: BTreeMap<u32, Reading> = BTreeMap::new();
        let mut positions = Positions::new();
        for (key, now) in &self.latest {
            let sealed = self.sealed.get(key).copied().unwrap_or_default();
            let moved = now.since(&sealed).unwrap_or_default();
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
        self.sealed.extend(positions);
    }

    /// Forgets lines whose last counters are sealed.
    pub fn forget(&mut self, handles: &BTreeSet<u32>) {
        self.sealed.retain(|key, _| !handles.contains(&key.handle));
        self.latest.retain(|key, _| !handles.contains(&key.handle));
    }

    /// What is sealed, of every counter known.
    pub fn sealed(&self) -> &Positions {
        &self.sealed
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
