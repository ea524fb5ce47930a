//! The Linux kernel: HTB for rates and counts, nftables for who is who.
//!
//! Owns one table, `inet weir`, and one qdisc tree on each port the router object names; nothing else on the router.
//! Start at [`Linux::apply`](Southbound::apply): assignments to disk, classes to tc, prefixes to nft, and back. What the
//! kernel holds is read each time, so applying the same again finds and heals what somebody else changed ([`drift`]).

mod classes;
mod drift;
mod fallback;
mod netfilter;
mod nft;
mod ports;
mod probe;
mod rules;
mod tc;

use std::collections::BTreeMap;
use std::path::Path;

use uuid::Uuid;
use weir_protocol::desired::{Access, Garden, Prefix, Router};
use weir_protocol::state::ObservedLine;

use self::classes::{Classes, Held};
use self::fallback::Fallback;
use self::netfilter::Netfilter;
use self::nft::{Place, Places, Step, Table, Wiring};
use self::ports::Ports;
use self::tc::{ClassState, Leaf, Link, Speed, Tc};
use super::{Applied, Counter, Error, Outcome, Southbound, Sweep, Total};
use crate::plan::check::{self as sound, SoundLine};
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
    garden_port: u16,
    new_generation: Box<dyn FnMut() -> Uuid + Send>,
    ports: Option<Ports>,
    table: Option<Table>,
    /// The rules as the kernel told them right after they were written.
    rules: Option<Vec<String>>,
    /// The lines as last held: what a line falls back to while its change cannot be.
    held: Option<BTreeMap<Uuid, SoundLine>>,
    /// What each line's class was last made to be, by handle.
    shaped: BTreeMap<u32, Shaped>,
    /// What was last read of each line, under which generation.
    read: BTreeMap<u32, (Uuid, Total, Total)>,
}

/// A line's class as it should be on both ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shaped {
    minor: u16,
    lan: Speed,
    wan: Speed,
}

