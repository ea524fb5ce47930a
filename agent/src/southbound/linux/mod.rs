//! The Linux kernel: HTB for rates and counts, nftables for who is who.
//!
//! Owns one table, `inet weir`, and one qdisc tree on each port the router object names; nothing else on the router.
//! Start at [`Linux::apply`](Southbound::apply): assignments to disk, classes to tc, prefixes to nft, and back. What the
//! kernel holds is read each time, so applying the same again finds and heals what somebody else changed ([`drift`]).
//! While nothing stands in the way, a change of few lines touches and reads back those alone ([`change`]).

mod bpf;
mod change;
mod classes;
mod conntrack;
mod counting;
mod drift;
mod fallback;
mod htb;
mod imprint;
mod measure;
mod netfilter;
mod netlink;
mod nft;
mod nodes;
mod ports;
mod probe;
mod rules;
mod sample;
mod shaping;
mod shown;
mod strangers;
mod tc;
mod translate;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::time::Instant;

use ipnet::{IpNet, Ipv4Net};
use uuid::Uuid;
use weir_protocol::desired::{Access, Garden, Line, Prefix, Router, UnknownHosts};
use weir_protocol::state::ObservedLine;

use self::change::Settled;
use self::classes::{Classes, Held};
use self::fallback::{Fallback, Rejected};
use self::imprint::Imprint;
use self::measure::Readings;
use self::netfilter::{Change, Netfilter};
use self::nft::{Place, Places, Step, Table, Wiring};
use self::ports::Ports;
use self::sample::Samples;
use self::shaping::{Shaped, Shaping};
use self::tc::{Leaf, Link, Tc};
use self::tree::{Committed, Layout};
use super::{Applied, Counter, Error, Measured, Outcome, Sampled, Southbound, Sweep, Total};
use crate::garden::names;
use crate::plan::blocks::PortBlock;
use crate::plan::check::{self as sound, Checked, Rejection, SoundLine};
use crate::plan::nodes::{CheckedNodes, SoundNodes, check as check_nodes};
use crate::plan::{Wanted, shape};

pub use self::probe::{Check, Privileges, check, privileges};

/// How often an incomplete dump is repeated.
const DUMP_ATTEMPTS: usize = 3;

/// From what is known, from what is read, from nothing.
const CLASSIFY_ATTEMPTS: usize = 3;

/// This router's kernel.
pub struct Linux {
    tc: Tc,
    netfilter: Netfilter,
    classes: Classes,
    fallback: Fallback,
    leaf: Leaf,
    /// Whether trees can be sharded.
    can_shard: bool,
    /// How the trees of both ports are laid out.
    layout: Layout,
    garden_port: u16,
    new_generation: Box<dyn FnMut() -> Uuid + Send>,
    ports: Option<Ports>,
    table: Option<Table>,
    /// The rules as the kernel told them right after they were written.
    rules: Option<Imprint>,
    /// The lines as last held: what a line falls back to while its change cannot be.
    held: Option<BTreeMap<Uuid, SoundLine>>,
    /// The nodes as last held.
    held_nodes: Option<SoundNodes>,
    /// What was held when all of it was, if nothing stood in the way.
    settled: Option<Settled>,
    /// What each line's class was last made to be, by handle.
    shaped: BTreeMap<u32, Shaped>,
    /// What each node's class was last made to be.
    noded: BTreeMap<Uuid, Shaped>,
    /// What the nodes of each part are promised, toward and from subscribers.
    committed: (Committed, Committed),
    /// What was last read of each line, under which generation; in the order of their handles.
    read: Vec<(u32, Uuid, Total, Total)>,
    /// What was last measured beside that.
    readings: Readings,
    /// Hosts reachable from the garden by name; `None` = not told yet, and what the kernel has stays.
    reached: Option<Reached>,
    /// How full lines were at the last sweeps.
    samples: Samples,
    /// Whether the lines' port blocks were in force when everything was compared last; `None` = not since the start.
    translated: Option<bool>,
    /// Prefixes whose connections are to be ended yet.
    unforgotten: BTreeSet<Ipv4Net>,
}

/// Hosts reachable from the garden by name.
struct Reached {
    hosts: BTreeSet<IpAddr>,
    /// Those an agent before this one knew of, until when they stay.
    inherited: BTreeSet<IpAddr>,
    inherited_until: Instant,
}

/// Why lines are not held, by handle.
type Refused = BTreeMap<u32, Refusal>;

/// The classes of both ports.
struct Counted {
    layout: Layout,
    lan: Side,
    wan: Side,
}

/// A port and its classes.
type Side = (Link, tc::Classes);

