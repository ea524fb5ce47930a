//! What the internet sees of the lines' IPv4: a port block each, or the WAN port's address for all that have none. Pure.
//!
//! A line's block is one element of a map, so a change of it touches nobody else. Ports are chosen by the kernel within
//! the block: when it is full, a new connection gets nothing, and never another line's port. ICMP's identifiers are
//! ports in this sense; protocols without ports share the WAN port's address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use serde_json::{Value, json};
use uuid::Uuid;
use weir_protocol::desired::UnknownHosts;

use super::nft::{TABLE, Wiring};
use super::rules::{self, Length};
use crate::plan::blocks::PortBlock;
use crate::plan::check::SoundLine;

/// The chain that gives lines' packets their blocks. Written by [`port_blocks`] alone: while others are rewritten, no
/// packet misses it.
pub const PORT_BLOCKS: &str = "port_blocks";

/// Only what the lines send: the router's own packets and other networks behind it are not ours. A map can be asked
/// only for its value, so a line is known by setting the priority it has already.
pub fn source_nat(wiring: &Wiring, lengths: &BTreeSet<Length>, commands: &mut Vec<Value>) {
    let out = || rules::equal(rules::meta("oifname"), json!(wiring.wan));
    let mut rule = |expressions: &[Value]| rules::rule(commands, "source_nat", expressions);
    if wiring.has_port_blocks() {
        rule(&[out(), json!({ "jump": { "target": PORT_BLOCKS } })]);
    }
    let masquerade = || json!({ "masquerade": null });
    for length in lengths.iter().filter(|(v4, _)| *v4) {
        for member in [rules::classify("saddr", *length), rules::member("saddr", *length, 'g')] {
            rule(&[out(), member, masquerade()]);
        }
    }
    if wiring.unknown_hosts == UnknownHosts::Garden {
        let from_lan = rules::equal(rules::meta("iifname"), json!(wiring.lan));
        let strange = rules::differs(rules::payload("ip", "saddr"), json!("@own4"));
        rule(&[out(), from_lan, strange, masquerade()]);
    }
}

/// The maps of blocks and the rules that ask them, as text: the JSON of nft has no word for a range of ports in a map.
pub fn port_blocks(lengths: &BTreeSet<Length>) -> String {
    let mut text = format!("add chain inet {TABLE} {PORT_BLOCKS}\nflush chain inet {TABLE} {PORT_BLOCKS}\n");
    for length in lengths.iter().rev().filter(|(v4, _)| *v4) {
        let map = rules::set_name('p', *length);
        let mask =
            Ipv4Net::new(Ipv4Addr::UNSPECIFIED, length.1).map(|net| net.netmask()).unwrap_or(Ipv4Addr::BROADCAST);
        let key = if length.1 == 32 { "ip saddr".to_owned() } else { format!("ip saddr & {mask}") };
        text.push_str(&format!(
            "add map inet {TABLE} {map} {{ type ipv4_addr : interval ipv4_addr . inet_service; }}\n\
             add rule inet {TABLE} {PORT_BLOCKS} meta l4proto {{ icmp, tcp, udp }} snat ip to {key} map @{map}\n"
        ));
    }
    text
}

/// A block as the value of a map: address and first port, address and last port, each port filled up to four bytes.
pub fn written(block: PortBlock) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (at, port) in [(0, block.first), (8, block.last)] {
        bytes[at..at + 4].copy_from_slice(&block.address.octets());
        bytes[at + 4..at + 6].copy_from_slice(&port.to_be_bytes());
    }
    bytes
}

/// Reads one; a range over more than one address is none of ours.
pub fn read(bytes: &[u8]) -> Option<PortBlock> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    let (address, to) = (<[u8; 4]>::try_from(&bytes[..4]).ok()?, &bytes[8..12]);
    let port = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    (address == to).then(|| PortBlock { address: address.into(), first: port(4), last: port(12) })
}

/// Lines, and whether their blocks are in force.
pub type Seen<'a> = (&'a BTreeMap<Uuid, SoundLine>, bool);

