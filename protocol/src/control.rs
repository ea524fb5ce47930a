//! The control stream: who is here, what each side holds, is the other still there.

/// Agent to cloud.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Up {
    /// The message.
    #[prost(oneof = "up::Message", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub message: Option<up::Message>,
}

/// What [`Up`] can be.
pub mod up {
    /// An agent's control message.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Message {
        /// Opens the session; must be first.
        #[prost(message, tag = "1")]
        Hello(super::Hello),
        /// Sent when nothing else was for a heartbeat interval.
        #[prost(message, tag = "2")]
        Heartbeat(super::Heartbeat),
        /// Something a person should know.
        #[prost(message, tag = "3")]
        Event(super::Event),
        /// How well lines were served lately.
        #[prost(message, boxed, tag = "4")]
        Quality(Box<crate::quality::Report>),
        /// What a [`super::Command`] came to.
        #[prost(message, tag = "5")]
        CommandResult(super::CommandResult),
        /// Asks for a further certificate; never sent in a session below revision 9.
        #[prost(message, tag = "6")]
        RenewCertificate(crate::enroll::RenewCertificate),
        /// A piece of what a diagnosis found; never sent to a cloud below revision 9.
        #[prost(message, tag = "7")]
        DiagnosisPart(crate::diagnosis::Part),
    }
}

/// Cloud to agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Down {
    /// The message.
    #[prost(oneof = "down::Message", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub message: Option<down::Message>,
}

/// What [`Down`] can be.
pub mod down {
    /// The cloud's control message.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Message {
        /// Answers [`super::Hello`].
        #[prost(message, tag = "1")]
        Welcome(super::Welcome),
        /// The session is over; come back as told.
        #[prost(message, tag = "2")]
        GoAway(super::GoAway),
        /// Somebody watches live numbers, or nobody does any more.
        #[prost(message, tag = "3")]
        LiveInterest(super::LiveInterest),
        /// Something to do now, once; never sent to an agent below revision 5.
        #[prost(message, tag = "4")]
        Command(super::Command),
        /// Answers [`crate::enroll::RenewCertificate`].
        #[prost(message, tag = "5")]
        CertificateRenewed(crate::enroll::CertificateRenewed),
        /// Whom to trust from now on; never sent to an agent below revision 9.
        #[prost(message, tag = "6")]
        TrustBundle(crate::enroll::TrustBundle),
        /// Nobody wants to know any more; never sent to an agent below revision 9.
        #[prost(message, tag = "7")]
        Cancel(crate::diagnosis::Cancel),
    }
}

/// The agent's side of the session: versions, clocks, what it holds.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Hello {
    /// [`crate::PROTO_REV`] of the agent.
    #[prost(uint32, tag = "1")]
    pub proto_rev: u32,
    /// The agent's own version, for people.
    #[prost(string, tag = "2")]
    pub agent_version: String,
    /// The kernel's boot id, 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub boot_id: Vec<u8>,
    /// Monotonic time since boot, in milliseconds.
    #[prost(uint64, tag = "4")]
    pub mono_ms: u64,
    /// Wall clock, in Unix milliseconds.
    #[prost(uint64, tag = "5")]
    pub wall_ms: u64,
    /// Lineage of the desired state held, 16 bytes, empty if none.
    #[prost(bytes = "vec", tag = "6")]
    pub state_lineage: Vec<u8>,
    /// Generation of the desired state held.
    #[prost(uint64, tag = "7")]
    pub state_gen: u64,
    /// XOR digest of the objects held ([`crate::hash::fold`]).
    #[prost(bytes = "vec", tag = "8")]
    pub state_digest: Vec<u8>,
    /// Every epoch with records still held, oldest first.
    #[prost(message, repeated, tag = "9")]
    pub epochs: Vec<EpochPosition>,
    /// What the router's kernel can do, by the agent's own probing: `htb`, `fq_codel`, `nft`, ...
    #[prost(string, repeated, tag = "10")]
    pub capabilities: Vec<String>,
    /// The kernel's release, for people.
    #[prost(string, tag = "11")]
    pub kernel: String,
    /// The tally the agent counts fair use in ([`crate::usage::Record::tally`]), 8 bytes; empty if it counts none.
    #[prost(bytes = "vec", tag = "12")]
    pub tally: Vec<u8>,
    /// [`crate::enroll::bundle_digest`] of the roots it trusts, 8 bytes; empty from an agent that cannot be told others. From
    /// revision 9 on.
    #[prost(bytes = "vec", tag = "13")]
    pub trust_digest: Vec<u8>,
}

