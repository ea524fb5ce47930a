//! Our nftables table: one map lookup classifies a packet; whoever is in no map is held, unknown, or nobody's. Another map
//! says what the internet sees of it.
//!
//! Owns `table inet weir` and nothing else. Pure: which steps turn one [`Table`] into another. Not pure: handing rules to
//! the program `nft`, elements to [`Netfilter`], and reading back what the kernel holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::net::IpAddr;
use std::process::Stdio;

use ipnet::IpNet;
use serde_json::{Value, json};
use weir_protocol::desired::UnknownHosts;

use super::imprint::Imprint;
use super::netfilter::{Change, Netfilter};
use super::rules;
use super::translate;
use crate::plan::blocks::PortBlock;
use crate::plan::check::family_length;
use crate::southbound::Error;

/// Name of the table.
pub const TABLE: &str = "weir";
/// Elements a transaction may hold: well within what can be sent at once.
pub const ELEMENTS_A_STEP: usize = 2_000;

/// Where a prefix stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the shaping maps, with its class.
    Class(u32),
    /// In the map of port blocks, with its own; beside any other place.
    Translated(PortBlock),
    /// In the walled garden.
    Garden,
    /// Nowhere: everything is dropped.
    Closed,
    /// No line's: a host of the internet that the garden leads to, known by its name.
    Reached,
}

impl Place {
    /// Whether who stands there is kept from the internet.
    pub fn holds_back(self) -> bool {
        matches!(self, Self::Garden | Self::Closed)
    }
}

/// The wiring the rules depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// Port toward the subscribers.
    pub lan: String,
    /// Port toward the internet.
    pub wan: String,
    /// The numbers both have now: rules know them by these first, so ports made anew need the rules anew.
    pub numbers: (i32, i32),
    /// Masquerade the lines' IPv4 out of the WAN port.
    pub nat: bool,
    /// Port of the garden's page on this router.
    pub garden_port: u16,
    /// Reachable from the walled garden.
    pub reachable: Vec<IpNet>,
    /// Who answers names for the walled garden; none = anybody, slowly.
    pub resolvers: Vec<IpNet>,
    /// What becomes of hosts behind the LAN port that are no line's.
    pub unknown_hosts: UnknownHosts,
    /// Never held as unknown hosts.
    pub own_networks: Vec<IpNet>,
    /// Leave connections of open lines untracked.
    pub untracked: bool,
    /// What the lines' port blocks are of; none = lines have none.
    pub public_networks: Vec<IpNet>,
}

impl Wiring {
    /// Whether lines are translated to port blocks of theirs.
    pub fn has_port_blocks(&self) -> bool {
        self.nat && !self.public_networks.is_empty()
    }

    /// What is in the sets of the wiring, in the order of their names.
    pub fn fixed_sets(&self) -> [&Vec<IpNet>; 4] {
        [&self.reachable, &self.resolvers, &self.own_networks, &self.public_networks]
    }
}

/// Which prefix stands where. In a sound table each stands in one place, and may be translated besides.
pub type Places = BTreeSet<(IpNet, Place)>;

/// What the table holds, or should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The wiring the rules were written for; unknown if somebody else may have written them.
    pub wiring: Option<Wiring>,
    /// Where each prefix stands.
    pub places: Places,
}

/// The table as the kernel holds it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Where each prefix stands.
    pub places: Places,
    /// Everything that is not a line's: chains, rules, fixed sets.
    pub rules: Imprint,
}

impl Table {
    /// Families and lengths of its prefixes.
    pub fn lengths(&self) -> BTreeSet<(bool, u8)> {
        self.places.iter().map(|(prefix, _)| family_length(prefix)).collect()
    }

