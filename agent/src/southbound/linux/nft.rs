//! Our nftables table: one map lookup classifies a packet; whoever is in no map is held, unknown, or nobody's.
//!
//! Owns `table inet weir` and nothing else. Pure: which commands turn one [`Table`] into another. Not pure: handing
//! them to `nft`, as one transaction, and reading back what the kernel holds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::rules;
use super::tc::MAJOR;
use crate::southbound::Error;

/// Name of the table.
pub const TABLE: &str = "weir";
/// Elements a transaction may hold: `nft` needs memory for each.
const ELEMENTS_A_COMMAND: usize = 2_000;

/// Where a prefix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the shaping maps, with its class's minor.
    Class(u16),
    /// In the walled garden.
    Garden,
    /// Nowhere: everything is dropped.
    Closed,
}

/// The wiring the rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// Port toward the subscribers.
    pub lan: String,
    /// Port toward the internet.
    pub wan: String,
    /// Masquerade IPv4 out of the WAN port.
    pub nat: bool,
    /// Port of the garden's page on this router.
    pub garden_port: u16,
    /// Reachable from the walled garden.
    pub reachable: Vec<IpNet>,
}

/// What the table holds, or should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The wiring.
    pub wiring: Wiring,
    /// Where each prefix stands.
    pub places: BTreeMap<IpNet, Place>,
}

impl Table {
    fn lengths(&self) -> BTreeSet<(bool, u8)> {
        self.places.keys().map(family_length).collect()
    }
}

/// Family (true = IPv4) and length of a prefix: each pair has its own hash tables.
pub fn family_length(prefix: &IpNet) -> (bool, u8) {
    (matches!(prefix, IpNet::V4(_)), prefix.prefix_len())
}

/// Commands that turn `from` (nothing, if there is no table) into `to`, as transactions to run in order.
pub fn commands(from: Option<&Table>, to: &Table) -> Vec<Vec<Value>> {
    let mut first = Vec::new();
    if from.is_none() {
        first.push(json!({ "add": { "table": { "family": "inet", "name": TABLE } } }));
    }
    let (had, has) = (from.map(Table::lengths).unwrap_or_default(), to.lengths());
    let all: BTreeSet<_> = had.union(&has).copied().collect();
    for length in all.difference(&had) {
        first.extend(rules::sets(*length));
    }
    // Lengths no longer used keep their empty sets: removing them would need the rules rewritten for nothing.
    let rewired = from.is_none_or(|from| from.wiring != to.wiring) || all != had;
    let mut later = Vec::new();
    for (prefix, place) in changes(from, to) {
        later.extend(place_commands(&prefix, place));
    }
    let mut transactions = Vec::new();
    let head = later.len().min(ELEMENTS_A_COMMAND);
    // The rules and the first elements go together, so that no packet sees one without the other.
    first.extend(later.drain(..head));
    if rewired {
        first.extend(rules::rules(&to.wiring, &all));
    }
    if !first.is_empty() {
        transactions.push(first);
    }
    transactions.extend(later.chunks(ELEMENTS_A_COMMAND).map(<[Value]>::to_vec));
    transactions
}

type Change = (Option<Place>, Option<Place>);

fn changes(from: Option<&Table>, to: &Table) -> BTreeMap<IpNet, Change> {
    let mut changes: BTreeMap<IpNet, Change> = BTreeMap::new();
    for (prefix, place) in from.iter().flat_map(|from| &from.places) {
        changes.entry(*prefix).or_default().0 = Some(*place);
    }
    for (prefix, place) in &to.places {
        changes.entry(*prefix).or_default().1 = Some(*place);
    }
    changes.retain(|_, (before, after)| before != after);
    changes
}

