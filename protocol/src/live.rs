//! The live stream: this second's rates, for people who are watching. Lossy by design; never billed.

/// Rates over the last interval.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sample {
    /// When it was taken, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub wall_ms: u64,
    /// All lines together, toward the subscribers, bits per second.
    #[prost(uint64, tag = "2")]
    pub down_bps: u64,
    /// All lines together, from the subscribers, bits per second.
    #[prost(uint64, tag = "3")]
    pub up_bps: u64,
    /// Lines that moved anything.
    #[prost(message, repeated, tag = "4")]
    pub lines: Vec<LineRate>,
}

/// One line's rates.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct LineRate {
    /// The line.
    #[prost(uint32, tag = "1")]
    pub handle: u32,
    /// Toward the subscriber, bits per second.
    #[prost(uint64, tag = "2")]
    pub down_bps: u64,
    /// From the subscriber, bits per second.
    #[prost(uint64, tag = "3")]
    pub up_bps: u64,
}
