//! How well lines are served: gathered from sweeps, measurements and echoes, and told the cloud every few minutes.
//!
//! Lossy by design: what cannot be told now is not told later.

use super::Agent;
use super::talk::Uplink;
use crate::clock::Clock;
use crate::echo::{Patrol, Seen, Tries};
use crate::southbound::{LineMeasured, Measured, Sampled, Southbound, WaySampled};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use weir_protocol::control::up;
use weir_protocol::quality::{Echoes, LineQuality, Report, Role, Way};
use weir_protocol::usage::BothWays;

/// Since this revision the cloud knows what to do with reports and what probes come to.
pub(super) const SINCE_REV: u32 = 5;
/// Lines of one report: a frame that waits long for its turn would keep others waiting.
const LINES_A_REPORT: usize = 2_000;

/// What a line's queues did to packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Queues {
    /// Packets dropped.
    pub dropped: BothWays,
    /// Packets marked instead.
    pub marked: BothWays,
}

impl Queues {
    fn of(line: &LineMeasured) -> Self {
        Self { dropped: line.dropped_packets, marked: line.marked_packets }
    }

    fn add(&mut self, new: Self) {
        for (sum, new) in [(&mut self.dropped, new.dropped), (&mut self.marked, new.marked)] {
            sum.down = sum.down.saturating_add(new.down);
            sum.up = sum.up.saturating_add(new.up);
        }
    }

    /// Puts it beside what sweeps saw of a line.
    pub fn tell(&self, down: &mut Way, up: &mut Way) {
        (down.dropped_packets, up.dropped_packets) = (self.dropped.down, self.dropped.up);
        (down.marked_packets, up.marked_packets) = (self.marked.down, self.marked.up);
    }
}

/// What was gathered since the last report.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    since_ms: u64,
    /// Only of lines whose queues dropped or marked something.
    queues: BTreeMap<u32, Queues>,
    patrol: Option<Arc<Patrol>>,
}

impl Gathered {
    /// Takes in what was measured.
    pub(super) fn take(&mut self, measured: &Measured) {
        let queues = measured.lines.iter().map(|(handle, line)| (*handle, Queues::of(line)));
        for (handle, new) in queues.filter(|(_, queues)| *queues != Queues::default()) {
            self.queues.entry(handle).or_default().add(new);
        }
    }

    /// What a line's queues did since the last report.
    pub(super) fn queues(&self, handle: u32) -> Queues {
        self.queues.get(&handle).copied().unwrap_or_default()
    }

    /// Who goes round the lines.
    pub(super) fn set_patrol(&mut self, patrol: Arc<Patrol>) {
        self.patrol = Some(patrol);
    }

    /// The reports of the time until now, and a fresh beginning.
    fn reports(&mut self, sampled: &Sampled, now_ms: u64) -> Vec<Report> {
        let start_ms = std::mem::replace(&mut self.since_ms, now_ms);
        let queues = std::mem::take(&mut self.queues);
        let Seen { lines: asked, uplinks } = self.patrol.as_ref().map(|patrol| patrol.take()).unwrap_or_default();
        if start_ms == 0 || start_ms >= now_ms {
            return Vec::new();
        }
        let lines = lines(sampled, queues, asked);
        let report = |lines: &[LineQuality]| {
            let mut report = Report { start_ms, end_ms: now_ms, ..Report::default() };
            report.set_lines(lines);
            report
        };
        let mut reports: Vec<Report> = lines.chunks(LINES_A_REPORT).map(report).collect();
        if !uplinks.is_empty() {
            // What is the router's own is in one of them.
            if reports.is_empty() {
                reports.push(report(&[]));
            }
            reports[0].uplinks = uplinks.iter().map(|((role, host), tries)| echoes(*role, *host, tries)).collect();
        }
        reports
    }
}

