//! The state stream: desired objects down, what became of them up.
//!
//! Level-triggered: a delta says how the set of objects changed between two generations. *Received*,
//! *persisted* and *applied* are three separate facts. One bad object never rejects its siblings.

/// Cloud to agent: a change of the desired state. Applied to the agent's store whole or not at all.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Down {
    /// Lineage of the state, 16 bytes. Empty from revision 8 on where it is a change: that of
    /// [`crate::control::Welcome::state_lineage`].
    #[prost(bytes = "vec", tag = "1")]
    pub lineage: Vec<u8>,
    /// The generation this builds on; ignored for a snapshot.
    #[prost(uint64, tag = "2")]
    pub from_gen: u64,
    /// The generation reached.
    #[prost(uint64, tag = "3")]
    pub to_gen: u64,
    /// True: this is everything, forget what is not named.
    #[prost(bool, tag = "4")]
    pub snapshot: bool,
    /// New or changed objects.
    #[prost(message, repeated, tag = "5")]
    pub upserts: Vec<Object>,
    /// Objects gone.
    #[prost(message, repeated, tag = "6")]
    pub removes: Vec<ObjectKey>,
    /// XOR digest of all objects after this change; from revision 8 on its first 8 bytes, where it is a change.
    #[prost(bytes = "vec", tag = "7")]
    pub digest_after: Vec<u8>,
    /// Somebody confirmed what the agent held back, be it for its number or because the cloud was restored: it comes into force,
    /// and so does what is in this change.
    #[prost(bool, tag = "8")]
    pub removals_confirmed: bool,
}

/// One desired object: opaque bytes with a revision. Agents store the bytes as received.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Object {
    /// [`crate::desired::Kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Identity within the kind, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub id: Vec<u8>,
    /// Grows with every change of this object.
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    /// Encoded body; see [`crate::desired`].
    #[prost(bytes = "vec", tag = "4")]
    pub body: Vec<u8>,
    /// The revision ([`crate::PROTO_REV`]) an agent must speak to act on the body; 0 = any. An older one would pass over what
    /// it does not know: it keeps the last body it understood instead.
    #[prost(uint32, tag = "5")]
    pub needs_rev: u32,
}

/// Names an object.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Message)]
pub struct ObjectKey {
    /// [`crate::desired::Kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Identity within the kind, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub id: Vec<u8>,
}

/// Agent to cloud.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Up {
    /// The message.
    #[prost(oneof = "up::Message", tags = "1, 2, 3, 4, 5")]
    pub message: Option<up::Message>,
}

/// What [`Up`] can be.
pub mod up {
    /// An agent's state message.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Message {
        /// How far a delta came.
        #[prost(message, tag = "1")]
        Ack(super::Ack),
        /// What the kernel holds, read back.
        #[prost(message, tag = "2")]
        Applied(super::ApplyReport),
        /// What fair use did to lines.
        #[prost(message, tag = "3")]
        FairUse(super::FairUseReport),
        /// What the router's servers leased to lines; from revision 4 on.
        #[prost(message, tag = "4")]
        Addresses(super::AddressReport),
        /// Hosts no line has; from revision 6 on.
        #[prost(message, tag = "5")]
        Unknown(super::UnknownReport),
    }
}

/// How far a delta came. Not sent where an [`ApplyReport`] that says the same follows at once.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ack {
    /// Lineage held, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub lineage: Vec<u8>,
    /// Generation held. If it is not the delta's `to_gen`, the delta did not fit: send a snapshot.
    #[prost(uint64, tag = "2")]
    pub gen_held: u64,
    /// True once the generation is on disk.
    #[prost(bool, tag = "3")]
    pub persisted: bool,
}

