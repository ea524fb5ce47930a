//! The table's sets and rules as nftables JSON. Pure.
//!
//! Classification happens in the forward hook: IPv4 forwarding overwrites a priority set earlier, and both directions
//! still show the subscriber's own address there whatever NAT does. A miss in a map ends that rule, so lines that pay
//! never pass the checks for those that do not.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::{Value, json};
use weir_protocol::desired::UnknownHosts;

use super::netlink::word;
use super::nft::{Place, TABLE, Wiring};
use super::strangers;
use super::translate::{self, PORT_BLOCKS};

/// Packets a second a held line may spend on asking for names and time, each way.
const ASKING_RATE: u32 = 10;
/// Packets it may spend at once.
const ASKING_BURST: u32 = 50;
/// Addresses the kernel keeps count of at once.
const ASKING_LINES: u32 = 65_536;
/// Packets a second all unknown hosts together may spend on each, and at once: addresses cost them nothing.
const STRANGERS_RATE: u32 = 200;
const STRANGERS_BURST: u32 = 400;
/// IPv6 is counted by the widest prefix subscribers are commonly given: within it addresses cost nothing either.
const ASKING_LENGTH_6: u8 = 56;
/// An address that asked nothing for so long makes room for others.
const ASKING_IDLE_SECONDS: u32 = 60;

/// What goes to groups of hosts: protocol, address, length.
const MULTICAST: [(&str, &str, u8); 2] = [("ip", "224.0.0.0", 4), ("ip6", "ff00::", 8)];
/// Prefixes of one length and direction whose IPv6 is counted at once; those of more are not.
const V6_PREFIXES: u32 = 65_536;
/// A prefix silent so long is counted anew: far longer than between two readings.
const V6_IDLE_SECONDS: u32 = 86_400;

/// Sets of the wiring: what is reachable from the garden, who answers names there, the ISP's own networks, and those the
/// lines' port blocks are of; one a family.
const FIXED_SETS: [&str; 4] = ["reach", "names", "own", "public"];
/// Sets of hosts the garden leads to, known by their names; one a family, with the prefix length of their elements.
pub const REACHED: [Length; 2] = [(true, 32), (false, 128)];
/// The chain of held lines' packets.
const WALLED: &str = "walled";
/// The chain of unknown hosts' packets while they are held: as lines', but their questions take no room from lines'.
const STRANGER: &str = "stranger";
/// The chain of what goes from one subscriber to another through the router.
const ACROSS: &str = "across";
/// The chain that takes packets out of connection tracking, before it begins.
const UNTRACKED: &str = "untracked";
/// The chains of what open lines send and of what is sent to them, before connection tracking begins.
const FROM_OPEN: &str = "from_open";
const TO_OPEN: &str = "to_open";

/// Family (true = IPv4) and prefix length.
pub type Length = (bool, u8);

/// The map or set of a place: `l` = line's class, `p` = port block, `g` = garden, `c` = closed, `r` = reached from it.
pub fn set_of(place: Place) -> char {
    match place {
        Place::Class(_) => 'l',
        Place::Translated(_) => 'p',
        Place::Garden => 'g',
        Place::Closed => 'c',
        Place::Reached => 'r',
    }
}

/// What an element of that place stands for, as the kernel has it: a class, with its major, or a port block.
pub fn data_of(place: Place) -> Option<Vec<u8>> {
    match place {
        Place::Class(class) => Some(class.to_ne_bytes().to_vec()),
        Place::Translated(block) => Some(translate::written(block).to_vec()),
        Place::Garden | Place::Closed | Place::Reached => None,
    }
}

/// The place an element of a set stands for.
pub fn place_of(set: char, data: &[u8]) -> Option<Place> {
    match set {
        'l' => word(data, 0).map(Place::Class),
        'p' => translate::read(data).map(Place::Translated),
        'g' => Some(Place::Garden),
        'c' => Some(Place::Closed),
        _ => None,
    }
}

/// `l4_32`, `g6_56`, ...
pub fn set_name(set: char, (v4, length): Length) -> String {
    format!("{set}{}_{length}", if v4 { 4 } else { 6 })
}

/// The set and prefix length of a name of ours.
pub fn read_set_name(name: &str) -> Option<(char, u8)> {
    let (head, length) = name.split_once('_')?;
    let mut letters = head.chars();
    let set = letters.next().filter(|set| "lpgc".contains(*set))?;
    matches!(letters.as_str(), "4" | "6").then_some((set, length.parse().ok()?))
}

