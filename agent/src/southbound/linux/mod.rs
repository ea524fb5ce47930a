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

use self::classes::Classes;
use self::nft::{Place, Table, Wiring};
use self::tc::{ClassState, Leaf, Link, Tc};
use super::{Applied, Counter, Error, Outcome, Southbound, Sweep, Total};
use crate::plan::check::{self, SoundLine};
use crate::plan::{Wanted, shape};

/// How often an incomplete dump is repeated.
const DUMP_ATTEMPTS: usize = 3;

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
}

/// Both ports, as found.
#[derive(Clone, PartialEq, Eq)]
struct Ports {
    lan: String,
    wan: String,
}

/// The classes of both ports, by minor.
struct Counted {
    lan: (Link, BTreeMap<u16, ClassState>),
    wan: (Link, BTreeMap<u16, ClassState>),
}

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
        })
    }

    /// Finds both ports, with our tree on each; plants it where the kernel's default stands.
    async fn ports(&mut self, router: &Router) -> Result<Result<(Link, Link), Refusal>, Error> {
        let names = Ports { lan: router.lan_interface.clone(), wan: router.wan_interface.clone() };
        if let Some(before) = self.ports.take_if(|before| *before != names) {
            self.leave(&before).await?;
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
        let mut planted = false;
        for (link, name, capacity) in
            [(links[0], &names.lan, router.capacity_down_bps), (links[1], &names.wan, router.capacity_up_bps)]
        {
            match self.tc.root(link).await? {
                Some((kind, tc::MAJOR)) if kind == "htb" => self.tc.set_capacity(link, capacity).await?,
                Some((kind, _)) if !DEFAULT_QDISCS.contains(&kind.as_str()) => {
                    let detail = format!("{name} has a {kind} qdisc that is not ours");
                    return Ok(Err(Refusal { code: "foreign-qdisc", detail }));
                }
                Some(_) | None => {
                    self.tc.plant(link, capacity).await?;
                    planted = true;
                }
            }
        }
        if planted {
            self.classes.restart(&mut self.new_generation);
        }
        self.ports = Some(names);
        Ok(Ok((links[0], links[1])))
    }

    async fn leave(&mut self, ports: &Ports) -> Result<(), Error> {
        for name in [&ports.lan, &ports.wan] {
            if let Some(link) = self.tc.link(name).await? {
                self.tc.uproot(link).await?;
            }
        }
        Ok(())
    }

    async fn counted(&self, lan: Link, wan: Link) -> Result<Counted, Error> {
        Ok(Counted { lan: (lan, self.tc.classes(lan).await?), wan: (wan, self.tc.classes(wan).await?) })
    }

    /// Gives every line a class of the right rates. Lines without one are named in the answer.
    async fn shape(&mut self, lines: &BTreeMap<Uuid, SoundLine>, counted: &Counted) -> Result<BTreeSet<u32>, Error> {
        let mut without = BTreeSet::new();
        for line in lines.values() {
            let generation = (self.new_generation)();
            if self.classes.assign(line.handle, generation, |minor| counted.totals(minor)).is_none() {
                without.insert(line.handle);
            }
        }
        // On disk before in the kernel: a kill in between finds the same classes again.
        self.classes.save()?;
        for line in lines.values() {
            let Some(class) = self.classes.get(line.handle) else { continue };
            let sides = [(&counted.lan, line.rate_down_bps), (&counted.wan, line.rate_up_bps)];
            for ((link, held), rate_bps) in sides {
                let rate = shape::htb_bytes_per_second(rate_bps, link.header);
                let before = held.get(&class.minor).map(|state| state.rate);
                if before == Some(rate) {
                    continue;
                }
                self.tc.set_class(*link, class.minor, rate).await?;
                if before.is_none() {
                    self.tc.set_leaf(*link, class.minor, rate, self.leaf).await?;
                }
            }
        }
        Ok(without)
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
        without: &BTreeSet<u32>,
        counted: &Counted,
    ) -> Result<Vec<(Uuid, Outcome)>, Error> {
        let places = nft::places()?.unwrap_or_default();
        let outcome = |line: &SoundLine| {
            let Some(class) = self.classes.get(line.handle).filter(|_| !without.contains(&line.handle)) else {
                return Outcome::Failed {
                    code: "classes-exhausted",
                    detail: "all classes of the port are taken".into(),
                };
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
            let rate = |(link, held): &(Link, BTreeMap<u16, ClassState>)| {
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
    fn totals(&self, minor: u16) -> Option<(Total, Total)> {
        let total = |(link, held): &(Link, BTreeMap<u16, ClassState>)| {
            held.get(&minor).map(|state| Total {
                bytes: shape::layer3_bytes(state.bytes, state.packets, link.header),
                packets: state.packets,
            })
        };
        Some((total(&self.lan)?, total(&self.wan)?))
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
        let (lines, rejected) = check::check(wanted);
        let mut outcomes: Vec<_> = rejected
            .into_iter()
            .map(|(id, why)| (id, Outcome::Rejected { code: why.code, detail: why.detail }))
            .collect();
        let Some(router) = &wanted.router else {
            let unknown =
                || Outcome::Failed { code: "router-unknown", detail: "the router's ports are not known yet".into() };
            outcomes.extend(lines.keys().map(|id| (*id, unknown())));
            return Ok(Applied { router: None, lines: outcomes });
        };
        let (lan, wan) = match self.ports(router).await? {
            Ok(links) => links,
            Err(Refusal { code, detail }) => {
                let failed = || Outcome::Failed { code, detail: detail.clone() };
                outcomes.extend(lines.keys().map(|id| (*id, failed())));
                return Ok(Applied { router: Some(failed()), lines: outcomes });
            }
        };
        self.adopt()?;
        let before = self.counted(lan, wan).await?;
        let without = self.shape(&lines, &before).await?;
        self.classify(router, &lines)?;
        let after = self.counted(lan, wan).await?;
        outcomes.extend(self.read_back(&lines, &without, &after)?);
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
        for _ in 0..DUMP_ATTEMPTS {
            let counted = self.counted(lan, wan).await?;
            let counters: Option<Vec<_>> = self
                .classes
                .iter()
                .map(|(handle, class)| {
                    let (down, up) = counted.totals(class.minor)?;
                    let (base_down, base_up) = (class.base_down, class.base_up);
                    Some(Counter { handle, generation: class.generation, base_down, base_up, down, up })
                })
                .collect();
            // A class we gave out and did not find: the dump was cut short, or somebody removed the tree.
            if let Some(counters) = counters {
                return Ok(Sweep { counters });
            }
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
        nft::remove()?;
        self.classes.clear()
    }
}