/// What became of the objects of a generation, as read back from the kernel.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ApplyReport {
    /// Generation that was applied.
    #[prost(uint64, tag = "1")]
    pub generation: u64,
    /// True: every object is listed; false: only those that changed since the last report.
    #[prost(bool, tag = "2")]
    pub complete: bool,
    /// The objects.
    #[prost(message, repeated, tag = "3")]
    pub results: Vec<ObjectResult>,
    /// Present: this stands for the [`Ack`] of `generation`, of the session's lineage, and says whether it is on disk; from
    /// revision 8 on.
    #[prost(bool, optional, tag = "4")]
    pub persisted: Option<bool>,
}

/// What became of one object. Without an id, in a report that acknowledges a change: of the object that is in the same place
/// among the change's upserts, at its revision ([`crate::brief`]).
#[derive(Clone, PartialEq, prost::Message)]
pub struct ObjectResult {
    /// [`crate::desired::Kind`].
    #[prost(uint32, tag = "1")]
    pub kind: u32,
    /// Identity within the kind, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub id: Vec<u8>,
    /// The revision this speaks of.
    #[prost(uint64, tag = "3")]
    pub revision: u64,
    /// The outcome.
    #[prost(enumeration = "Status", tag = "4")]
    pub status: i32,
    /// A stable name for a failure, `kebab-case`; empty if applied.
    #[prost(string, tag = "5")]
    pub code: String,
    /// One plain sentence, at most 256 bytes.
    #[prost(string, tag = "6")]
    pub detail: String,
    /// What the kernel was read to hold, for a line; absent for other kinds and for failures.
    #[prost(message, optional, tag = "7")]
    pub observed: Option<ObservedLine>,
}

/// Outcome of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Status {
    /// Not tried yet.
    Pending = 0,
    /// In the kernel, read back.
    Applied = 1,
    /// Could not be applied; the last good revision stays; retried.
    Failed = 2,
    /// Can never be applied as it is.
    Rejected = 3,
    /// Needs a newer agent.
    Unsupported = 4,
    /// Removed from the kernel.
    Removed = 5,
}

/// A line as the kernel holds it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ObservedLine {
    /// HTB rate toward the subscriber, in bits per second of layer 3; 0 if there is no class.
    #[prost(uint64, tag = "1")]
    pub rate_down_bps: u64,
    /// HTB rate from the subscriber, in bits per second of layer 3; 0 if there is no class.
    #[prost(uint64, tag = "2")]
    pub rate_up_bps: u64,
    /// Whether the line's prefixes are in the shaping maps, the walled garden's sets, or nowhere.
    #[prost(enumeration = "crate::desired::Access", tag = "3")]
    pub access: i32,
    /// What the line's IPv4 is translated to; absent = the WAN port's address, or nothing.
    #[prost(message, optional, tag = "4")]
    pub public_ports: Option<crate::desired::PortBlock>,
}

/// How lines stand with their fair use; those that changed since the last report.
#[derive(Clone, PartialEq, prost::Message)]
pub struct FairUseReport {
    /// The lines.
    #[prost(message, repeated, tag = "1")]
    pub lines: Vec<LineFairUse>,
}

/// How one line stands with its fair use.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LineFairUse {
    /// The line's object, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Start of the period spoken of, Unix milliseconds; 0 = none is known.
    #[prost(uint64, tag = "2")]
    pub start_ms: u64,
    /// Its end.
    #[prost(uint64, tag = "3")]
    pub end_ms: u64,
    /// Used in the period.
    #[prost(uint64, tag = "4")]
    pub used_bytes: u64,
    /// What it may use before the rule acts, with what was bought on top.
    #[prost(uint64, tag = "5")]
    pub limit_bytes: u64,
    /// What is in force.
    #[prost(enumeration = "Rule", tag = "6")]
    pub rule: i32,
    /// Since when, Unix milliseconds.
    #[prost(uint64, tag = "7")]
    pub since_ms: u64,
    /// When it may change without traffic, Unix milliseconds; 0 = never.
    #[prost(uint64, tag = "8")]
    pub next_ms: u64,
    /// The last changes, oldest first; may repeat what was told before.
    #[prost(message, repeated, tag = "9")]
    pub turns: Vec<Turn>,
    /// Of `limit_bytes`, what was carried over from the period before.
    #[prost(uint64, tag = "10")]
    pub carried_bytes: u64,
}

