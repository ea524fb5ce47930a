//! What the outside asks of the inside: one JSON object a line, over a pipe.
//!
//! Requests carry an id and are answered out of order; events come unasked.

use crate::enclosure::LISTENER_FDS;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;
use std::path::PathBuf;

/// A question with the number its answer will carry.
#[derive(Debug, Serialize, Deserialize)]
pub struct Numbered {
    /// Chosen by the outside, unique in a lab.
    pub id: u64,
    /// What is asked.
    pub ask: Ask,
}

/// What the inside can do.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Makes a network namespace under this name.
    Node { name: String },
    /// Makes a veth pair between two nodes.
    Link { a: End, b: End },
    /// Runs `ip -batch` and `bridge -batch`, then writes sysctls (`net/ipv4/...`), in a node.
    Configure { node: String, ip: String, bridge: String, sysctls: Vec<(String, String)> },
    /// Starts a program that stays; its output goes to `log` and comes back as events.
    Start { node: String, argv: Vec<String>, env: Vec<(String, String)>, log: PathBuf, listener: Option<Listener> },
    /// Runs a program to its end.
    Run { node: String, argv: Vec<String>, input: String },
    /// Sends a signal to a program this lab started.
    Signal { pid: i32, signal: i32 },
    /// Reads the kernel's counters of an interface.
    Counters { node: String, interface: String },
    /// Fetches `http://<to><path>` from a node, without following redirects.
    Get { node: String, to: SocketAddr, path: String, limit_ms: u64 },
    /// Begins sending a small UDP datagram to the echo service at `to` every `every_ms`.
    Probe { node: String, to: IpAddr, every_ms: u64 },
    /// Ends a probe and returns what it saw.
    ProbeEnd { probe: u64 },
}

/// Which of the host's TCP listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listener {
    /// The dashboard's.
    Pages,
    /// The payment provider's.
    Provider,
}

impl Listener {
    /// The number of its descriptor.
    #[must_use]
    pub fn fd(self) -> RawFd {
        LISTENER_FDS[self as usize]
    }
}

/// One end of a veth pair.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct End {
    /// The node it lives in.
    pub node: String,
    /// Its name there.
    pub interface: String,
    /// Its hardware address; the kernel chooses when absent.
    pub mac: Option<String>,
}

/// What comes back from the inside.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// The namespaces stand and requests are taken.
    Ready,
    /// The answer to a request: a value, or why not.
    Answer { id: u64, result: Result<serde_json::Value, String> },
    /// A line a started program wrote.
    Line { pid: i32, text: String },
    /// A started program is gone; `code` is absent when a signal ended it.
    Exited { pid: i32, code: Option<i32> },
}

/// The end of a program that was run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finished {
    /// Exit code; absent when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// The kernel's counters of one interface, since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes received, with the 14-byte link header.
    pub rx_bytes: u64,
    /// Packets received.
    pub rx_packets: u64,
    /// Bytes sent, with the 14-byte link header.
    pub tx_bytes: u64,
    /// Packets sent.
    pub tx_packets: u64,
}

/// What an HTTP server said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, at most 64 KiB of it.
    pub body: String,
}

/// One probe: when it left and when its echo came back, in microseconds of the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// When it was sent.
    pub sent_us: u64,
    /// When its echo arrived, if it did.
    pub answered_us: Option<u64>,
}