/// What the agent still holds of one epoch of its usage log.
#[derive(Clone, PartialEq, prost::Message)]
pub struct EpochPosition {
    /// The epoch, 8 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    /// First sequence still held; `last_seq + 1` if none is.
    #[prost(uint64, tag = "2")]
    pub first_seq: u64,
    /// Last sequence written.
    #[prost(uint64, tag = "3")]
    pub last_seq: u64,
    /// Hash of record `first_seq - 1` ([`crate::hash::GENESIS`] before the first).
    #[prost(bytes = "vec", tag = "4")]
    pub first_prev_hash: Vec<u8>,
    /// Hash of record `last_seq`.
    #[prost(bytes = "vec", tag = "5")]
    pub last_hash: Vec<u8>,
}

/// The cloud's answer: the session, where every epoch stands, how often to speak.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Welcome {
    /// Fences every older session of this agent.
    #[prost(uint64, tag = "1")]
    pub session_id: u64,
    /// The revision this session runs at.
    #[prost(uint32, tag = "2")]
    pub proto_rev: u32,
    /// The cloud's wall clock, in Unix milliseconds.
    #[prost(uint64, tag = "3")]
    pub cloud_time_ms: u64,
    /// Lineage of the desired state the cloud will send; a new one for each enrollment.
    #[prost(bytes = "vec", tag = "4")]
    pub state_lineage: Vec<u8>,
    /// One answer for each epoch of [`Hello::epochs`].
    #[prost(message, repeated, tag = "5")]
    pub streams: Vec<StreamPosition>,
    /// How often a usage record is sealed, in milliseconds.
    #[prost(uint32, tag = "6")]
    pub usage_interval_ms: u32,
    /// Longest silence allowed on the control stream, in milliseconds.
    #[prost(uint32, tag = "7")]
    pub heartbeat_interval_ms: u32,
    /// After losing this session, wait a random time up to this before the first attempt, in milliseconds.
    #[prost(uint32, tag = "8")]
    pub reconnect_spread_ms: u32,
    /// The cloud was restored from a backup, and nobody has said yet that what it wants is right: take nothing away from any
    /// line until [`crate::state::Down::removals_confirmed`]. From revision 9 on.
    #[prost(bool, tag = "9")]
    pub restored: bool,
    /// Gateways there are, `host:port`, the best for this agent first; empty: those it knows. Never sent to an agent below
    /// revision 9.
    #[prost(string, repeated, tag = "10")]
    pub gateways: Vec<String>,
}

/// Where the cloud stands in one epoch of the agent's usage log.
#[derive(Clone, PartialEq, prost::Message)]
pub struct StreamPosition {
    /// The epoch, 8 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub epoch: Vec<u8>,
    /// Last record committed; 0 if none.
    #[prost(uint64, tag = "2")]
    pub applied_seq: u64,
    /// Hash of that record.
    #[prost(bytes = "vec", tag = "3")]
    pub applied_hash: Vec<u8>,
    /// Last record that survives a restore of the cloud: the agent may delete up to here.
    #[prost(uint64, tag = "4")]
    pub trim_seq: u64,
    /// Whether the agent may go on from `applied_seq`.
    #[prost(enumeration = "Verdict", tag = "5")]
    pub verdict: i32,
}

/// How the cloud sees an epoch the agent offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Verdict {
    /// Never sent; treated as [`Verdict::Fork`].
    Unspecified = 0,
    /// Resend from `applied_seq + 1`.
    Ok = 1,
    /// The agent has already deleted records the cloud does not have. From revision 9 on it is to say what they came to
    /// ([`crate::usage::GapFill`]), and goes on after that is answered.
    Gap = 2,
    /// The logs differ: open a new epoch, the cloud decides what of the old one counts.
    Fork = 3,
    /// Not now: keep its records, and send none of them in this session. From revision 8 on.
    Later = 4,
}

