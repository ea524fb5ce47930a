//! The Linux kernel: HTB for rates and counts, nftables for who is who.
//!
//! Owns one table, `inet weir`, and one qdisc tree on each port the router object names; nothing else on the router.
//! Start at [`Linux::apply`](Southbound::apply): assignments to disk, classes to tc, prefixes to nft, and back.

mod classes;
mod nft;
mod probe;
mod rules;
mod tc;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use uuid::Uuid;
use weir_protocol::desired::{Access, Router};
use weir_protocol::state::ObservedLine;

use self::classes::{Classes, Held};
use self::nft::{Place, Table, Wiring};
use self::tc::{ClassState, Leaf, Link, Tc};
use super::{Applied, Counter, Error, Outcome, Southbound, Sweep, Total};
use crate::plan::check::{self, SoundLine};
use crate::plan::{Wanted, shape};

/// How often an incomplete dump is repeated.
const DUMP_ATTEMPTS: usize = 3;

/// How often a table somebody else emptied is put back before it is reported.
const CLASSIFY_ATTEMPTS: usize = 2;

/// Root qdiscs a kernel puts there by itself: ours may take their place.
const DEFAULT_QDISCS: &[&str] = &["noqueue", "pfifo_fast", "fq_codel", "mq", "fq", "pfifo"];

/// This router's kernel.
pub struct Linux {
    tc: Tc,
    classes: Classes,
    leaf: Leaf,
    garden_port: u16,
    new_generation: Box<dyn FnMut() -> Uuid + Send>,
    ports: Option<Ports>,
    table: Option<Table>,
    /// The lines as last held: what a line falls back to while its change cannot be.
    held: BTreeMap<Uuid, SoundLine>,
    /// What was last read of each line, under which generation.
    read: BTreeMap<u32, (Uuid, Total, Total)>,
}

/// Why lines are not held, by handle.
type Refused = BTreeMap<u32, Refusal>;

/// Both ports, as found.
#[derive(Clone, PartialEq, Eq)]
struct Ports {
    lan: String,
    wan: String,
}

/// The classes of both ports, by minor.
struct Counted {
    lan: Side,
    wan: Side,
}