/// Why the router object cannot be applied now.
struct Refusal {
    code: &'static str,
    detail: String,
}

impl Linux {
    /// Opens the kernel of this thread's network namespace; `new_generation` makes random ids.
    pub fn open(
        state_dir: &Path,
        garden_port: u16,
        new_generation: Box<dyn FnMut() -> Uuid + Send>,
    ) -> Result<Self, Error> {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
        Ok(Self {
            tc: Tc::open()?,
            netfilter: Netfilter::open()?,
            classes: Classes::open(state_dir, boot_id.trim())?,
            fallback: Fallback::open(state_dir)?,
            leaf: Leaf::Bfifo,
            can_shard: false,
            layout: Layout::Flat,
            garden_port,
            new_generation,
            ports: None,
            table: None,
            rules: None,
            held: None,
            held_nodes: None,
            settled: None,
            shaped: BTreeMap::new(),
            noded: BTreeMap::new(),
            committed: Default::default(),
            read: Vec::new(),
            readings: Readings::default(),
            reached: None,
            samples: Samples::default(),
            translated: None,
            unforgotten: BTreeSet::new(),
        })
    }

    /// What of it can be held beside what is.
    fn sound(&mut self, wanted: &Wanted) -> (Checked, CheckedNodes) {
        let held = self.held.take().unwrap_or_else(|| self.fallback.held(wanted));
        let held_nodes = self.held_nodes.take().unwrap_or_else(|| self.fallback.held_nodes(wanted));
        let lines = sound::check_beside(wanted, &held);
        let nodes = check_nodes(&wanted.nodes, wanted.router.as_ref(), &held_nodes);
        (self.held, self.held_nodes) = (Some(held), Some(held_nodes));
        let rejected = Rejected {
            lines: lines.rejected.keys().map(|id| (*id, lines.lines.get(id).cloned())).collect(),
            nodes: nodes.rejected.keys().map(|id| (*id, nodes.nodes.get(id).copied())).collect(),
        };
        if let Err(error) = self.fallback.keep(rejected) {
            tracing::error!(%error, "what refused lines and nodes fall back to could not be stored");
        }
        (lines, nodes)
    }

    fn counted(&mut self, lan: Link, wan: Link) -> Result<Counted, Error> {
        let layout = self.layout;
        Ok(Counted { layout, lan: (lan, self.tc.classes(lan, layout)?), wan: (wan, self.tc.classes(wan, layout)?) })
    }

    fn place(&self, line: &SoundLine) -> Option<Place> {
        match line.access {
            Access::WalledGarden => Some(Place::Garden),
            Access::Closed => Some(Place::Closed),
            Access::Unspecified | Access::Open | Access::Throttled => {
                self.classes.get(line.handle).map(|class| Place::Class(self.layout.line(class.minor)))
            }
        }
    }

    /// The table that is wanted.
    fn wanted_table(
        &self,
        wanted: &Wanted,
        router: &Router,
        numbers: (i32, i32),
        lines: &BTreeMap<Uuid, SoundLine>,
    ) -> Table {
        let networks = |prefixes: &[Prefix]| -> Vec<IpNet> {
            prefixes.iter().filter_map(|prefix| sound::network(prefix).ok()).collect()
        };
        let of_garden = |prefixes: fn(&Garden) -> &[Prefix]| networks(router.garden.as_ref().map_or(&[], prefixes));
        let mut own_networks: Vec<IpNet> = networks(&router.own_networks);
        if router.unknown_hosts() != UnknownHosts::LetThrough {
            // A line that cannot be held is no stranger: what it was sold goes on, unshaped.
            let held = |id: &Uuid| lines.get(id).is_some_and(|line| self.place(line).is_some());
            let open = |line: &Line| !matches!(line.access(), Access::WalledGarden | Access::Closed);
            let open = wanted.lines.iter().filter(|(id, line)| !held(id) && open(line));
            own_networks.extend(open.flat_map(|(_, line)| networks(&line.prefixes)));
        }
        let wiring = Wiring {
            lan: router.lan_interface.clone(),
            wan: router.wan_interface.clone(),
            numbers,
            nat: router.nat,
            garden_port: self.garden_port,
            reachable: of_garden(|garden| &garden.reachable),
            resolvers: of_garden(|garden| &garden.resolvers),
            unknown_hosts: router.unknown_hosts(),
            own_networks,
            untracked: router.untracked && !router.nat,
            public_networks: networks(&router.public_networks),
        };
        let places = self.places(lines, wiring.has_port_blocks());
        Table { wiring: Some(wiring), places }
    }