/// A change of the rule in force.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Turn {
    /// What came into force.
    #[prost(enumeration = "Rule", tag = "1")]
    pub rule: i32,
    /// When, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub at_ms: u64,
    /// Used in the period by then.
    #[prost(uint64, tag = "3")]
    pub used_bytes: u64,
    /// Steps beyond the allowance that were reached: which one [`Rule::Exhausted`] and [`Rule::Capped`] speak of; 0 = none.
    #[prost(uint32, tag = "4")]
    pub step: u32,
}

/// What decides a line's rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Rule {
    /// What was sold.
    Sold = 0,
    /// A time of the day.
    Window = 1,
    /// The allowance is used up and the line throttled.
    Exhausted = 2,
    /// A time with rates of its own that was bought.
    Boost = 3,
    /// The allowance is used up and the line in the walled garden.
    Capped = 4,
}

/// Hosts behind the LAN port that no line has, seen lately.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UnknownReport {
    /// All of them, or as many as fit, the most recent first.
    #[prost(message, repeated, tag = "1")]
    pub hosts: Vec<UnknownHost>,
    /// More were seen than are listed.
    #[prost(bool, tag = "2")]
    pub more: bool,
    /// What came from such hosts since the report before, layer 3, let through or not.
    #[prost(uint64, tag = "3")]
    pub from_bytes: u64,
    /// What went toward them.
    #[prost(uint64, tag = "4")]
    pub to_bytes: u64,
}

/// A host no line has.
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct UnknownHost {
    /// 4 or 16 bytes, network order.
    #[prost(bytes = "vec", tag = "1")]
    pub address: Vec<u8>,
    /// Ethernet address it, or the router in front of it, sent from, 6 bytes; empty = not known.
    #[prost(bytes = "vec", tag = "2")]
    pub mac: Vec<u8>,
    /// When it was last seen, to the minute or so, Unix milliseconds.
    #[prost(uint64, tag = "3")]
    pub seen_ms: u64,
}

/// Which addresses the router's own DHCP and PPPoE servers gave to lines; those lines that changed since the last report.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AddressReport {
    /// The lines. In the first report of a session: every line that has a learned prefix.
    #[prost(message, repeated, tag = "1")]
    pub lines: Vec<LineAddresses>,
    /// Leases that are no line's.
    #[prost(uint32, tag = "2")]
    pub unclaimed: u32,
    /// True: lines not named have none.
    #[prost(bool, tag = "3")]
    pub complete: bool,
}

/// The learned prefixes of one line: all it has, none if it lost the last.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LineAddresses {
    /// The line's object, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// The prefixes.
    #[prost(message, repeated, tag = "2")]
    pub prefixes: Vec<LearnedPrefix>,
}

/// A prefix a server of the router leased.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LearnedPrefix {
    /// The prefix.
    #[prost(message, optional, tag = "1")]
    pub prefix: Option<crate::desired::Prefix>,
    /// Who leased it.
    #[prost(enumeration = "AddressSource", tag = "2")]
    pub source: i32,
    /// Since when it is the line's, Unix milliseconds.
    #[prost(uint64, tag = "3")]
    pub since_ms: u64,
    /// Until when it was leased when this was told, Unix milliseconds; renewals alone are not told. 0 = until it ends.
    #[prost(uint64, tag = "4")]
    pub until_ms: u64,
}

/// Who leases addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AddressSource {
    /// Somebody this revision does not know, or a program of the operator's.
    Other = 0,
    /// The DHCP server dnsmasq.
    Dnsmasq = 1,
    /// The DHCP server Kea.
    Kea = 2,
    /// A PPPoE server.
    Pppoe = 3,
}
