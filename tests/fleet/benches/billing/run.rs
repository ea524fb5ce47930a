//! A run from its start through the API to its end, with everything that is written on the way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use weir_cloud::ids::BillingRunId;
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;

use crate::at_least;
use crate::figure::print;

const LIMIT: Duration = Duration::from_secs(3_600);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A run that was measured.
pub struct Run {
    /// Whose.
    pub tenant: uuid::Uuid,
    /// How many accounts it billed.
    pub accounts: usize,
    /// How long it took.
    pub seconds: f64,
}

impl Run {
    /// Seconds an invoice.
    pub fn each(&self) -> f64 {
        self.seconds / self.accounts as f64
    }
}

/// Measures a run over so many accounts of an ISP of its own.
pub async fn measure(installation: &Installation, name: &str, accounts: usize) -> Result<Run> {
    let mut network = Network::found(installation, name).await?;
    // One is there already.
    network.accounts(accounts - 1).await?;
    sqlx::query("CHECKPOINT").execute(&mut network.sql).await?;
    let began = Instant::now();
    let wish = json!({ "as_of": weir_lab::local_day()? });
    let run = network.isp.api.post("/billing-runs", &wish).await?;
    let id: BillingRunId = run["id"].as_str().context("a run without an id")?.parse()?;
    let path = format!("/billing-runs/{id}");
    // How far it is costs the database something: it is asked about the status alone.
    let ended = "SELECT status FROM billing_runs WHERE id = $1";
    while sqlx::query_scalar::<_, String>(ended).bind(id.uuid()).fetch_one(&mut network.sql).await? == "running" {
        ensure!(began.elapsed() < LIMIT, "the run does not end: {}", installation.worker_log());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    let run = network.isp.api.get(&path).await?;
    // The first account may have been billed by the hourly look before the others were there.
    let issued = run["invoices_issued"].as_u64().and_then(|issued| usize::try_from(issued).ok()).unwrap_or(0);
    ensure!(run["status"] == "done" && (accounts - 1..=accounts).contains(&issued), "the run went wrong: {run}");
    let note = "from the start through the API to the run's end: 1.3 lines an account, tax, books, audit, and jobs for whoever is told";
    print(&format!("run_{name}_invoices_s"), accounts as f64 / seconds, "invoices/s", at_least(500.0), accounts, note);
    quiet(&mut network, installation).await?;
    Ok(Run { tenant: network.tenant().uuid(), accounts, seconds })
}

/// Waits until everybody was told of everything, so that nothing of this run is at work during what comes next.
async fn quiet(network: &mut Network, installation: &Installation) -> Result<()> {
    let began = Instant::now();
    let waiting = "SELECT count(*) FROM platform.jobs WHERE tenant_id = $1 AND kind = 'events.tell_many' AND done_at IS NULL AND failed_at IS NULL";
    while sqlx::query_scalar::<_, i64>(waiting).bind(network.tenant().uuid()).fetch_one(&mut network.sql).await? > 0 {
        ensure!(began.elapsed() < LIMIT, "people are not told: {}", installation.worker_log());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    sqlx::query("VACUUM ANALYZE").execute(&mut network.sql).await?;
    Ok(())
}