    /// Brings the table to what is wanted; answers what the kernel then holds, and what somebody else had changed.
    fn classify(&mut self, wanted: &Table) -> Result<(Places, Vec<String>), Error> {
        let (mut known, mut drift, mut held) = (self.table.take(), Vec::new(), Places::new());
        for attempt in 1..=CLASSIFY_ATTEMPTS {
            let expected = known.is_some();
            let before = match known.take() {
                None if attempt < CLASSIFY_ATTEMPTS => {
                    self.read_table()?.map(|seen| Table { wiring: None, places: seen.places })
                }
                known => known,
            };
            let mut steps = nft::steps(before.as_ref(), wanted).into_iter();
            let written = steps.try_for_each(|step| self.take(&step));
            let seen = self.read_table()?;
            if written.is_ok() && nft::rewires(before.as_ref(), wanted) {
                self.rules = seen.as_ref().map(|seen| seen.rules.clone());
            }
            let should = if written.is_ok() { wanted } else { before.as_ref().unwrap_or(wanted) };
            let found = drift::of_table(&should.places, self.rules.as_ref(), seen.as_ref());
            held = seen.unwrap_or_default().places;
            match written {
                Ok(()) if found.is_empty() => {
                    self.table = Some(wanted.clone());
                    break;
                }
                Err(error) if attempt == CLASSIFY_ATTEMPTS => return Err(error),
                _ if expected => drift = found,
                _ => {}
            }
        }
        Ok((held, drift))
    }

    /// Brings the hosts known by name to what they should be.
    fn hold_reached(&mut self) -> Result<(), Error> {
        let (Some(reached), Some(_)) = (&self.reached, &self.table) else { return Ok(()) };
        let mut hosts = reached.hosts.clone();
        // Where there are no names any more there is nothing to inherit.
        if !hosts.is_empty() && Instant::now() < reached.inherited_until {
            hosts.extend(&reached.inherited);
        }
        let held = self.read_reached()?;
        let change = |host: &IpAddr, enters| Change { prefix: IpNet::from(*host), place: Place::Reached, enters };
        let gone = held.difference(&hosts).map(|host| change(host, false));
        let changes: Vec<_> = gone.chain(hosts.difference(&held).map(|host| change(host, true))).collect();
        self.netfilter.change(&changes)
    }

    fn read_reached(&mut self) -> Result<BTreeSet<IpAddr>, Error> {
        let mut held = BTreeSet::new();
        for length in rules::REACHED {
            held.extend(
                self.netfilter.elements(&rules::set_name('r', length), |_| ())?.into_iter().map(|(host, ())| host),
            );
        }
        Ok(held)
    }

    /// Ends what these began under blocks that are no longer theirs; what cannot be ended now is at the next change or look.
    fn forget_flows(&mut self, moved: Vec<Ipv4Net>) {
        self.unforgotten.extend(moved);
        let prefixes = Ipv4Net::aggregate(&self.unforgotten.iter().copied().collect());
        match conntrack::forget(prefixes) {
            Ok(flows) => {
                self.unforgotten.clear();
                if flows > 0 {
                    tracing::info!(flows, "connections of lines with another port block were ended");
                }
            }
            Err(error) => tracing::warn!(%error, "connections of lines with another port block could not be ended"),
        }
    }

    fn take(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Rules(commands) => nft::run(commands),
            Step::PortBlocks(commands) => nft::run_text(commands),
            Step::Elements(changes) => self.netfilter.change(changes),
        }
    }

    fn read_table(&mut self) -> Result<Option<nft::Seen>, Error> {
        nft::read(&mut self.netfilter)
    }

    fn read_back(
        &self,
        lines: &BTreeMap<Uuid, SoundLine>,
        refused: &Refused,
        counted: &Counted,
        places: &Places,
        translates: bool,
    ) -> Vec<(Uuid, Outcome)> {
        let outcome = |line: &SoundLine| {
            if let Some(Refusal { code, detail }) = refused.get(&line.handle) {
                return Outcome::Failed { code, detail: detail.clone() };
            }
            let (Some(class), Some(_)) = (self.classes.get(line.handle), self.place(line)) else {
                return Outcome::Failed { code: "not-held", detail: "the line has no class".into() };
            };
            if !self.places_of(line, translates).all(|placed| places.contains(&placed)) {
                let detail = "the kernel does not hold all prefixes alike".into();
                return Outcome::Failed { code: "not-held", detail };
            }
            let rate = |(link, held): &Side| {
                held.get(counted.layout.line(class.minor))
                    .map_or(0, |state| shape::layer3_bps(state.speed.ceiling, link.header))
            };
            let access = if line.access == Access::Unspecified { Access::Open } else { line.access };
            let (rate_down_bps, rate_up_bps) = (rate(&counted.lan), rate(&counted.wan));
            let public_ports = line.public_ports.filter(|_| translates).map(PortBlock::told);
            Outcome::Applied(ObservedLine { rate_down_bps, rate_up_bps, access: access.into(), public_ports })
        };
        lines.iter().map(|(id, line)| (*id, outcome(line))).collect()
    }
}

