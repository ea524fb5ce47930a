//! An agent that does what no agent does: it is refused, people hear of it, its connection is closed and nothing is kept.

use std::time::Duration;

use prost::Message;
use weir_protocol::control::{EpochPosition, Hello, StreamPosition, Verdict, up};
use weir_protocol::frame::{MAX_BODY, MAX_FRAME};
use weir_protocol::usage::Outcome;
use weir_protocol::{PROTO_REV, frame, usage};

use super::{Edge, Log, TENTH_MS};
use crate::harness::cloud;
use crate::money::harness::story;
use crate::money::world::METERED;
use crate::played::{Gateway, Identity, Played, until};
use crate::refusals::{difference, rows};

const MISBEHAVED: u64 = 3;
const UNREADABLE: u64 = 4;

/// A router whose agent is hostile, and a gateway.
struct Attack {
    edge: Edge,
    gateway: Gateway,
    identity: Identity,
    before: Vec<(String, String)>,
}

impl Attack {
    async fn new(slug: &str) -> Self {
        let mut edge = Edge::new(slug).await;
        let gateway = Gateway::start(&edge.isp).await;
        let identity = gateway.enroll(&edge.isp, edge.router).await;
        edge.agent = edge.isp.get(&format!("/routers/{}/enforcement", edge.router)).await.expect(200)["agent_id"]
            .as_str()
            .and_then(|id| id.parse().ok())
            .expect("an id");
        let before = rows(cloud(), edge.isp.tenant).await;
        Self { edge, gateway, identity, before }
    }

    async fn session(&self, log: &Log) -> Played {
        let epochs = vec![log.offered(1)];
        self.gateway.greeted(&self.identity, Hello { proto_rev: PROTO_REV, epochs, ..Hello::default() }).await.0
    }

    /// Nothing is kept but that the agent was there, and what people are told.
    async fn kept_nothing(&self, but: &[&str]) {
        let mut changed = difference(&self.before, &rows(cloud(), self.edge.isp.tenant).await);
        changed.retain(|table| !["agents", "agent_events"].contains(&table.as_str()) && !but.contains(&table.as_str()));
        assert_eq!(changed, Vec::<String>::new());
    }

    /// What people are told of a kind, once it is as much.
    async fn told(&self, kind: &str, count: usize) -> Vec<String> {
        until(kind, || self.edge.told(kind), |told| told.len() >= count).await
    }

    /// A record is refused twice and closes the connection.
    async fn is_refused(&self, record: &[u8], log: &Log, why: &str) {
        let mut agent = self.session(log).await;
        agent.tell(record).await;
        assert_eq!(agent.answered().await.outcome(), Outcome::Malformed);
        agent.tell(record).await;
        assert_eq!(agent.closed().await, (MISBEHAVED, "refused-record-again".to_owned()));
        let refused = self.told("usage-refused", 1).await;
        assert!(refused.len() == 1 && refused[0].ends_with(why), "{refused:?}");
        let misbehaved = self.told("agent-misbehaved", 1).await;
        assert_eq!(misbehaved, ["the connection was closed: a usage record was sent again though it was refused"]);
        self.kept_nothing(&["usage_epochs"]).await;
        let epoch = self.edge.epochs().await.pop().expect("an epoch");
        assert_eq!((&epoch["applied_seq"], &epoch["records"]), (&0.into(), &0.into()));
    }
}

fn raw(length: usize, flags: u8, payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(length).expect("a length").to_le_bytes()[..], &[flags], payload].concat()
}

#[test]
fn a_forged_handle_is_refused_until_a_line_has_it() {
    story(async {
        let attack = Attack::new("forged-handle").await;
        let mut log = Log::new(b"epoch A.");
        let forged = log.of_lines(&[], &[(1, 10), (2, 10)], TENTH_MS);
        attack
            .is_refused(
                &forged,
                &log,
                "record 1 of the usage log is refused: no line of the router ever had the handle 2",
            )
            .await;
        // What is nobody's is not forged, and a line may be sold while a session is open.
        let mut log = log.put_back(0);
        let mut agent = attack.session(&log).await;
        agent.tell(&log.of_lines(&[], &[(0, 3), (1, 10)], TENTH_MS)).await;
        assert_eq!(agent.answered().await.outcome(), Outcome::Applied);
        let isp = &attack.edge.isp;
        isp.line(isp.account("Bea").await, attack.edge.router, isp.plan(&METERED).await, "2026-10-01").await;
        agent.tell(&log.of_lines(&[], &[(2, 10)], TENTH_MS + 1_000)).await;
        assert_eq!(agent.answered().await.outcome(), Outcome::Applied);
        assert_eq!(attack.edge.billed().await, 10);
    });
}

