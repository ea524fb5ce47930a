//! What networks do to a connection, and what the agent does about it.

use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::task::LocalSet;
use weir_agent::config::Config;
use weir_agent::northbound::enroll;
use weir_agent::store::disk::Folder;
use weir_agent::store::identity::Identity;
use weir_protocol::control::{GoAway, down};

use super::bench::{Bench, Gateway, Running, Served, config, soon};
use super::wire::Wire;
use super::{Ledger, change, line, reply, snapshot};

/// Records that may be unanswered.
const WINDOW: u64 = 64;

/// A router behind a wire, and its gateway.
struct Stage {
    gateway: Gateway,
    wire: Wire,
    identity: Identity,
    folder: tempfile::TempDir,
    bench: Bench,
}

impl Stage {
    async fn set() -> Self {
        let gateway = Gateway::start();
        let wire = Wire::to(&gateway.address()).await;
        let identity = Identity { gateways: vec![wire.at().to_string()], ..gateway.identity() };
        Self { gateway, wire, identity, folder: tempfile::tempdir().unwrap(), bench: Bench::new() }
    }

    /// Silence is noticed in tenths of a second.
    fn config(&self) -> Config {
        Config { keepalive: Duration::from_millis(100), ..config(self.folder.path()) }
    }

    fn agent(&self, config: Config) -> Running {
        Running::start_as(config, &self.identity, &self.bench)
    }

    /// TCP where the router connects.
    async fn tcp(&self) -> TcpListener {
        TcpListener::bind(self.wire.at()).await.unwrap()
    }
}

/// Changes a line and hears that it is changed: both ways are open.
async fn is_heard(cloud: &mut Served, from_gen: u64) {
    cloud.change(&change(from_gen, from_gen + 1, vec![line(1, from_gen + 1, from_gen)], &[])).await;
    assert_eq!(cloud.ack().await.gen_held, from_gen + 1);
    assert_eq!(cloud.report().await.generation, from_gen + 1);
}

async fn begin(cloud: &mut Served) {
    cloud.welcome(Vec::new()).await;
    cloud.change(&snapshot(1, vec![line(1, 1, 100)])).await;
    assert_eq!(cloud.ack().await.gen_held, 1);
    cloud.report().await;
}

