//! How full lines and their queues are, seen at each sweep. Pure.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Counted;
use super::classes::Classes;
use super::tc::{ClassState, Link};
use crate::southbound::{LineSampled, Sampled, Total, WaySampled};

/// What was read of each line, under which generation; in the order of their handles.
type Read = [(u32, Uuid, Total, Total)];

/// From this share of its rate on, percent, a line is at its rate: counters and clocks are read one after the other.
const FULL_PERCENT: u64 = 95;
/// Sweeps nearer to each other than this say little of a rate.
const SPAN_MIN: Duration = Duration::from_millis(200);

/// What sweeps saw since it was last asked for.
#[derive(Default)]
pub struct Samples {
    at: Option<Instant>,
    sampled: Sampled,
    /// Lines looked at by themselves.
    watched: BTreeMap<u32, Sampled>,
}

impl Samples {
    /// Takes a sweep in; `before` is what the one before read.
    pub fn observe(&mut self, counted: &Counted, classes: &Classes, before: &Read, now: Instant) {
        let span = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.at = Some(now);
        if span < SPAN_MIN {
            return;
        }
        let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        for sampled in self.watched.values_mut().chain([&mut self.sampled]) {
            sampled.sweeps = sampled.sweeps.saturating_add(1);
            sampled.span_ms = sampled.span_ms.saturating_add(span_ms);
        }
        let known = self.sampled.lines.len();
        for (handle, class) in classes.iter() {
            let id = counted.layout.line(class.minor);
            let (Some(down), Some(up)) = (counted.lan.1.get(id), counted.wan.1.get(id)) else { continue };
            let Ok(at) = before.binary_search_by_key(&handle, |(handle, ..)| *handle) else { continue };
            let (_, generation, before_down, before_up) = before[at];
            if generation != class.generation {
                continue;
            }
            let down = way(down, counted.lan.0, before_down, span_ms);
            let up = way(up, counted.wan.0, before_up, span_ms);
            if (down, up) == Default::default() {
                continue;
            }
            add(&mut self.sampled.lines, known, handle, LineSampled { down, up });
            if let Some(own) = self.watched.get_mut(&handle) {
                let known = own.lines.len();
                add(&mut own.lines, known, handle, LineSampled { down, up });
            }
        }
        self.sampled.lines.sort_unstable_by_key(|(handle, _)| *handle);
    }

    /// Looks at one line by itself from now on.
    pub fn watch(&mut self, handle: u32) {
        self.watched.entry(handle).or_default();
    }

    /// What was seen of it.
    pub fn watched(&mut self, handle: u32) -> Sampled {
        self.watched.remove(&handle).unwrap_or_default()
    }

    /// What was seen since the last time.
    pub fn take(&mut self) -> Sampled {
        std::mem::take(&mut self.sampled)
    }
}

/// Adds what a sweep saw of a line; the first `known` are in the order of their handles, those after them are new.
fn add(lines: &mut Vec<(u32, LineSampled)>, known: usize, handle: u32, new: LineSampled) {
    match lines[..known].binary_search_by_key(&handle, |(handle, _)| *handle) {
        Ok(at) => {
            lines[at].1.down.add(&new.down);
            lines[at].1.up.add(&new.up);
        }
        Err(_) => lines.push((handle, new)),
    }
}

/// One direction of a line at one sweep.
fn way(class: &ClassState, link: Link, before: Total, span_ms: u64) -> WaySampled {
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let now = class.total(link);
    let moved = now.bytes.saturating_sub(before.bytes);
    let rate = class.speed.ceiling.max(1);
    let delay_us = narrow(u64::from(class.waiting_bytes).saturating_mul(1_000_000) / rate);
    // With link headers, as the rate is.
    let packets = now.packets.saturating_sub(before.packets);
    let sent = moved.saturating_add(packets.saturating_mul(link.header));
    let used_ms = (sent.saturating_mul(1000) / rate).min(span_ms);
    WaySampled {
        delay_us,
        delay_max_us: delay_us,
        full: u32::from(used_ms * 100 >= span_ms * FULL_PERCENT),
        used_ms: narrow(used_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tc::Speed;
    use super::*;

    fn class(bytes: u64, waiting_bytes: u32) -> ClassState {
        let speed = Speed::of_line(1_000_000, 0);
        ClassState { speed, bytes, packets: bytes / 1_514, waiting_bytes, ..ClassState::default() }
    }

    #[test]
    fn a_full_line_waits_and_an_idle_one_says_nothing() {
        let link = Link { index: 1, header: 14 };
        let before = class(1_514_000, 0).total(link);
        let full = way(&class(1_514_000 + 990_000, 50_000), link, before, 1_000);
        assert_eq!((full.delay_us, full.full, full.used_ms), (50_000, 1, 990));
        let half = way(&class(1_514_000 + 500_000, 0), link, before, 1_000);
        assert_eq!((half.delay_us, half.full, half.used_ms), (0, 0, 500));
        assert_eq!(way(&class(1_514_000, 0), link, before, 1_000), WaySampled::default());
    }
}