fn place_commands(prefix: &IpNet, (before, after): Change) -> Vec<Value> {
    let mut commands = Vec::new();
    for (verb, place) in [("delete", before), ("add", after)] {
        let Some(place) = place else { continue };
        let name = rules::set_name(rules::set_of(place), family_length(prefix));
        let element = match place {
            Place::Class(minor) => json!([prefix.network().to_string(), format!("{MAJOR:x}:{minor:x}")]),
            Place::Garden | Place::Closed => json!(prefix.network().to_string()),
        };
        commands.push(
            json!({ verb: { "element": { "family": "inet", "table": TABLE, "name": name, "elem": [element] } } }),
        );
    }
    commands
}

/// Runs one transaction: all of it or nothing.
pub fn run(commands: &[Value]) -> Result<(), Error> {
    let payload = json!({ "nftables": commands }).to_string();
    nftables::helper::apply_ruleset_raw(&payload, nftables::helper::DEFAULT_NFT, nftables::helper::DEFAULT_ARGS)
        .map(|_| ())
        .map_err(|error| Error::Nft(error.to_string()))
}

/// Removes the table. No table is no error.
pub fn remove() -> Result<(), Error> {
    run(&[
        json!({ "add": { "table": { "family": "inet", "name": TABLE } } }),
        json!({ "delete": { "table": { "family": "inet", "name": TABLE } } }),
    ])
}

/// Where each prefix stands according to the kernel; `None` if the table is not there.
pub fn places() -> Result<Option<BTreeMap<IpNet, Place>>, Error> {
    if !tables()?.contains(&("inet".to_owned(), TABLE.to_owned())) {
        return Ok(None);
    }
    let text = list(&["list", "table", "inet", TABLE])?;
    let document: Value = serde_json::from_str(&text).map_err(|error| Error::Nft(error.to_string()))?;
    let mut places = BTreeMap::new();
    for object in document["nftables"].as_array().into_iter().flatten() {
        let set = if object["map"].is_object() { &object["map"] } else { &object["set"] };
        let Some((kind, length)) = set["name"].as_str().and_then(rules::read_set_name) else { continue };
        for element in set["elem"].as_array().into_iter().flatten() {
            let (address, class) = match element {
                Value::Array(pair) => (pair.first().and_then(Value::as_str), pair.get(1).and_then(Value::as_str)),
                other => (other.as_str(), None),
            };
            let prefix = address
                .and_then(|text| text.parse::<IpAddr>().ok())
                .and_then(|address| IpNet::new(address, length).ok());
            let place = rules::place_of(kind, class);
            if let (Some(prefix), Some(place)) = (prefix, place) {
                places.insert(prefix, place);
            }
        }
    }
    Ok(Some(places))
}

/// Names of ports with a flowtable: their packets would pass neither our rules nor our counters.
pub fn flowtable_ports() -> Result<BTreeSet<String>, Error> {
    let document: Value =
        serde_json::from_str(&list(&["list", "flowtables"])?).map_err(|error| Error::Nft(error.to_string()))?;
    let tables = document["nftables"].as_array().into_iter().flatten();
    Ok(tables
        .filter_map(|object| object.get("flowtable"))
        .flat_map(|table| match &table["dev"] {
            Value::Array(ports) => ports.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Value::String(port) => vec![port.clone()],
            _ => Vec::new(),
        })
        .collect())
}

fn tables() -> Result<BTreeSet<(String, String)>, Error> {
    let document: Value =
        serde_json::from_str(&list(&["list", "tables"])?).map_err(|error| Error::Nft(error.to_string()))?;
    let objects = document["nftables"].as_array().into_iter().flatten();
    Ok(objects
        .filter_map(|object| object.get("table"))
        .filter_map(|table| Some((table["family"].as_str()?.to_owned(), table["name"].as_str()?.to_owned())))
        .collect())
}

/// Lists as JSON. `get_current_ruleset_raw` appends its own "list ruleset", which a large router cannot afford.
fn list(arguments: &[&str]) -> Result<String, Error> {
    let output = std::process::Command::new("nft").arg("--json").args(arguments).output()?;
    if !output.status.success() {
        return Err(Error::Nft(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| Error::Nft(error.to_string()))
}