/// All lines there is something to say of, ascending.
fn lines(
    sampled: &Sampled,
    queues: BTreeMap<u32, Queues>,
    mut asked: Vec<(u32, Option<std::time::Duration>)>,
) -> Vec<LineQuality> {
    asked.sort_by_key(|(handle, _)| *handle);
    let mut handles: Vec<u32> = sampled.lines.iter().map(|(handle, _)| *handle).collect();
    handles.extend(queues.keys());
    handles.extend(asked.iter().map(|(handle, _)| handle));
    handles.sort_unstable();
    handles.dedup();
    let mut lines: Vec<LineQuality> =
        handles.into_iter().map(|handle| LineQuality { handle, ..LineQuality::default() }).collect();
    let place = |lines: &[LineQuality], handle: u32| lines.partition_point(|line| line.handle < handle);
    for (handle, sample) in &sampled.lines {
        let at = place(&lines, *handle);
        lines[at].down = way(&sample.down, sampled);
        lines[at].up = way(&sample.up, sampled);
    }
    for (handle, queues) in queues {
        let at = place(&lines, handle);
        let LineQuality { down, up, .. } = &mut lines[at];
        queues.tell(down, up);
    }
    for of_line in asked.chunk_by(|one, other| one.0 == other.0) {
        let mut tries = Tries::default();
        of_line.iter().for_each(|(_, answer)| tries.take(*answer));
        let at = place(&lines, of_line[0].0);
        lines[at].asked = tries.asked;
        lines[at].answered = tries.answered();
        lines[at].rtt_p50_us = tries.within_us(50);
        lines[at].rtt_p95_us = tries.within_us(95);
    }
    lines
}

/// One direction of a line over sweeps, as it is told.
pub(super) fn way(way: &WaySampled, sampled: &Sampled) -> Way {
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let sweeps = sampled.sweeps.max(1);
    Way {
        delay_us: way.delay_us / sweeps,
        delay_max_us: way.delay_max_us,
        full_permille: narrow(u64::from(way.full) * 1000 / u64::from(sweeps)),
        used_permille: narrow(u64::from(way.used_ms) * 1000 / sampled.span_ms.max(1)),
        ..Way::default()
    }
}

/// What asking a host came to, as it is told.
pub(super) fn echoes(role: Role, host: IpAddr, tries: &Tries) -> Echoes {
    let address = match host {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    Echoes {
        role: role.into(),
        address,
        asked: tries.asked,
        answered: tries.answered(),
        rtt_p50_us: tries.within_us(50),
        rtt_p95_us: tries.within_us(95),
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Tells how lines were served since the last time.
    pub(super) fn tell_quality(&mut self) {
        let sampled = self.southbound.sampled();
        let reports = self.gathered.reports(&sampled, self.clock.now().wall_ms);
        if let Uplink::Open(session) = &self.uplink
            && session.rev >= SINCE_REV
        {
            reports.into_iter().for_each(|report| session.say_lossily(up::Message::Quality(Box::new(report))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::southbound::LineSampled;

    #[test]
    fn a_report_is_of_all_that_was_gathered_once() {
        let mut gathered = Gathered::default();
        assert!(gathered.reports(&Sampled::default(), 1_000).is_empty(), "nothing to begin from");
        let lines = (1..=2_001).map(|handle| {
            let down = WaySampled { delay_us: 30_000, delay_max_us: 20_000, full: 1, used_ms: 1_500 };
            (handle, LineSampled { down, up: WaySampled::default() })
        });
        let sampled = Sampled { sweeps: 3, span_ms: 3_000, lines: lines.collect() };
        let both = |down| BothWays { down, up: 0 };
        let measured = LineMeasured { dropped_packets: both(4), marked_packets: both(6), ..Default::default() };
        let silent = LineMeasured::default();
        gathered.take(&Measured { lines: BTreeMap::from([(1, measured), (2, silent)]), ..Measured::default() });
        assert_eq!(gathered.queues.len(), 1, "nothing is kept of a line there is nothing to tell of");
        let reports = gathered.reports(&sampled, 4_000);
        assert_eq!(reports.len(), 2);
        let first = reports[0].lines().unwrap()[0];
        let way = Way {
            delay_us: 10_000,
            delay_max_us: 20_000,
            full_permille: 333,
            used_permille: 500,
            dropped_packets: 4,
            marked_packets: 6,
        };
        assert_eq!((first.handle, first.down, first.up), (1, way, Way::default()));
        assert_eq!(reports[1].lines().unwrap().len(), 1);
        assert!(gathered.reports(&Sampled::default(), 5_000).is_empty(), "there is nothing to tell");
    }

    #[test]
    fn echoes_of_a_line_are_folded_wherever_they_came() {
        let ms = |ms| Some(std::time::Duration::from_millis(ms));
        let lines = lines(&Sampled::default(), BTreeMap::new(), vec![(9, ms(3)), (2, None), (9, ms(1)), (9, None)]);
        let told: Vec<_> = lines.iter().map(|line| (line.handle, line.asked, line.answered, line.rtt_p50_us)).collect();
        assert_eq!(told, [(2, 1, 0, 0), (9, 3, 2, 1_000)]);
    }
}
