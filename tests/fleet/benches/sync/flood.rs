//! How long the records of one tenant's agents wait while another tenant's send ten times as many as before.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, MissedTickBehavior, interval};
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::network::Network;
use weir_fleet::player::What;
use weir_protocol::usage::LineUsage;

use crate::figure::Goal::AtMost;
use crate::figure::{print, quantile};
use crate::{Bench, LIMIT};

/// Agents of each tenant, and their lines.
const AGENTS: usize = 10;
const LINES: u32 = 100;
/// How often one of a tenant's agents seals a record, and how many times as many come in a flood.
const EVERY: Duration = Duration::from_millis(50);
const FLOOD: usize = 10;
/// Records of the quiet tenant in a part, and how often a calm part and a flooded one follow each other.
const RECORDS: usize = 160;
const ROUNDS: usize = 4;

/// How much longer acknowledgements take in a flood.
pub async fn run(bench: &mut Bench) -> Result<()> {
    let mut others = Network::found(&bench.installation, "others").await?;
    let quiet = bench.network.routers(AGENTS, LINES as usize).await?;
    let loud = others.routers(AGENTS, LINES as usize).await?;
    let gateway = bench.fresh_gateway().await?;
    let mut quiet = Crowd::gather(&quiet, gateway, Manners::default())?;
    let mut loud = Crowd::gather(&loud, gateway, Manners::default())?;
    quiet.arrive(AGENTS, AGENTS, LIMIT).await?;
    loud.arrive(AGENTS, AGENTS, LIMIT).await?;
    // What is slow only the first time is nobody's figure.
    part(&mut quiet, &loud, 1).await?;
    loud.all_acked(LIMIT).await?;
    let (mut calm, mut flooded) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        calm.extend(part(&mut quiet, &loud, 1).await?);
        loud.all_acked(LIMIT).await?;
        flooded.extend(part(&mut quiet, &loud, FLOOD).await?);
        loud.all_acked(LIMIT).await?;
    }
    let every = EVERY.as_millis();
    for (name, of) in [("flood_ack_ratio", 0.5), ("flood_ack_p99_ratio", 0.99)] {
        let (before, during) = (quantile(&calm, of), quantile(&flooded, of));
        let note = format!(
            "from sealing a record of {LINES} lines to its acknowledgement: {during:.1} ms while another tenant's agents \
             send {FLOOD} such records each {every} ms, {before:.1} ms while they send one, as this tenant's do"
        );
        print(name, during / before, "x", AtMost(1.2), calm.len() + flooded.len(), &note);
    }
    Ok(())
}

/// Both send, the others so many times as much; answers how long each record of the quiet waited, milliseconds.
async fn part(quiet: &mut Crowd, loud: &Crowd, times: usize) -> Result<Vec<f64>> {
    let moved: Vec<_> = (1..=LINES)
        .map(|handle| LineUsage { handle, down_bytes: 9_000, down_packets: 9, ..LineUsage::default() })
        .collect();
    let (mut sealed, mut waited) = (BTreeMap::new(), Vec::new());
    let mut clock = interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut count, mut turn, until) = (0, 0, Instant::now() + LIMIT);
    while waited.len() < RECORDS {
        tokio::select! {
            _ = clock.tick(), if count < RECORDS => {
                for _ in 0..times {
                    loud.players[turn % AGENTS].seal(&moved);
                    turn += 1;
                }
                let player = count % AGENTS;
                let seq = quiet.players[player].records().0 + 1;
                sealed.insert((player, seq), Instant::now());
                quiet.players[player].seal(&moved);
                count += 1;
            }
            news = quiet.next(until) => {
                let news = news?;
                if let What::Acked(seq) = news.what {
                    let began: Instant = sealed.remove(&(news.player, seq)).context("never sealed")?;
                    waited.push(news.at.duration_since(began).as_secs_f64() * 1_000.0);
                }
            }
        }
    }
    Ok(waited)
}
