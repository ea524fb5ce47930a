//! Toward the kernel.

pub mod null;

use crate::plan::Wanted;
use uuid::Uuid;
use weir_protocol::state::ObservedLine;

/// Cumulative, layer 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    pub bytes: u64,
    pub packets: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    pub handle: u32,
    pub generation: Uuid,
    pub base_down: Total,
    pub base_up: Total,
    pub down: Total,
    pub up: Total,
}

#[derive(Debug, Clone, Default)]
pub struct Sweep {
    pub counters: Vec<Counter>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Applied(ObservedLine),
    Failed { code: &'static str, detail: String },
    Rejected { code: &'static str, detail: String },
}

#[derive(Debug, Clone)]
pub struct Applied {
    pub router: Option<Outcome>,
    pub lines: Vec<(Uuid, Outcome)>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Error(pub String);

#[expect(async_fn_in_trait, reason = "one task drives the adapter")]
pub trait Southbound: Send {
    async fn probe(&mut self) -> Result<Vec<String>, Error>;
    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error>;
    async fn sweep(&mut self) -> Result<Sweep, Error>;
    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error>;
    async fn uninstall(&mut self) -> Result<(), Error>;
}
