//! This second's rates for people who watch. Computed from sweeps, never billed.

use super::{Key, Positions, Reading, reading};
use crate::southbound::Counter;
use std::collections::BTreeMap;
use weir_protocol::live::{LineRate, Sample};

/// Rates while somebody is interested.
#[derive(Debug, Default)]
pub struct Live {
    until_ms: u64,
    interval_ms: u64,
    last_ms: u64,
    last: Option<Positions>,
}

impl Live {
    /// Starts, prolongs or (with `for_ms` 0) ends the interest.
    pub fn interest(&mut self, now_ms: u64, for_ms: u32, interval_ms: u32) {
        if now_ms >= self.until_ms {
            self.last = None;
        }
        self.until_ms = now_ms.saturating_add(u64::from(for_ms));
        self.interval_ms = u64::from(interval_ms.max(100));
    }

    /// Ends the interest.
    pub fn stop(&mut self) {
        *self = Self::default();
    }

    /// Takes a sweep at `mono_ms`; answers a sample if one is due.
    pub fn observe(&mut self, mono_ms: u64, wall_ms: u64, sweep: &[Counter]) -> Option<Sample> {
        // A sweep a little early still belongs to this interval: timers are not exact.
        let due = self.last_ms.saturating_add(self.interval_ms.saturating_sub(self.interval_ms / 10));
        if mono_ms >= self.until_ms || (self.last.is_some() && mono_ms < due) {
            return None;
        }
        let now: Positions = sweep.iter().map(reading).collect();
        let elapsed_ms = mono_ms.saturating_sub(std::mem::replace(&mut self.last_ms, mono_ms));
        let before = self.last.replace(now.clone())?;
        if elapsed_ms == 0 {
            return None;
        }
        Some(sample(&before, &now, elapsed_ms, wall_ms))
    }
}

fn sample(before: &Positions, now: &Positions, elapsed_ms: u64, wall_ms: u64) -> Sample {
    let mut moved: BTreeMap<u32, Reading> = BTreeMap::new();
    for (Key { handle, .. }, difference) in now
        .iter()
        .filter_map(|(key, now)| Some((key, now.since(before.get(key)?)?)))
        .filter(|(_, d)| *d != Reading::default())
    {
        let line = moved.entry(*handle).or_default();
        *line = line.plus(&difference);
    }
    let bps = |bytes: u64| bytes.saturating_mul(8_000) / elapsed_ms;
    let lines: Vec<LineRate> = moved
        .iter()
        .map(|(handle, moved)| LineRate {
            handle: *handle,
            down_bps: bps(moved.down_bytes),
            up_bps: bps(moved.up_bytes),
        })
        .collect();
    let down_bps = lines.iter().map(|line| line.down_bps).sum();
    let up_bps = lines.iter().map(|line| line.up_bps).sum();
    Sample { wall_ms, down_bps, up_bps, lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::southbound::Total;
    use uuid::Uuid;

    fn sweep(bytes: u64) -> [Counter; 1] {
        let total = Total { bytes, packets: 0 };
        let none = Total { bytes: 0, packets: 0 };
        [Counter { handle: 1, generation: Uuid::nil(), base_down: none, base_up: none, down: total, up: none }]
    }

    #[test]
    fn rates_are_told_only_while_somebody_watches() {
        let mut live = Live::default();
        assert_eq!(live.observe(1_000, 0, &sweep(0)), None);
        live.interest(1_000, 5_000, 1_000);
        assert_eq!(live.observe(1_000, 0, &sweep(0)), None, "the first sweep is the start");
        let sample = live.observe(2_000, 42, &sweep(1_000_000)).unwrap();
        assert_eq!((sample.down_bps, sample.lines.len(), sample.wall_ms), (8_000_000, 1, 42));
        assert_eq!(live.observe(2_100, 0, &sweep(1_000_000)), None, "not due");
        assert_eq!(live.observe(7_000, 0, &sweep(2_000_000)), None, "interest ran out");
    }
}