#[test]
fn more_than_could_be_moved_is_refused() {
    story(async {
        let attack = Attack::new("implausible").await;
        let mut log = Log::new(b"epoch A.");
        // A second day at 400 Gbit/s, in five minutes.
        let moved = 50_000_000_000 * 2 * 86_400;
        let record = log.of_lines(&[], &[(1, moved)], TENTH_MS);
        attack.is_refused(&record, &log, &format!("line 1 would have moved {moved} bytes or packets in 86700 s")).await;
    });
}

#[test]
fn more_lines_than_a_router_has_are_refused() {
    story(async {
        let attack = Attack::new("lines").await;
        let mut log = Log::new(b"epoch A.");
        let lines: Vec<_> = (1..=100_001).map(|handle| (handle, 1)).collect();
        let record = log.of_lines(&[], &lines, TENTH_MS);
        attack.is_refused(&record, &log, "it names 100001 lines").await;
    });
}

#[test]
fn frames_no_agent_sends_close_the_connection_on_every_stream() {
    story(async {
        let attack = Attack::new("frames").await;
        let nothing = vec![0u8; MAX_BODY + 1];
        let bomb = frame::encode(&usage::Up { record: nothing[..MAX_BODY / 2].to_vec(), ..usage::Up::default() })
            .expect("a frame");
        let bomb: Vec<u8> = std::iter::repeat_n(&bomb[5..], 3).flatten().copied().collect();
        let frames = [
            (raw(MAX_FRAME + 1, 0, &[]), "frame-too-large"),
            (raw(bomb.len(), 1, &bomb), "frame-not-inflatable"),
            (raw(4, 6, b"flag"), "frame-flags-unknown"),
            (raw(4, 0, &[0xff; 4]), "message-unreadable"),
        ];
        let log = Log::new(b"epoch A.");
        for (frame, what) in &frames {
            for stream in 0..4 {
                let mut agent = attack.session(&log).await;
                agent.send(stream, frame).await;
                assert_eq!(agent.closed().await, (MISBEHAVED, (*what).to_owned()), "on stream {stream}");
            }
        }
        let told = attack.told("agent-misbehaved", frames.len()).await;
        assert_eq!(told.len(), frames.len(), "each once a day: {told:?}");
        // Of which stream it tells is the first's that is written down, not the first's that was attacked.
        assert!(told.iter().any(|text| text.contains("stream: frame of 1048577 bytes is over the limit")), "{told:?}");
        attack.kept_nothing(&["usage_epochs"]).await;
        assert_eq!(attack.edge.epochs().await.last().expect("an epoch")["applied_seq"], 0);
    });
}

#[test]
fn a_record_that_cannot_be_read_closes_the_connection_at_once() {
    story(async {
        let attack = Attack::new("unreadable").await;
        let log = Log::new(b"epoch A.");
        let nameless = usage::Record { epoch: b"seven..".to_vec(), seq: 1, ..usage::Record::default() };
        for record in [vec![0xff; 40], nameless.encode_to_vec()] {
            let mut agent = attack.session(&log).await;
            agent.tell(&record).await;
            assert_eq!(agent.closed().await, (UNREADABLE, "record-unreadable".to_owned()));
        }
        assert_eq!(
            attack.told("agent-misbehaved", 1).await,
            ["the connection was closed: a usage record cannot be read"]
        );
        let refused = attack.told("usage-refused", 2).await;
        assert!(refused.contains(&"a record of the usage log is refused: it cannot be read".to_owned()), "{refused:?}");
        attack.kept_nothing(&["usage_epochs"]).await;
    });
}