impl Counted {
    fn held(&self, minor: u16) -> Held {
        let class = self.layout.line(minor);
        let total = |(link, held): &Side| held.get(class).map(|state| state.total(*link));
        (total(&self.lan), total(&self.wan))
    }
}

/// Of those that cannot be held as they are wanted, why; of the others, what became of them.
fn told(
    rejected: &BTreeMap<Uuid, Rejection>,
    outcomes: impl IntoIterator<Item = (Uuid, Outcome)>,
) -> Vec<(Uuid, Outcome)> {
    let why = |why: &Rejection| Outcome::Rejected { code: why.code, detail: why.detail.clone() };
    let refused = rejected.iter().map(|(id, rejection)| (*id, why(rejection)));
    refused.chain(outcomes.into_iter().filter(|(id, _)| !rejected.contains_key(id))).collect()
}

/// Whether lines are translated to port blocks of theirs.
fn translates(router: &Router) -> bool {
    router.nat && router.public_networks.iter().any(|prefix| sound::network(prefix).is_ok())
}

/// What the router object came to.
fn held_router(router: &Router) -> Outcome {
    Outcome::Applied(ObservedLine {
        rate_down_bps: router.capacity_down_bps,
        rate_up_bps: router.capacity_up_bps,
        access: Access::Unspecified.into(),
        public_ports: None,
    })
}