/// Makes the map and sets of one prefix length.
pub fn sets(length: Length) -> Vec<Value> {
    let mut map = json!({ "family": "inet", "table": TABLE, "name": set_name('l', length) });
    map["type"] = json!(key_type(length));
    map["map"] = json!("classid");
    vec![json!({ "add": { "map": map } }), set('g', length), set('c', length)]
}

fn set(kind: char, length: Length) -> Value {
    let name = set_name(kind, length);
    json!({ "add": { "set": { "family": "inet", "table": TABLE, "name": name, "type": key_type(length) } } })
}

fn key_type((v4, _): Length) -> &'static str {
    if v4 { "ipv4_addr" } else { "ipv6_addr" }
}

/// What is reachable from the garden: the protocol and the set of each rule that says so.
fn reachable() -> [(&'static str, String); 4] {
    let [four, six] = REACHED.map(|length| set_name('r', length));
    [("ip", "reach4".into()), ("ip6", "reach6".into()), ("ip", four), ("ip6", six)]
}

/// (Re)writes all chains. Within one transaction no packet sees them half-written.
pub fn rules(wiring: &Wiring, lengths: &BTreeSet<Length>) -> Vec<Value> {
    let mut commands = Vec::new();
    for (name, hook) in chains() {
        if name == PORT_BLOCKS && wiring.has_port_blocks() {
            commands.push(json!({ "add": { "chain": { "family": "inet", "table": TABLE, "name": name } } }));
            continue;
        }
        let mut chain = json!({ "family": "inet", "table": TABLE, "name": name });
        if let Some((kind, hook, priority)) = hook {
            chain["type"] = json!(kind);
            chain["hook"] = json!(hook);
            chain["prio"] = json!(priority);
            chain["policy"] = json!("accept");
        }
        commands.push(json!({ "add": { "chain": chain } }));
        commands.push(json!({ "flush": { "chain": { "family": "inet", "table": TABLE, "name": name } } }));
        // Every packet passes a chain on a hook, if only to find it empty.
        let needless = name == UNTRACKED && !wiring.untracked || name == PORT_BLOCKS;
        if needless {
            commands.push(json!({ "delete": { "chain": { "family": "inet", "table": TABLE, "name": name } } }));
        }
    }
    for (stem, prefixes) in FIXED_SETS.iter().zip(wiring.fixed_sets()) {
        commands.extend(fixed_sets(stem, prefixes));
    }
    for length in REACHED {
        commands.push(set('r', length));
    }
    // Who sends to a neighbour is looked at behind the first question of all, where only what goes to lines meets it.
    rule(&mut commands, "to_line", &[equal(meta("iif"), json!(wiring.lan)), jump(ACROSS)]);
    for direction in [Direction { chain: "to_line", field: "daddr" }, Direction { chain: "from_line", field: "saddr" }]
    {
        direction.rules(lengths, wiring.unknown_hosts, &mut commands);
    }
    for chain in [WALLED, STRANGER] {
        garden(chain, wiring, &mut commands);
    }
    to_page(wiring, lengths, &mut commands);
    across(wiring, lengths, &mut commands);
    // By the port's number, which is quick, and by its name, for one that was made anew and is not noticed yet.
    for (came, leaves) in [("iif", "oif"), ("iifname", "oifname")] {
        let (from_lan, to_lan) = (equal(meta(came), json!(wiring.lan)), equal(meta(leaves), json!(wiring.lan)));
        if came == "iifname" {
            rule(&mut commands, "forward", &[to_lan.clone(), from_lan.clone(), jump(ACROSS)]);
        }
        rule(&mut commands, "forward", &[to_lan, goto("to_line")]);
        rule(&mut commands, "forward", &[from_lan, goto("from_line")]);
    }
    if wiring.has_port_blocks() {
        // What belongs to a connection has its line's own address by now; the rest would go to and fro for its time to live.
        rule(&mut commands, "forward", &[equal(payload("ip", "daddr"), json!("@public4")), json!({ "drop": null })]);
    }
    // Redirected visitors come from the lines; the page is for nobody else.
    let to_page = equal(payload("tcp", "dport"), json!(wiring.garden_port));
    let elsewhere = differs(meta("iifname"), json!({ "set": [wiring.lan, "lo"] }));
    rule(&mut commands, "input", &[elsewhere, to_page, json!({ "drop": null })]);
    if wiring.untracked {
        untracked(wiring, lengths, &mut commands);
    }
    if wiring.nat {
        translate::source_nat(wiring, lengths, &mut commands);
    }
    commands
}

/// Open lines' packets need no connection: what tracks them costs more than what shapes them.
fn untracked(wiring: &Wiring, lengths: &BTreeSet<Length>, commands: &mut Vec<Value>) {
    for (port, chain, field) in [(&wiring.lan, FROM_OPEN, "saddr"), (&wiring.wan, TO_OPEN, "daddr")] {
        rule(commands, UNTRACKED, &[equal(meta("iif"), json!(port)), goto(chain)]);
        for length in lengths.iter().rev() {
            rule(commands, chain, &[classify(field, *length), json!({ "notrack": null }), accept()]);
        }
    }
}

/// Who is held sends nothing to neighbours either; whoever may goes on to where it is sent.
fn across(wiring: &Wiring, lengths: &BTreeSet<Length>, commands: &mut Vec<Value>) {
    let go_on = || json!({ "return": null });
    let drop = || json!({ "drop": null });
    for length in lengths.iter().rev() {
        rule(commands, ACROSS, &[member("saddr", *length, 'g'), goto(WALLED)]);
        rule(commands, ACROSS, &[member("saddr", *length, 'c'), drop()]);
    }
    let verdict = match wiring.unknown_hosts {
        UnknownHosts::LetThrough => return,
        UnknownHosts::Garden => goto(STRANGER),
        UnknownHosts::Closed => drop(),
    };
    for length in lengths.iter().rev() {
        rule(commands, ACROSS, &[classify("saddr", *length), go_on()]);
    }
    for own in own_networks("saddr") {
        rule(commands, ACROSS, &[own, go_on()]);
    }
    rule(commands, ACROSS, &[verdict]);
}

/// Matches the ISP's own networks, of either family.
fn own_networks(field: &str) -> [Value; 2] {
    [("ip", "@own4"), ("ip6", "@own6")].map(|(protocol, set)| equal(payload(protocol, field), json!(set)))
}

type Hook = (&'static str, &'static str, i32);

fn chains() -> [(&'static str, Option<Hook>); 13] {
    [
        (WALLED, None),
        (STRANGER, None),
        (ACROSS, None),
        (FROM_OPEN, None),
        (TO_OPEN, None),
        ("to_line", None),
        ("from_line", None),
        ("forward", Some(("filter", "forward", 0))),
        ("input", Some(("filter", "input", 0))),
        (UNTRACKED, Some(("filter", "prerouting", -300))),
        ("garden_page", Some(("nat", "prerouting", -100))),
        ("source_nat", Some(("nat", "postrouting", 100))),
        // Behind the one that leads to it: it can go only once nothing does.
        (PORT_BLOCKS, None),
    ]
}

struct Direction {
    chain: &'static str,
    field: &'static str,
}

impl Direction {
    fn rules(&self, lengths: &BTreeSet<Length>, unknown: UnknownHosts, commands: &mut Vec<Value>) {
        // Longest first: a line inside another's prefix cannot be, but a reader should not have to know that.
        for length in lengths.iter().rev() {
            let mut expressions = vec![classify(self.field, *length)];
            if let (false, bits) = *length {
                expressions.push(count_v6(self.field, bits));
            }
            expressions.push(accept());
            rule(commands, self.chain, &expressions);
        }
        for length in lengths.iter().rev() {
            rule(commands, self.chain, &[member(self.field, *length, 'g'), goto(WALLED)]);
            rule(commands, self.chain, &[member(self.field, *length, 'c'), json!({ "drop": null })]);
        }
        for own in own_networks(self.field) {
            rule(commands, self.chain, &[own, accept()]);
        }
        // Television for everybody goes to nobody's address.
        for (protocol, address, length) in MULTICAST.iter().filter(|_| self.field == "daddr") {
            let group = json!({ "prefix": { "addr": address, "len": length } });
            rule(commands, self.chain, &[equal(payload(protocol, self.field), group), accept()]);
        }
        let verdict = match unknown {
            UnknownHosts::LetThrough => accept(),
            UnknownHosts::Garden => goto(STRANGER),
            UnknownHosts::Closed => json!({ "drop": null }),
        };
        if self.field == "saddr" {
            strangers::note(self.chain, commands);
        }
        rule(commands, self.chain, &[json!({ "counter": { "packets": 0, "bytes": 0 } }), verdict]);
    }
}

/// Names, time, what the ISP lets through; the rest is refused quickly, running connections too.
fn garden(chain: &'static str, wiring: &Wiring, commands: &mut Vec<Value>) {
    if wiring.resolvers.is_empty() {
        asking(chain, json!(["tcp", "udp"]), 53, commands);
    } else {
        let tcp_or_udp = equal(meta("l4proto"), json!({ "set": ["tcp", "udp"] }));
        for (protocol, set) in [("ip", "names4"), ("ip6", "names6")] {
            for (address, port, more) in [("daddr", "dport", None), ("saddr", "sport", Some(established()))] {
                let known = equal(payload(protocol, address), json!(format!("@{set}")));
                let mut expressions = vec![tcp_or_udp.clone(), equal(payload("th", port), json!(53)), known];
                expressions.extend(more);
                expressions.push(accept());
                rule(commands, chain, &expressions);
            }
        }
    }
    asking(chain, json!(["udp"]), 123, commands);
    for (protocol, set) in reachable() {
        for (port, field) in [("iifname", "daddr"), ("oifname", "saddr")] {
            let lan = equal(meta(port), json!(wiring.lan));
            rule(commands, chain, &[lan, equal(payload(protocol, field), json!(format!("@{set}"))), accept()]);
        }
    }
    rule(commands, chain, &[equal(meta("l4proto"), json!("tcp")), json!({ "reject": { "type": "tcp reset" } })]);
    rule(commands, chain, &[json!({ "reject": { "type": "icmpx", "expr": "admin-prohibited" } })]);
}

/// Leads the web of whoever is in the garden to its page.
fn to_page(wiring: &Wiring, lengths: &BTreeSet<Length>, commands: &mut Vec<Value>) {
    let from_lan = || equal(meta("iifname"), json!(wiring.lan));
    let http = || equal(payload("tcp", "dport"), json!(80));
    let redirect = || json!({ "redirect": { "port": wiring.garden_port } });
    let mut to_page = |expressions: &[Value]| rule(commands, "garden_page", expressions);
    for (protocol, set) in reachable() {
        to_page(&[from_lan(), equal(payload(protocol, "daddr"), json!(format!("@{set}"))), accept()]);
    }
    for length in lengths {
        to_page(&[from_lan(), member("saddr", *length, 'g'), http(), redirect()]);
    }
    if wiring.unknown_hosts == UnknownHosts::Garden {
        for length in lengths {
            to_page(&[from_lan(), http(), classify("saddr", *length), accept()]);
            to_page(&[from_lan(), member("saddr", *length, 'c'), accept()]);
        }
        for own in own_networks("saddr") {
            to_page(&[from_lan(), own, accept()]);
        }
        // What the router itself serves is no web that anybody is kept from.
        let fib = json!({ "fib": { "result": "type", "flags": ["daddr"] } });
        to_page(&[from_lan(), http(), differs(fib, json!("local")), redirect()]);
    }
}

/// A port open to any host, as slowly as people ask: enough for names and time, too little to carry anything else.
fn asking(chain: &'static str, protocols: Value, port: u16, commands: &mut Vec<Value>) {
    let protocols = equal(meta("l4proto"), json!({ "set": protocols }));
    if chain == STRANGER {
        for side in ["dport", "sport"] {
            let limit =
                json!({ "limit": { "rate": STRANGERS_RATE, "per": "second", "burst": STRANGERS_BURST, "inv": true } });
            let asks = [protocols.clone(), equal(payload("th", side), json!(port)), limit, json!({ "drop": null })];
            rule(commands, chain, &asks);
        }
    }
    for (protocol, length) in [("ip", (true, 32)), ("ip6", (false, ASKING_LENGTH_6))] {
        for (address, side, more) in [("saddr", "dport", None), ("daddr", "sport", Some(established()))] {
            let limit = json!({ "limit": { "rate": ASKING_RATE, "per": "second", "burst": ASKING_BURST } });
            let name = format!("{chain}_{protocol}_{side}_{port}");
            let key = json!({ "elem": { "val": masked(address, length), "timeout": ASKING_IDLE_SECONDS } });
            let each = json!({ "name": name, "key": key, "size": ASKING_LINES, "stmt": limit });
            let mut expressions = vec![protocols.clone(), equal(payload("th", side), json!(port))];
            expressions.extend(more);
            expressions.extend([json!({ "meter": each }), accept()]);
            rule(commands, chain, &expressions);
        }
    }
}

/// Whether a set holds what the wiring says.
pub fn is_fixed_set(name: &str) -> bool {
    FIXED_SETS.iter().any(|stem| name.strip_prefix(stem).is_some_and(|family| matches!(family, "4" | "6")))
}

fn fixed_sets(stem: &str, prefixes: &[IpNet]) -> Vec<Value> {
    let mut commands = Vec::new();
    for (family, address, v4) in [(4, "ipv4_addr", true), (6, "ipv6_addr", false)] {
        let name = format!("{stem}{family}");
        let named = json!({ "family": "inet", "table": TABLE, "name": name });
        let mut set = named.clone();
        set["type"] = json!(address);
        set["flags"] = json!(["interval"]);
        commands.push(json!({ "add": { "set": set } }));
        commands.push(json!({ "flush": { "set": named } }));
        let own = prefixes.iter().filter(|prefix| matches!(prefix, IpNet::V4(_)) == v4).copied().collect();
        // An interval set takes no overlaps: a prefix inside another is already there.
        let elements: Vec<_> = IpNet::aggregate(&own)
            .iter()
            .map(|prefix| json!({ "prefix": { "addr": prefix.network().to_string(), "len": prefix.prefix_len() } }))
            .collect();
        if !elements.is_empty() {
            commands.push(
                json!({ "add": { "element": { "family": "inet", "table": TABLE, "name": name, "elem": elements } } }),
            );
        }
    }
    commands
}

pub(super) fn rule(commands: &mut Vec<Value>, chain: &str, expressions: &[Value]) {
    commands
        .push(json!({ "add": { "rule": { "family": "inet", "table": TABLE, "chain": chain, "expr": expressions } } }));
}

pub(super) fn meta(key: &str) -> Value {
    json!({ "meta": { "key": key } })
}

pub(super) fn payload(protocol: &str, field: &str) -> Value {
    json!({ "payload": { "protocol": protocol, "field": field } })
}

pub(super) fn equal(left: Value, right: Value) -> Value {
    json!({ "match": { "op": "==", "left": left, "right": right } })
}

pub(super) fn differs(left: Value, right: Value) -> Value {
    json!({ "match": { "op": "!=", "left": left, "right": right } })
}

fn established() -> Value {
    json!({ "match": { "op": "in", "left": { "ct": { "key": "state" } }, "right": "established" } })
}

/// The set that counts IPv6 toward (`daddr`) or from (`saddr`) the prefixes of a length, an element a prefix that moves.
pub fn v6_counters(field: &str, bits: u8) -> String {
    format!("v6_{field}_{bits}")
}

/// Counts a packet of IPv6 for its line's prefix. Behind the map: packets of IPv4, and of no line, never get here. Not
/// in the map's elements, which both directions look up alike.
fn count_v6(field: &str, bits: u8) -> Value {
    let key = json!({ "elem": { "val": masked(field, (false, bits)), "timeout": V6_IDLE_SECONDS } });
    json!({ "meter": { "name": v6_counters(field, bits), "key": key, "size": V6_PREFIXES, "stmt": { "counter": null } } })
}

/// Gives a packet the class of its line; a packet of no line leaves the rule here.
pub(super) fn classify(field: &str, length: Length) -> Value {
    let map = json!({ "map": { "key": masked(field, length), "data": format!("@{}", set_name('l', length)) } });
    json!({ "mangle": { "key": meta("priority"), "value": map } })
}

pub(super) fn member(field: &str, length: Length, set: char) -> Value {
    equal(masked(field, length), json!(format!("@{}", set_name(set, length))))
}

fn goto(chain: &str) -> Value {
    json!({ "goto": { "target": chain } })
}

fn jump(chain: &str) -> Value {
    json!({ "jump": { "target": chain } })
}

fn accept() -> Value {
    json!({ "accept": null })
}

/// An address field cut to a prefix length: hash tables need whole keys.
fn masked(field: &str, (v4, length): Length) -> Value {
    let (protocol, whole) = if v4 { ("ip", 32) } else { ("ip6", 128) };
    let address = payload(protocol, field);
    if length == whole {
        return address;
    }
    let mask = if v4 {
        Ipv4Net::new(Ipv4Addr::UNSPECIFIED, length).map(|net| net.netmask().to_string())
    } else {
        Ipv6Net::new(Ipv6Addr::UNSPECIFIED, length).map(|net| net.netmask().to_string())
    };
    json!({ "&": [address, mask.unwrap_or_default()] })
}