/// IPv4 prefixes of lines that the internet sees as something else from now on: what they began before must not go on.
/// Neither nested nor twice, in their order. Who was no line before has begun nothing.
pub fn moved((before, translated): Seen<'_>, (after, translates): Seen<'_>) -> Vec<Ipv4Net> {
    let same = |line: &SoundLine, other: &SoundLine| {
        let blocks = (line.public_ports.filter(|_| translated), other.public_ports.filter(|_| translates));
        line.prefixes == other.prefixes && blocks.0 == blocks.1
    };
    let differing: Vec<(&Uuid, &SoundLine)> =
        before.iter().filter(|(id, line)| !after.get(id).is_some_and(|other| same(line, other))).collect();
    let now: BTreeMap<IpNet, Option<PortBlock>> = after
        .iter()
        .filter(|(id, line)| !before.get(id).is_some_and(|other| same(other, line)))
        .flat_map(|(_, line)| {
            line.prefixes.iter().map(move |prefix| (*prefix, line.public_ports.filter(|_| translates)))
        })
        .collect();
    let changed = differing.into_iter().flat_map(|(_, line)| {
        let block = line.public_ports.filter(|_| translated);
        let now = &now;
        line.prefixes.iter().filter_map(move |prefix| match (prefix, now.get(prefix)) {
            (IpNet::V4(prefix), Some(new)) if *new != block => Some(*prefix),
            (IpNet::V4(prefix), None) if block.is_some() => Some(*prefix),
            _ => None,
        })
    });
    let mut changed = Ipv4Net::aggregate(&changed.collect());
    changed.sort_unstable();
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(first: u16) -> Option<PortBlock> {
        Some(PortBlock { address: Ipv4Addr::new(203, 0, 113, 7), first, last: first + 99 })
    }

    fn lines(all: &[(u128, &str, Option<PortBlock>)]) -> BTreeMap<Uuid, SoundLine> {
        let line = |(id, prefix, public_ports): &(u128, &str, Option<PortBlock>)| {
            let prefixes = vec![prefix.parse().unwrap(), "2001:db8::/56".parse().unwrap()];
            let access = weir_protocol::desired::Access::Open;
            let line = SoundLine {
                handle: 1,
                prefixes,
                rate_down_bps: 1,
                rate_up_bps: 1,
                access,
                node: None,
                burst_down_bytes: 0,
                burst_up_bytes: 0,
                public_ports: *public_ports,
            };
            (Uuid::from_u128(*id), line)
        };
        all.iter().map(line).collect()
    }

    fn text(moved: &[Ipv4Net]) -> String {
        moved.iter().map(Ipv4Net::to_string).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_seen_otherwise_is_told_once_and_nothing_else() {
        let before =
            lines(&[(1, "10.0.0.8/29", block(1000)), (2, "10.0.1.1/32", block(2000)), (3, "10.0.2.1/32", None)]);
        assert_eq!(moved((&before, true), (&before, true)), []);
        // One that shrank, one that ended, one that got a block, and a newcomer.
        let after =
            lines(&[(1, "10.0.0.8/32", block(1000)), (3, "10.0.2.1/32", block(3000)), (4, "10.0.3.1/32", block(4000))]);
        assert_eq!(text(&moved((&before, true), (&after, true))), "10.0.0.8/29 10.0.1.1/32 10.0.2.1/32");
        // Two that swap addresses.
        let swapped =
            lines(&[(1, "10.0.1.1/32", block(1000)), (2, "10.0.0.8/29", block(2000)), (3, "10.0.2.1/32", None)]);
        assert_eq!(text(&moved((&before, true), (&swapped, true))), "10.0.0.8/29 10.0.1.1/32");
        // Switched off, and on again with other blocks.
        assert_eq!(text(&moved((&before, true), (&before, false))), "10.0.0.8/29 10.0.1.1/32");
        assert_eq!(text(&moved((&before, false), (&after, true))), "10.0.2.1/32");
        assert_eq!(text(&moved((&before, false), (&before, true))), "10.0.0.8/29 10.0.1.1/32");
    }
}
