//! The bodies of desired objects: everything a router should be.

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Kind {
    /// [`Router`]; one a router, id = the router's id.
    Router = 1,
    /// [`Line`]; one a subscription, id = the subscription's id.
    Line = 2,
    /// [`CutPoints`]; one a router, id = the router's id.
    CutPoints = 3,
    /// [`Node`]; what lines and other nodes hang on, id = the node's id.
    Node = 4,
}

impl Kind {
    /// The kind with this number, if this revision knows it.
    pub fn from_u32(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Router),
            2 => Some(Self::Line),
            3 => Some(Self::CutPoints),
            4 => Some(Self::Node),
            _ => None,
        }
    }
}

/// How the router is wired and how its walled garden speaks.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Router {
    /// Port toward the subscribers; HTB on its egress shapes download.
    #[prost(string, tag = "1")]
    pub lan_interface: String,
    /// Port toward the internet; HTB on its egress shapes upload.
    #[prost(string, tag = "2")]
    pub wan_interface: String,
    /// Masquerade the lines' IPv4, and nothing else, behind the WAN port's address.
    #[prost(bool, tag = "3")]
    pub nat: bool,
    /// Capacity of the LAN port, bits per second; 0 = do not limit.
    #[prost(uint64, tag = "4")]
    pub capacity_down_bps: u64,
    /// Capacity of the WAN port, bits per second; 0 = do not limit.
    #[prost(uint64, tag = "5")]
    pub capacity_up_bps: u64,
    /// The walled garden.
    #[prost(message, optional, tag = "6")]
    pub garden: Option<Garden>,
    /// What becomes of hosts behind the LAN port that are no line's. An agent of a revision before 5 lets them through.
    #[prost(enumeration = "UnknownHosts", tag = "7")]
    pub unknown_hosts: i32,
    /// Networks behind the LAN port that are the ISP's own: never held as unknown hosts.
    #[prost(message, repeated, tag = "8")]
    pub own_networks: Vec<Prefix>,
    /// Leave connections of open lines untracked; means nothing while `nat` is on.
    #[prost(bool, tag = "9")]
    pub untracked: bool,
    /// IPv4 networks the lines' [`PortBlock`]s are of, routed to this router. What comes for them and belongs to no
    /// connection of a line goes nowhere.
    #[prost(message, repeated, tag = "10")]
    pub public_networks: Vec<Prefix>,
    /// What the router sends toward the cloud is paid for by the byte: the agent says less, and less often. One of a revision
    /// before 10 speaks as ever.
    #[prost(bool, tag = "11")]
    pub metered: bool,
}

/// What becomes of hosts behind the LAN port whose address is no line's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum UnknownHosts {
    /// They pass, neither shaped nor metered.
    LetThrough = 0,
    /// They are in the walled garden.
    Garden = 1,
    /// Nothing of theirs passes.
    Closed = 2,
}

/// What a subscriber in the walled garden may reach and reads.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Garden {
    /// The ISP's name as subscribers know it.
    #[prost(string, tag = "1")]
    pub isp_name: String,
    /// Where to pay, shown as a link where the line names no page of its own; empty = none.
    #[prost(string, tag = "2")]
    pub pay_url: String,
    /// How to reach the ISP, one line; empty = none.
    #[prost(string, tag = "3")]
    pub contact: String,
    /// The ISP's hue, 0-359.
    #[prost(uint32, tag = "4")]
    pub hue: u32,
    /// Prefixes that stay reachable (portal, payment pages).
    #[prost(message, repeated, tag = "5")]
    pub reachable: Vec<Prefix>,
    /// BCP 47 language of the page when the browser asks for none we have.
    #[prost(string, tag = "6")]
    pub language: String,
    /// The only hosts that may be asked for names; none = any host, at a few questions a second.
    #[prost(message, repeated, tag = "7")]
    pub resolvers: Vec<Prefix>,
    /// Names of hosts that stay reachable beside `reachable`, at the addresses the router's own resolver gives.
    #[prost(string, repeated, tag = "8")]
    pub reachable_names: Vec<String>,
}

/// An IP prefix.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct Prefix {
    /// 4 or 16 bytes, network order, host bits zero.
    #[prost(bytes = "vec", tag = "1")]
    pub address: Vec<u8>,
    /// Prefix length in bits.
    #[prost(uint32, tag = "2")]
    pub length: u32,
}