#[test]
fn a_session_that_does_not_begin_or_begins_twice_is_over() {
    story(async {
        let attack = Attack::new("hello").await;
        let mut agent = attack.gateway.connected(&attack.identity).await;
        agent.say(up::Message::Heartbeat(weir_protocol::control::Heartbeat::default())).await;
        assert_eq!(agent.closed().await, (MISBEHAVED, "hello-out-of-place".to_owned()));
        let mut agent = attack.session(&Log::new(b"epoch A.")).await;
        agent.say(up::Message::Hello(Hello { proto_rev: PROTO_REV, ..Hello::default() })).await;
        assert_eq!(agent.closed().await, (MISBEHAVED, "hello-out-of-place".to_owned()));
        let mut agent = attack.gateway.connected(&attack.identity).await;
        let epochs = vec![EpochPosition { epoch: b"short".to_vec(), ..EpochPosition::default() }];
        agent.say(up::Message::Hello(Hello { proto_rev: PROTO_REV, epochs, ..Hello::default() })).await;
        assert_eq!(agent.closed().await, (MISBEHAVED, "strange-epochs".to_owned()));
        assert_eq!(attack.told("agent-misbehaved", 2).await.len(), 2);
        attack.kept_nothing(&["usage_epochs"]).await;
    });
}

#[test]
fn a_log_that_always_begins_anew_is_not_taken() {
    story(async {
        let attack = Attack::new("anew-again").await;
        let named =
            |n: u64| EpochPosition { epoch: n.to_be_bytes().to_vec(), first_seq: 1, ..EpochPosition::default() };
        let hello = |epochs| Hello { proto_rev: PROTO_REV, epochs, ..Hello::default() };
        attack.gateway.greeted(&attack.identity, hello((1..=64).map(named).collect())).await;
        let before = rows(cloud(), attack.edge.isp.tenant).await;
        let mut agent = attack.gateway.connected(&attack.identity).await;
        let one_more = hello(vec![named(64), named(65)]);
        agent.say(up::Message::Hello(Hello { proto_rev: 7, ..one_more.clone() })).await;
        assert_eq!(agent.closed().await, (MISBEHAVED, "too-many-epochs".to_owned()));
        let told = attack.told("agent-misbehaved", 1).await;
        assert!(told[0].contains("64 epochs of its usage log are new since yesterday"), "{told:?}");
        // An agent that knows how to wait does, and is heard and told otherwise.
        let opened = attack.edge.says(&one_more).await;
        let verdicts: Vec<_> = opened.streams.iter().map(StreamPosition::verdict).collect();
        assert_eq!(verdicts, [Verdict::Ok, Verdict::Later]);
        assert!(attack.told("usage-waits", 1).await[0].contains("waits at the router"));
        let mut changed = difference(&before, &rows(cloud(), attack.edge.isp.tenant).await);
        changed.retain(|table| !["agents", "agent_events"].contains(&table.as_str()));
        assert_eq!(changed, Vec::<String>::new());
        // Those that are known go on, and a day later others may come.
        attack.gateway.greeted(&attack.identity, hello(vec![named(64)])).await;
        attack.edge.isp.app.clock.shift(chrono::TimeDelta::hours(25)).expect("the clock moves");
        attack.gateway.greeted(&attack.identity, hello(vec![named(64), named(65)])).await;
    });
}

#[test]
fn a_flood_of_refusals_is_no_flood_of_rows() {
    story(async {
        let edge = Edge::new("flood").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        for n in 0..205 {
            let forged = log.of_lines(&[], &[(1, u64::MAX - n)], TENTH_MS);
            assert_eq!(edge.tells(session, &forged).await, (Outcome::Malformed, 0));
        }
        let mut tx = edge.isp.app.db.read(&edge.isp.scope()).await.expect("a transaction");
        let query = "SELECT count(*) FROM agent_events";
        let kept: i64 = sqlx::query_scalar(query).fetch_one(tx.conn()).await.expect(query);
        assert_eq!(kept, 200);
    });
}

#[test]
fn usage_that_comes_too_fast_waits_and_is_not_refused() {
    story(async {
        let attack = Attack::new("too-fast").await;
        let log = Log::new(b"epoch A.");
        let mut agent = attack.session(&log).await;
        // Records of an epoch that was never offered are answered, and cost what they weigh: these are 9 MiB.
        let mut other = Log::new(b"epoch B.");
        let lines: Vec<_> = (1..=90_000).map(|handle| (handle, 1)).collect();
        let record = other.of_lines(&[], &lines, TENTH_MS);
        let count = 9 * 1024 * 1024 / record.len() + 1;
        let began = tokio::time::Instant::now();
        for _ in 0..count {
            agent.tell(&record).await;
            assert_eq!(agent.answered().await.outcome(), Outcome::Gap);
        }
        assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
    });
}
