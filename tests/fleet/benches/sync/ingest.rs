//! Records from agents into PostgreSQL, exactly once, against COPY of the same rows over as many connections.

use std::time::Instant;

use anyhow::{Result, ensure};
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
        copiers.push(Copier::of(edge.identity.agent_id, bench.installation.sql().await?).await?);
    }
    let (mut shares, mut rates, mut chance) = (Vec::new(), Vec::new(), 1);
    let (gateway, mut used) = (bench.installation.gateway_id()?, 0.0);
    for _ in 0..ROUNDS {
        sqlx::query("CHECKPOINT").execute(&mut bench.network.sql).await?;
        let before = Cpu::used(gateway, &mut bench.network.sql).await?;
        let began = Instant::now();
        for _ in 0..RECORDS {
            for (player, copier) in crowd.players.iter().zip(&mut copiers) {
                let lines = traffic(&mut chance);
                player.seal(&lines);
                copier.sealed.push(lines);
            }
        }
        crowd.all_acked(LIMIT).await?;
        let ingest = began.elapsed().as_secs_f64();
        used += Cpu::used(gateway, &mut bench.network.sql).await?.since(before);
        shares.push(copy(&mut copiers).await? / ingest);
        rates.push((ROUTERS as u64 * RECORDS) as f64 / ingest);
    }
    let (arrived, sent) = (bench.records_of(&edges).await?, ROUTERS as u64 * RECORDS * ROUNDS);
    ensure!(arrived == sent, "the cloud has {arrived} records of {sent}");
    let note = format!(
        "{:.0} records/s of {LINES} lines from {ROUTERS} agents over QUIC, each a transaction, against COPY of their lines, \
         a row a line and record, over {ROUTERS} connections, one transaction each, into a table with the columns, checks, keys and \
         indexes of segments; the product keeps the records and a row a line and hour",
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

/// Brings what a router's records say by COPY.
struct Copier {
    sql: PgConnection,
    /// Of each row: tenant, agent and epoch.
    owner: String,
    /// By handle.
    lines: Vec<Uuid>,
    sealed: Vec<Vec<LineUsage>>,
    copied: u64,
}

impl Copier {
    async fn of(agent: Uuid, mut sql: PgConnection) -> Result<Self> {
        let tenant: Uuid =
            sqlx::query_scalar("SELECT tenant_id FROM agents WHERE id = $1").bind(agent).fetch_one(&mut sql).await?;
        let lines =
            "SELECT s.id FROM subscriptions s JOIN agents a ON a.tenant_id = s.tenant_id AND a.router_id = s.router_id
                     WHERE a.id = $1 ORDER BY s.handle";
        let lines = sqlx::query_scalar(lines).bind(agent).fetch_all(&mut sql).await?;
        let owner = format!("{tenant}\t{agent}\t\\\\x{}", "00".repeat(8));
        Ok(Self { sql, owner, lines, sealed: Vec::new(), copied: 0 })
    }

    /// What was sealed since it was asked last, a row a line and record.
    fn rows(&mut self) -> String {
        let mut rows = String::new();
        for record in self.sealed.drain(..) {
            self.copied += 1;
            let seq = self.copied;
            for line in record {
                let id = self.lines[line.handle as usize - 1];
                rows += &format!(
                    "{}\t{seq}\t{}\t{id}\t2026-01-01 00:00+00\t2026-01-01 00:05+00\t{}\t{}\t{}\t{}\n",
                    self.owner, line.handle, line.down_bytes, line.up_bytes, line.down_packets, line.up_packets
                );
            }
        }
        rows
    }
}

/// Seconds to bring what was sealed into a table, that of each router over a connection of its own.
async fn copy(copiers: &mut [Copier]) -> Result<f64> {
    let rows: Vec<_> = copiers.iter_mut().map(Copier::rows).collect();
    sqlx::query("CHECKPOINT").execute(&mut copiers[0].sql).await?;
    let began = Instant::now();
    try_join_all(copiers.iter_mut().zip(rows).map(async |(copier, rows)| {
        let columns = "tenant_id, agent_id, epoch, seq, handle, subscription_id, start_at, end_at, down_bytes, up_bytes, down_packets, up_packets";
        let mut copy = copier.sql.copy_in_raw(&format!("COPY copied ({columns}) FROM STDIN")).await?;
        copy.send(rows.into_bytes()).await?;
        copy.finish().await
    }))
    .await?;
    Ok(began.elapsed().as_secs_f64())
}