    /// Whether a host is in one of its prefixes, which have these families and lengths.
    pub fn has(&self, host: IpAddr, lengths: &BTreeSet<(bool, u8)>) -> bool {
        lengths.iter().filter(|(v4, _)| *v4 == host.is_ipv4()).any(|(_, length)| {
            let Ok(around) = IpNet::new(host, *length).map(|net| net.trunc()) else { return false };
            // No place comes before the first class.
            let next = self.places.range((around, Place::Class(0))..).next();
            next.is_some_and(|(prefix, _)| *prefix == around)
        })
    }
}

/// Whether the rules must be written to get from one to the other. Lengths no longer used keep their empty sets.
pub fn rewires(from: Option<&Table>, to: &Table) -> bool {
    from.is_none_or(|from| from.wiring != to.wiring || !to.lengths().is_subset(&from.lengths()))
}

/// A transaction: all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Rules and sets, with the elements they are nothing without; by the program `nft`.
    Rules(Vec<Value>),
    /// Maps of port blocks and the rules that ask them, as text; by the program `nft`.
    PortBlocks(String),
    /// Elements alone, by netlink.
    Elements(Vec<Change>),
}

/// What turns `from` (nothing: whatever there is goes) into `to`, to be done in order.
pub fn steps(from: Option<&Table>, to: &Table) -> Vec<Step> {
    let none = Places::new();
    let mut changes: VecDeque<_> = changes(from.map_or(&none, |from| &from.places), &to.places).into_iter().collect();
    let (mut steps, mut last) = (Vec::new(), None);
    if let (true, Some(wiring)) = (rewires(from, to), &to.wiring) {
        let mut first = wiring.clone();
        if from.is_none() && wiring.unknown_hosts != UnknownHosts::LetThrough {
            // Lines are unknown hosts until all of them are there, and a connection once refused does not come back.
            first.unknown_hosts = UnknownHosts::LetThrough;
            last = Some(Step::Rules(rules::rules(wiring, &to.lengths())));
        }
        steps.push(Step::Rules(rewiring(from, to, &first, &mut changes)));
        if wiring.has_port_blocks() {
            steps.push(Step::PortBlocks(translate::port_blocks(&to.lengths())));
        }
    }
    while !changes.is_empty() {
        steps.push(Step::Elements(some_of(&mut changes)));
    }
    steps.extend(last);
    steps
}

/// The rules, with the first of the elements that can be told in JSON.
fn rewiring(from: Option<&Table>, to: &Table, wiring: &Wiring, changes: &mut VecDeque<Vec<Change>>) -> Vec<Value> {
    let mut first = Vec::new();
    if from.is_none() {
        let table = json!({ "table": { "family": "inet", "name": TABLE } });
        first.extend(["add", "delete", "add"].map(|verb| json!({ verb: table })));
    }
    let (had, has) = (from.map(Table::lengths).unwrap_or_default(), to.lengths());
    let all: BTreeSet<_> = had.union(&has).copied().collect();
    for length in all.difference(&had) {
        first.extend(rules::sets(*length));
    }
    // The rules and the first elements go together, so that no packet sees one without the other.
    let (mut now, later) = changes.drain(..).map(behind_the_map).unzip::<_, _, VecDeque<_>, VecDeque<_>>();
    first.extend(some_of(&mut now).iter().filter_map(element));
    first.extend(rules::rules(wiring, &all));
    changes.extend(now.into_iter().chain(later).filter(|change| !change.is_empty()));
    first
}

/// What of a prefix's change can be done now, and what has to wait for the map of port blocks: all of it for an open line,
/// or what it begins meanwhile would not be in its block. Who is held is held now.
fn behind_the_map(change: Vec<Change>) -> (Vec<Change>, Vec<Change>) {
    let is_translated = |change: &Change| matches!(change.place, Place::Translated(_));
    if !change.iter().any(is_translated) {
        return (change, Vec::new());
    }
    if !change.iter().any(Change::holds_back) {
        return (Vec::new(), change);
    }
    change.into_iter().partition(|change| !is_translated(change))
}