#[tokio::test]
async fn without_udp_a_session_is_over_tcp_in_three_seconds_and_returns_to_quic() {
    let stage = Stage::set().await;
    let story = async {
        stage.wire.pass(false, false);
        let (listener, began) = (stage.tcp().await, Instant::now());
        let often = Config { quic_interval: Duration::from_millis(200), ..stage.config() };
        stage.bench.move_bytes(1, 0);
        let agent = stage.agent(often);
        let (connection, _) = stage.gateway.accept_tcp(&listener).await;
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        let (mut cloud, _) = Gateway::session_on(connection).await;
        let mut ledger = Ledger::default();
        begin(&mut cloud).await;
        ledger.collect(&mut cloud, &stage.bench, 10_000, 10_000, true).await;
        assert!(status(&stage).contains(r#""over":"tcp""#), "{}", status(&stage));

        // What is on its way when QUIC takes over is counted once.
        ledger.collect(&mut cloud, &stage.bench, 5_000, 15_000, false).await;
        stage.wire.pass(true, true);
        let (mut quic, hello) = stage.gateway.session().await;
        assert!(soon("close", cloud.connection.closed()).await.reason.contains("QUIC"));
        assert_eq!(hello.state_gen, 1);
        quic.welcome(ledger.position(0)).await;
        assert!(quic.report().await.complete);
        is_heard(&mut quic, 1).await;
        ledger.collect(&mut quic, &stage.bench, 1_000, 16_000, true).await;
        assert!(status(&stage).contains(r#""over":"quic""#), "{}", status(&stage));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

/// What the agent says of itself.
fn status(stage: &Stage) -> String {
    weir_agent::status::print(&stage.config()).unwrap()
}

#[tokio::test]
async fn without_udp_a_router_is_enrolled_over_tcp() {
    let stage = Stage::set().await;
    stage.wire.pass(false, false);
    let (listener, mut disk) = (stage.tcp().await, Folder::open(stage.folder.path()).unwrap());
    let mut token = stage.gateway.token();
    token.gateway = stage.wire.at().to_string();
    let text = token.to_text();
    let answer = async {
        let (connection, exporter) = stage.gateway.accept_tcp(&listener).await;
        let (connection, mut stream, request) = Gateway::asked(connection, exporter).await;
        reply(&mut stream, reply::Outcome::Enrolled(stage.gateway.enroll(&request))).await;
        soon("close", connection.closed()).await;
    };
    let (enrolled, ()) = tokio::join!(enroll::enroll(&mut disk, &text), answer);
    enrolled.unwrap();

    // A gateway of somebody else's is no better over TCP.
    token.root_fingerprint = vec![9; 32];
    let (folder, text) = (tempfile::tempdir().unwrap(), token.to_text());
    let mut disk = Folder::open(folder.path()).unwrap();
    let refused = async {
        let (stream, _) = soon("connection", listener.accept()).await.unwrap();
        stage.gateway.shake_hands(stream).await
    };
    let (result, refused) = tokio::join!(enroll::enroll(&mut disk, &text), refused);
    assert!(refused.is_err());
    assert!(matches!(result, Err(enroll::Error::WrongGateway(_))), "{result:?}");
}

#[tokio::test]
async fn a_session_goes_on_when_the_routers_address_changes() {
    let stage = Stage::set().await;
    let story = async {
        let agent = stage.agent(stage.config());
        let (mut cloud, _) = stage.gateway.session().await;
        begin(&mut cloud).await;
        for moves in 1..=3 {
            stage.wire.move_router();
            is_heard(&mut cloud, moves).await;
        }
        assert!(stage.wire.mappings() > 3, "{} addresses", stage.wire.mappings());
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_session_goes_on_from_another_port_when_a_translation_forgets_it() {
    let stage = Stage::set().await;
    let story = async {
        // A connection that is slow to die has time to move.
        let agent = stage.agent(Config { keepalive: Duration::from_millis(200), ..stage.config() });
        let (mut cloud, _) = stage.gateway.session().await;
        begin(&mut cloud).await;
        stage.wire.forget();
        // Nobody told the agent: it finds out, and moves.
        is_heard(&mut cloud, 1).await;
        assert_eq!(stage.wire.mappings(), 2);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_gateway_that_welcomes_nobody_is_left_for_another() {
    let stage = Stage::set().await;
    let story = async {
        let other = stage.gateway.beside();
        let gateways = vec![stage.wire.at().to_string(), other.address()];
        let identity = Identity { gateways, ..stage.identity.clone() };
        let agent = Running::start_as(stage.config(), &identity, &stage.bench);
        let (cloud, _) = stage.gateway.session().await;
        cloud.connection.close(0, b"not now");
        let (mut cloud, _) = other.session().await;
        begin(&mut cloud).await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn what_passes_one_way_only_is_counted_once_and_the_connection_given_up() {
    let stage = Stage::set().await;
    let story = async {
        stage.bench.move_bytes(1, 0);
        let agent = stage.agent(stage.config());
        let (mut cloud, _) = stage.gateway.session().await;
        let mut ledger = Ledger::default();
        cloud.welcome(Vec::new()).await;
        ledger.collect(&mut cloud, &stage.bench, 1_000, 1_000, true).await;
        stage.wire.pass(true, false);
        // Records arrive; no answer does.
        ledger.collect(&mut cloud, &stage.bench, 2_000, 3_000, true).await;
        soon("close", cloud.connection.closed()).await;
        stage.wire.pass(true, true);
        let (mut cloud, hello) = stage.gateway.session().await;
        assert_eq!(hello.epochs.len(), 1, "no other log was begun");
        cloud.welcome(ledger.position(0)).await;
        ledger.collect(&mut cloud, &stage.bench, 4_000, 7_000, true).await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_gateway_that_does_not_read_usage_is_sent_a_window_of_it_and_the_rest_of_the_session_goes_on() {
    let stage = Stage::set().await;
    let story = async {
        stage.bench.move_bytes(1, 0);
        let brisk = Duration::from_millis(1);
        let agent = stage.agent(Config { usage_interval: Some(brisk), sweep_interval: brisk, ..stage.config() });
        let (mut cloud, _) = stage.gateway.session().await;
        begin(&mut cloud).await;
        let mut generation = 1;
        while !sealed_more_than(&stage, WINDOW + 10) {
            stage.bench.move_bytes(1, 1_000);
            is_heard(&mut cloud, generation).await;
            generation += 1;
        }
        for seq in 1..=WINDOW {
            assert_eq!(cloud.record().await.0.seq, seq);
        }
        let more = tokio::time::timeout(Duration::from_millis(100), cloud.record()).await;
        assert!(more.is_err(), "{:?} was sent beyond the window", more.map(|(record, _)| record.seq));
        is_heard(&mut cloud, generation).await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

/// Whether so many records are sealed, by the agent's own account.
fn sealed_more_than(stage: &Stage, records: u64) -> bool {
    let status: serde_json::Value = serde_json::from_str(&status(stage)).unwrap();
    status["agent"]["epochs"][0]["last_seq"].as_u64().is_some_and(|last| last > records)
}

#[tokio::test]
async fn a_gateway_that_stops_names_another_and_nothing_on_its_way_is_counted_twice() {
    let stage = Stage::set().await;
    let story = async {
        // Both are the same cloud's.
        let second = stage.gateway.beside();
        stage.bench.move_bytes(1, 0);
        let agent = stage.agent(stage.config());
        let (mut cloud, _) = stage.gateway.session().await;
        let mut ledger = Ledger::default();
        begin(&mut cloud).await;
        ledger.collect(&mut cloud, &stage.bench, 1_000, 1_000, false).await;
        let gateways = vec![second.address()];
        cloud.say(down::Message::GoAway(GoAway { gateways, ..GoAway::default() })).await;
        soon("close", cloud.connection.closed()).await;
        let (mut cloud, hello) = second.session().await;
        assert_eq!(hello.state_gen, 1);
        cloud.welcome(ledger.position(0)).await;
        assert!(cloud.report().await.complete);
        is_heard(&mut cloud, 1).await;
        ledger.collect(&mut cloud, &stage.bench, 2_000, 3_000, true).await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
