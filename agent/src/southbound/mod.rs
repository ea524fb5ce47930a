//! Toward the kernel: one trait, the real thing ([`linux`]), and nothing ([`null`]).
//!
//! Whoever implements it owns what it made and nothing else on the router. Enforcement stays when the process ends.

pub mod audit;
pub mod linux;
pub mod null;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;
use weir_protocol::state::ObservedLine;
use weir_protocol::usage::BothWays;

use crate::plan::Wanted;

/// A cumulative count. Bytes are layer 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Total {
    /// Bytes without link headers.
    pub bytes: u64,
    /// Packets as on the wire.
    pub packets: u64,
}

impl Total {
    /// `self - earlier`; all of it if the count began anew since.
    pub fn since(self, earlier: Self) -> Self {
        match (self.bytes.checked_sub(earlier.bytes), self.packets.checked_sub(earlier.packets)) {
            (Some(bytes), Some(packets)) => Self { bytes, packets },
            _ => self,
        }
    }

    /// Sum of two; saturates.
    pub fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_add(other.bytes), packets: self.packets.saturating_add(other.packets) }
    }
}

/// A line's counters. They are never reset; a new `generation` begins whenever they may have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The line.
    pub handle: u32,
    /// The stretch in which these counters only grow.
    pub generation: Uuid,
    /// Toward the subscriber, when the generation began.
    pub base_down: Total,
    /// From the subscriber, when the generation began.
    pub base_up: Total,
    /// Toward the subscriber.
    pub down: Total,
    /// From the subscriber.
    pub up: Total,
}

/// One reading of all counters, whole or not at all.
#[derive(Debug, Clone, Default)]
pub struct Sweep {
    /// A counter for every line that has one, wanted or not yet forgotten.
    pub counters: Vec<Counter>,
    /// Generations among them whose line is counted under another one by now: see [`Southbound::leave`].
    pub left: BTreeSet<Uuid>,
}

/// What was measured since the last time beside what is billed: never money, and what a restart misses stays missed.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// By handle; a line of which there is nothing to tell is left out.
    pub lines: BTreeMap<u32, LineMeasured>,
    /// Whether IPv6 was measured: not where no line has any.
    pub has_v6: bool,
    /// What no line's class counted.
    pub unattributed: Unattributed,
    /// Hosts no line has that sent lately, in no order.
    pub unknown_hosts: Vec<SeenHost>,
    /// How what the classes counted compares with what the ports did, a port each.
    pub audits: Vec<audit::Audit>,
}

/// A host behind the LAN port that no line has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeenHost {
    /// Its address.
    pub address: IpAddr,
    /// What it, or the router in front of it, sent from.
    pub mac: [u8; 6],
    /// How long ago it was last noted.
    pub silent: Duration,
}

/// A line's part of [`Measured`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineMeasured {
    /// Bytes of IPv6 that came to be shaped; more than was delivered, if some was dropped.
    pub v6_bytes: BothWays,
    /// Packets its queues dropped.
    pub dropped_packets: BothWays,
    /// Packets its queues marked as having met congestion, instead of dropping them.
    pub marked_packets: BothWays,
}

/// How full lines and their queues were at the sweeps since it was last asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sampled {
    /// How many sweeps.
    pub sweeps: u32,
    /// How long they speak of, milliseconds.
    pub span_ms: u64,
    /// By handle, ascending; idle lines are left out.
    pub lines: Vec<(u32, LineSampled)>,
}

/// A line's part of [`Sampled`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineSampled {
    /// Toward the subscriber.
    pub down: WaySampled,
    /// From the subscriber.
    pub up: WaySampled,
}

/// One direction of a line, over sweeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WaySampled {
    /// Time a byte that came then would have waited, microseconds; the sum of all sweeps.
    pub delay_us: u32,
    /// The longest of these.
    pub delay_max_us: u32,
    /// Sweeps since the one before which the line was at its rate.
    pub full: u32,
    /// Milliseconds it would have taken at the line's rate to move what was moved.
    pub used_ms: u32,
}

