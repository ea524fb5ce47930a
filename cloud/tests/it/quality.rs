//! What agents measure beside what is billed.

use prost::Message;
use serde_json::{Value, json};
use weir_cloud::fleet::sessions::{self, Session};
use weir_cloud::ids::{AgentId, RouterId};
use weir_cloud::usage;
use weir_protocol::control::{EpochPosition, Hello};
use weir_protocol::hash;
use weir_protocol::usage::{BothWays, LineUsage, Outcome, Record};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;

const EPOCH: [u8; 8] = *b"measured";
/// 9 October 2026, 9:00 UTC.
const MORNING_MS: u64 = 1_791_536_400_000;

/// Opens a session as a gateway does.
async fn session(isp: &Isp, router: RouterId) -> Session {
    let epoch = EpochPosition { epoch: EPOCH.to_vec(), first_seq: 1, ..EpochPosition::default() };
    let hello = Hello { epochs: vec![epoch], ..Hello::default() };
    sessions::open(&isp.app, isp.tenant, AgentId::from(router.uuid()), &hello, "here")
        .await
        .unwrap()
        .expect("a session")
        .session
}

/// Records of one line, each chained to the one before.
async fn applied(isp: &Isp, session: Session, lines: &[LineUsage]) -> Vec<Outcome> {
    let (mut prev_hash, mut outcomes) = (hash::GENESIS, Vec::new());
    for (seq, line) in (1..).zip(lines) {
        let end_ms = MORNING_MS + seq * 300_000;
        let (epoch, boot_id, prev) = (EPOCH.to_vec(), vec![1; 16], prev_hash.to_vec());
        let mut record =
            Record { epoch, seq, prev_hash: prev, boot_id, start_ms: end_ms - 300_000, end_ms, ..Record::default() };
        record.set_lines(&[*line]);
        let body = record.encode_to_vec();
        prev_hash = hash::usage_record(&body);
        outcomes.push(usage::apply(&isp.app, session, &body).await.unwrap().outcome);
    }
    outcomes
}

#[test]
fn ipv6_and_drops_are_kept_and_what_was_not_measured_is_not_nothing() {
    story(async {
        let isp = Isp::new("measured", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let moved = LineUsage {
            handle: 1,
            down_bytes: 9_000,
            up_bytes: 1_000,
            down_packets: 30,
            up_packets: 15,
            ..LineUsage::default()
        };
        let measured = LineUsage {
            v6_bytes: Some(BothWays { down: 3_000, up: 500 }),
            dropped_packets: Some(BothWays { down: 5, up: 0 }),
            ..moved
        };
        // More IPv6 than it moved cannot be.
        let boasting = LineUsage { v6_bytes: Some(BothWays { down: 50_000, up: 0 }), dropped_packets: None, ..moved };
        let session = session(&isp, router).await;
        assert_eq!(applied(&isp, session, &[moved, measured, boasting]).await, [Outcome::Applied; 3]);

        let shown = isp.get(&format!("/subscriptions/{line}/usage")).await.expect(200);
        let day = json!({
            "on": "2026-10-09", "down_bytes": 27_000, "up_bytes": 3_000, "v6_bytes": 12_500, "v6_of_bytes": 20_000,
            "dropped_packets": 5, "dropped_of_packets": 50,
        });
        assert_eq!(shown["days"], json!([day]));
        assert_eq!((&shown["v6_bytes"], &shown["dropped_of_packets"]), (&json!(12_500), &json!(50)));
        let page = isp.page(&format!("/subscriptions/{line}")).await.text;
        assert!(page.contains("IPv6 in") && page.contains("62.5 %") && page.contains("10 %"), "{page}");

        let other = isp.line(isp.account("Ben").await, router, plan, "2026-10-01").await;
        let nothing = isp.get(&format!("/subscriptions/{other}/usage")).await.expect(200);
        assert_eq!(nothing["v6_bytes"], Value::Null);
        assert!(!isp.page(&format!("/subscriptions/{other}")).await.text.contains("IPv6 in"));
    });
}
