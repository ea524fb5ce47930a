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
/// Longest wait for all to come.
const LIMIT: Duration = Duration::from_secs(150);
/// Longest wait for all to come back, and then for the records of those who did.
const BACK_LIMIT: Duration = Duration::from_secs(90);
const LATE_LIMIT: Duration = Duration::from_secs(20);

/// What came of the gateway's death.
#[derive(Default)]
struct Comeback {
    /// When each player noticed.
    noticed: BTreeMap<usize, Instant>,
    /// When each of those that are back was welcomed to the session it has.
    welcomed: BTreeMap<usize, Instant>,
    /// Attempts that came to nothing and had begun before the gateway was back.
    early: usize,
    /// Others, and sessions that were lost again.
    failures: BTreeMap<String, usize>,
    /// After losing a session a player is to come back within this.
    spread: Duration,
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
    let comeback = come_back(&mut crowd, back).await?;
    // Whoever is still away then has not handed in its record.
    let _late = crowd.all_acked(LATE_LIMIT).await;
    let acknowledged = crowd.players.iter().filter(|player| player.records().1 == 1).count();
    let arrived = bench.records_of(&edges).await?;
    tell(&comeback, back, (arrived, acknowledged));
    Ok(())
}

async fn wait_for_acks(crowd: &mut Crowd, count: usize) -> Result<()> {
    let (until, mut acked) = (Instant::now() + LIMIT, 0);
    while acked < count {
        acked += usize::from(matches!(crowd.next(until).await?.what, What::Acked(_)));
    }
    Ok(())
}

/// Waits until all are back at the same time, or the limit has passed.
async fn come_back(crowd: &mut Crowd, back: Instant) -> Result<Comeback> {
    let mut comeback = Comeback::default();
    while comeback.welcomed.len() < AGENTS {
        let Ok(news) = crowd.next(back + BACK_LIMIT).await else { break };
        match news.what {
            What::Lost(why) => {
                comeback.noticed.entry(news.player).or_insert(news.at);
                if comeback.welcomed.remove(&news.player).is_some() {
                    *comeback.failures.entry(format!("lost again: {why}")).or_default() += 1;
                }
            }
            What::Welcome(spread) => {
                comeback.spread = spread;
                comeback.welcomed.insert(news.player, news.at);
            }
            // Whoever asked a dead gateway heard nothing.
            What::Failed { began, .. } if began < back => comeback.early += 1,
            What::Failed { why, .. } => *comeback.failures.entry(why).or_default() += 1,
            What::Acked(_) => {}
        }
    }
    Ok(comeback)
}

fn tell(
    Comeback { noticed, welcomed, early, failures, spread }: &Comeback,
    back: Instant,
    (arrived, acknowledged): (u64, usize),
) {
    let since = |from: &dyn Fn(&usize) -> Instant| -> Vec<f64> {
        let took = welcomed.iter().map(|(player, at)| at.duration_since(from(player)).as_secs_f64());
        let away = std::iter::repeat_n(BACK_LIMIT.as_secs_f64(), AGENTS - welcomed.len());
        took.chain(away).collect()
    };
    let took = since(&|_| back);
    let waited = since(&|player| noticed.get(player).map_or(back, |at| back.max(*at)));
    let (p99, spread) = (quantile(&took, 0.99), spread.as_secs_f64());
    let failed: usize = failures.values().sum();
    let failures: Vec<String> = failures.iter().map(|(why, count)| format!("{count} x {why}")).collect();
    let note = format!(
        "p99 {p99:.1} s (half {:.1} s) from when the killed gateway was there again to the welcome, told spread {spread} s; \
         {:.1} s from when the agent noticed, which takes up to 9 s; {} not back after {} s; attempts that failed: {}, \
         and {early} of those that began while it was dead; \
         of {AGENTS} records sent as it was killed {arrived} are in the database and {acknowledged} acknowledged, the others \
         wait at their agents",
        quantile(&took, 0.5),
        quantile(&waited, 0.99),
        AGENTS - welcomed.len(),
        BACK_LIMIT.as_secs(),
        if failures.is_empty() { "none".to_owned() } else { failures.join(", ") }
    );
    print("reconnect_p99_vs_spread", p99 / spread, "x", AtMost(2.0), AGENTS, &note);
    print(
        "reconnect_failures",
        failed as f64,
        "attempts",
        AtMost(0.0),
        AGENTS,
        "of those that began when the gateway was back",
    );
}