/// A port and its classes, by minor.
type Side = (Link, BTreeMap<u16, ClassState>);

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
            classes: Classes::open(state_dir, boot_id.trim())?,
            leaf: Leaf::Bfifo,
            garden_port,
            new_generation,
            ports: None,
            table: None,
            held: BTreeMap::new(),
            read: BTreeMap::new(),
        })
    }

    /// Finds both ports, with our tree on each; plants it where the kernel's default stands.
    async fn ports(&mut self, router: &Router) -> Result<Result<(Link, Link), Refusal>, Error> {
        let names = Ports { lan: router.lan_interface.clone(), wan: router.wan_interface.clone() };
        if self.ports.as_ref() != Some(&names) {
            self.leave_others(&names).await?;
        }
        let mut links = Vec::new();
        for name in [&names.lan, &names.wan] {
            match self.tc.link(name).await? {
                Some(link) => links.push(link),
                None => {
                    return Ok(Err(Refusal { code: "interface-missing", detail: format!("there is no port {name}") }));
                }
            }
        }
        let offloaded = nft::flowtable_ports().unwrap_or_default();
        if let Some(port) = [&names.lan, &names.wan].into_iter().find(|port| offloaded.contains(*port)) {
            let detail = format!("a flowtable takes packets of {port} past shaping and counting");
            return Ok(Err(Refusal { code: "foreign-flowtable", detail }));
        }
        for (link, name, capacity) in
            [(links[0], &names.lan, router.capacity_down_bps), (links[1], &names.wan, router.capacity_up_bps)]
        {
            match self.tc.root(link).await? {
                Some((kind, tc::MAJOR)) if kind == "htb" => self.tc.set_capacity(link, capacity).await?,
                // The kernel's own have no handle; one with a handle was put there by somebody.
                Some((kind, major)) if major != 0 || !DEFAULT_QDISCS.contains(&kind.as_str()) => {
                    let detail = format!("{name} has a {kind} qdisc that is not ours");
                    return Ok(Err(Refusal { code: "foreign-qdisc", detail }));
                }
                Some(_) | None => self.tc.plant(link, capacity).await?,
            }
        }
        self.ports = Some(names);
        Ok(Ok((links[0], links[1])))
    }

    /// Takes our tree from ports that are no longer named, also those of before a restart.
    async fn leave_others(&mut self, names: &Ports) -> Result<(), Error> {
        self.ports = None;
        let mut named = BTreeSet::new();
        for name in [&names.lan, &names.wan] {
            named.extend(self.tc.link(name).await?.map(|link| link.index));
        }
        for link in self.tc.planted().await? {
            if !named.contains(&link.index) {
                self.tc.uproot(link).await?;
            }
        }
        Ok(())
    }

    async fn counted(&self, lan: Link, wan: Link) -> Result<Counted, Error> {
        Ok(Counted { lan: (lan, self.tc.classes(lan).await?), wan: (wan, self.tc.classes(wan).await?) })
    }

    /// Gives every line a class of the right rates. Lines without one are named in the answer.
    async fn shape(&mut self, lines: &BTreeMap<Uuid, SoundLine>, counted: &Counted) -> Result<Refused, Error> {
        let mut refused = Refused::new();
        let wanted = lines.values().map(|line| line.handle).collect();
        self.classes.release_lost(&wanted, |minor| counted.held(minor));
        for line in lines.values() {
            let generation = self.classes.get(line.handle).map(|class| class.generation);
            let read = self.read.get(&line.handle).filter(|read| Some(read.0) == generation);
            let read = read.map(|(_, down, up)| (*down, *up));
            let held = |minor| counted.held(minor);
            if self.classes.assign(line.handle, &mut self.new_generation, held, read).is_none() {
                let detail = "all classes of the port are taken".into();
                refused.insert(line.handle, Refusal { code: "classes-exhausted", detail });
            }
        }
        // On disk before in the kernel: a kill in between finds the same classes again.
        self.classes.save()?;
        for line in lines.values() {
            let Some(class) = self.classes.get(line.handle) else { continue };
            for (side, rate_bps) in [(&counted.lan, line.rate_down_bps), (&counted.wan, line.rate_up_bps)] {
                // One line the kernel refuses never stops its siblings.
                if let Err(error) = self.shape_side(side, class.minor, rate_bps).await {
                    refused.insert(line.handle, Refusal { code: "class-refused", detail: error.to_string() });
                }
            }
        }
        Ok(refused)
    }

    async fn shape_side(&self, (link, held): &Side, minor: u16, rate_bps: u64) -> Result<(), Error> {
        let rate = shape::htb_bytes_per_second(rate_bps, link.header);
        let before = held.get(&minor);
        let same = before.is_some_and(|state| state.rate == rate);
        if !same {
            self.tc.set_class(*link, minor, rate).await?;
        }
        // A plain queue is as long as its rate allows; it changes with it, and in place.
        if !same || before.is_some_and(|state| !state.leaf) {
            self.tc.set_leaf(*link, minor, rate, self.leaf).await?;
        }
        Ok(())
    }

    fn place(&self, line: &SoundLine) -> Option<Place> {
        match line.access {
            Access::WalledGarden => Some(Place::Garden),
            Access::Closed => Some(Place::Closed),
            Access::Unspecified | Access::Open | Access::Throttled => {
                self.classes.get(line.handle).map(|class| Place::Class(class.minor))
            }
        }
    }

    /// Brings the table to what is wanted, starting from what the kernel holds.
    fn classify(&mut self, router: &Router, lines: &BTreeMap<Uuid, SoundLine>) -> Result<(), Error> {
        let reachable = router.garden.iter().flat_map(|garden| &garden.reachable);
        let wiring = Wiring {
            lan: router.lan_interface.clone(),
            wan: router.wan_interface.clone(),
            nat: router.nat,
            garden_port: self.garden_port,
            reachable: reachable.filter_map(|prefix| check::network(prefix).ok()).collect(),
        };
        let places = lines
            .values()
            .filter_map(|line| Some((line, self.place(line)?)))
            .flat_map(|(line, place)| line.prefixes.iter().map(move |prefix| (*prefix, place)))
            .collect();
        let wanted = Table { wiring, places };
        for transaction in nft::commands(self.table.as_ref(), &wanted) {
            if let Err(error) = nft::run(&transaction) {
                // What the kernel holds is no longer known: the next time begins by reading it.
                self.table = None;
                return Err(error);
            }
        }
        self.table = Some(wanted);
        Ok(())
    }

    /// What the kernel holds of the table, as a starting point. Rules are rewritten once after a restart.
    fn adopt(&mut self) -> Result<(), Error> {
        if self.table.is_none()
            && let Some(places) = nft::places()?
        {
            let wiring =
                Wiring { lan: String::new(), wan: String::new(), nat: false, garden_port: 0, reachable: Vec::new() };
            self.table = Some(Table { wiring, places });
        }
        Ok(())
    }

    fn read_back(
        &self,
        lines: &BTreeMap<Uuid, SoundLine>,
        refused: &Refused,
        counted: &Counted,
    ) -> Result<Vec<(Uuid, Outcome)>, Error> {
        let places = nft::places()?.unwrap_or_default();
        let outcome = |line: &SoundLine| {
            if let Some(Refusal { code, detail }) = refused.get(&line.handle) {
                return Outcome::Failed { code, detail: detail.clone() };
            }
            let Some(class) = self.classes.get(line.handle) else {
                return Outcome::Failed { code: "not-held", detail: "the line has no class".into() };
            };
            let held: BTreeSet<_> = line.prefixes.iter().map(|prefix| places.get(prefix)).collect();
            let access = match held.iter().next() {
                Some(Some(Place::Class(minor))) if held.len() == 1 && *minor == class.minor => match line.access {
                    Access::Throttled => Access::Throttled,
                    _ => Access::Open,
                },
                Some(Some(Place::Garden)) if held.len() == 1 => Access::WalledGarden,
                Some(Some(Place::Closed)) if held.len() == 1 => Access::Closed,
                _ => {
                    return Outcome::Failed {
                        code: "not-held",
                        detail: "the kernel does not hold all prefixes alike".into(),
                    };
                }
            };
            let rate = |(link, held): &Side| {
                held.get(&class.minor).map_or(0, |state| shape::layer3_bps(state.rate, link.header))
            };
            let observed = ObservedLine {
                rate_down_bps: rate(&counted.lan),
                rate_up_bps: rate(&counted.wan),
                access: access.into(),
            };
            Outcome::Applied(observed)
        };
        Ok(lines.iter().map(|(id, line)| (*id, outcome(line))).collect())
    }
}