/// One subscriber line.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Line {
    /// Names the line in usage records; assigned by the cloud, unique on this router, never reused.
    #[prost(uint32, tag = "1")]
    pub handle: u32,
    /// The subscriber's addresses.
    #[prost(message, repeated, tag = "2")]
    pub prefixes: Vec<Prefix>,
    /// Sold rate toward the subscriber, bits per second of layer 3.
    #[prost(uint64, tag = "3")]
    pub rate_down_bps: u64,
    /// Sold rate from the subscriber, bits per second of layer 3.
    #[prost(uint64, tag = "4")]
    pub rate_up_bps: u64,
    /// What the line may do.
    #[prost(enumeration = "Access", tag = "5")]
    pub access: i32,
    /// Rate toward the subscriber while throttled.
    #[prost(uint64, tag = "6")]
    pub throttled_down_bps: u64,
    /// Rate from the subscriber while throttled.
    #[prost(uint64, tag = "7")]
    pub throttled_up_bps: u64,
    /// Why the line is held: `unpaid`, `quota`, `fraud`, `abuse`, `seasonal`, `manual`; chooses the garden's text.
    #[prost(string, tag = "8")]
    pub hold_kind: String,
    /// How the rates follow use and the clock; absent = they do not.
    #[prost(message, optional, boxed, tag = "9")]
    pub fair_use: Option<Box<FairUse>>,
    /// Where this line is paid, shown as a link while it is held for not paying; empty = [`Garden::pay_url`].
    #[prost(string, tag = "10")]
    pub pay_url: String,
    /// Who the subscriber is to the router's own DHCP and PPPoE servers: what these lease to any of them is the line's,
    /// beside `prefixes`. An agent of a revision before 4 knows the prefixes alone.
    #[prost(message, repeated, tag = "11")]
    pub identities: Vec<Identity>,
    /// The [`Node`] it hangs on, 16 bytes; empty, or one that is not held = the port.
    #[prost(bytes = "vec", tag = "12")]
    pub node: Vec<u8>,
    /// Bytes toward the subscriber at what the line hangs on can carry, after being idle, before the sold rate holds;
    /// 0 = a scheduler tick's worth.
    #[prost(uint64, tag = "13")]
    pub burst_down_bytes: u64,
    /// The same from the subscriber.
    #[prost(uint64, tag = "14")]
    pub burst_up_bytes: u64,
    /// What the internet sees the line's IPv4 as where [`Router::nat`] is on; absent = the WAN port's address, shared.
    #[prost(message, optional, tag = "15")]
    pub public_ports: Option<PortBlock>,
}

/// A public IPv4 address, and the ports on it that are one line's alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct PortBlock {
    /// 4 bytes, network order.
    #[prost(bytes = "vec", tag = "1")]
    pub address: Vec<u8>,
    /// The first port, 1-65535.
    #[prost(uint32, tag = "2")]
    pub first_port: u32,
    /// The last, not before the first.
    #[prost(uint32, tag = "3")]
    pub last_port: u32,
}

/// What many lines share on their way to the router's ports: a site's backhaul, an access point. Rates are bits per
/// second of layer 3.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Node {
    /// As people know it.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The node it hangs on, 16 bytes; empty = the port.
    #[prost(bytes = "vec", tag = "2")]
    pub parent: Vec<u8>,
    /// What all its lines together have toward subscribers also while the port is full.
    #[prost(uint64, tag = "3")]
    pub committed_down_bps: u64,
    /// The same from subscribers.
    #[prost(uint64, tag = "4")]
    pub committed_up_bps: u64,
    /// What they never pass together toward subscribers.
    #[prost(uint64, tag = "5")]
    pub peak_down_bps: u64,
    /// The same from subscribers.
    #[prost(uint64, tag = "6")]
    pub peak_up_bps: u64,
}

/// What a DHCP or PPPoE server knows a subscriber by.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Identity {
    /// Exactly one of them; absent = a kind this revision does not know.
    #[prost(oneof = "identity::Who", tags = "1, 2, 3, 4, 5")]
    pub who: Option<identity::Who>,
}

/// What [`Identity`] can be.
pub mod identity {
    /// By what a subscriber is known.
    #[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
    pub enum Who {
        /// Ethernet address of the subscriber's router, 6 bytes.
        #[prost(bytes, tag = "1")]
        Mac(Vec<u8>),
        /// Agent circuit id (DHCP option 82, sub-option 1), 1-255 bytes.
        #[prost(bytes, tag = "2")]
        CircuitId(Vec<u8>),
        /// Agent remote id (DHCP option 82, sub-option 2), 1-255 bytes.
        #[prost(bytes, tag = "3")]
        RemoteId(Vec<u8>),
        /// Name the subscriber logs in to PPPoE with, 1-253 bytes, as it is written.
        #[prost(string, tag = "4")]
        PppoeUser(String),
        /// DHCPv6 unique identifier, 3-130 bytes.
        #[prost(bytes, tag = "5")]
        Duid(Vec<u8>),
    }
}