impl Southbound for Linux {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        let found = probe::probe()?;
        if found.iter().any(|capability| capability == "fq_codel") {
            self.leaf = Leaf::FqCodel;
        }
        self.can_shard = found.iter().any(|capability| capability == "shards");
        Ok(found)
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        self.settled = None;
        let (Checked { lines, claims, rejected }, CheckedNodes { nodes, rejected: bad_nodes }) = self.sound(wanted);
        let none_of_it = |router, drift, failed: &dyn Fn() -> Outcome| Applied {
            router,
            nodes: told(&bad_nodes, nodes.keys().map(|id| (*id, failed()))),
            lines: told(&rejected, lines.keys().map(|id| (*id, failed()))),
            drift,
            whole: true,
        };
        let Some(router) = &wanted.router else {
            let unknown =
                || Outcome::Failed { code: "router-unknown", detail: "the router's ports are not known yet".into() };
            return Ok(none_of_it(None, Vec::new(), &unknown));
        };
        let mut drift = Vec::new();
        let many = self.many(&lines, &nodes);
        let (lan, wan) = match self.ports(router, many, &mut drift).await? {
            Ok(links) => links,
            Err(Refusal { code, detail }) => {
                let failed = || Outcome::Failed { code, detail: detail.clone() };
                return Ok(none_of_it(Some(failed()), drift, &failed));
            }
        };
        let mut before = self.counted(lan, wan)?;
        if drift.is_empty() {
            drift.extend(self.drift_of_classes(&before));
        }
        if self.fell_misplaced(&before).await? {
            before = self.counted(lan, wan)?;
        }
        let mut refused_nodes = self.seat(&nodes);
        self.save_classes();
        let limited = self.limit(router, &before).await?;
        let noded = self.shape_nodes(&nodes, &before, &mut refused_nodes).await?;
        let Shaping { refused, changed } = self.shape(&lines, &before).await?;
        let after = if limited || noded || changed { self.counted(lan, wan)? } else { before };
        let table = self.wanted_table(wanted, router, (lan.index, wan.index), &lines);
        let (places, drift_of_table) = self.classify(&table)?;
        drift.extend(drift_of_table);
        if let Err(error) = self.hold_reached() {
            tracing::warn!(%error, "hosts reachable from the walled garden by name could not be written");
        }
        let translates = translates(router);
        let outcomes = told(&rejected, self.read_back(&lines, &refused, &after, &places, translates));
        let before = self.held.as_ref().map(|held| (held, self.translated.unwrap_or(translates)));
        let moved = before.map(|before| translate::moved(before, (&lines, translates))).unwrap_or_default();
        self.translated = Some(translates);
        self.forget_flows(moved);
        let outcomes_of_nodes = told(&bad_nodes, self.read_back_nodes(&nodes, &refused_nodes, &after));
        if [rejected.len(), bad_nodes.len(), refused.len(), refused_nodes.len()] == [0; 4] {
            let (router, nodes, lengths) = (router.clone(), wanted.nodes.clone(), table.lengths());
            self.settled = Some(Settled { router, nodes, lan, wan, claims, lengths });
        }
        (self.held, self.held_nodes) = (Some(lines), Some(nodes));
        self.fell_bare().await?;
        self.save_classes();
        let router = Some(held_router(router));
        Ok(Applied { router, nodes: outcomes_of_nodes, lines: outcomes, drift, whole: true })
    }

    async fn change(&mut self, wanted: &Wanted, changed: &BTreeSet<Uuid>) -> Result<Applied, Error> {
        match self.change_few(wanted, changed).await {
            Ok(Some(applied)) => Ok(applied),
            Ok(None) => self.apply(wanted).await,
            Err(error) => {
                tracing::warn!(%error, "a change did not go through; everything is compared");
                self.apply(wanted).await
            }
        }
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        let Some(names) = self.ports.clone() else { return Ok(Sweep::default()) };
        let (Some(lan), Some(wan)) = (self.tc.link(&names.lan.name).await?, self.tc.link(&names.wan.name).await?)
        else {
            return Err(Error::Incomplete(names.to_string()));
        };
        let mut missing_before = None;
        for _ in 0..DUMP_ATTEMPTS {
            let counted = self.counted(lan, wan)?;
            let (mut counters, mut missing) = (Vec::new(), Vec::new());
            for (handle, class) in self.classes.iter() {
                let (Some(down), Some(up)) = counted.held(class.minor) else {
                    missing.push(handle);
                    continue;
                };
                let (base_down, base_up) = (class.base_down, class.base_up);
                counters.push(Counter { handle, generation: class.generation, base_down, base_up, down, up });
            }
            let left = self.classes.left().filter_map(|(handle, class)| {
                let (down, up) = counted.held(class.minor);
                let (generation, base_down, base_up) = (class.generation, class.base_down, class.base_up);
                Some(Counter { handle, generation, base_down, base_up, down: down?, up: up? })
            });
            let left: Vec<Counter> = left.collect();
            // A dump cut short misses other classes the next time; one that misses the same is whole, and they are gone.
            let gone = !counters.is_empty() && missing_before.as_ref() == Some(&missing);
            if missing.is_empty() || gone {
                self.samples.observe(&counted, &self.classes, &self.read, Instant::now());
                self.read = counters.iter().map(|one| (one.handle, one.generation, one.down, one.up)).collect();
                let of_left = left.iter().map(|one| one.generation).collect();
                counters.extend(left);
                return Ok(Sweep { counters, left: of_left });
            }
            missing_before = Some(missing);
        }
        Err(Error::Incomplete(names.to_string()))
    }

    fn sampled(&mut self) -> Sampled {
        self.samples.take()
    }

    fn watch(&mut self, handle: u32) {
        self.samples.watch(handle);
    }

    fn watched(&mut self, handle: u32) -> Sampled {
        self.samples.watched(handle)
    }

    async fn shaper(&mut self, names: &BTreeMap<u32, String>) -> Result<String, Error> {
        self.show(names).await
    }

    async fn measure(&mut self) -> Result<Option<Measured>, Error> {
        self.measure_all().await
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        let gone: Vec<u16> = handles.iter().flat_map(|handle| self.classes.release(*handle)).collect();
        self.fell(&gone).await?;
        self.fell_bare().await?;
        self.classes.save()
    }

    async fn leave(&mut self, sealed: &[Counter]) -> Result<(), Error> {
        self.leave_classes(sealed).await
    }

    async fn reach(&mut self, hosts: BTreeSet<IpAddr>) -> Result<(), Error> {
        if let Some(reached) = &mut self.reached {
            reached.hosts = hosts;
        } else if self.table.is_some() {
            let (inherited, inherited_until) = (self.read_reached()?, Instant::now() + names::KEPT);
            self.reached = Some(Reached { hosts, inherited, inherited_until });
        } else {
            self.reached = Some(Reached { hosts, inherited: BTreeSet::new(), inherited_until: Instant::now() });
        }
        self.hold_reached()
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        for link in self.tc.planted().await? {
            self.tc.uproot(link).await?;
        }
        (self.ports, self.table, self.rules, self.held, self.settled) = (None, None, None, None, None);
        (self.held_nodes, self.committed) = (None, Default::default());
        (self.shaped, self.noded, self.read) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        self.readings = Readings::default();
        nft::remove()?;
        self.fallback.clear()?;
        self.classes.clear()
    }
}