impl Counted {
    fn held(&self, minor: u16) -> Held {
        let total = |(link, held): &Side| {
            held.get(&minor).map(|state| Total {
                bytes: shape::layer3_bytes(state.bytes, state.packets, link.header),
                packets: state.packets,
            })
        };
        (total(&self.lan), total(&self.wan))
    }
}

impl Southbound for Linux {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        let found = probe::probe()?;
        if found.iter().any(|capability| capability == "fq_codel") {
            self.leaf = Leaf::FqCodel;
        }
        Ok(found)
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        let (lines, rejected) = check::check_beside(wanted, &self.held);
        let mut outcomes: Vec<_> = rejected
            .iter()
            .map(|(id, why)| (*id, Outcome::Rejected { code: why.code, detail: why.detail.clone() }))
            .collect();
        let unsettled = || lines.keys().filter(|id| !rejected.contains_key(id));
        let Some(router) = &wanted.router else {
            let unknown =
                || Outcome::Failed { code: "router-unknown", detail: "the router's ports are not known yet".into() };
            outcomes.extend(unsettled().map(|id| (*id, unknown())));
            return Ok(Applied { router: None, lines: outcomes });
        };
        let (lan, wan) = match self.ports(router).await? {
            Ok(links) => links,
            Err(Refusal { code, detail }) => {
                let failed = || Outcome::Failed { code, detail: detail.clone() };
                outcomes.extend(unsettled().map(|id| (*id, failed())));
                return Ok(Applied { router: Some(failed()), lines: outcomes });
            }
        };
        let before = self.counted(lan, wan).await?;
        let refused = self.shape(&lines, &before).await?;
        let after = self.counted(lan, wan).await?;
        let mut results = Vec::new();
        for _ in 0..CLASSIFY_ATTEMPTS {
            self.adopt()?;
            self.classify(router, &lines)?;
            results = self.read_back(&lines, &refused, &after)?;
            if !results.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed { code: "not-held", .. })) {
                break;
            }
            // Somebody else changed the table (a firewall's reload empties all): begin from what is there.
            self.table = None;
        }
        outcomes.extend(results.into_iter().filter(|(id, _)| !rejected.contains_key(id)));
        self.held = lines;
        let held = ObservedLine {
            rate_down_bps: router.capacity_down_bps,
            rate_up_bps: router.capacity_up_bps,
            access: Access::Unspecified.into(),
        };
        Ok(Applied { router: Some(Outcome::Applied(held)), lines: outcomes })
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        let Some(names) = self.ports.clone() else { return Ok(Sweep::default()) };
        let (Some(lan), Some(wan)) = (self.tc.link(&names.lan).await?, self.tc.link(&names.wan).await?) else {
            return Err(Error::Incomplete(format!("{} and {}", names.lan, names.wan)));
        };
        let mut missing_before = None;
        for _ in 0..DUMP_ATTEMPTS {
            let counted = self.counted(lan, wan).await?;
            let (mut counters, mut missing) = (Vec::new(), Vec::new());
            for (handle, class) in self.classes.iter() {
                let (Some(down), Some(up)) = counted.held(class.minor) else {
                    missing.push(handle);
                    continue;
                };
                let (base_down, base_up) = (class.base_down, class.base_up);
                counters.push(Counter { handle, generation: class.generation, base_down, base_up, down, up });
            }
            // A dump cut short misses other classes the next time; one that misses the same is whole, and they are gone.
            let gone = !counters.is_empty() && missing_before.as_ref() == Some(&missing);
            if missing.is_empty() || gone {
                self.read = counters.iter().map(|one| (one.handle, (one.generation, one.down, one.up))).collect();
                return Ok(Sweep { counters });
            }
            missing_before = Some(missing);
        }
        Err(Error::Incomplete(format!("{} and {}", names.lan, names.wan)))
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        for handle in handles {
            self.classes.release(*handle);
        }
        self.classes.save()
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        for link in self.tc.planted().await? {
            self.tc.uproot(link).await?;
        }
        (self.ports, self.table) = (None, None);
        (self.held, self.read) = (BTreeMap::new(), BTreeMap::new());
        nft::remove()?;
        self.classes.clear()
    }
}
