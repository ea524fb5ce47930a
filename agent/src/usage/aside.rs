//! What goes with a record and is no money: IPv6 and drops, measured now and then between sweeps. Pure.
//!
//! Kept in memory alone: what was measured and not sealed when the agent dies is lost, and nothing is ever told twice.

use crate::southbound::{LineMeasured, Measured};
use std::collections::BTreeMap;
use weir_protocol::usage::{BothWays, LineUsage};

/// What was measured and is in no sealed record yet.
#[derive(Debug, Default)]
pub struct Aside {
    lines: BTreeMap<u32, LineMeasured>,
    /// Whether anything was measured since a record was sealed: what was not measured is not nothing.
    measured: bool,
    /// Whether IPv6 was.
    has_v6: bool,
}

impl Aside {
    /// Takes in what was measured since the last time.
    pub fn take(&mut self, measured: &Measured) {
        self.measured = true;
        self.has_v6 |= measured.has_v6;
        for (handle, new) in &measured.lines {
            let line = self.lines.entry(*handle).or_default();
            line.v6_bytes = plus(line.v6_bytes, new.v6_bytes);
            line.dropped_packets = plus(line.dropped_packets, new.dropped_packets);
        }
    }

    /// These lines with what was measured of them.
    pub fn beside(&self, lines: &[LineUsage]) -> Vec<LineUsage> {
        lines.iter().map(|line| if self.measured { self.complete(line) } else { *line }).collect()
    }

    /// These lines' part is sealed. A line that did not move keeps its part until it does.
    pub fn sealed(&mut self, lines: &[LineUsage]) {
        (self.measured, self.has_v6) = (false, false);
        for line in lines {
            self.lines.remove(&line.handle);
        }
    }

    fn complete(&self, line: &LineUsage) -> LineUsage {
        let LineMeasured { v6_bytes: v6, dropped_packets: dropped, .. } =
            self.lines.get(&line.handle).copied().unwrap_or_default();
        let v6_bytes = BothWays {
            down: delivered(v6.down, line.down_bytes, line.down_packets, dropped.down),
            up: delivered(v6.up, line.up_bytes, line.up_packets, dropped.up),
        };
        LineUsage { v6_bytes: self.has_v6.then_some(v6_bytes), dropped_packets: Some(dropped), ..*line }
    }
}

/// Of bytes that came to be shaped, those that left: IPv6 is dropped as often as the rest.
fn delivered(came: u64, bytes: u64, packets: u64, dropped: u64) -> u64 {
    let all = u128::from(packets) + u128::from(dropped);
    let left = u128::from(came) * u128::from(packets) / all.max(1);
    u64::try_from(left).unwrap_or(u64::MAX).min(bytes)
}

fn plus(one: BothWays, other: BothWays) -> BothWays {
    BothWays { down: one.down.saturating_add(other.down), up: one.up.saturating_add(other.up) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(handle: u32) -> LineUsage {
        LineUsage {
            handle,
            down_bytes: 100_000,
            down_packets: 90,
            up_bytes: 500,
            up_packets: 5,
            ..LineUsage::default()
        }
    }

    fn measured(handle: u32, down: u64, up: u64, dropped: u64) -> Measured {
        let line = LineMeasured {
            v6_bytes: BothWays { down, up },
            dropped_packets: BothWays { down: dropped, up: 0 },
            ..LineMeasured::default()
        };
        Measured { lines: BTreeMap::from([(handle, line)]), has_v6: true, ..Measured::default() }
    }

    #[test]
    fn what_was_not_measured_is_not_nothing() {
        let mut aside = Aside::default();
        assert_eq!(aside.beside(&[moved(1)]), [moved(1)]);
        aside.take(&Measured::default());
        let line = aside.beside(&[moved(1)])[0];
        assert_eq!((line.v6_bytes, line.dropped_packets), (None, Some(BothWays::default())), "no line has IPv6");
        aside.take(&measured(2, 1, 0, 0));
        assert_eq!(aside.beside(&[moved(1)])[0].v6_bytes, Some(BothWays::default()));
        aside.sealed(&[moved(1)]);
        assert_eq!(aside.beside(&[moved(1)]), [moved(1)]);
    }

    #[test]
    fn ipv6_is_what_was_delivered_of_it_and_never_more_than_the_line_moved() {
        let mut aside = Aside::default();
        aside.take(&measured(1, 40_000, 0, 6));
        aside.take(&measured(1, 10_000, 9_000, 4));
        let line = aside.beside(&[moved(1)])[0];
        assert_eq!(line.v6_bytes, Some(BothWays { down: 45_000, up: 500 }), "10 of 100 packets were dropped");
        assert_eq!(line.dropped_packets, Some(BothWays { down: 10, up: 0 }));
    }

    #[test]
    fn a_line_keeps_its_part_until_it_moves_and_tells_it_once() {
        let mut aside = Aside::default();
        aside.take(&measured(2, 0, 0, 7));
        aside.sealed(&[moved(1)]);
        aside.take(&Measured::default());
        assert_eq!(aside.beside(&[moved(2)])[0].dropped_packets.unwrap().down, 7);
        aside.sealed(&[moved(2)]);
        aside.take(&Measured::default());
        assert_eq!(aside.beside(&[moved(2)])[0].dropped_packets.unwrap().down, 0);
    }
}