/// Why lines are not held, by handle.
type Refused = BTreeMap<u32, Refusal>;

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
            netfilter: Netfilter::open()?,
            classes: Classes::open(state_dir, boot_id.trim())?,
            fallback: Fallback::open(state_dir)?,
            leaf: Leaf::Bfifo,
            garden_port,
            new_generation,
            ports: None,
            table: None,
            rules: None,
            held: None,
            shaped: BTreeMap::new(),
            read: BTreeMap::new(),
        })
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
        // On disk before in the kernel: a kill in between finds the same classes again. Without a disk they are held all
        // the same, for enforcement goes before durability: after a kill the line begins anew, and nothing is counted twice.
        if let Err(error) = self.classes.save() {
            tracing::error!(%error, "which class is whose could not be stored");
        }
        self.shaped.clear();
        for line in lines.values() {
            let Some(minor) = self.classes.get(line.handle).map(|class| class.minor) else { continue };
            let speed = |(link, _): &Side, rate_bps| Speed::of_line(shape::htb_bytes_per_second(rate_bps, link.header));
            let (lan, wan) = (speed(&counted.lan, line.rate_down_bps), speed(&counted.wan, line.rate_up_bps));
            let mut done = Ok(());
            for (side, speed) in [(&counted.lan, lan), (&counted.wan, wan)] {
                if done.is_ok() {
                    done = self.shape_side(side, minor, speed).await;
                }
            }
            // One line the kernel refuses never stops its siblings.
            match done {
                Ok(()) => drop(self.shaped.insert(line.handle, Shaped { minor, lan, wan })),
                Err(error) => {
                    drop(refused.insert(line.handle, Refusal { code: "class-refused", detail: error.to_string() }));
                }
            }
        }
        Ok(refused)
    }

    async fn shape_side(&self, (link, held): &Side, minor: u16, speed: Speed) -> Result<(), Error> {
        let before = held.get(&minor);
        let same = before.is_some_and(|state| state.speed == speed);
        if !same {
            self.tc.set_class(*link, minor, speed).await?;
        }
        // A plain queue is as long as its rate allows; it changes with it, and in place.
        if !same || before.is_some_and(|state| !state.leaf) {
            self.tc.set_leaf(*link, minor, speed.ceiling, self.leaf).await?;
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

    /// The table that is wanted.
    fn wanted_table(&self, router: &Router, lines: &BTreeMap<Uuid, SoundLine>) -> Table {
        let networks = |prefixes: fn(&Garden) -> &[Prefix]| {
            let prefixes = router.garden.iter().flat_map(prefixes);
            prefixes.filter_map(|prefix| sound::network(prefix).ok()).collect()
        };
        let wiring = Wiring {
            lan: router.lan_interface.clone(),
            wan: router.wan_interface.clone(),
            nat: router.nat,
            garden_port: self.garden_port,
            reachable: networks(|garden| &garden.reachable),
            resolvers: networks(|garden| &garden.resolvers),
        };
        let places = lines
            .values()
            .filter_map(|line| Some((line, self.place(line)?)))
            .flat_map(|(line, place)| line.prefixes.iter().map(move |prefix| (*prefix, place)))
            .collect();
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
            let found = drift::of_table(&should.places, self.rules.as_deref(), seen.as_ref());
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

    fn take(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Rules(commands) => nft::run(commands),
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
    ) -> Vec<(Uuid, Outcome)> {
        let outcome = |line: &SoundLine| {
            if let Some(Refusal { code, detail }) = refused.get(&line.handle) {
                return Outcome::Failed { code, detail: detail.clone() };
            }
            let (Some(class), Some(place)) = (self.classes.get(line.handle), self.place(line)) else {
                return Outcome::Failed { code: "not-held", detail: "the line has no class".into() };
            };
            if !line.prefixes.iter().all(|prefix| places.contains(&(*prefix, place))) {
                let detail = "the kernel does not hold all prefixes alike".into();
                return Outcome::Failed { code: "not-held", detail };
            }
            let rate = |(link, held): &Side| {
                held.get(&class.minor).map_or(0, |state| shape::layer3_bps(state.speed.ceiling, link.header))
            };
            let access = if line.access == Access::Unspecified { Access::Open } else { line.access };
            let (rate_down_bps, rate_up_bps) = (rate(&counted.lan), rate(&counted.wan));
            Outcome::Applied(ObservedLine { rate_down_bps, rate_up_bps, access: access.into() })
        };
        lines.iter().map(|(id, line)| (*id, outcome(line))).collect()
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
        let held = self.held.take().unwrap_or_else(|| self.fallback.held(wanted));
        let (lines, rejected) = sound::check_beside(wanted, &held);
        self.held = Some(held);
        if let Err(error) = self.fallback.keep(rejected.keys().map(|id| (*id, lines.get(id)))) {
            tracing::error!(%error, "what refused lines fall back to could not be stored");
        }
        let mut outcomes: Vec<_> = rejected
            .iter()
            .map(|(id, why)| (*id, Outcome::Rejected { code: why.code, detail: why.detail.clone() }))
            .collect();
        let unsettled = || lines.keys().filter(|id| !rejected.contains_key(id));
        let Some(router) = &wanted.router else {
            let unknown =
                || Outcome::Failed { code: "router-unknown", detail: "the router's ports are not known yet".into() };
            outcomes.extend(unsettled().map(|id| (*id, unknown())));
            return Ok(Applied { router: None, lines: outcomes, drift: Vec::new() });
        };
        let mut drift = Vec::new();
        let (lan, wan) = match self.ports(router, &mut drift).await? {
            Ok(links) => links,
            Err(Refusal { code, detail }) => {
                let failed = || Outcome::Failed { code, detail: detail.clone() };
                outcomes.extend(unsettled().map(|id| (*id, failed())));
                return Ok(Applied { router: Some(failed()), lines: outcomes, drift });
            }
        };
        let before = self.counted(lan, wan).await?;
        if drift.is_empty() {
            drift.extend(self.drift_of_classes(&before));
        }
        self.limit(router, &before).await?;
        let refused = self.shape(&lines, &before).await?;
        let after = self.counted(lan, wan).await?;
        let (places, drift_of_table) = self.classify(&self.wanted_table(router, &lines))?;
        drift.extend(drift_of_table);
        let results = self.read_back(&lines, &refused, &after, &places);
        outcomes.extend(results.into_iter().filter(|(id, _)| !rejected.contains_key(id)));
        self.held = Some(lines);
        let held = ObservedLine {
            rate_down_bps: router.capacity_down_bps,
            rate_up_bps: router.capacity_up_bps,
            access: Access::Unspecified.into(),
        };
        Ok(Applied { router: Some(Outcome::Applied(held)), lines: outcomes, drift })
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        let Some(names) = self.ports.clone() else { return Ok(Sweep::default()) };
        let (Some(lan), Some(wan)) = (self.tc.link(&names.lan.name).await?, self.tc.link(&names.wan.name).await?)
        else {
            return Err(Error::Incomplete(names.to_string()));
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
        Err(Error::Incomplete(names.to_string()))
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
        (self.ports, self.table, self.rules, self.held) = (None, None, None, None);
        (self.shaped, self.read) = (BTreeMap::new(), BTreeMap::new());
        nft::remove()?;
        self.fallback.clear()?;
        self.classes.clear()
    }
}
