//! The sync at full scale: a fleet against the real gateway and PostgreSQL, each in a process of its own.
//! `cargo bench --bench sync -- state crowd` runs parts: `suspend`, `ingest`, `flood`, `state` and `crowd`.

mod cpu;
mod crowd;
#[path = "../../../../agent/benches/figure/mod.rs"]
mod figure;
mod flood;
mod freeradius;
mod ingest;
mod radius;
mod state;

use std::time::Duration;

use anyhow::Result;
use weir_fleet::installation::Installation;
use weir_fleet::network::{Edge, Network};

/// Parts in the order they run.
const PARTS: [&str; 5] = ["suspend", "ingest", "flood", "state", "crowd"];
/// Longest wait for what should take seconds.
const LIMIT: Duration = Duration::from_secs(60);

/// The gateway and what it serves.
struct Bench {
    installation: Installation,
    network: Network,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    if let Some(unknown) = words.iter().find(|word| !PARTS.contains(&word.as_str())) {
        anyhow::bail!("there is no part {unknown}; there are {}", PARTS.join(", "));
    }
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    // The database ends with the thread that started it: this one.
    tokio::runtime::Runtime::new()?.block_on(async {
        let installation = Installation::start().await?;
        let network = Network::found(&installation, "fleet").await?;
        let mut bench = Bench { installation, network };
        for part in PARTS.into_iter().filter(|part| wanted(part)) {
            match part {
                "suspend" => state::suspend(&mut bench).await?,
                "ingest" => {
                    let ours = ingest::run(&mut bench).await?;
                    radius::run(&mut bench, ours).await?;
                }
                "flood" => flood::run(&mut bench).await?,
                "state" => state::apply(&mut bench).await?,
                _ => crowd::run(&mut bench).await?,
            }
        }
        bench.installation.end().await
    })
}

impl Bench {
    /// A gateway that served nobody yet.
    async fn fresh_gateway(&mut self) -> Result<std::net::SocketAddr> {
        if self.installation.gateway_runs() {
            self.installation.kill_gateway().await?;
        }
        self.installation.start_gateway().await
    }

    /// How many records the cloud has of these routers.
    async fn records_of(&mut self, edges: &[Edge]) -> Result<u64> {
        let agents: Vec<_> = edges.iter().map(|edge| edge.identity.agent_id).collect();
        let had = "SELECT count(*) FROM usage_records WHERE agent_id = ANY ($1)";
        let had: i64 = sqlx::query_scalar(had).bind(&agents).fetch_one(&mut self.network.sql).await?;
        Ok(had.unsigned_abs())
    }
}