/// How a line's rates follow what it used and what time it is. The agent acts on it alone, with the cloud away.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FairUse {
    /// IANA name of the zone the windows speak of.
    #[prost(string, tag = "1")]
    pub time_zone: String,
    /// What is included in this period and in those known ahead: ascending, disjoint; none = unmetered.
    #[prost(message, repeated, tag = "2")]
    pub allowances: Vec<Allowance>,
    /// Rate toward the subscriber once the allowance is used up; 0 = it stays as it is.
    #[prost(uint64, tag = "3")]
    pub exhausted_down_bps: u64,
    /// Rate from the subscriber once the allowance is used up; 0 = it stays as it is.
    #[prost(uint64, tag = "4")]
    pub exhausted_up_bps: u64,
    /// Times of the day with rates of their own; the first that holds counts.
    #[prost(message, repeated, tag = "5")]
    pub windows: Vec<Window>,
    /// The agent's tally ([`crate::usage::Record::tally`]) that [`Allowance::elsewhere_bytes`] leaves out, 8 bytes;
    /// empty = it leaves none out.
    #[prost(bytes = "vec", tag = "6")]
    pub tally: Vec<u8>,
    /// What happens beyond the allowance: ascending; the last one reached holds. Beside [`FairUse::exhausted_down_bps`],
    /// which holds from the allowance's end until the first step.
    #[prost(message, repeated, tag = "7")]
    pub steps: Vec<Step>,
    /// Times bought with rates of their own. They outweigh windows and steps, never a hold.
    #[prost(message, repeated, tag = "8")]
    pub boosts: Vec<Boost>,
    /// Lines of the same pool share one allowance, and all have the same allowances and steps, 16 bytes; empty = its own.
    /// `elsewhere_bytes` then leaves out what this agent's tally holds of every line of the pool it serves.
    #[prost(bytes = "vec", tag = "9")]
    pub pool: Vec<u8>,
}

/// What happens from a use beyond the allowance on.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Step {
    /// Beyond the allowance and what was bought on top, bytes; 0 = from its end.
    #[prost(uint64, tag = "1")]
    pub over_bytes: u64,
    /// Rate toward the subscriber; 0 = it stays as it is.
    #[prost(uint64, tag = "2")]
    pub rate_down_bps: u64,
    /// Rate from the subscriber; 0 = it stays as it is.
    #[prost(uint64, tag = "3")]
    pub rate_up_bps: u64,
    /// The line is in the walled garden, as if held for its quota.
    #[prost(bool, tag = "4")]
    pub garden: bool,
}

/// A time with rates of its own.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Boost {
    /// Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub from_ms: u64,
    /// Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub until_ms: u64,
    /// Rate toward the subscriber; 0 = it stays as it is. Never slower than what holds otherwise.
    #[prost(uint64, tag = "3")]
    pub rate_down_bps: u64,
    /// Rate from the subscriber; 0 = it stays as it is. Never slower than what holds otherwise.
    #[prost(uint64, tag = "4")]
    pub rate_up_bps: u64,
}

/// What is included in a period. Used is what was moved in usage records that end after `start_ms` and not after
/// `end_ms`, both directions, outside free windows.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Allowance {
    /// Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub start_ms: u64,
    /// Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub end_ms: u64,
    /// Included.
    #[prost(uint64, tag = "3")]
    pub bytes: u64,
    /// Used in records of any other tally than [`FairUse::tally`]: the agent adds what its own tally holds.
    #[prost(uint64, tag = "4")]
    pub elsewhere_bytes: u64,
    /// Bought on top.
    #[prost(message, repeated, tag = "5")]
    pub top_ups: Vec<TopUp>,
    /// What was left of the allowance before this one, of its `bytes` alone, is included too, up to so much. The one
    /// before is among [`FairUse::allowances`] as long as this is.
    #[prost(uint64, tag = "6")]
    pub carry_max_bytes: u64,
}

/// Bytes on top of an allowance.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct TopUp {
    /// How much.
    #[prost(uint64, tag = "1")]
    pub bytes: u64,
    /// Until when it counts, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub until_ms: u64,
}

/// A time of the day, by the wall clock of the zone.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Window {
    /// The days it begins on: bit 0 is Monday, bit 6 Sunday.
    #[prost(uint32, tag = "1")]
    pub weekdays: u32,
    /// Minute of the day it begins at.
    #[prost(uint32, tag = "2")]
    pub from_minute: u32,
    /// Minute of the day it ends at; of the next day when not after `from_minute`.
    #[prost(uint32, tag = "3")]
    pub to_minute: u32,
    /// Rate toward the subscriber; 0 = as sold.
    #[prost(uint64, tag = "4")]
    pub rate_down_bps: u64,
    /// Rate from the subscriber; 0 = as sold.
    #[prost(uint64, tag = "5")]
    pub rate_up_bps: u64,
    /// What is moved in it is not counted against the allowance, and a used-up allowance does not slow it.
    #[prost(bool, tag = "6")]
    pub free: bool,
}

/// What a line may do; the strictest of its holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Access {
    /// Never sent; treated as [`Access::Open`], for a router must not cut a line on a doubt.
    Unspecified = 0,
    /// The sold rates.
    Open = 1,
    /// The throttled rates.
    Throttled = 2,
    /// Only the walled garden.
    WalledGarden = 3,
    /// Nothing.
    Closed = 4,
}

/// Instants no usage record may straddle: ends of billing periods, clock rules, plan changes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CutPoints {
    /// Unix milliseconds, ascending.
    #[prost(uint64, repeated, tag = "1")]
    pub at_ms: Vec<u64>,
}
