//! What a gateway does with agents that may not go on, over real QUIC; and for all its sessions at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;
use tokio::task::JoinSet;
use weir_cloud::fleet::gateways::{self, Sessions};
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::ids::SubscriptionId;
use weir_protocol::PROTO_REV;
use weir_protocol::control::{GoAwayReason, Hello, down};
use weir_protocol::hash;
use weir_protocol::usage::Outcome;

use crate::ingest::Log;
use crate::money::harness::{Isp, story};
use crate::money::shop::Shop;
use crate::played::{Gateway, Identity, Played, router, until};

/// Why the session ends; whatever else is told before does not matter.
async fn goodbye(played: &mut Played) -> GoAwayReason {
    loop {
        if let down::Message::GoAway(told) = played.hear().await {
            return told.reason();
        }
    }
}

#[test]
fn an_agent_that_is_revoked_or_replaced_is_dropped_at_once() {
    story(async {
        let isp = Isp::new("dropped", "2026-10-10T10:00:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let first = gateway.enroll(&isp, router).await;
        let mut replaced = gateway.session(&first, PROTO_REV).await;
        let second = gateway.enroll(&isp, router).await;
        assert_eq!(goodbye(&mut replaced).await, GoAwayReason::Revoked);
        let mut revoked = gateway.session(&second, PROTO_REV).await;
        assert_eq!(isp.post(&format!("/routers/{router}/agent/revoke"), json!({})).await.status, 204);
        assert_eq!(goodbye(&mut revoked).await, GoAwayReason::Revoked);
    });
}

/// Sends the first record of a log again and again, without end; counts the answers.
async fn flood(gateway: Arc<Gateway>, identity: Identity, n: u64, answers: Arc<AtomicU64>) {
    let mut log = Log::new(&n.to_be_bytes());
    let hello = Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(1)], ..Hello::default() };
    let record = log.of_lines(&[], &[(0, 1)], 1_791_626_400_000);
    let (mut agent, _) = gateway.greeted(&identity, hello).await;
    agent.tell(&record).await;
    loop {
        // One always waits behind the one that is answered.
        agent.tell(&record).await;
        agent.answered().await;
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_tenant_whose_agents_flood_keeps_nobody_elses_waiting() {
    const FLOODING: usize = 24;
    const RECORDS: u64 = 25;
    story(async {
        let loud = Isp::new("loud", "2026-10-10T10:00:00Z").await;
        let quiet = Isp::new("quiet", "2026-10-10T10:00:00Z").await;
        let gateway = Arc::new(Gateway::start(&loud).await);
        let answers = Arc::new(AtomicU64::new(0));
        let mut floods = JoinSet::new();
        for n in 0..FLOODING {
            let identity = gateway.enroll(&loud, router(&loud, &format!("r{n}")).await).await;
            floods.spawn(flood(Arc::clone(&gateway), identity, n as u64, Arc::clone(&answers)));
        }
        let identity = gateway.enroll(&quiet, router(&quiet, "r").await).await;
        let mut log = Log::new(b"quiet...");
        let hello = Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(1)], ..Hello::default() };
        let (mut agent, _) = gateway.greeted(&identity, hello).await;
        let record = log.of_lines(&[], &[(0, 1)], 1_791_626_400_000);
        agent.tell(&record).await;
        assert_eq!(agent.answered().await.outcome(), Outcome::Applied);
        let count = || async { answers.load(Ordering::Relaxed) };
        until("flood", count, |answers| *answers > 200).await;
        let before = answers.load(Ordering::Relaxed);
        for _ in 0..RECORDS {
            agent.tell(&record).await;
            assert_eq!(agent.answered().await.outcome(), Outcome::Duplicate);
        }
        let meanwhile = answers.load(Ordering::Relaxed) - before;
        // In a row with all of them, as many would come before each of its own.
        assert!(meanwhile < RECORDS * FLOODING as u64 / 2, "{meanwhile} of a flood came before {RECORDS} records");
        floods.shutdown().await;
    });
}

/// The agent spoke last a day ago.
async fn spoke_long_ago(isp: &Isp, session: Session) {
    let mut tx = isp.app.db.begin(&isp.scope()).await.expect("begin");
    let query = "UPDATE agents SET last_seen_at = last_seen_at - interval '1 day' WHERE id = $1";
    sqlx::query(query).bind(session.agent.uuid()).execute(tx.conn()).await.expect(query);
    tx.commit().await.expect("committed");
}

/// A session whose agent was told a generation.
fn told(session: Session, told: i64) -> Sessions {
    Sessions { agents: vec![session.agent.uuid()], ids: vec![session.id], told: vec![told] }
}

