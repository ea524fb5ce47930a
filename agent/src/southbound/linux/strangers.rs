//! Hosts no line has, as the kernel notes them: who sent lately, and how long ago. Pure.
//!
//! A set of the table, filled by the rule that ends in it: address and Ethernet address, forgotten after an hour of
//! silence. Only some packets a second get to it, so it costs a network that lets everybody through next to nothing.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::netfilter::{NFTA_DATA_VALUE, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_LIST_ELEMENTS, address};
use super::netlink::attributes;
use super::rules;
use crate::southbound::SeenHost;

/// The sets, one a family: protocol and name.
pub const SEEN: [(&str, &str); 2] = [("ip", "seen4"), ("ip6", "seen6")];
/// Who was silent for so long is forgotten.
const KEPT: Duration = Duration::from_secs(3600);
/// Hosts noted at once.
const HOSTS: u32 = 1024;
/// Packets a second that are looked at, and at once.
const PACKETS_A_SECOND: u32 = 50;
const PACKETS_AT_ONCE: u32 = 200;
const MAC: usize = 6;

const NFTA_SET_ELEM_EXPIRATION: u16 = 5;

/// Notes who sends what comes to the end of a chain.
pub fn note(chain: &str, commands: &mut Vec<Value>) {
    for ((protocol, set), family) in SEEN.into_iter().zip(["ipv4", "ipv6"]) {
        let limit = json!({ "limit": { "rate": PACKETS_A_SECOND, "per": "second", "burst": PACKETS_AT_ONCE } });
        let host = json!({ "concat": [rules::payload(protocol, "saddr"), rules::payload("ether", "saddr")] });
        let key = json!({ "elem": { "val": host, "timeout": KEPT.as_secs() } });
        let note = json!({ "meter": { "name": set, "key": key, "size": HOSTS, "stmt": { "counter": null } } });
        let family = rules::equal(rules::meta("nfproto"), json!(family));
        rules::rule(commands, chain, &[family, limit, note]);
    }
}

/// The hosts a message of a dump lists.
pub fn read(told: &[u8]) -> Vec<SeenHost> {
    let elements = attributes(told).filter(|list| list.kind() == NFTA_SET_ELEM_LIST_ELEMENTS);
    elements
        .flat_map(|list| attributes(list.value()).filter_map(|element| host(element.value())).collect::<Vec<_>>())
        .collect()
}

fn host(element: &[u8]) -> Option<SeenHost> {
    let (mut key, mut left) = (None, KEPT);
    for part in attributes(element) {
        match part.kind() {
            NFTA_SET_ELEM_KEY => {
                let value = attributes(part.value()).find(|inner| inner.kind() == NFTA_DATA_VALUE)?;
                key = Some(value.value().to_vec());
            }
            NFTA_SET_ELEM_EXPIRATION => {
                left = Duration::from_millis(u64::from_be_bytes(part.value().try_into().ok()?));
            }
            _ => {}
        }
    }
    // The address, then the Ethernet address filled up to four bytes.
    let key = key?;
    let (host, mac) = key.split_at_checked(key.len().checked_sub(MAC.next_multiple_of(4))?)?;
    let host: IpAddr = address(host)?;
    Some(SeenHost { address: host, mac: mac.get(..MAC)?.try_into().ok()?, silent: KEPT.saturating_sub(left) })
}
