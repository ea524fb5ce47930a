//! Records from agents into PostgreSQL, exactly once, against COPY of the same rows over as many connections.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use sqlx::PgConnection;
use uuid::Uuid;
use weir_fleet::crowd::{Crowd, Manners};
use weir_protocol::usage::LineUsage;

use crate::cpu::Cpu;
use crate::figure::Goal::AtLeast;
use crate::figure::{print, quantile};
use crate::{Bench, LIMIT};

/// Routers that send at the same time, and their lines, which all move something.
const ROUTERS: usize = 4;
pub const LINES: u32 = 1_000;
/// Records each sends in a round.
const RECORDS: u64 = 25;
const ROUNDS: u64 = 3;

/// How fast records come in, as a share of how fast COPY brings the same rows. Answers how many lines' updates a second of
/// the processors' time brought in.
pub async fn run(bench: &mut Bench) -> Result<f64> {
    let edges = bench.network.routers(ROUTERS, LINES as usize).await?;
    let gateway = bench.fresh_gateway().await?;
    let mut crowd = Crowd::gather(&edges, gateway, Manners::default())?;
    crowd.arrive(ROUTERS, ROUTERS, LIMIT).await?;
    make_table(&mut bench.network.sql).await?;
    let mut copiers = Vec::new();
    for edge in &edges {
        copiers.push((edge.identity.agent_id, bench.installation.sql().await?));
    }
    let (mut shares, mut rates, mut chance) = (Vec::new(), Vec::new(), 1);
    let (gateway, mut used) = (bench.installation.gateway_id()?, 0.0);
    for round in 0..ROUNDS {
        sqlx::query("CHECKPOINT").execute(&mut bench.network.sql).await?;
        let before = Cpu::used(gateway, &mut bench.network.sql).await?;
        let began = Instant::now();
        for _ in 0..RECORDS {
            crowd.players.iter().for_each(|player| player.seal(&traffic(&mut chance)));
        }
        crowd.all_acked(LIMIT).await?;
        let ingest = began.elapsed().as_secs_f64();
        used += Cpu::used(gateway, &mut bench.network.sql).await?.since(before);
        let range = (round * RECORDS + 1, (round + 1) * RECORDS);
        shares.push(copy(&mut copiers, range).await? / ingest);
        rates.push((ROUTERS as u64 * RECORDS) as f64 / ingest);
    }
    let (arrived, sent) = (bench.records_of(&edges).await?, ROUTERS as u64 * RECORDS * ROUNDS);
    ensure!(arrived == sent, "the cloud has {arrived} records of {sent}");
    let note = format!(
        "{:.0} records/s of {LINES} lines from {ROUTERS} agents over QUIC, each a transaction, against COPY of the same rows \
         over {ROUTERS} connections, one transaction each, into a table of the same columns, checks, keys and indexes",
        quantile(&rates, 0.5)
    );
    let rows = ROUTERS * LINES as usize * (RECORDS * ROUNDS) as usize;
    print("ingest_vs_copy", quantile(&shares, 0.5), "of COPY", AtLeast(0.5), rows, &note);
    Ok(rows as f64 / used)
}

/// Five minutes: most lines a little, some a lot, the same each run.
pub fn traffic(chance: &mut u64) -> Vec<LineUsage> {
    let mut roll = || {
        *chance ^= *chance << 13;
        *chance ^= *chance >> 7;
        *chance ^= *chance << 17;
        *chance
    };
    let mut line = |handle| {
        let scale = roll() % 20;
        let down_bytes = roll() % (3_000 << scale);
        let (down_packets, up_packets) = (down_bytes / 1_200 + 1, down_bytes / 2_600 + 1);
        let up_bytes = up_packets * (60 + roll() % 80);
        LineUsage { handle, down_bytes, up_bytes, down_packets, up_packets, ..LineUsage::default() }
    };
    (1..=LINES).map(&mut line).collect()
}

/// A table like that of the product, with its keys and indexes. It is left to itself, so that nobody's figure pays for cleaning
/// it.
async fn make_table(sql: &mut PgConnection) -> Result<()> {
    let make = "CREATE TABLE copied (LIKE usage_segments INCLUDING ALL) WITH (autovacuum_enabled = off)";
    sqlx::query(make).execute(sql).await?;
    Ok(())
}

/// Seconds to bring the segments of these records into a table, those of each agent over a connection of its own.
async fn copy(copiers: &mut [(Uuid, PgConnection)], (first, last): (u64, u64)) -> Result<f64> {
    let mut rows = Vec::new();
    for (agent, sql) in copiers.iter_mut() {
        let of_agent = format!(
            "COPY (SELECT * FROM usage_segments WHERE agent_id = '{agent}' AND seq BETWEEN {first} AND {last}) TO STDOUT"
        );
        let some: Vec<_> = sql.copy_out_raw(&of_agent).await?.try_collect().await?;
        rows.push(some.concat());
    }
    sqlx::query("CHECKPOINT").execute(&mut copiers[0].1).await?;
    let began = Instant::now();
    try_join_all(copiers.iter_mut().zip(rows).map(async |((_, sql), rows)| {
        let mut copy = sql.copy_in_raw("COPY copied FROM STDIN").await?;
        copy.send(rows).await?;
        copy.finish().await
    }))
    .await?;
    Ok(began.elapsed().as_secs_f64())
}
