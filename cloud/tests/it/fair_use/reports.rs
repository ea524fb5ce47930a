//! What agents tell, and that agent and cloud together count each byte once.

use serde_json::json;
use weir_cloud::fleet::jobs::RefreshMetered;
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::ids::{AgentId, RouterId, SubscriptionId};
use weir_cloud::jobs::Job;
use weir_cloud::{fair_use, usage};
use weir_protocol::control::Hello;
use weir_protocol::state::{FairUseReport, LineFairUse, Rule, Turn};
use weir_protocol::usage::Outcome;

use super::{sell, standing, throttling, told, version};
use crate::ingest::Log;
use crate::money::harness::{Isp, story};

pub(super) const OCTOBER_MS: u64 = 1_790_805_600_000;
pub(super) const NOVEMBER_MS: u64 = 1_793_487_600_000;
pub(super) const TENTH_MS: u64 = 1_791_626_400_000;

/// The usage log of a router.
pub(super) fn log_of(router: RouterId) -> Log {
    let (_, epoch) = router.uuid().as_u64_pair();
    Log::new(&epoch.to_be_bytes())
}

/// Opens a session as a gateway does.
pub(super) async fn session(isp: &Isp, router: RouterId, tally: [u8; 8]) -> Session {
    let hello = Hello { tally: tally.to_vec(), epochs: vec![log_of(router).offered(1)], ..Hello::default() };
    let agent = AgentId::from(router.uuid());
    sessions::open(&isp.app, isp.tenant, agent, &hello, "here").await.unwrap().expect("a session").session
}

fn line_standing(line: SubscriptionId, used_bytes: u64, rule: Rule) -> FairUseReport {
    let turns = if rule == Rule::Exhausted {
        vec![Turn { rule: rule.into(), at_ms: TENTH_MS, used_bytes, step: 0 }]
    } else {
        Vec::new()
    };
    FairUseReport {
        lines: vec![LineFairUse {
            id: line.uuid().as_bytes().to_vec(),
            start_ms: OCTOBER_MS,
            end_ms: NOVEMBER_MS,
            used_bytes,
            limit_bytes: 1_000_000,
            rule: rule.into(),
            since_ms: turns.last().map_or(0, |turn| turn.at_ms),
            next_ms: NOVEMBER_MS,
            turns,
            carried_bytes: 0,
        }],
    }
}

pub(super) async fn published(isp: &Isp) -> Vec<i64> {
    let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
    let query = "SELECT (data ->> 'percent')::bigint FROM events WHERE kind = 'usage.threshold' ORDER BY id";
    sqlx::query_scalar(query).fetch_all(tx.conn()).await.unwrap()
}

