//! What is measured beside what is billed: drops, marks, IPv6, nobody's traffic, and whether classes and ports agree.
//!
//! All counts are cumulative and read now and then; what is told is what they grew by. The first reading after a start
//! is where they begin.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;
use weir_protocol::usage::BothWays;

use super::tc::{ClassState, Link, QueueCounts, Queues};
use super::tree::{Layout, MINOR_DEFAULT};
use super::{Counted, Linux, Side, rules};
use crate::southbound::audit::{self, Standing};
use crate::southbound::{Error, LineMeasured, Measured, SeenHost, Total, Unattributed};

/// IPv6 of a prefix: direction (true = toward the subscriber), address, length.
type V6Key = (bool, IpAddr, u8);

/// What was read last.
#[derive(Default)]
pub struct Readings {
    queues: Option<Queues>,
    /// Lines that had a class.
    owners: BTreeSet<u32>,
    v6: Option<BTreeMap<V6Key, u64>>,
    unattributed: Option<Unattributed>,
    ports: BTreeMap<i32, (Standing, Instant)>,
}

impl Linux {
    /// Measures; nothing while the ports are not known.
    pub(super) async fn measure_all(&mut self) -> Result<Option<Measured>, Error> {
        let Some(names) = self.ports.clone() else { return Ok(None) };
        let (Some(lan), Some(wan)) = (self.tc.link(&names.lan.name).await?, self.tc.link(&names.wan.name).await?)
        else {
            return Err(Error::Incomplete(names.to_string()));
        };
        let mut measured = Measured::default();
        let counted = self.counted(lan, wan)?;
        for (side, name) in [(&counted.lan, &names.lan.name), (&counted.wan, &names.wan.name)] {
            let now = self.standing(side, counted.layout).await?;
            let before = self.readings.ports.insert(side.0.index, (now, Instant::now()));
            let span = before.map(|(_, at)| at.elapsed()).unwrap_or_default();
            let span_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
            measured.audits.extend(before.and_then(|(before, _)| audit::compare(name, &before, &now, span_ms)));
        }
        measured.unattributed = self.unattributed(&counted)?;
        self.measure_queues(lan, wan, &mut measured)?;
        measured.unknown_hosts = self.strangers()?;
        self.measure_v6(&mut measured)?;
        Ok(Some(measured))
    }

    /// How a port stands.
    async fn standing(&mut self, (link, classes): &Side, layout: Layout) -> Result<Standing, Error> {
        // A node's class has no queue, and counts again what its lines count.
        let is_node = |class: u32, state: &ClassState| !state.leaf && class & 0xffff != u32::from(MINOR_DEFAULT);
        let last = || classes.iter().filter(|(class, state)| layout.is_last(*class) && !is_node(*class, state));
        let shaped = last()
            .fold(Total::default(), |sum, (_, state)| sum.plus(Total { bytes: state.bytes, packets: state.packets }));
        let (left, direct_packets) = self.tc.left(*link)?;
        let (sent, lost_packets) = self.tc.sent(*link).await?;
        Ok(Standing { shaped, left, direct_packets, classes: last().count(), sent, lost_packets })
    }

    fn unattributed(&mut self, counted: &Counted) -> Result<Unattributed, Error> {
        let others = |(link, classes): &Side| {
            let others = classes.iter().filter(|(class, _)| *class & 0xffff == u32::from(MINOR_DEFAULT));
            others.fold(Total::default(), |sum, (_, state)| sum.plus(state.total(*link)))
        };
        let rules = self.netfilter.rule_counts()?;
        let rule = |chain| rules.get(chain).copied().unwrap_or_default();
        let now = Unattributed {
            lan: others(&counted.lan),
            wan: others(&counted.wan),
            to_unknown: rule("to_line"),
            from_unknown: rule("from_line"),
        };
        let before = self.readings.unattributed.replace(now).unwrap_or(now);
        Ok(Unattributed {
            lan: now.lan.since(before.lan),
            wan: now.wan.since(before.wan),
            to_unknown: now.to_unknown.since(before.to_unknown),
            from_unknown: now.from_unknown.since(before.from_unknown),
        })
    }

