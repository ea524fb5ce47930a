//! What is wrong on that router: questions a person asks of it, within limits, and what it answers bit by bit.
//!
//! None of them changes anything for anybody's traffic. One that costs something, a capture, is written down on the router
//! before it begins, and never begun twice.

/// Cloud to agent: look into something now. Where these limits are wider than the agent's own, its own hold.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Diagnose {
    /// Not begun after this instant of the cloud's clock, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub not_after_ms: u64,
    /// Over after so long, seconds.
    #[prost(uint32, tag = "2")]
    pub seconds: u32,
    /// Most packets that are sent or taken.
    #[prost(uint32, tag = "3")]
    pub packets: u32,
    /// Most bytes of the answer.
    #[prost(uint32, tag = "4")]
    pub bytes: u32,
    /// With what.
    #[prost(oneof = "diagnose::Tool", tags = "5, 6, 7, 8, 9, 10, 11")]
    pub tool: Option<diagnose::Tool>,
}

/// What a [`Diagnose`] can be.
pub mod diagnose {
    /// A way to look.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Tool {
        /// Asks a host for echoes.
        #[prost(message, tag = "5")]
        Ping(super::Ping),
        /// Finds the routers on the way to a host.
        #[prost(message, tag = "6")]
        Traceroute(super::Traceroute),
        /// Asks name servers for a name.
        #[prost(message, tag = "7")]
        LookUp(super::LookUp),
        /// What the kernel's shaping classes hold and count.
        #[prost(message, tag = "8")]
        Shaper(super::Shaper),
        /// The agent's own last words.
        #[prost(message, tag = "9")]
        Log(super::Log),
        /// The lines that move most right now.
        #[prost(message, tag = "10")]
        Talkers(super::Talkers),
        /// Packets of one line, as a pcap file.
        #[prost(message, tag = "11")]
        Capture(super::Capture),
    }
}

/// Asks a host for echoes.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ping {
    /// A name or an address.
    #[prost(string, tag = "1")]
    pub host: String,
}

/// Finds the routers on the way to a host.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Traceroute {
    /// A name or an address.
    #[prost(string, tag = "1")]
    pub host: String,
}

/// Asks name servers for a name.
#[derive(Clone, PartialEq, prost::Message)]
pub struct LookUp {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The name server's address; empty = those the router itself asks.
    #[prost(string, tag = "2")]
    pub server: String,
}

/// What the kernel's shaping classes hold and count.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shaper {
    /// Of this line alone, 16 bytes; empty = of all.
    #[prost(bytes = "vec", tag = "1")]
    pub line: Vec<u8>,
}

/// The agent's own last words.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Log {
    /// How many at most.
    #[prost(uint32, tag = "1")]
    pub lines: u32,
}

/// The lines that move most right now.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Talkers {
    /// How many at most.
    #[prost(uint32, tag = "1")]
    pub lines: u32,
}

/// Packets of one line, as a pcap file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Capture {
    /// The line, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub line: Vec<u8>,
    /// Bytes kept of each packet, from its IP header on.
    #[prost(uint32, tag = "2")]
    pub snap_bytes: u32,
}

/// Agent to cloud: a piece of what a [`Diagnose`] found. Lossy: a part that is missing stays missing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Part {
    /// [`crate::control::Command::id`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
    /// Which part it is, from 0 on.
    #[prost(uint32, tag = "2")]
    pub number: u32,
    /// UTF-8 text, or, of a capture, a piece of the file.
    #[prost(bytes = "vec", tag = "3")]
    pub data: Vec<u8>,
}

/// A [`Diagnose`] is over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Diagnosed {
    /// How many parts were said.
    #[prost(uint32, tag = "1")]
    pub parts: u32,
    /// Whether a limit ended it.
    #[prost(bool, tag = "2")]
    pub cut_short: bool,
}

/// A command was begun, and nobody knows how it ended: the agent died or lost its session meanwhile. It is not done again.
#[derive(Clone, PartialEq, prost::Message)]
pub struct UnknownOutcome {
    /// When it was begun, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub began_ms: u64,
}

/// Cloud to agent: nobody wants to know any more.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Cancel {
    /// [`crate::control::Command::id`].
    #[prost(bytes = "vec", tag = "1")]
    pub id: Vec<u8>,
}
