//! The agent against a gateway over real QUIC: enrolling, desired state, usage through losses, and without one for days.

mod absence;
mod addresses;
mod bench;
mod clock;
mod diagnoses;
mod fair_use;
mod guards;
mod kept;
mod metered;
mod probes;
mod refused;
mod renewal;
mod trials;
mod ways;
mod wire;

use bench::{Bench, Gateway, Running, Served, soon};
use prost::Message;
use std::collections::BTreeSet;
use std::path::Path;
use tokio::io::AsyncWriteExt;
use tokio::task::LocalSet;
use uuid::Uuid;
use weir_agent::northbound::enroll;
use weir_agent::store::disk::{Disk, Folder};
use weir_agent::store::identity;
use weir_protocol::control::{StreamPosition, Verdict};
use weir_protocol::desired::{Kind, Line};
use weir_protocol::enroll::{Refused, Reply, reply};
use weir_protocol::state::{Down, Object, ObjectKey, Status};
use weir_protocol::usage::{Outcome, Record};
use weir_protocol::{PROTO_REV, frame, hash};
use weir_transport::Send;

fn files(folder: &Path) -> Vec<String> {
    Folder::open(folder).unwrap().list().unwrap()
}

async fn reply(stream: &mut Send, outcome: reply::Outcome) {
    frame::write(stream, &Reply { outcome: Some(outcome) }).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_token_becomes_an_identity_even_if_the_first_answer_is_lost() {
    let (gateway, folder) = (Gateway::start(), tempfile::tempdir().unwrap());
    let mut disk = Folder::open(folder.path()).unwrap();
    let token = gateway.token().to_text();
    let lose = async {
        let (connection, _, request) = gateway.enrollment().await;
        connection.close(9, b"lost");
        request.csr
    };
    let (lost, first) = tokio::join!(enroll::enroll(&mut disk, &token), lose);
    assert!(matches!(lost, Err(enroll::Error::NoAnswer(_))), "{lost:?}");
    let answer = async {
        let (connection, mut stream, request) = gateway.enrollment().await;
        reply(&mut stream, reply::Outcome::Enrolled(gateway.enroll(&request))).await;
        soon("close", connection.closed()).await;
        request.csr
    };
    let (enrolled, second) = tokio::join!(enroll::enroll(&mut disk, &token), answer);
    let enrolled = enrolled.unwrap();
    let key = |csr: Vec<u8>| {
        rcgen::PublicKeyData::der_bytes(
            &rcgen::CertificateSigningRequestParams::from_der(&csr.into()).unwrap().public_key,
        )
        .to_vec()
    };
    assert_eq!(key(first), key(second), "the same key is offered again");
    assert_eq!(identity::load(&disk).unwrap(), Some(enrolled.clone()));
    assert_eq!(files(folder.path()), ["identity.json"]);
    let again = enroll::enroll(&mut disk, &token).await;
    assert!(matches!(again, Err(enroll::Error::AlreadyEnrolled(id)) if id == enrolled.agent_id));
}

#[tokio::test]
async fn a_used_token_is_refused_and_leaves_nothing() {
    let (gateway, folder) = (Gateway::start(), tempfile::tempdir().unwrap());
    let mut disk = Folder::open(folder.path()).unwrap();
    let token = gateway.token().to_text();
    let answer = async {
        let (connection, mut stream, _) = gateway.enrollment().await;
        let refused = Refused { code: "token-used".to_owned(), text: "used".to_owned() };
        reply(&mut stream, reply::Outcome::Refused(refused)).await;
        soon("close", connection.closed()).await;
    };
    let (result, ()) = tokio::join!(enroll::enroll(&mut disk, &token), answer);
    assert!(result.unwrap_err().to_string().contains("already used"));
    assert!(files(folder.path()).is_empty());
}

#[tokio::test]
async fn a_gateway_with_another_root_is_not_spoken_to() {
    let (gateway, folder) = (Gateway::start(), tempfile::tempdir().unwrap());
    let mut disk = Folder::open(folder.path()).unwrap();
    let mut token = gateway.token();
    token.root_fingerprint = vec![9; 32];
    let accept = tokio::spawn(async move { gateway.refused().await });
    let result = enroll::enroll(&mut disk, &token.to_text()).await;
    assert!(matches!(result, Err(enroll::Error::WrongGateway(_))), "{result:?}");
    assert!(files(folder.path()).is_empty());
    soon("refusal", accept).await.unwrap();
    let damaged = enroll::enroll(&mut disk, "weir1_abc").await.unwrap_err();
    assert!(damaged.to_string().contains("mistyped"), "{damaged}");
}

const LINEAGE: [u8; 16] = [5; 16];

fn line(n: u8, revision: u64, rate: u64) -> Object {
    let body = Line { handle: u32::from(n), rate_down_bps: rate, rate_up_bps: rate, ..Line::default() };
    Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body: body.encode_to_vec(), ..Object::default() }
}

