//! Five thousand agents: what each costs while it is idle, and how they come back when the gateway was killed.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use tokio::time::{Instant, sleep};
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::player::What;
use weir_protocol::usage::LineUsage;

use crate::Bench;
use crate::figure::Goal::AtMost;
use crate::figure::{print, quantile};

const AGENTS: usize = 5_000;
/// Agents that connect at the same time, at first.
const AT_ONCE: usize = 64;
/// Longer than the gateway's sweep and the agents' heartbeats.
const SETTLE: Duration = Duration::from_secs(20);
/// Longest wait for all to come, and to come back.
const LIMIT: Duration = Duration::from_secs(150);

/// What came of the gateway's death.
#[derive(Default)]
struct Comeback {
    /// Seconds from when the gateway was there again to the first welcome of each player.
    welcomed: BTreeMap<usize, f64>,
    /// Seconds from when a player noticed to its welcome.
    waited: Vec<f64>,
    failures: BTreeMap<String, usize>,
}

/// Both.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let edges = bench.network.routers(AGENTS, 1).await?;
    let gateway = bench.fresh_gateway().await?;
    let before = bench.installation.gateway_kib()?;
    let mut crowd = Crowd::gather(&edges, gateway, Manners::default())?;
    crowd.arrive(AGENTS, AT_ONCE, LIMIT).await?;
    sleep(SETTLE).await;
    let after = bench.installation.gateway_kib()?;
    let note =
        format!("RSS of the gateway's process: {before} KiB without agents, {after} KiB with {AGENTS} idle ones");
    let each = after.saturating_sub(before) as f64 / AGENTS as f64;
    print("kib_per_agent", each, "KiB", AtMost(60.0), AGENTS, &note);

    // The answers to many of these are lost with the gateway.
    let moved = LineUsage { handle: 1, down_bytes: 1, down_packets: 1, ..LineUsage::default() };
    crowd.players.iter().for_each(|player| player.seal(&[moved]));
    wait_for_acks(&mut crowd, AGENTS / 10).await?;
    bench.installation.kill_gateway().await?;
    bench.installation.start_gateway().await?;
    let back = Instant::now();
    let (comeback, spread) = come_back(&mut crowd, back).await?;
    // Whoever is still away then has not handed in its record.
    let _late = crowd.all_acked(LIMIT).await;
    let arrived = bench.records_of(&edges).await?;
    tell(&comeback, spread, arrived);
    Ok(())
}

async fn wait_for_acks(crowd: &mut Crowd, count: usize) -> Result<()> {
    let (until, mut acked) = (Instant::now() + LIMIT, 0);
    while acked < count {
        acked += usize::from(matches!(crowd.next(until).await?.what, What::Acked(_)));
    }
    Ok(())
}

/// Waits until all are back, or the limit has passed; answers the spread they were told, too.
async fn come_back(crowd: &mut Crowd, back: Instant) -> Result<(Comeback, Duration)> {
    let (mut comeback, mut noticed, mut told) = (Comeback::default(), BTreeMap::new(), Duration::ZERO);
    while comeback.welcomed.len() < AGENTS {
        let Ok(news) = crowd.next(back + LIMIT).await else { break };
        match news.what {
            What::Lost(_) if news.at < back + LIMIT => {
                noticed.entry(news.player).or_insert(news.at);
            }
            What::Welcome(spread) => {
                told = spread;
                comeback.welcomed.entry(news.player).or_insert(news.at.duration_since(back).as_secs_f64());
                let noticed = noticed.get(&news.player).copied().unwrap_or(back);
                comeback.waited.push(news.at.duration_since(noticed.max(back)).as_secs_f64());
            }
            What::Failed(why) => *comeback.failures.entry(why).or_default() += 1,
            What::Lost(_) | What::Acked(_) => {}
        }
    }
    Ok((comeback, told))
}

fn tell(comeback: &Comeback, spread: Duration, records: u64) {
    let mut took: Vec<f64> = comeback.welcomed.values().copied().collect();
    let missing = AGENTS - took.len();
    took.resize(AGENTS, LIMIT.as_secs_f64());
    let (p99, spread) = (quantile(&took, 0.99), spread.as_secs_f64());
    let failures: Vec<String> = comeback.failures.iter().map(|(why, count)| format!("{count} x {why}")).collect();
    let note = format!(
        "p99 {p99:.1} s (half {:.1} s) from the killed gateway's being there again to the welcome, told spread {spread} s; \
         {:.1} s from noticing, which takes an agent up to 9 s; {missing} not back after {} s; attempts that failed: {}; \
         of {AGENTS} records sent as it was killed the cloud has {records}",
        quantile(&took, 0.5),
        quantile(&comeback.waited, 0.99),
        LIMIT.as_secs(),
        if failures.is_empty() { "none".to_owned() } else { failures.join(", ") }
    );
    print("reconnect_p99_vs_spread", p99 / spread, "x", AtMost(2.0), AGENTS, &note);
}
