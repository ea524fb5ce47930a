//! The Linux kernel: HTB for rates and counts, nftables for who is who.
//!
//! Owns one table, `inet weir`, and one qdisc tree on each port the router object names; nothing else on the router.
//! Start at [`Linux::apply`](Southbound::apply): assignments to disk, classes to tc, prefixes to nft, and back. What the
//! kernel holds is read each time, so applying the same again finds and heals what somebody else changed ([`drift`]).
//! While nothing stands in the way, a change of few lines touches and reads back those alone ([`change`]).

mod bpf;
mod change;
mod classes;
mod counting;
mod drift;
mod fallback;
mod htb;
mod imprint;
mod measure;
mod netfilter;
mod netlink;
mod nft;
mod ports;
mod probe;
mod rules;
mod shaping;
mod tc;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use uuid::Uuid;
use weir_protocol::desired::{Access, Garden, Prefix, Router};
use weir_protocol::state::ObservedLine;

use self::change::Settled;
use self::classes::{Classes, Held};
use self::fallback::Fallback;
use self::imprint::Imprint;
use self::measure::Readings;
use self::netfilter::Netfilter;
use self::nft::{Place, Places, Step, Table, Wiring};
use self::ports::Ports;
use self::shaping::{Shaped, Shaping};
use self::tc::{Leaf, Link, Tc};
use self::tree::Layout;
use super::{Applied, Counter, Error, Measured, Outcome, Southbound, Sweep, Total};
use crate::plan::check::{self as sound, Checked, SoundLine};
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
    /// What was held when all of it was, if nothing stood in the way.
    settled: Option<Settled>,
    /// What each line's class was last made to be, by handle.
    shaped: BTreeMap<u32, Shaped>,
    /// What was last read of each line, under which generation; in the order of their handles.
    read: Vec<(u32, Uuid, Total, Total)>,
    /// What was last measured beside that.
    readings: Readings,
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
            settled: None,
            shaped: BTreeMap::new(),
            read: Vec::new(),
            readings: Readings::default(),
        })
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
        Table { wiring: Some(wiring), places: self.places(lines) }
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
                held.get(counted.layout.line(class.minor))
                    .map_or(0, |state| shape::layer3_bps(state.speed.ceiling, link.header))
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
        let class = self.layout.line(minor);
        let total = |(link, held): &Side| held.get(class).map(|state| state.total(*link));
        (total(&self.lan), total(&self.wan))
    }
}

/// What the router object came to.
fn held_router(router: &Router) -> Outcome {
    Outcome::Applied(ObservedLine {
        rate_down_bps: router.capacity_down_bps,
        rate_up_bps: router.capacity_up_bps,
        access: Access::Unspecified.into(),
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
        let held = self.held.take().unwrap_or_else(|| self.fallback.held(wanted));
        let Checked { lines, claims, rejected } = sound::check_beside(wanted, &held);
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
            return Ok(Applied { router: None, lines: outcomes, drift: Vec::new(), whole: true });
        };
        let mut drift = Vec::new();
        let (lan, wan) = match self.ports(router, lines.len(), &mut drift).await? {
            Ok(links) => links,
            Err(Refusal { code, detail }) => {
                let failed = || Outcome::Failed { code, detail: detail.clone() };
                outcomes.extend(unsettled().map(|id| (*id, failed())));
                return Ok(Applied { router: Some(failed()), lines: outcomes, drift, whole: true });
            }
        };
        let before = self.counted(lan, wan)?;
        if drift.is_empty() {
            drift.extend(self.drift_of_classes(&before));
        }
        let limited = self.limit(router, &before).await?;
        let Shaping { refused, changed } = self.shape(&lines, &before).await?;
        let after = if limited || changed { self.counted(lan, wan)? } else { before };
        let table = self.wanted_table(router, &lines);
        let (places, drift_of_table) = self.classify(&table)?;
        drift.extend(drift_of_table);
        let results = self.read_back(&lines, &refused, &after, &places);
        outcomes.extend(results.into_iter().filter(|(id, _)| !rejected.contains_key(id)));
        if rejected.is_empty() && refused.is_empty() {
            self.settled = Some(Settled { router: router.clone(), lan, wan, claims, lengths: table.lengths() });
        }
        self.held = Some(lines);
        Ok(Applied { router: Some(held_router(router)), lines: outcomes, drift, whole: true })
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
            // A dump cut short misses other classes the next time; one that misses the same is whole, and they are gone.
            let gone = !counters.is_empty() && missing_before.as_ref() == Some(&missing);
            if missing.is_empty() || gone {
                self.read = counters.iter().map(|one| (one.handle, one.generation, one.down, one.up)).collect();
                return Ok(Sweep { counters });
            }
            missing_before = Some(missing);
        }
        Err(Error::Incomplete(names.to_string()))
    }

    async fn measure(&mut self) -> Result<Option<Measured>, Error> {
        self.measure_all().await
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
        (self.ports, self.table, self.rules, self.held, self.settled) = (None, None, None, None, None);
        (self.shaped, self.read) = (BTreeMap::new(), Vec::new());
        self.readings = Readings::default();
        nft::remove()?;
        self.fallback.clear()?;
        self.classes.clear()
    }
}
