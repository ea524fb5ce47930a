//! What somebody else changed of ours, in words. Pure.

use super::Side;
use super::htb::Request;
use super::imprint::Imprint;
use super::nft::{Places, Seen, TABLE};
use super::ports::Port;
use super::tc::{Classes, Speed};
use super::tree::{Committed, Layout};

/// Of a port's classes; `lines` are handle, minor and speed as last set, `nodes` minor and speed.
pub fn of_port(
    port: &Port,
    layout: Layout,
    committed: &Committed,
    (link, held): &Side,
    nodes: impl Iterator<Item = (u16, Speed)>,
    lines: impl Iterator<Item = (u32, u16, Speed)>,
) -> Vec<String> {
    let name = &port.name;
    let mut found = Vec::new();
    if !holds(held, &layout.capacity(*link, port.capacity_bps, committed)) {
        found.push(format!("{name} had another capacity"));
    }
    found.extend(nodes.filter_map(|(minor, speed)| match held.get(layout.line(minor)) {
        None => Some(format!("a node had no class on {name}")),
        Some(state) if state.speed != speed => Some(format!("a node had another rate on {name}")),
        Some(_) => None,
    }));
    found.extend(lines.filter_map(|(handle, minor, speed)| match held.get(layout.line(minor)) {
        None => Some(format!("line {handle} had no class on {name}")),
        Some(state) if state.speed != speed => Some(format!("line {handle} had another rate on {name}")),
        Some(state) if !state.leaf => Some(format!("line {handle} had another queue on {name}")),
        Some(_) => None,
    }));
    found
}

/// Whether all classes asked for are there and as they are asked for.
pub fn holds(held: &Classes, requests: &[Request]) -> bool {
    requests
        .iter()
        .filter_map(|request| request.class())
        .all(|(id, speed)| held.get(id).is_some_and(|state| state.speed == speed))
}

/// Of the table, as it should be and as it is.
pub fn of_table(places: &Places, rules: Option<&Imprint>, seen: Option<&Seen>) -> Vec<String> {
    let Some(seen) = seen else { return vec![format!("the table inet {TABLE} was gone")] };
    let mut found = Vec::new();
    if rules.is_some_and(|rules| *rules != seen.rules) {
        found.push(format!("the rules of table inet {TABLE} were changed"));
    }
    found.extend(places.difference(&seen.places).map(|(prefix, _)| format!("{prefix} was not in its place")));
    found.extend(seen.places.difference(places).map(|(prefix, _)| format!("{prefix} was where it does not belong")));
    found
}