#[test]
fn a_sweep_finds_who_missed_a_wake_and_who_was_taken_over_and_nobody_else() {
    story(async {
        let shop = Shop::new("sweep", "2026-11-01").await;
        let app = &shop.isp.app;
        let older = shop.session().await;
        shop.sold(json!({ "prefixes": ["10.0.0.1/32"] })).await;
        let newer = shop.session().await;
        let agent = newer.agent.to_string();
        let newest = shop.isp.get(&format!("/agents/{agent}")).await.expect(200)["desired_gen"].as_i64().expect("one");
        let mut missed = Vec::new();
        for sessions in [told(newer, newest), told(newer, newest - 1), told(older, newest)] {
            missed.push(!gateways::behind(app, sessions).await.expect("an answer").is_empty());
        }
        assert_eq!(missed, [false, true, true]);
        let connected = async || shop.isp.get(&format!("/agents/{agent}")).await.expect(200)["connected"].clone();
        spoke_long_ago(&shop.isp, newer).await;
        gateways::seen(app, told(older, 0)).await.expect("noted");
        assert_eq!(connected().await, false);
        gateways::seen(app, told(newer, 0)).await.expect("noted");
        assert_eq!(connected().await, true);
        // Nobody who has left is seen.
        sessions::ended(app, newer).await.expect("noted");
        gateways::seen(app, told(newer, 0)).await.expect("noted");
        assert_eq!(connected().await, false);
    });
}

#[test]
fn the_digest_kept_with_each_change_is_that_of_all_there_is() {
    story(async {
        let shop = Shop::new("digest", "2026-10-01").await;
        let sold = |n: u8| shop.sold(json!({ "prefixes": [format!("10.0.0.{n}/32")] }));
        let lines: [SubscriptionId; 3] = [sold(1).await, sold(2).await, sold(3).await];
        let opened = shop.opened().await;
        for change in 0..4 {
            match change {
                1 => drop(sold(4).await),
                2 => {
                    let hold = json!({ "kind": "manual", "effect": "closed", "reason": "asked for" });
                    shop.isp.post(&format!("/subscriptions/{}/holds", lines[0]), hold).await.expect(201);
                }
                3 => {
                    let end = json!({ "ends_on": "2026-11-01" });
                    shop.isp.post(&format!("/subscriptions/{}/end", lines[1]), end).await.expect(200);
                }
                _ => {}
            }
            let whole =
                sessions::changes(&shop.isp.app, opened.session, opened.lineage, None).await.expect("an answer");
            let whole = whole.expect("everything");
            let mut digest = hash::GENESIS;
            for object in &whole.upserts {
                hash::fold(&mut digest, &hash::object(object.kind, &object.id, object.revision, &object.body));
            }
            assert_eq!(whole.digest_after, digest, "after change {change}");
        }
    });
}

#[test]
fn a_change_repeats_nothing_to_agents_that_know_it() {
    story(async {
        let shop = Shop::new("brief", "2026-10-01").await;
        shop.sold(json!({ "prefixes": ["10.0.0.1/32"] })).await;
        let opened = shop.opened().await;
        let mut told = Vec::new();
        for rev in [7, 8] {
            let session = Session { rev, ..opened.session };
            for held in [None, Some(1)] {
                let down = sessions::changes(&shop.isp.app, session, opened.lineage, held).await.expect("an answer");
                let down = down.expect("there is more than generation 1");
                told.push((down.lineage.len(), down.digest_after.len()));
            }
        }
        assert_eq!(told, [(16, 16), (16, 16), (16, 16), (0, 8)]);
    });
}

#[test]
fn two_machines_that_speak_as_one_are_told_of_once_a_day() {
    story(async {
        let isp = Isp::new("cloned", "2026-10-10T10:00:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let router = router(&isp, "r").await;
        let identity = gateway.enroll(&isp, router).await;
        let path = format!("/routers/{router}");
        let suspected = async || {
            let events = isp.get(&format!("{path}/events?severity=critical")).await.expect(200);
            let events = events["items"].as_array().expect("a list").clone();
            events.iter().filter(|event| event["kind"] == "clone-suspected").count()
        };
        let mut before: Option<Played> = None;
        for (n, boot) in [1, 2, 1, 2, 1, 2, 1, 2].into_iter().enumerate() {
            // A router on a bad link comes back in the same boot, as often as it likes.
            let hello = || Hello { proto_rev: PROTO_REV, boot_id: vec![boot; 16], ..Hello::default() };
            gateway.greeted(&identity, hello()).await;
            let (session, _) = gateway.greeted(&identity, hello()).await;
            if let Some(mut fenced) = before.replace(session) {
                assert_eq!(goodbye(&mut fenced).await, GoAwayReason::Fenced);
            }
            assert_eq!(suspected().await, usize::from(n >= 6), "after {n} machines in turns");
        }
        let page = isp.page(&path).await.text;
        assert!(page.contains("Two machines speak as this router, in turns"), "{page}");
        assert!(isp.get(&format!("{path}/enforcement")).await.expect(200)["clone_suspected_at"].is_string());
    });
}
