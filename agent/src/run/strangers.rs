//! Hosts behind the LAN port that no line has: which were seen lately and what they moved, told the cloud now and then.

use super::Agent;
use crate::clock::Clock;
use crate::southbound::{Measured, SeenHost, Southbound};
use std::collections::BTreeSet;
use std::net::IpAddr;
use weir_protocol::state::{UnknownHost, UnknownReport, up};

/// Since this revision the cloud knows what to do with it.
const SINCE_REV: u32 = 6;
/// Hosts of one report.
const HOSTS: usize = 200;

/// What was seen, and moved since the last report.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    /// With the wall time they were last noted at; the most recent first.
    hosts: Vec<(SeenHost, u64)>,
    from_bytes: u64,
    to_bytes: u64,
    /// Something was told that is no longer true, or may be.
    stale: bool,
}

impl Strangers {
    /// Takes in what was measured.
    pub(super) fn take(&mut self, measured: &Measured, now_ms: u64) {
        self.from_bytes = self.from_bytes.saturating_add(measured.unattributed.from_unknown.bytes);
        self.to_bytes = self.to_bytes.saturating_add(measured.unattributed.to_unknown.bytes);
        let seen = |host: &SeenHost| now_ms.saturating_sub(u64::try_from(host.silent.as_millis()).unwrap_or(u64::MAX));
        self.hosts = measured.unknown_hosts.iter().map(|host| (*host, seen(host))).collect();
        self.hosts.sort_by_key(|(host, seen_ms)| (u64::MAX - seen_ms, host.address));
        let mut listed = BTreeSet::new();
        self.hosts.retain(|(host, _)| listed.insert(host.address));
    }

    /// The next report; none if there is nothing, and was nothing the last time.
    fn report(&mut self) -> Option<UnknownReport> {
        let hosts: Vec<_> = self.hosts.iter().take(HOSTS).map(|(host, seen_ms)| told(host, *seen_ms)).collect();
        let stale = std::mem::replace(&mut self.stale, !hosts.is_empty());
        let (from_bytes, to_bytes) = (std::mem::take(&mut self.from_bytes), std::mem::take(&mut self.to_bytes));
        let some = stale || !hosts.is_empty() || from_bytes > 0 || to_bytes > 0;
        some.then_some(UnknownReport { more: self.hosts.len() > hosts.len(), hosts, from_bytes, to_bytes })
    }
}

fn told(host: &SeenHost, seen_ms: u64) -> UnknownHost {
    let address = match host.address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    UnknownHost { address, mac: host.mac.to_vec(), seen_ms }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Tells which hosts no line has. What cannot be told now is told with the next; a cloud of before is told nothing.
    pub(super) fn tell_strangers(&mut self) {
        let Some(session) = self.uplink.session() else { return };
        if session.sender.is_some()
            && session.rev >= SINCE_REV
            && let Some(report) = self.strangers.report()
        {
            session.state(up::Message::Unknown(report));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::southbound::{Total, Unattributed};
    use std::time::Duration;

    fn measured(silent: &[(u8, u64)], from: u64) -> Measured {
        let host = |(last, seconds): &(u8, u64)| SeenHost {
            address: [10, 0, 0, *last].into(),
            mac: [2; 6],
            silent: Duration::from_secs(*seconds),
        };
        let from_unknown = Total { bytes: from, packets: 1 };
        let unattributed = Unattributed { from_unknown, ..Unattributed::default() };
        Measured { unknown_hosts: silent.iter().map(host).collect(), unattributed, ..Measured::default() }
    }

    #[test]
    fn the_most_recent_come_first_and_what_moved_is_told_once() {
        let mut strangers = Strangers::default();
        assert_eq!(strangers.report(), None);
        strangers.take(&measured(&[(1, 50), (2, 7)], 300), 100_000);
        strangers.take(&measured(&[(1, 60), (2, 17)], 40), 110_000);
        let report = strangers.report().unwrap();
        let hosts: Vec<_> = report.hosts.iter().map(|host| (host.address[3], host.seen_ms)).collect();
        assert_eq!((hosts.as_slice(), report.from_bytes, report.more), (&[(2, 93_000), (1, 50_000)][..], 340, false));
        strangers.take(&measured(&[], 0), 120_000);
        assert_eq!(strangers.report(), Some(UnknownReport::default()), "that they are gone is told");
        assert_eq!(strangers.report(), None);
    }

    #[test]
    fn no_report_is_longer_than_it_may_be() {
        let mut strangers = Strangers::default();
        let hosts: Vec<_> = (0..=255).map(|n| (n, u64::from(n))).collect();
        strangers.take(&measured(&hosts, 0), 1_000_000);
        let report = strangers.report().unwrap();
        assert!(report.hosts.len() == HOSTS && report.more);
    }
}
