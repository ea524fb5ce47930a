//! The two ports: found, checked, and ours.
//!
//! Nothing is taken from the ports of before until the new ones are known to be usable.

use std::collections::BTreeSet;
use std::fmt;

use weir_protocol::desired::Router;

use super::tc::Link;
use super::tree::{Layout, MAJOR};
use super::{Counted, Linux, Refusal, bpf, drift, nft};
use crate::southbound::Error;

/// Root qdiscs a kernel puts there by itself: ours may take their place.
const DEFAULT_QDISCS: &[&str] = &["noqueue", "pfifo_fast", "fq_codel", "mq", "fq", "pfifo"];

/// Both ports, as last applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ports {
    /// Toward the subscribers.
    pub lan: Port,
    /// Toward the internet.
    pub wan: Port,
}

/// A port and what it may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Bits per second of layer 3; 0 = no limit.
    pub capacity_bps: u64,
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {}", self.lan.name, self.wan.name)
    }
}

impl Ports {
    fn of(router: &Router) -> Self {
        Self {
            lan: Port { name: router.lan_interface.clone(), capacity_bps: router.capacity_down_bps },
            wan: Port { name: router.wan_interface.clone(), capacity_bps: router.capacity_up_bps },
        }
    }

    fn has(&self, name: &str) -> bool {
        self.lan.name == name || self.wan.name == name
    }
}

/// What stands at a port's root.
enum Root {
    Ours,
    Free,
    /// Ours was there, put by this process, and is not any more.
    Lost(String),
    Foreign(String),
}

impl Linux {
    /// Finds both ports, with our tree on each; plants it where the kernel's default stands, or where it was lost.
    /// A new tree is sharded if there are `many` lines that can be; one that stands stays as it is.
    pub(super) async fn ports(
        &mut self,
        router: &Router,
        many: bool,
        drift: &mut Vec<String>,
    ) -> Result<Result<(Link, Link), Refusal>, Error> {
        let ports = Ports::of(router);
        if ports.lan.name == ports.wan.name {
            let detail = format!("{} cannot be both the LAN and the WAN port", ports.lan.name);
            return Ok(Err(Refusal { code: "ports-alike", detail }));
        }
        let mut found = Vec::new();
        for port in [&ports.lan, &ports.wan] {
            let Some(link) = self.tc.link(&port.name).await? else {
                let detail = format!("there is no port {}", port.name);
                return Ok(Err(Refusal { code: "interface-missing", detail }));
            };
            let root = self.root(link, &port.name)?;
            if let Root::Foreign(kind) = &root {
                let detail = format!("{} has a {kind} qdisc that is not ours", port.name);
                return Ok(Err(Refusal { code: "foreign-qdisc", detail }));
            }
            found.push((port, link, root));
        }
        let offloaded = nft::flowtable_ports()?;
        if let Some((port, ..)) = found.iter().find(|(port, ..)| offloaded.contains(&port.name)) {
            let detail = format!("a flowtable takes packets of {} past shaping and counting", port.name);
            return Ok(Err(Refusal { code: "foreign-flowtable", detail }));
        }
        if self.ports.as_ref().is_none_or(|before| !before.has(&ports.lan.name) || !before.has(&ports.wan.name)) {
            self.leave_others(&found.iter().map(|(_, link, _)| link.index).collect()).await?;
        }
        self.lay_out(&mut found, many, drift).await?;
        for (port, link, root) in &found {
            match root {
                Root::Ours => self.tend(port, *link, drift).await?,
                Root::Lost(kind) => {
                    drift.push(format!("{} had lost our queues to {kind}", port.name));
                    self.tc.plant(*link, self.layout, port.capacity_bps).await?;
                }
                Root::Free | Root::Foreign(_) => self.tc.plant(*link, self.layout, port.capacity_bps).await?,
            }
        }
        let links = (found[0].1, found[1].1);
        if self.ports.as_ref().is_none_or(|before| *before != ports) {
            // What the classes were made for is another's: nothing of it can have drifted.
            self.shaped.clear();
            self.noded.clear();
        }
        self.ports = Some(ports);
        Ok(Ok(links))
    }