#[test]
fn what_the_agent_counts_itself_is_not_told_to_it_and_all_the_rest_is() {
    story(async {
        let isp = Isp::new("tally", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        // Counted by an agent that keeps no tally.
        isp.traffic(router, line, 1, "2026-10-09T09:00:00Z", 10_000, 0).await;
        let first = session(&isp, router, *b"tally  1").await;
        let mut log = log_of(router);
        for (tally, bytes) in [(*b"tally  1", 500), (*b"tally  1", 40)] {
            let applied = usage::apply(&isp.app, first, &log.record_at(&tally, bytes, TENTH_MS)).await.unwrap();
            assert_eq!(applied.outcome, Outcome::Applied);
        }
        let fair_use = told(&isp, router, line).await;
        assert_eq!((fair_use.tally.as_slice(), fair_use.allowances[0].elsewhere_bytes), (&b"tally  1"[..], 10_000));

        // The agent lost its count: what was in the old one is told to it from now on, also what comes late.
        let second = session(&isp, router, *b"tally  2").await;
        let fair_use = told(&isp, router, line).await;
        assert_eq!((fair_use.tally.as_slice(), fair_use.allowances[0].elsewhere_bytes), (&b"tally  2"[..], 10_540));
        usage::apply(&isp.app, second, &log.record_at(b"tally  1", 3, TENTH_MS)).await.unwrap();
        usage::apply(&isp.app, second, &log.record_at(b"tally  2", 7_000, TENTH_MS)).await.unwrap();
        let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
        let queued: Vec<serde_json::Value> =
            sqlx::query_scalar("SELECT payload FROM platform.jobs WHERE kind = $1 AND done_at IS NULL ORDER BY id")
                .bind(RefreshMetered::KIND)
                .fetch_all(tx.conn())
                .await
                .unwrap();
        drop(tx);
        assert_eq!(queued.len(), 3, "each tally, and late records: {queued:?}");
        for payload in queued {
            let job: RefreshMetered = serde_json::from_value(payload).unwrap();
            job.run(isp.app.clone(), isp.scope()).await.unwrap();
        }
        assert_eq!(told(&isp, router, line).await.allowances[0].elsewhere_bytes, 10_543);
        assert_eq!(standing(&isp, line).await["used_bytes"], 17_543, "both together, each byte once");
    });
}

#[test]
fn shares_of_an_allowance_are_told_once_a_period_and_turns_once() {
    story(async {
        let isp = Isp::new("shares", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let session = session(&isp, router, *b"tally  1").await;
        for (used, rule) in [(799_999, Rule::Sold), (800_000, Rule::Sold), (900_000, Rule::Sold)] {
            fair_use::report(&isp.app, session, &line_standing(line, used, rule)).await.unwrap();
        }
        assert_eq!(published(&isp).await, [80]);
        for _ in 0..2 {
            fair_use::report(&isp.app, session, &line_standing(line, 1_000_001, Rule::Exhausted)).await.unwrap();
        }
        assert_eq!(published(&isp).await, [80, 100]);
        let now = standing(&isp, line).await;
        assert_eq!((now["rule"].as_str(), now["used_bytes"].as_i64()), (Some("exhausted"), Some(1_000_001)));
        let turn = json!([{ "rule": "exhausted", "at": "2026-10-10T10:00:00Z", "used_bytes": 1_000_001, "step": 0 }]);
        assert_eq!((&now["turns"], &now["since_at"]), (&turn, &json!("2026-10-10T10:00:00Z")));
        assert_eq!(now["next_at"], "2026-10-31T23:00:00Z");
        // What is bought moves the limit; the share was told.
        let more = super::product(&isp, "More", 1_000_000, "1.00").await;
        sell(&isp, line, &more, "1").await.expect(201);
        fair_use::report(&isp.app, session, &line_standing(line, 2_000_000, Rule::Exhausted)).await.unwrap();
        assert_eq!(published(&isp).await, [80, 100]);
    });
}

#[test]
fn an_agent_tells_nothing_of_another_routers_lines() {
    story(async {
        let isp = Isp::new("foreign", "2026-10-10T10:00:00Z").await;
        let (router, other) = (isp.router_named("r").await, isp.router_named("s").await);
        let plan = version(&isp, throttling()).await;
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let session = session(&isp, other, *b"tally  1").await;
        fair_use::report(&isp.app, session, &line_standing(line, 999_999, Rule::Exhausted)).await.unwrap();
        let now = standing(&isp, line).await;
        assert_eq!((&now["rule"], now["used_bytes"].as_i64()), (&json!(null), Some(0)));
        assert!(published(&isp).await.is_empty());
    });
}

#[test]
fn a_record_no_line_can_have_moved_is_refused_and_told_once() {
    story(async {
        let isp = Isp::new("volume", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let session = session(&isp, router, *b"tally  1").await;
        let mut log = log_of(router);
        let huge = log.record_at(b"tally  1", i64::MAX.cast_unsigned(), TENTH_MS);
        for _ in 0..2 {
            let refused = usage::apply(&isp.app, session, &huge).await.unwrap();
            assert_eq!((refused.outcome, refused.applied_seq), (Outcome::Malformed, 0));
        }
        let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
        let told: Vec<String> = sqlx::query_scalar("SELECT text FROM agent_events WHERE kind = 'usage-refused'")
            .fetch_all(tx.conn())
            .await
            .unwrap();
        let expected = "record 1 of the usage log is refused: line 1 would have moved 9223372036854775807 bytes or packets in 2678400 s";
        assert_eq!(told, [expected]);
        drop(tx);
        assert_eq!(standing(&isp, line).await["used_bytes"], 0);
    });
}

#[test]
fn sums_beyond_the_greatest_number_do_not_break_what_shows_them() {
    story(async {
        let isp = Isp::new("sums", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        for seq in 1..=2 {
            isp.traffic(router, line, seq, "2026-10-09T09:00:00Z", i64::MAX - 5, i64::MAX - 5).await;
        }
        assert_eq!(standing(&isp, line).await["used_bytes"], i64::MAX);
        let shown = isp.get(&format!("/subscriptions/{line}/usage")).await.expect(200);
        assert_eq!(shown["down_bytes"], i64::MAX);
        assert_eq!(told(&isp, router, line).await.allowances[0].elsewhere_bytes, u64::MAX);
    });
}
