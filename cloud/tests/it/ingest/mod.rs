//! Records become usage once, whatever is sent again, lost, put back in time or restored; played at the session and the
//! ingest themselves.

mod backed_up;
mod failover;
mod foreign;
mod hostile;
mod merged;
mod outcomes;
mod positions;
mod quarantine;

#[path = "../../../../tests/faults.rs"]
mod faults;

use prost::Message;
use serde_json::Value;
use weir_cloud::fleet::sessions::{self, Opened, Session};
use weir_cloud::ids::{AgentId, RouterId, SubscriptionId};
use weir_cloud::usage;
use weir_protocol::control::{EpochPosition, Hello, StreamPosition, Verdict};
use weir_protocol::hash;
use weir_protocol::usage::{GapFill, LineUsage, Outcome, Record};

use crate::money::harness::Isp;
use crate::money::world::FIBRE;

const TENTH_MS: u64 = 1_791_626_400_000;

/// One epoch of a router's usage log: records of one line, each chained to the one before.
pub struct Log {
    epoch: [u8; 8],
    /// Of each record; that before the first one first.
    hashes: Vec<hash::Hash>,
}

impl Log {
    pub fn new(epoch: &[u8; 8]) -> Self {
        Self { epoch: *epoch, hashes: vec![hash::GENESIS] }
    }

    /// Seals a record that ends at an instant, of the line with the first handle.
    pub fn record_at(&mut self, tally: &[u8], down_bytes: u64, end_ms: u64) -> Vec<u8> {
        self.of_lines(tally, &[(1, down_bytes)], end_ms)
    }

    /// One in which each of these handles moved so many bytes.
    pub fn of_lines(&mut self, tally: &[u8], moved: &[(u32, u64)], end_ms: u64) -> Vec<u8> {
        let mut record = Record {
            epoch: self.epoch.to_vec(),
            seq: self.hashes.len() as u64,
            prev_hash: self.hashes.last().expect("a hash").to_vec(),
            boot_id: vec![1; 16],
            start_ms: end_ms - 300_000,
            end_ms,
            tally: tally.to_vec(),
            ..Record::default()
        };
        let line = |&(handle, down_bytes)| LineUsage { handle, down_bytes, down_packets: 9, ..LineUsage::default() };
        record.set_lines(&moved.iter().map(line).collect::<Vec<_>>());
        let body = record.encode_to_vec();
        self.hashes.push(hash::usage_record(&body));
        body
    }

    fn record(&mut self, down_bytes: u64) -> Vec<u8> {
        self.record_at(&[], down_bytes, TENTH_MS + 1_000 * self.hashes.len() as u64)
    }

    fn records(&mut self, count: usize, down_bytes: u64) -> Vec<Vec<u8>> {
        (0..count).map(|_| self.record(down_bytes)).collect()
    }

    /// What an agent tells of records that it deleted: all up to one, in which the line moved so much.
    fn totals(&self, last_seq: u64, down_bytes: u64) -> GapFill {
        let end_ms = TENTH_MS + 1_000 * last_seq;
        let mut totals = Record { epoch: self.epoch.to_vec(), seq: last_seq, end_ms, ..Record::default() };
        totals.set_lines(&[LineUsage { handle: 1, down_bytes, down_packets: 9 * last_seq, ..LineUsage::default() }]);
        GapFill { last_hash: self.hashes[last_seq as usize].to_vec(), totals: Some(totals) }
    }

    /// The log as it was when it had so many records.
    fn put_back(&self, records: usize) -> Self {
        Self { epoch: self.epoch, hashes: self.hashes[..=records].to_vec() }
    }

    /// What an agent says of it that deleted all before a record.
    pub fn offered(&self, first_seq: u64) -> EpochPosition {
        EpochPosition {
            epoch: self.epoch.to_vec(),
            first_seq,
            last_seq: self.hashes.len() as u64 - 1,
            first_prev_hash: self.hashes[first_seq as usize - 1].to_vec(),
            last_hash: self.hashes.last().expect("a hash").to_vec(),
        }
    }
}

/// A router with one line, and the agent on it.
struct Edge {
    isp: Isp,
    router: RouterId,
    line: SubscriptionId,
    agent: AgentId,
}

impl Edge {
    async fn new(slug: &str) -> Self {
        Self::of(Isp::new(slug, "2026-10-10T10:00:00Z").await).await
    }

    async fn of(isp: Isp) -> Self {
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let agent = AgentId::from(router.uuid());
        Self { isp, router, line, agent }
    }

    async fn opens(&self, epochs: Vec<EpochPosition>) -> Opened {
        self.says(&Hello { epochs, ..Hello::default() }).await
    }

    /// Opens a session.
    async fn says(&self, hello: &Hello) -> Opened {
        let opened = sessions::open(&self.isp.app, self.isp.tenant, self.agent, hello, "here").await;
        opened.expect("an answer").expect("a session")
    }

    /// What became of a record, and the last one applied.
    async fn tells(&self, session: Session, record: &[u8]) -> (Outcome, u64) {
        let applied = usage::apply(&self.isp.app, session, record).await.expect("an answer");
        (applied.outcome, applied.applied_seq)
    }

    /// What became of records that are gone, and the last one applied.
    async fn fills(&self, session: Session, fill: &GapFill) -> (Outcome, u64) {
        let filled = usage::Intake::new(session).fill(&self.isp.app, fill).await.expect("an answer");
        (filled.outcome, filled.applied_seq)
    }

    /// Tells records that all are applied.
    async fn applies(&self, session: Session, records: &[Vec<u8>]) {
        for record in records {
            assert_eq!(self.tells(session, record).await.0, Outcome::Applied);
        }
    }

    /// Bytes the line is billed for.
    async fn billed(&self) -> i64 {
        let days = self.isp.get(&format!("/subscriptions/{}/usage", self.line)).await.expect(200);
        let days = days["days"].as_array().expect("days").clone();
        days.iter().map(|day| day["down_bytes"].as_i64().expect("bytes")).sum()
    }

    /// Asserts what is billed of what the line moved, whatever happened; the row is that of the fault matrix.
    async fn bills(&self, row: u8, moved: u64, billed: u64) {
        let bills = self.billed().await.unsigned_abs();
        faults::note(row, moved, bills);
        assert_eq!(bills, billed);
    }

    /// What is told of the router, of a kind.
    async fn told(&self, kind: &str) -> Vec<String> {
        let told = self.isp.get(&format!("/routers/{}/events", self.router)).await.expect(200);
        let told = told["items"].as_array().expect("items").clone();
        let of_kind = told.iter().filter(|event| event["kind"] == kind);
        of_kind.map(|event| event["text"].as_str().expect("a text").to_owned()).collect()
    }

    /// The agent's usage log as the API tells it.
    async fn epochs(&self) -> Vec<Value> {
        let agent = self.isp.get(&format!("/agents/{}", self.agent)).await.expect(200);
        agent["epochs"].as_array().expect("epochs").clone()
    }
}

/// How far the cloud is with each epoch, and whether it goes on.
fn stands(streams: &[StreamPosition]) -> Vec<(u64, Verdict)> {
    streams.iter().map(|stream| (stream.applied_seq, stream.verdict())).collect()
}