    /// Hosts that were noted and are still no line's.
    fn strangers(&mut self) -> Result<Vec<SeenHost>, Error> {
        let mut noted = self.netfilter.strangers()?;
        if let (false, Some(table)) = (noted.is_empty(), &self.table) {
            let lengths = table.lengths();
            let own = |host: IpAddr| {
                table.wiring.iter().flat_map(|wiring| &wiring.own_networks).any(|network| network.contains(&host))
            };
            noted.retain(|host| !table.has(host.address, &lengths) && !own(host.address));
        }
        Ok(noted)
    }

    fn measure_queues(&mut self, lan: Link, wan: Link, measured: &mut Measured) -> Result<(), Error> {
        let now = self.tc.queues()?;
        let owners = self.classes.iter().map(|(handle, _)| handle).collect();
        let known = std::mem::replace(&mut self.readings.owners, owners);
        let Some(before) = self.readings.queues.replace(now.clone()) else { return Ok(()) };
        for (handle, class) in self.classes.iter() {
            let id = self.layout.line(class.minor);
            let grown = |link: Link| {
                let at = now.get(&(link.index, id)).copied().unwrap_or_default();
                // What a queue counted for whoever had it before is not the new line's.
                match before.get(&(link.index, id)) {
                    Some(_) if !known.contains(&handle) => QueueCounts::default(),
                    Some(before) => since(at, *before),
                    None => at,
                }
            };
            let (down, up) = (grown(lan), grown(wan));
            if down != QueueCounts::default() || up != QueueCounts::default() {
                let line = measured.lines.entry(handle).or_default();
                line.dropped_packets = BothWays { down: down.dropped.into(), up: up.dropped.into() };
                line.marked_packets = BothWays { down: down.marked.into(), up: up.marked.into() };
            }
        }
        Ok(())
    }

    fn measure_v6(&mut self, measured: &mut Measured) -> Result<(), Error> {
        let Some(table) = &self.table else { return Ok(()) };
        let lengths: Vec<u8> = table.lengths().into_iter().filter(|(v4, _)| !v4).map(|(_, bits)| bits).collect();
        measured.has_v6 = !lengths.is_empty();
        let mut now = BTreeMap::new();
        for bits in lengths {
            for (toward, field) in [(true, "daddr"), (false, "saddr")] {
                let counted = self.netfilter.counted(&rules::v6_counters(field, bits))?;
                now.extend(counted.into_iter().map(|(address, bytes)| ((toward, address, bits), bytes)));
            }
        }
        let Some(before) = self.readings.v6.replace(now) else { return Ok(()) };
        let now = self.readings.v6.iter().flatten();
        // One that counts less than before is another by now.
        let grown: BTreeMap<V6Key, u64> = now
            .map(|(key, bytes)| (*key, before.get(key).and_then(|before| bytes.checked_sub(*before)).unwrap_or(*bytes)))
            .filter(|(_, bytes)| *bytes > 0)
            .collect();
        if grown.is_empty() {
            return Ok(());
        }
        for line in self.held.iter().flat_map(BTreeMap::values) {
            for prefix in line.prefixes.iter().filter(|prefix| matches!(prefix, IpNet::V6(_))) {
                let moved = |toward| grown.get(&(toward, prefix.network(), prefix.prefix_len())).copied().unwrap_or(0);
                let (down, up) = (moved(true), moved(false));
                if down > 0 || up > 0 {
                    let LineMeasured { v6_bytes, .. } = measured.lines.entry(line.handle).or_default();
                    *v6_bytes = BothWays { down: v6_bytes.down + down, up: v6_bytes.up + up };
                }
            }
        }
        Ok(())
    }
}

/// What a queue counted since; all of it if it is another queue by now.
fn since(now: QueueCounts, before: QueueCounts) -> QueueCounts {
    let grown = |now: u32, before: u32| now.checked_sub(before).unwrap_or(now);
    QueueCounts { dropped: grown(now.dropped, before.dropped), marked: grown(now.marked, before.marked) }
}
