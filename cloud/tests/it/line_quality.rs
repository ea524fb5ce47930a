//! How well lines are served: what agents tell over their sessions, whose it is, and what is shown of it.

use serde_json::{Value, json};
use weir_cloud::ids::SubscriptionId;
use weir_cloud::jobs::Job;
use weir_cloud::quality::jobs::ForgetOldQuality;
use weir_protocol::PROTO_REV;
use weir_protocol::control::up;
use weir_protocol::quality::{Echoes, LineQuality, Report, Role, Way};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;
use crate::played::{Gateway, Played, router, until};

/// Five minutes up to this instant of the router's clock.
fn report(end_ms: u64, lines: &[LineQuality]) -> Report {
    let gateway = Echoes {
        role: Role::Gateway.into(),
        address: vec![192, 0, 2, 1],
        asked: 60,
        answered: 57,
        rtt_p50_us: 2_500,
        rtt_p95_us: 9_000,
    };
    let mut report = Report { start_ms: end_ms - 300_000, end_ms, uplinks: vec![gateway], ..Report::default() };
    report.set_lines(lines);
    report
}

fn busy(handle: u32) -> LineQuality {
    let down = Way {
        delay_us: 20_000,
        delay_max_us: 80_000,
        full_permille: 400,
        used_permille: 600,
        dropped_packets: 7,
        marked_packets: 5,
    };
    let up = Way { used_permille: 100, ..Way::default() };
    LineQuality { handle, down, up, asked: 10, answered: 8, rtt_p50_us: 4_000, rtt_p95_us: 30_000 }
}

async fn hours(isp: &Isp, line: SubscriptionId) -> Vec<Value> {
    let shown = isp.get(&format!("/subscriptions/{line}/quality")).await.expect(200);
    shown["hours"].as_array().expect("hours").clone()
}

/// Tells of this line, and waits until it is kept: what was told before is then, too.
async fn mark(isp: &Isp, agent: &mut Played, end_ms: u64, (marker, handle): (SubscriptionId, u32)) {
    let before = hours(isp, marker).await.first().map_or(0, |hour| hour["asked"].as_i64().unwrap());
    let mark = LineQuality { handle, asked: 1, ..LineQuality::default() };
    agent.say(up::Message::Quality(Box::new(report(end_ms, &[mark])))).await;
    let seen = |hours: &Vec<Value>| hours.first().is_some_and(|hour| hour["asked"].as_i64().unwrap() > before);
    until("report", || hours(isp, marker), seen).await;
}

