//! Traffic words: direction, family, a load, what a flow carried, and how bytes are counted without Weir.
//!
//! `Carried` is the subscriber's own interface: bytes minus 14 (the Ethernet header) per packet, that is layer-3 bytes as they
//! were on the line. ARP, ND, MLD and floods can't be among them (see `topology`), retransmissions and acknowledgements are.
//! `Flow` is what iperf3 itself says: payload only.

use crate::wire::Counters;
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const LINK_HEADER_BYTES: u64 = 14;

/// Seen from the subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// To the subscriber.
    Down,
    /// From the subscriber.
    Up,
}

/// The internet protocol of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// IPv4, through the router's NAT.
    V4,
    /// IPv6, routed.
    V6,
}

impl Family {
    /// TCP payload per layer-3 byte at an MTU of 1500, with timestamps: headers take 52 (v4) or 72 (v6) bytes of each packet.
    #[must_use]
    pub fn payload_share(self) -> f64 {
        match self {
            Self::V4 => 1448.0 / 1500.0,
            Self::V6 => 1428.0 / 1500.0,
        }
    }
}

/// How much a flow sends, and how fast at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Seconds or bytes.
    pub amount: Amount,
    /// Bits a second of payload; as fast as the line goes when absent.
    pub rate_bps: Option<u64>,
}

/// When a flow is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// After this long.
    Seconds(u32),
    /// After this much payload.
    Bytes(u64),
}

impl Load {
    /// As fast as the line goes, for some seconds.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self { amount: Amount::Seconds(seconds), rate_bps: None }
    }

    /// As fast as the line goes, until this much payload has been sent.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self { amount: Amount::Bytes(bytes), rate_bps: None }
    }

    /// The same, at most so many bits of payload a second.
    #[must_use]
    pub const fn at(self, rate_bps: u64) -> Self {
        Self { rate_bps: Some(rate_bps), ..self }
    }
}

/// Layer-3 bytes that crossed a subscriber's port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Delivered to the subscriber.
    pub down_bytes: u64,
    /// Sent by the subscriber.
    pub up_bytes: u64,
}

impl Carried {
    /// From the counters of the subscriber's interface.
    #[must_use]
    pub fn from_counters(counters: &Counters) -> Self {
        Self {
            down_bytes: counters.rx_bytes.saturating_sub(LINK_HEADER_BYTES * counters.rx_packets),
            up_bytes: counters.tx_bytes.saturating_sub(LINK_HEADER_BYTES * counters.tx_packets),
        }
    }

    /// What was carried since an earlier reading.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            down_bytes: self.down_bytes.saturating_sub(earlier.down_bytes),
            up_bytes: self.up_bytes.saturating_sub(earlier.up_bytes),
        }
    }

    /// Both directions together.
    #[must_use]
    pub fn total(self) -> u64 {
        self.down_bytes + self.up_bytes
    }
}

impl std::ops::Add for Carried {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { down_bytes: self.down_bytes + other.down_bytes, up_bytes: self.up_bytes + other.up_bytes }
    }
}

/// What iperf3 says about one flow.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flow {
    /// Payload the subscriber received or sent: what its own end of the flow counted.
    pub payload_bytes: u64,
    /// Bits of payload a second at the receiver, over the whole flow: what is lost to a full queue reaches the reader late
    /// and in bunches, so that any part of a flow may look faster or slower than its line.
    pub goodput_bps: f64,
    /// TCP segments sent again.
    pub retransmits: u64,
}

impl Flow {
    /// Reads the JSON iperf3 prints at the client, which is the subscriber.
    pub fn from_iperf3(text: &str, direction: Direction) -> Result<Self> {
        let report: Value = serde_json::from_str(text).context("iperf3 did not print JSON")?;
        if let Some(error) = report["error"].as_str() {
            bail!("iperf3: {error}");
        }
        let end = &report["end"];
        let own = if direction == Direction::Down { &end["sum_received"] } else { &end["sum_sent"] };
        let rate = end["sum_received"]["bits_per_second"].as_f64();
        Ok(Self {
            payload_bytes: own["bytes"].as_u64().context("iperf3 does not say how much it carried")?,
            goodput_bps: rate.context("iperf3 does not say how fast it was")?,
            retransmits: end["sum_sent"]["retransmits"].as_u64().unwrap_or_default(),
        })
    }
}