impl WaySampled {
    /// Adds another sweep.
    pub fn add(&mut self, other: &Self) {
        self.delay_us = self.delay_us.saturating_add(other.delay_us);
        self.delay_max_us = self.delay_max_us.max(other.delay_max_us);
        self.full = self.full.saturating_add(other.full);
        self.used_ms = self.used_ms.saturating_add(other.used_ms);
    }
}

/// Traffic of nobody's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Unattributed {
    /// Left through the LAN port in the class of all others: the router's own, and hosts no line has.
    pub lan: Total,
    /// Left through the WAN port so.
    pub wan: Total,
    /// Forwarded toward hosts behind the LAN port that no line has.
    pub to_unknown: Total,
    /// Forwarded from such hosts.
    pub from_unknown: Total,
}

/// What became of a desired object.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The kernel holds this, read back.
    Applied(ObservedLine),
    /// Could not be done now.
    Failed {
        /// A stable name, `kebab-case`.
        code: &'static str,
        /// One plain sentence.
        detail: String,
    },
    /// Can never be done as it is.
    Rejected {
        /// A stable name, `kebab-case`.
        code: &'static str,
        /// One plain sentence.
        detail: String,
    },
}

/// What became of everything wanted.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The router object; absent if none is wanted.
    pub router: Option<Outcome>,
    /// All nodes; what was observed is their peaks.
    pub nodes: Vec<(Uuid, Outcome)>,
    /// The lines: all of them, or only those that changed.
    pub lines: Vec<(Uuid, Outcome)>,
    /// Whether everything was compared.
    pub whole: bool,
    /// What somebody else had changed since the last time, healed by now; a few words each.
    pub drift: Vec<String>,
}

/// Why the kernel could not be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A netlink request failed.
    #[error("netlink: {0}")]
    Netlink(String),
    /// The nft program failed.
    #[error("nft: {0}")]
    Nft(String),
    /// A dump stayed incomplete however often it was repeated.
    #[error("counters of {0} could not be read whole")]
    Incomplete(String),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// The kernel, as the agent needs it.
#[expect(async_fn_in_trait, reason = "one task of one thread drives the kernel")]
pub trait Southbound {
    /// What the kernel can do, found by doing it.
    async fn probe(&mut self) -> Result<Vec<String>, Error>;
    /// Makes the kernel hold what is wanted by changing what differs, and reads back what it holds.
    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error>;
    /// As [`Southbound::apply`], knowing that only these lines differ from what was wanted before.
    async fn change(&mut self, wanted: &Wanted, changed: &BTreeSet<Uuid>) -> Result<Applied, Error>;
    /// Reads all counters.
    async fn sweep(&mut self) -> Result<Sweep, Error>;
    /// How full lines and their queues were at the sweeps since the last time.
    fn sampled(&mut self) -> Sampled {
        Sampled::default()
    }
    /// Looks at one line by itself from now on.
    fn watch(&mut self, _handle: u32) {}
    /// What was seen of a line that was watched, and of nothing else; it no longer is.
    fn watched(&mut self, _handle: u32) -> Sampled {
        Sampled::default()
    }
    /// The classes of these lines, named by handle, as the kernel holds and counts them now, and its rules: a table for
    /// people.
    async fn shaper(&mut self, _names: &BTreeMap<u32, String>) -> Result<String, Error> {
        Ok("nothing is shaped here\n".to_owned())
    }
    /// Measures what is worth knowing beside what is billed, since the last time; dearer than a sweep.
    /// `None` if nothing can be measured.
    async fn measure(&mut self) -> Result<Option<Measured>, Error> {
        Ok(None)
    }
    /// These lines' last counters are sealed: what is no longer wanted of them may be reused.
    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error>;
    /// These counters, which their lines have left, are sealed as they stand here: those that still do may go.
    async fn leave(&mut self, _sealed: &[Counter]) -> Result<(), Error> {
        Ok(())
    }
    /// These hosts, and no other by name, are reachable from the walled garden.
    async fn reach(&mut self, _hosts: BTreeSet<IpAddr>) -> Result<(), Error> {
        Ok(())
    }
    /// Removes every trace.
    async fn uninstall(&mut self) -> Result<(), Error>;
}