/// "I am here, this much is waiting."
#[derive(Clone, PartialEq, prost::Message)]
pub struct Heartbeat {
    /// Monotonic time since boot, in milliseconds.
    #[prost(uint64, tag = "1")]
    pub mono_ms: u64,
    /// Wall clock, in Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub wall_ms: u64,
    /// Sealed usage records not yet acknowledged.
    #[prost(uint64, tag = "3")]
    pub pending_records: u64,
}

/// Something the router's staff should know; kept by id, so repeats are harmless.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Event {
    /// UUIDv7, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// A stable name, `kebab-case`: `counter-regression`, `foreign-qdisc`, ...
    #[prost(string, tag = "2")]
    pub kind: String,
    /// How much it matters.
    #[prost(enumeration = "Severity", tag = "3")]
    pub severity: i32,
    /// When, in Unix milliseconds.
    #[prost(uint64, tag = "4")]
    pub wall_ms: u64,
    /// One plain sentence.
    #[prost(string, tag = "5")]
    pub text: String,
}

/// How much an [`Event`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Severity {
    /// Worth keeping.
    Info = 0,
    /// Worth a look.
    Warning = 1,
    /// Needs a person.
    Critical = 2,
}

/// The cloud ends the session.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GoAway {
    /// Why.
    #[prost(enumeration = "GoAwayReason", tag = "1")]
    pub reason: i32,
    /// Come back no sooner than this, in milliseconds.
    #[prost(uint32, tag = "2")]
    pub reconnect_after_min_ms: u32,
    /// Come back no later than this, in milliseconds.
    #[prost(uint32, tag = "3")]
    pub reconnect_after_max_ms: u32,
    /// Other gateways to go to, `host:port`, the best for this agent first. Never sent to an agent below revision 9.
    #[prost(string, repeated, tag = "4")]
    pub gateways: Vec<String>,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum GoAwayReason {
    /// The gateway is going down in an orderly way.
    Drain = 0,
    /// A newer session of the same agent took over.
    Fenced = 1,
    /// The agent was revoked: keep enforcing, stop reporting.
    Revoked = 2,
    /// No revision in common.
    Version = 3,
}

/// Whether somebody watches.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LiveInterest {
    /// Send a [`crate::live::Sample`] each interval for this long, in milliseconds; 0 stops.
    #[prost(uint32, tag = "1")]
    pub for_ms: u32,
    /// Interval between samples, in milliseconds.
    #[prost(uint32, tag = "2")]
    pub interval_ms: u32,
}

/// Something an agent is to do now, once. It is not sent again: what is not answered is not known.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Command {
    /// Names it in [`CommandResult`], 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// What to do.
    #[prost(oneof = "command::What", tags = "2, 3")]
    pub what: Option<command::What>,
}

/// What a [`Command`] can be.
pub mod command {
    /// What to do.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum What {
        /// Measure how a line is served.
        #[prost(message, tag = "2")]
        Probe(crate::quality::Probe),
        /// Look into something; never sent to an agent below revision 9.
        #[prost(message, tag = "3")]
        Diagnose(crate::diagnosis::Diagnose),
    }
}

/// What a [`Command`] came to.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CommandResult {
    /// [`Command::id`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// What it came to.
    #[prost(oneof = "command_result::Outcome", tags = "2, 3, 4, 5")]
    pub outcome: Option<command_result::Outcome>,
}

/// What a [`CommandResult`] can be.
pub mod command_result {
    /// What a command came to.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Outcome {
        /// A line was measured.
        #[prost(message, tag = "2")]
        Probed(crate::quality::Probed),
        /// It was not done.
        #[prost(message, tag = "3")]
        Refused(super::Refused),
        /// It was looked into.
        #[prost(message, tag = "4")]
        Diagnosed(crate::diagnosis::Diagnosed),
        /// It was begun and is not known to have ended.
        #[prost(message, tag = "5")]
        Unknown(crate::diagnosis::UnknownOutcome),
    }
}

/// Why a [`Command`] was not done.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refused {
    /// A stable name, `kebab-case`: `line-unknown`, `busy`, `command-unknown`, `too-late`.
    #[prost(string, tag = "1")]
    pub code: String,
    /// One plain sentence.
    #[prost(string, tag = "2")]
    pub text: String,
}