fn change(from_gen: u64, to_gen: u64, upserts: Vec<Object>, removes: &[u8]) -> Down {
    let removes = removes.iter().map(|n| ObjectKey { kind: Kind::Line as u32, id: vec![*n; 16] }).collect();
    Down { lineage: LINEAGE.to_vec(), from_gen, to_gen, upserts, removes, ..Down::default() }
}

fn snapshot(to_gen: u64, upserts: Vec<Object>) -> Down {
    let mut digest = hash::GENESIS;
    for object in &upserts {
        hash::fold(&mut digest, &hash::object(object.kind, &object.id, object.revision, &object.body));
    }
    Down { snapshot: true, digest_after: digest.to_vec(), ..change(0, to_gen, upserts, &[]) }
}

fn id(n: u8) -> Uuid {
    Uuid::from_bytes([n; 16])
}

#[tokio::test]
async fn desired_state_is_kept_applied_and_reported() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!((hello.state_gen, hello.capabilities), (0, vec!["htb".to_owned()]));
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(7, vec![line(1, 1, 100), line(2, 1, 200)])).await;
        let ack = cloud.ack().await;
        assert_eq!((ack.gen_held, ack.persisted), (7, true));
        let report = cloud.report().await;
        assert_eq!((report.generation, report.complete, report.results.len()), (7, true, 2));
        assert!(report.results.iter().all(|result| result.status() == Status::Applied));

        let broken = Object { body: vec![0xff; 5], ..line(2, 2, 0) };
        let newer = Object { kind: 99, ..line(9, 1, 0) };
        cloud.change(&change(7, 8, vec![line(1, 2, 150), broken, newer], &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 8);
        let report = cloud.report().await;
        assert!(!report.complete);
        let statuses: Vec<_> = report.results.iter().map(|result| (result.status(), result.code.as_str())).collect();
        let expected =
            [(Status::Applied, ""), (Status::Rejected, "malformed-object"), (Status::Unsupported, "unknown-kind")];
        assert_eq!(statuses, expected);
        assert_eq!(bench.wanted().lines[&id(1)].rate_down_bps, 150);
        assert_eq!(bench.wanted().lines[&id(2)].rate_down_bps, 200, "the last good one stays");

        cloud.change(&change(5, 9, vec![line(3, 1, 1)], &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 8, "a change that does not fit changes nothing");
        cloud.change(&change(8, 10, vec![], &[2])).await;
        assert_eq!(cloud.ack().await.gen_held, 10);
        assert_eq!(cloud.report().await.results[0].status(), Status::Removed);
        agent.stop().await;

        // What was held is enforced again before any gateway is spoken to.
        let bench = Bench::new();
        let agent = Running::start(folder.path(), &identity, &bench);
        bench.until(|wanted| wanted.lines.len() == 1).await;
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!((hello.state_gen, hello.state_lineage.as_slice()), (10, LINEAGE.as_slice()));
        cloud.welcome(Vec::new()).await;
        let report = cloud.report().await;
        assert_eq!((report.complete, report.results.len()), (true, 2));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn one_message_says_that_a_small_change_is_held_and_what_became_of_it() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        cloud.addresses().await;
        cloud.change(&snapshot(7, vec![line(1, 1, 100), line(2, 1, 200)])).await;
        assert_eq!(cloud.ack().await.gen_held, 7, "everything may take long to apply");
        assert_eq!(cloud.report().await.persisted, None);

        // A change that names no lineage is of that the session began with.
        cloud.change(&Down { lineage: Vec::new(), ..change(7, 8, vec![line(1, 2, 150)], &[]) }).await;
        let report = cloud.report().await;
        assert_eq!((report.generation, report.persisted, report.results.len()), (8, Some(true), 1));
        assert_eq!(
            (report.results[0].id.len(), report.results[0].status()),
            (0, Status::Applied),
            "the change names it"
        );
        // What nobody reports of is acknowledged alone: this line is as it was.
        cloud.change(&change(8, 9, vec![line(1, 2, 150)], &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 9);
        // So is what does not fit.
        cloud.change(&change(5, 10, vec![line(3, 1, 1)], &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 9);
        // Many take as long as everything.
        cloud.change(&change(9, 10, (3..=67).map(|n| line(n, 1, 1)).collect(), &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 10);
        assert_eq!(cloud.report().await.persisted, None);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

/// A cloud's memory of one agent's usage.
#[derive(Default)]
struct Ledger {
    epoch: Vec<u8>,
    applied: u64,
    hash: Vec<u8>,
    bytes: u64,
}

impl Ledger {
    /// Applies the next record, or says it had it; anything else is a failure of the agent.
    fn apply(&mut self, record: &Record, bytes: &[u8]) -> Outcome {
        if self.epoch.is_empty() {
            (self.epoch, self.hash) = (record.epoch.clone(), hash::GENESIS.to_vec());
        }
        assert_eq!(record.epoch, self.epoch);
        if record.seq <= self.applied {
            return Outcome::Duplicate;
        }
        assert_eq!(record.seq, self.applied + 1, "records come in order");
        assert_eq!(record.prev_hash, self.hash, "records are chained");
        (self.applied, self.hash) = (record.seq, hash::usage_record(bytes).to_vec());
        self.bytes += record.lines().unwrap().iter().map(|line| line.down_bytes).sum::<u64>();
        Outcome::Applied
    }

    fn position(&self, trim_seq: u64) -> Vec<StreamPosition> {
        vec![StreamPosition {
            epoch: self.epoch.clone(),
            applied_seq: self.applied,
            applied_hash: self.hash.clone(),
            trim_seq,
            verdict: Verdict::Ok as i32,
        }]
    }

    /// Moves bytes and takes the records until all of them have come.
    async fn collect(&mut self, cloud: &mut Served, bench: &Bench, bytes: u64, goal: u64, acks: bool) {
        bench.move_bytes(1, bytes / 2);
        let (record, raw) = cloud.record().await;
        self.apply(&record, &raw);
        bench.move_bytes(1, bytes - bytes / 2);
        while self.bytes < goal {
            let (record, raw) = cloud.record().await;
            let outcome = self.apply(&record, &raw);
            if acks {
                let epoch = self.epoch.clone();
                cloud.answer(&epoch, self.applied, 0, outcome).await;
            }
        }
        assert_eq!(self.bytes, goal);
    }
}

#[tokio::test]
async fn usage_survives_lost_acks_lost_connections_and_restarts() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let mut ledger = Ledger::default();
        bench.move_bytes(1, 0);
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.epochs.len(), 1);
        cloud.welcome(Vec::new()).await;
        ledger.collect(&mut cloud, &bench, 10_000, 10_000, false).await;
        let collected = ledger.applied;

        // The cloud restored itself to a point before the last record: it is sent again.
        cloud.connection.close(1, b"crash");
        bench.move_bytes(1, 500);
        let mut behind = ledger.position(0);
        behind[0].applied_seq = 0;
        behind[0].applied_hash = hash::GENESIS.to_vec();
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.epochs[0].epoch, ledger.epoch);
        cloud.welcome(behind).await;
        for seq in 1..=collected {
            let (record, raw) = cloud.record().await;
            assert_eq!(record.seq, seq);
            assert_eq!(ledger.apply(&record, &raw), Outcome::Duplicate);
            let epoch = ledger.epoch.clone();
            cloud.answer(&epoch, ledger.applied, 0, Outcome::Duplicate).await;
        }
        ledger.collect(&mut cloud, &bench, 2_000, 12_500, true).await;
        let before = ledger.bytes;
        agent.stop().await;

        // Moved while the agent was away: in the kernel's counters, so in the next record.
        bench.move_bytes(1, 333);
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(ledger.position(ledger.applied)).await;
        while ledger.bytes < 10_000 + 500 + 2_000 + 333 {
            let (record, raw) = cloud.record().await;
            assert_eq!(ledger.apply(&record, &raw), Outcome::Applied);
        }
        assert!(ledger.bytes > before);
        assert_eq!(ledger.bytes, 10_000 + 500 + 2_000 + 333);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_gap_is_filled_by_sending_again_from_where_the_cloud_stands() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let mut seen = BTreeSet::new();
        while seen.len() < 3 {
            bench.move_bytes(1, 100);
            seen.insert(cloud.record().await.0.seq);
        }
        let epoch = {
            bench.move_bytes(1, 100);
            cloud.record().await.0.epoch
        };
        cloud.answer(&epoch, 1, 0, Outcome::Gap).await;
        let (record, _) = cloud.record().await;
        assert_eq!(record.seq, 2);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn live_rates_flow_while_somebody_watches() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let interest = weir_protocol::control::LiveInterest { for_ms: 20_000, interval_ms: 100 };
        cloud.say(weir_protocol::control::down::Message::LiveInterest(interest)).await;
        let sample = loop {
            bench.move_bytes(1, 1_000_000);
            let sample: weir_protocol::live::Sample = soon("sample", frame::read(&mut cloud.live.1)).await.unwrap();
            if sample.down_bps > 0 {
                break sample;
            }
        };
        assert_eq!((sample.lines.len(), sample.lines[0].handle), (1, 1));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_gateway_that_goes_away_is_dialed_again() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let away = weir_protocol::control::GoAway::default();
        cloud.say(weir_protocol::control::down::Message::GoAway(away)).await;
        soon("close", cloud.connection.closed()).await;
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.connection.close(0, b"gone");
        gateway.session().await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_line_is_forgotten_only_after_its_last_bytes_are_sealed() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        bench.move_bytes(2, 0);
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100), line(2, 1, 100)])).await;
        cloud.ack().await;
        bench.until(|wanted| wanted.lines.len() == 2).await;
        bench.move_bytes(1, 4_000);
        cloud.change(&change(1, 2, vec![], &[1])).await;
        assert_eq!(bench.forgotten().await, [1]);
        let (record, _) = cloud.record().await;
        let lines = record.lines().unwrap();
        assert_eq!((lines.len(), lines[0].handle, lines[0].down_bytes), (1, 1, 4_000));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_state_over_the_limits_changes_nothing_and_is_told() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
        assert_eq!(cloud.ack().await.gen_held, 1);
        let huge = Object { body: vec![0; 200 * 1024], ..line(2, 1, 100) };
        cloud.change(&change(1, 2, vec![huge], &[])).await;
        soon("close", cloud.connection.closed()).await;

        let (mut cloud, hello) = gateway.session().await;
        assert_eq!(hello.state_gen, 1, "what was held is held");
        cloud.welcome(Vec::new()).await;
        let told = loop {
            if let weir_protocol::control::up::Message::Event(event) = cloud.control().await {
                break event;
            }
        };
        assert_eq!(told.kind, "state-refused");
        assert!(told.text.contains("204800 bytes"), "{}", told.text);
        assert_eq!(bench.wanted().lines.len(), 1);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_session_begins_with_what_the_kernel_holds_now() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
        cloud.ack().await;
        cloud.report().await;
        bench.meddle("line 1 had no class on lan0");
        cloud.connection.close(0, b"gone");
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let weir_protocol::control::up::Message::Event(event) = cloud.control().await else { panic!() };
        assert_eq!(event.kind, "drift");
        assert!(event.text.contains("line 1 had no class on lan0"), "{}", event.text);
        assert!(cloud.report().await.complete);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn changes_that_overtake_the_welcome_wait_for_it_and_are_taken_in_order() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
        // Its lineage is that of the welcome.
        cloud.change(&Down { lineage: Vec::new(), ..change(1, 2, vec![line(2, 1, 100)], &[]) }).await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        bench.until(|wanted| wanted.lines.len() == 2).await;
        cloud.connection.close(0, b"gone");

        // What waits is bounded.
        let (mut cloud, hello) = gateway.session().await;
        assert_eq!((hello.state_gen, hello.state_lineage.as_slice()), (2, LINEAGE.as_slice()));
        for _ in 0..17 {
            cloud.change(&change(2, 3, vec![line(3, 1, 100)], &[])).await;
        }
        let closed = soon("close", cloud.connection.closed()).await;
        assert!(closed.reason.contains("changes without a welcome"), "{closed}");
        assert_eq!(bench.wanted().lines.len(), 2);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
