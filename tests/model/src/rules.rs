//! The rules that keep a byte from being billed twice or lost; without any one of them the model must show a failure.

/// Which rules hold.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// A record's effect and the watermark are one transaction.
    pub one_transaction: bool,
    /// Only the newest session of an agent that is not revoked writes.
    pub fence: bool,
    /// A record names the hash of the one before it; without, its number alone says whether it is the next.
    pub chain: bool,
    /// What the log's end must be is noted in memory before each write.
    pub marker: bool,
    /// A log that lacks a newer epoch is not believed.
    pub supersession: bool,
    /// An agent enrolled anew goes on where the one before it stood.
    pub adoption: bool,
    /// What is missing on both sides is passed over and said.
    pub gaps: bool,
    /// What it came to is billed, as the router's totals say.
    pub filling: bool,
    /// Counters are read and never set to zero.
    pub cumulative: bool,
    /// No rule but a limit: a disk or a machine is put back only to a log the cloud has heard of and not forgotten, and a
    /// machine whose memory was put back speaks to the cloud before anything else befalls its disk or the cloud. Otherwise
    /// nobody is left who could know what is billed already.
    pub asked: bool,
}

impl Rules {
    /// All of them.
    pub const ALL: Self = Self {
        one_transaction: true,
        fence: true,
        chain: true,
        marker: true,
        supersession: true,
        adoption: true,
        gaps: true,
        filling: true,
        cumulative: true,
        asked: true,
    };
}
