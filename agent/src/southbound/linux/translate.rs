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

/// IPv4 prefixes the internet sees as something else from now on: what was begun before must not go on.
pub fn moved(before: &BTreeMap<Uuid, SoundLine>, after: &BTreeMap<Uuid, SoundLine>) -> Vec<Ipv4Net> {
    let seen = |line: Option<&SoundLine>| line.map(|line| (line.prefixes.clone(), line.public_ports));
    let differs = |id: &&Uuid| seen(before.get(id)) != seen(after.get(id));
    let ids: BTreeSet<&Uuid> = before.keys().chain(after.keys()).filter(differs).collect();
    let blocks_of = |lines: &BTreeMap<Uuid, SoundLine>| -> BTreeSet<(IpNet, Option<PortBlock>)> {
        let lines = ids.iter().filter_map(|id| lines.get(id));
        lines.flat_map(|line| line.prefixes.iter().map(|prefix| (*prefix, line.public_ports))).collect()
    };
    let (before, after) = (blocks_of(before), blocks_of(after));
    let changed = before.symmetric_difference(&after).filter_map(|(prefix, block)| match (prefix, block) {
        (IpNet::V4(prefix), Some(_)) => Some(*prefix),
        _ => None,
    });
    changed.collect::<BTreeSet<_>>().into_iter().collect()
}