#[test]
fn what_a_router_tells_of_its_lines_is_kept_by_the_hour_once_and_shown() {
    story(async {
        let isp = Isp::new("quality", "2026-10-10T10:05:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let (at, plan) = (router(&isp, "Edge").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, at, plan, "2026-10-01").await;
        let marker = isp.line(isp.account("Marker").await, at, plan, "2026-10-01").await;
        let identity = gateway.enroll(&isp, at).await;
        let mut agent = gateway.session(&identity, PROTO_REV).await;

        // Ten minutes, half of them idle; each part told twice; one handle is nobody's.
        for end_ms in [1_000_000_000, 1_000_000_000, 1_000_300_000] {
            let lines = if end_ms == 1_000_000_000 { vec![busy(1), busy(77)] } else { Vec::new() };
            agent.say(up::Message::Quality(Box::new(report(end_ms, &lines)))).await;
        }
        mark(&isp, &mut agent, 1_000_600_000, (marker, 2)).await;
        let shown = hours(&isp, line).await;
        assert_eq!(shown.len(), 1, "{shown:?}");
        let expected = json!({
            "hour_at": "2026-10-10T10:00:00Z", "span_ms": 900_000,
            "down_delay_us": 6_666, "up_delay_us": 0, "down_delay_max_us": 80_000, "up_delay_max_us": 0,
            "down_full_permille": 133, "up_full_permille": 0, "down_used_permille": 200, "up_used_permille": 33,
            "down_dropped_packets": 7, "up_dropped_packets": 0, "down_marked_packets": 5, "up_marked_packets": 0,
            "asked": 10, "answered": 8, "rtt_p50_us": 4_000, "rtt_p95_us": 30_000,
        });
        assert_eq!(shown[0], expected);
        let none = isp.get(&format!("/subscriptions/{line}/quality?to=2026-10-10T09:59:59Z")).await.expect(200);
        assert_eq!(none["hours"], json!([]));

        let uplinks = isp.get(&format!("/routers/{at}/quality")).await.expect(200);
        let expected = json!([{
            "hour_at": "2026-10-10T10:00:00Z", "role": "gateway", "address": "192.0.2.1",
            "asked": 180, "answered": 171, "rtt_p50_us": 2_500, "rtt_p95_us": 9_000,
        }]);
        assert_eq!(uplinks["uplinks"], expected);

        let page = isp.page(&format!("/subscriptions/{line}")).await.text;
        for text in ["Quality of the last day", "20 % / 3.3 %", "6.7 ms / 0 ms", "4 ms / 20 %"] {
            assert!(page.contains(text), "{text} is not in {page}");
        }
        let page = isp.page(&format!("/routers/{at}")).await.text;
        assert!(page.contains("Uplink in the last day") && page.contains("2.5 ms / 5 %"), "{page}");

        // What makes no sense, or comes late, changes nothing.
        let mut uneven = report(1_000_900_000, &[busy(1)]);
        uneven.asked.clear();
        agent.say(up::Message::Quality(Box::new(uneven))).await;
        agent.say(up::Message::Quality(Box::new(Report { start_ms: 5, end_ms: 4, ..Report::default() }))).await;
        agent.say(up::Message::Quality(Box::new(report(999_000_000, &[busy(1)])))).await;
        mark(&isp, &mut agent, 1_001_000_000, (marker, 2)).await;
        assert_eq!(hours(&isp, line).await[0]["asked"], 10);

        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let kept = async |tx: &mut weir_cloud::db::TenantTx| -> i64 {
            sqlx::query_scalar("SELECT count(*) FROM line_quality").fetch_one(tx.conn()).await.unwrap()
        };
        assert_eq!(kept(&mut tx).await, 2);
        drop(tx);
        isp.app.clock.shift(chrono::TimeDelta::days(15)).unwrap();
        ForgetOldQuality {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        assert_eq!(kept(&mut tx).await, 0);
    });
}

#[test]
fn a_router_tells_only_of_its_own_lines() {
    story(async {
        let isp = Isp::new("qualityone", "2026-10-10T10:05:00Z").await;
        let other = Isp::new("qualitytwo", "2026-10-10T10:05:00Z").await;
        let gateway = Gateway::start(&isp).await;
        let (mine, plan) = (router(&isp, "Mine").await, isp.plan(&FIBRE).await);
        let marker = isp.line(isp.account("Marker").await, mine, plan, "2026-10-01").await;
        // Handles count from one on every router.
        let next = router(&isp, "Next").await;
        isp.line(isp.account("Ada").await, next, plan, "2026-10-01").await;
        let beside = isp.line(isp.account("Ben").await, next, plan, "2026-10-01").await;
        let theirs = router(&other, "Theirs").await;
        let plan = other.plan(&FIBRE).await;
        other.line(other.account("Cy").await, theirs, plan, "2026-10-01").await;
        let foreign = other.line(other.account("Dee").await, theirs, plan, "2026-10-01").await;
        let identity = gateway.enroll(&isp, mine).await;
        let mut agent = gateway.session(&identity, PROTO_REV).await;
        agent.say(up::Message::Quality(Box::new(report(1_000_000_000, &[busy(2)])))).await;
        mark(&isp, &mut agent, 1_000_300_000, (marker, 1)).await;
        assert_eq!(hours(&isp, beside).await, Vec::<Value>::new());
        assert_eq!(hours(&other, foreign).await, Vec::<Value>::new());
        assert_eq!(isp.get(&format!("/subscriptions/{foreign}/quality")).await.status, 404);
        assert_eq!(isp.get(&format!("/routers/{theirs}/quality")).await.status, 404);
        let uplinks = other.get(&format!("/routers/{theirs}/quality")).await.expect(200);
        assert_eq!(uplinks["uplinks"], json!([]));
    });
}