/// Whole changes while there is room: a prefix never leaves one place in one transaction and enters the other in the next.
fn some_of(changes: &mut VecDeque<Vec<Change>>) -> Vec<Change> {
    let mut some = Vec::new();
    while some.len() < ELEMENTS_A_STEP
        && let Some(change) = changes.pop_front()
    {
        some.extend(change);
    }
    some
}

/// What becomes of each prefix that changes.
pub fn changes(from: &Places, to: &Places) -> Vec<Vec<Change>> {
    let mut changes: BTreeMap<IpNet, Vec<Change>> = BTreeMap::new();
    for (places, others, enters) in [(from, to, false), (to, from, true)] {
        for (prefix, place) in places.difference(others) {
            changes.entry(*prefix).or_default().push(Change { prefix: *prefix, place: *place, enters });
        }
    }
    let mut changes: Vec<_> = changes.into_values().collect();
    // Who is held comes first: while a large table is written, nobody is let out.
    changes.sort_by_key(|change| !change.iter().any(Change::holds_back));
    changes
}

/// An element in JSON, which has no word for a range of ports.
fn element(Change { prefix, place, enters }: &Change) -> Option<Value> {
    let name = rules::set_name(rules::set_of(*place), family_length(prefix));
    let element = match place {
        Place::Class(class) => {
            json!([prefix.network().to_string(), format!("{:x}:{:x}", class >> 16, class & 0xffff)])
        }
        Place::Translated(_) => return None,
        Place::Garden | Place::Closed | Place::Reached => json!(prefix.network().to_string()),
    };
    let verb = if *enters { "add" } else { "delete" };
    Some(json!({ verb: { "element": { "family": "inet", "table": TABLE, "name": name, "elem": [element] } } }))
}

/// Runs one transaction: all of it or nothing.
pub fn run(commands: &[Value]) -> Result<(), Error> {
    let payload = json!({ "nftables": commands }).to_string();
    nftables::helper::apply_ruleset_raw(&payload, nftables::helper::DEFAULT_NFT, nftables::helper::DEFAULT_ARGS)
        .map(|_| ())
        .map_err(|error| Error::Nft(error.to_string()))
}

