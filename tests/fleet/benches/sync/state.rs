//! From a change in the office to its being applied at a router, and what it costs on the wire.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::network::Edge;
use weir_fleet::relay::Relay;

use crate::figure::Goal::AtMost;
use crate::figure::{print, quantile};
use crate::{Bench, LIMIT};

/// Lines suspended to see what it costs.
const SUSPENDED: usize = 50;
/// Agents connected while changes are made.
const AGENTS: usize = 1_000;
/// Those whose lines change, and how many lines each has.
const CHANGING: usize = 25;
const LINES: usize = 20;
/// Changes, and how often one is made: they go on over two of the gateway's sweeps.
const CHANGES: usize = 300;
const CHANGE_EVERY: Duration = Duration::from_millis(110);
/// How often the database is asked whether a change was applied.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Longer than anything is kept waiting to be said.
const QUIET: Duration = Duration::from_millis(150);

/// Bytes on the wire to suspend one line.
pub async fn suspend(bench: &mut Bench) -> Result<()> {
    let edges = bench.network.routers(1, LINES).await?;
    let gateway = bench.fresh_gateway().await?;
    let relay = Relay::start(gateway).await?;
    // Only what the change itself costs: nothing is said to keep the connection alive.
    let manners = Manners { keepalive: Duration::from_secs(25), beats: false, ..Manners::default() };
    let mut crowd = Crowd::gather(&edges, relay.at(), manners)?;
    crowd.arrive(1, 1, LIMIT).await?;
    let (mut suspended, mut resumed) = (Vec::new(), Vec::new());
    for n in 0..SUSPENDED {
        let line = &edges[0].lines[n % LINES];
        let before = relay.quiet_for(QUIET).await;
        let hold = bench.network.isp.hold(line, "walled_garden", "does not pay").await?;
        applied(bench, &edges[0]).await?;
        let between = relay.quiet_for(QUIET).await;
        bench.network.isp.release(&hold).await?;
        applied(bench, &edges[0]).await?;
        let after = relay.quiet_for(QUIET).await;
        suspended.push((between - before) as f64);
        resumed.push((after - between) as f64);
    }
    let note = format!(
        "a line known by one IPv4 prefix, held by hand: change, acknowledgement, report, QUIC, UDP and IP, both ways; \
         at most {}, and {} to release it",
        quantile(&suspended, 1.0),
        quantile(&resumed, 0.5)
    );
    print("suspend_bytes", quantile(&suspended, 0.5), "B", AtMost(300.0), SUSPENDED, &note);
    Ok(())
}

/// How long a change takes while a thousand agents are connected.
pub async fn apply(bench: &mut Bench) -> Result<()> {
    let mut edges = bench.network.routers(CHANGING, LINES).await?;
    edges.extend(bench.network.routers(AGENTS - CHANGING, 0).await?);
    let gateway = bench.fresh_gateway().await?;
    let mut crowd = Crowd::gather(&edges, gateway, Manners::default())?;
    crowd.arrive(AGENTS, 64, LIMIT).await?;
    let mut took = Vec::new();
    let mut clock = tokio::time::interval(CHANGE_EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for n in 0..CHANGES / 2 {
        let edge = &edges[n % CHANGING];
        let line = &edge.lines[n / CHANGING % LINES];
        clock.tick().await;
        let began = Instant::now();
        let hold = bench.network.isp.hold(line, "closed", "moved out").await?;
        took.push(applied(bench, edge).await?.duration_since(began).as_secs_f64() * 1_000.0);
        clock.tick().await;
        let began = Instant::now();
        bench.network.isp.release(&hold).await?;
        took.push(applied(bench, edge).await?.duration_since(began).as_secs_f64() * 1_000.0);
    }
    let note = format!(
        "from asking the API to the report committed, {AGENTS} agents connected, routers of {LINES} lines whose kernels \
         take 5 ms; half of them {:.0} ms",
        quantile(&took, 0.5)
    );
    print("state_applied_p99_ms", quantile(&took, 0.99), "ms", AtMost(250.0), took.len(), &note);
    Ok(())
}

/// Waits until a router has applied all that is desired; answers when that was known.
async fn applied(bench: &mut Bench, edge: &Edge) -> Result<Instant> {
    let agent: Uuid = edge.identity.agent_id;
    let done = async {
        loop {
            let done: bool = sqlx::query_scalar("SELECT applied_gen >= desired_gen FROM agents WHERE id = $1")
                .bind(agent)
                .fetch_one(&mut bench.network.sql)
                .await?;
            if done {
                return Ok(Instant::now());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(LIMIT, done).await.context("a change was not applied in time")?
}