    /// Decides how both trees are laid out: as one that stands, if that can be.
    async fn lay_out(
        &mut self,
        found: &mut [(&Port, Link, Root)],
        many: bool,
        drift: &mut Vec<String>,
    ) -> Result<(), Error> {
        let standing = found.iter().find(|(_, _, root)| matches!(root, Root::Ours)).map(|(_, link, _)| *link);
        let dealing = self.classes.dealing();
        self.layout = match standing {
            Some(link) => self.tc.layout(link, dealing)?,
            None if self.can_shard && many => Layout::Sharded(dealing),
            None => Layout::Flat,
        };
        if self.layout == Layout::Flat {
            return Ok(());
        }
        let mut chosen = true;
        for (_, link, root) in found.iter() {
            chosen &= matches!(root, Root::Ours) && self.tc.chooses(*link)?;
        }
        if !chosen && bpf::load().is_err() {
            // Loaded once, refused now: rather all anew in one part than lines in none.
            drift.push("the program that chooses a shard was lost and may not be loaded any more".into());
            self.layout = Layout::Flat;
            for (_, link, root) in found.iter_mut().filter(|(_, _, root)| matches!(root, Root::Ours)) {
                self.tc.uproot(*link).await?;
                *root = Root::Free;
            }
        }
        Ok(())
    }

    /// Sees to it that a tree of ours is laid out like the other port's, whole, and chooses.
    async fn tend(&mut self, port: &Port, link: Link, drift: &mut Vec<String>) -> Result<(), Error> {
        if self.tc.layout(link, self.classes.dealing())? != self.layout || !self.tc.is_whole(link, self.layout)? {
            // The root may have gone since it was looked at.
            let found = if self.tc.is_planted(link)? { "not the whole of our tree" } else { "lost our queues" };
            drift.push(format!("{} had {found}", port.name));
            self.tc.uproot(link).await?;
            self.tc.plant(link, self.layout, port.capacity_bps).await?;
        } else if self.layout != Layout::Flat && !self.tc.chooses(link)? {
            drift.push(format!("{} had lost the program that chooses a shard", port.name));
            self.tc.choose(link).await?;
        }
        Ok(())
    }

    fn root(&mut self, link: Link, name: &str) -> Result<Root, Error> {
        let was_ours = self.ports.as_ref().is_some_and(|ports| ports.has(name));
        Ok(match self.tc.root(link)? {
            Some((kind, MAJOR)) if kind == "htb" => Root::Ours,
            Some((kind, _)) if was_ours => Root::Lost(kind),
            None if was_ours => Root::Lost("nothing".into()),
            // The kernel's own have no handle; one with a handle was put there by somebody.
            Some((kind, major)) if major != 0 || !DEFAULT_QDISCS.contains(&kind.as_str()) => Root::Foreign(kind),
            Some(_) | None => Root::Free,
        })
    }

    /// Takes our tree from ports that are no longer named, also those of before a restart.
    async fn leave_others(&mut self, named: &BTreeSet<i32>) -> Result<(), Error> {
        for link in self.tc.planted().await? {
            if !named.contains(&link.index) {
                self.tc.uproot(link).await?;
            }
        }
        Ok(())
    }

    /// Sets what the ports may send, where it differs; whether it did.
    pub(super) async fn limit(&mut self, router: &Router, counted: &Counted) -> Result<bool, Error> {
        let mut changed = false;
        for ((link, held), capacity_bps, committed) in [
            (&counted.lan, router.capacity_down_bps, self.committed.0),
            (&counted.wan, router.capacity_up_bps, self.committed.1),
        ] {
            if !drift::holds(held, &self.layout.capacity(*link, capacity_bps, &committed)) {
                self.tc.set_capacity(*link, self.layout, capacity_bps, &committed).await?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// What somebody else changed of the classes since they were last made.
    pub(super) fn drift_of_classes(&self, counted: &Counted) -> Vec<String> {
        let Some(ports) = self.ports.as_ref().filter(|_| !self.shaped.is_empty()) else { return Vec::new() };
        let lan = self.shaped.iter().map(|(handle, shaped)| (*handle, shaped.minor, shaped.lan));
        let wan = self.shaped.iter().map(|(handle, shaped)| (*handle, shaped.minor, shaped.wan));
        let (down, up) = &self.committed;
        let nodes = self.noded.values();
        let of_lan = nodes.clone().map(|shaped| (shaped.minor, shaped.lan));
        let of_wan = nodes.map(|shaped| (shaped.minor, shaped.wan));
        let mut found = drift::of_port(&ports.lan, self.layout, down, &counted.lan, of_lan, lan);
        found.extend(drift::of_port(&ports.wan, self.layout, up, &counted.wan, of_wan, wan));
        found
    }
}