/// Runs one transaction written as text.
pub fn run_text(commands: &str) -> Result<(), Error> {
    let mut process = std::process::Command::new("nft")
        .args(["-f", "-"])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Error::Nft(format!("the program nft cannot be run: {error}")))?;
    // Closed behind the last byte, or the program waits for more.
    let written = process.stdin.take().map_or(Ok(()), |mut input| input.write_all(commands.as_bytes()));
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err(Error::Nft(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(written?)
}

/// Removes the table. No table is no error.
pub fn remove() -> Result<(), Error> {
    run(&[
        json!({ "add": { "table": { "family": "inet", "name": TABLE } } }),
        json!({ "delete": { "table": { "family": "inet", "name": TABLE } } }),
    ])
}

/// The table as the kernel holds it; `None` if it is not there.
pub fn read(netfilter: &mut Netfilter) -> Result<Option<Seen>, Error> {
    let Some(mut rules) = netfilter.imprint()? else { return Ok(None) };
    let mut places = Places::new();
    for name in rules.sets.clone() {
        if let Some((kind, length)) = rules::read_set_name(&name) {
            let elements = netfilter.elements(&name, |data| rules::place_of(kind, data))?;
            let placed = |(address, place): (_, Option<Place>)| Some((IpNet::new(address, length).ok()?, place?));
            places.extend(elements.into_iter().filter_map(placed));
        } else if rules::is_fixed_set(&name) {
            rules.add(format!("{name} {:?}", netfilter.elements(&name, |_| ())?).into_bytes());
        }
    }
    Ok(Some(Seen { places, rules }))
}

/// Names of ports with a flowtable: their packets would pass neither our rules nor our counters.
pub fn flowtable_ports() -> Result<BTreeSet<String>, Error> {
    let document: Value = serde_json::from_str(&list(&["--json", "list", "flowtables"])?)
        .map_err(|error| Error::Nft(error.to_string()))?;
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

/// The rules as the kernel holds them, for people; what is in sets and maps is left out.
pub fn shown() -> Result<String, Error> {
    list(&["--terse", "list", "table", "inet", TABLE])
}

/// Lists something. `get_current_ruleset_raw` appends its own "list ruleset", which a large router cannot afford.
fn list(arguments: &[&str]) -> Result<String, Error> {
    let output = std::process::Command::new("nft").env("LC_ALL", "C").args(arguments).output();
    let output = output.map_err(|error| Error::Nft(format!("the program nft cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(Error::Nft(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    String::from_utf8(output.stdout).map_err(|error| Error::Nft(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(places: impl IntoIterator<Item = (String, Place)>) -> Table {
        let places = places.into_iter().map(|(text, place)| (text.parse().unwrap(), place)).collect();
        let (lan, wan) = ("lan".to_owned(), "wan".to_owned());
        let wiring = Wiring {
            lan,
            wan,
            numbers: (1, 2),
            nat: true,
            garden_port: 1,
            reachable: Vec::new(),
            resolvers: Vec::new(),
            unknown_hosts: UnknownHosts::LetThrough,
            own_networks: Vec::new(),
            untracked: false,
            public_networks: Vec::new(),
        };
        Table { wiring: Some(wiring), places }
    }

    #[test]
    fn what_is_the_same_needs_no_command_and_what_is_unknown_needs_the_rules_again() {
        let whole = table([("10.0.0.1/32".into(), Place::Garden)]);
        assert_eq!(steps(Some(&whole), &whole), []);
        let read = Table { wiring: None, ..whole.clone() };
        assert!(matches!(steps(Some(&read), &whole)[..], [Step::Rules(_)]));
    }

    #[test]
    fn a_prefix_changes_its_place_within_one_transaction() {
        let at =
            |place: Place| table((0..=255).flat_map(|a| (0..20).map(move |b| (format!("10.0.{a}.{b}/32"), place))));
        let steps = steps(Some(&at(Place::Garden)), &at(Place::Closed));
        assert!(steps.len() > 1, "{}", steps.len());
        for step in steps {
            let Step::Elements(changes) = step else { panic!("{step:?}") };
            let enters = changes.iter().filter(|change| change.enters).count();
            assert_eq!(enters * 2, changes.len());
        }
    }

    #[test]
    fn a_new_table_holds_unknown_hosts_only_once_all_lines_are_in_it() {
        let mut whole =
            table((0..=255).flat_map(|a| (0..20).map(move |b| (format!("10.0.{a}.{b}/32"), Place::Class(0x10)))));
        whole.wiring.as_mut().unwrap().unknown_hosts = UnknownHosts::Garden;
        let steps = steps(None, &whole);
        let holds = |step: &Step| matches!(step, Step::Rules(rules) if rules.iter().any(|rule| rule.to_string().contains(r#""goto":{"target":"stranger"}"#)));
        assert!(steps.len() > 3 && holds(steps.last().unwrap()), "{}", steps.len());
        assert!(!steps[..steps.len() - 1].iter().any(holds));
        // Who is let through needs no second writing.
        whole.wiring.as_mut().unwrap().unknown_hosts = UnknownHosts::LetThrough;
        assert_eq!(super::steps(None, &whole).iter().filter(|step| matches!(step, Step::Rules(_))).count(), 1);
    }

    #[test]
    fn a_stray_place_of_a_prefix_is_taken_away() {
        let mut stray = table([("10.0.0.1/32".into(), Place::Garden)]);
        let sound = table([("10.0.0.1/32".into(), Place::Class(0x10))]);
        stray.places.extend(&sound.places);
        let gone = Change { prefix: "10.0.0.1/32".parse().unwrap(), place: Place::Garden, enters: false };
        assert_eq!(steps(Some(&stray), &sound), [Step::Elements(vec![gone])]);
    }
}
