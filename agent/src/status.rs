//! What `weir-agent status` prints: who this router is and what the running agent last knew.

use crate::config::Config;
use crate::northbound::reach::Way;
use crate::southbound::Unattributed;
use crate::southbound::audit::Audit;
use crate::store::disk::{Disk, Folder};
use crate::store::identity;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

const FILE: &str = "status.json";

/// What the running agent knows; rewritten as it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Lineage of the desired state, hexadecimal.
    pub desired_lineage: String,
    /// Generation of the desired state held.
    pub desired_generation: u64,
    /// How many objects of the last report are in each state.
    #[serde(skip_deserializing)]
    pub objects: BTreeMap<&'static str, usize>,
    /// The agent's version.
    #[serde(default)]
    pub version: String,
    /// What the kernel can do.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// What somebody else last changed of ours.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Traffic of no line since the agent began.
    #[serde(default)]
    pub unattributed: Unattributed,
    /// How what the shaper counted last compared with what the ports sent.
    #[serde(default)]
    pub audits: Vec<Audit>,
    /// What the router's own servers lease.
    #[serde(default)]
    pub addresses: Addresses,
    /// Whether there was a session.
    pub connected: bool,
    /// What it went over.
    #[serde(default)]
    pub over: Option<Way>,
    /// The usage log.
    pub epochs: Vec<Epoch>,
    /// How full the usage log is, in thousandths.
    pub log_fill_permille: u64,
    /// What this router shows the cloud.
    #[serde(default)]
    pub certificate: Certificate,
    /// When this was written, Unix milliseconds.
    pub written_at_ms: u64,
}

/// A router's certificate.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Until when it holds, Unix milliseconds.
    pub until_ms: Option<u64>,
    /// What stands in the way of the cloud, or of renewing it; one sentence.
    pub problem: Option<String>,
}

/// Leases, counted.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Prefixes of lines.
    pub learned: usize,
    /// Leases that are no line's.
    pub unclaimed: u32,
    /// Prefixes that are nobody's because more than one line claims them.
    pub conflicts: usize,
}

impl From<(usize, u32, usize)> for Addresses {
    fn from((learned, unclaimed, conflicts): (usize, u32, usize)) -> Self {
        Self { learned, unclaimed, conflicts }
    }
}

/// A change of the kernel by somebody else, found and healed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// When, Unix milliseconds.
    pub found_at_ms: u64,
    /// What, in one sentence.
    pub text: String,
}

/// One epoch of the usage log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Epoch {
    /// The epoch, hexadecimal.
    pub epoch: String,
    /// First record still held.
    pub first_seq: u64,
    /// Last record written.
    pub last_seq: u64,
    /// Last record the cloud has; none without a session.
    pub acked_seq: Option<u64>,
}

/// Keeps what is known where [`print`] finds it.
pub fn write(run: &mut impl Disk, running: &Running) -> io::Result<()> {
    run.replace(FILE, &serde_json::to_vec(running)?)
}

/// The status as JSON.
pub fn print(config: &Config) -> Result<String, identity::Error> {
    let identity = identity::load(&Folder::open(&config.state_dir)?)?;
    let identity = identity.map(|identity| {
        serde_json::json!({
            "tenant_id": identity.tenant_id,
            "agent_id": identity.agent_id,
            "gateways": identity.gateways,
        })
    });
    let running = Folder::open(&config.run_dir)?.read(FILE).ok();
    let running: Option<serde_json::Value> = running.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(serde_json::json!({ "identity": identity, "agent": running }).to_string())
}
