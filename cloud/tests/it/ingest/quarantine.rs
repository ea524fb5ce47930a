//! Records of a log that was put back in time are kept for people to decide about, and count once or never.

use chrono::TimeDelta;
use serde_json::{Value, json};
use weir_cloud::jobs::Job;
use weir_cloud::usage;
use weir_cloud::usage::jobs::CountQuarantined;
use weir_protocol::control::Verdict;
use weir_protocol::usage::Outcome;

use super::{Edge, Log, TENTH_MS, stands};
use crate::money::harness::{Answer, Isp, story};
use crate::money::world::{FIBRE, Plan};

impl Edge {
    /// What became of a record that forks.
    async fn quarantines(&self, session: weir_cloud::fleet::sessions::Session, record: &[u8]) -> Outcome {
        let mut intake = usage::Intake::new(session);
        intake.quarantine(&self.isp.app, record).await.expect("an answer").outcome
    }

    async fn quarantined(&self) -> Vec<Value> {
        let path = format!("/routers/{}/usage-quarantine", self.router);
        self.isp.get(&path).await.expect(200)["items"].as_array().expect("items").clone()
    }

    /// What became of a decision about what waits with a record.
    async fn decides(&self, record: &Value, what: &str) -> Answer {
        let id = record["id"].as_str().expect("an id");
        self.isp.post(&format!("/usage-quarantine/{id}/{what}"), json!({})).await
    }

    /// Counts what was decided with a record, as the worker does.
    async fn counts(&self, with: &Value) {
        let job: CountQuarantined = serde_json::from_value(json!({ "with": with["id"] })).expect("a job");
        job.run(self.isp.app.clone(), self.isp.scope()).await.expect("counted");
    }
}

#[test]
fn what_a_log_put_back_in_time_says_counts_if_somebody_says_so() {
    story(async {
        let edge = Edge::of(Isp::new("quarantine", "2026-10-10T09:00:00Z").await).await;
        let (mut first, mut second, mut third) = (Log::new(b"epoch A."), Log::new(b"epoch B."), Log::new(b"epoch C."));
        let session = edge.opens(vec![first.offered(1)]).await.session;
        let records = first.records(3, 10);
        edge.applies(session, &records).await;
        let session = edge.opens(vec![first.offered(3), second.offered(1)]).await.session;
        edge.applies(session, &second.records(2, 100)).await;
        let mut first = first.put_back(2);
        let session = edge.opens(vec![first.offered(2)]).await.session;
        let forked = first.records(2, 200);
        assert_eq!(edge.tells(session, &forked[0]).await, (Outcome::Fork, 3));
        // The records that are there already are nothing to decide about, nor is another router's log.
        for record in [&records[1], &forked[0], &forked[0], &forked[1]] {
            assert_eq!(edge.quarantines(session, record).await, Outcome::Quarantined);
        }
        assert_eq!(edge.quarantines(session, &Log::new(b"epoch Z.").record(1)).await, Outcome::Gap);
        assert_eq!(edge.quarantines(session, b"nonsense").await, Outcome::Malformed);
        let waiting = edge.quarantined().await;
        let told: Vec<_> = waiting.iter().map(|one| (one["seq"].as_i64(), one["down_bytes"].as_i64())).collect();
        assert_eq!(told, [(Some(4), Some(200)), (Some(3), Some(200))]);
        assert_eq!(edge.billed().await, 230, "nobody said a word");

        assert_eq!(edge.decides(&waiting[0], "bill").await.expect(200)["records"], 2);
        for _ in 0..2 {
            edge.counts(&waiting[0]).await;
            assert_eq!(edge.billed().await, 630);
        }
        let counted = |one: &Value| one["decision"] == "billed" && one["counted_at"].is_string();
        assert!(edge.quarantined().await.iter().all(counted));
        assert_eq!(edge.quarantines(session, &forked[0]).await, Outcome::Quarantined);
        for (what, record) in [("bill", &waiting[0]), ("drop", &waiting[1])] {
            let again = edge.decides(record, what).await;
            assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "quarantine-decided"));
        }

        // What was billed there stands in nobody's way.
        let opened = edge.opens(vec![first.offered(2), third.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(3, Verdict::Fork), (0, Verdict::Ok)]);
        edge.applies(opened.session, &[third.record(1)]).await;
        assert_eq!(edge.quarantines(opened.session, &first.record(7)).await, Outcome::Quarantined);
        assert_eq!(edge.decides(&edge.quarantined().await[0], "drop").await.expect(200)["records"], 1);
        edge.bills(14, 638, 631).await;
        let opened = edge.opens(vec![third.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(1, Verdict::Ok)]);
    });
}

#[test]
fn hundreds_of_records_are_counted_and_none_for_a_line_that_was_sold_later() {
    story(async {
        let edge = Edge::of(Isp::new("quarantine-many", "2026-10-10T09:00:00Z").await).await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        // A cloud that was put back gave the second handle again, an hour after the router counted for whom it was before.
        edge.isp.app.clock.shift(TimeDelta::hours(2)).expect("the clock moves");
        let plan = edge.isp.plan(&Plan { name: "Fibre later", ..FIBRE }).await;
        let later = edge.isp.line(edge.isp.account("Ben").await, edge.router, plan, "2026-10-01").await;
        for n in 0..250 {
            let record = log.of_lines(&[], &[(1, 10), (2, 1_000)], TENTH_MS + 1_000 * n);
            assert_eq!(edge.quarantines(session, &record).await, Outcome::Quarantined);
        }
        let newest = edge.quarantined().await[0].clone();
        let asked = edge.isp.page(&format!("/usage-quarantine/{}/bill", newest["id"].as_str().unwrap())).await.text;
        assert!(asked.contains("1. What it says of them is billed to nobody"), "{asked}");
        assert_eq!(edge.decides(&newest, "bill").await.expect(200)["records"], 250);
        tokio::join!(edge.counts(&newest), edge.counts(&newest));
        assert_eq!(edge.billed().await, 2_500);
        let moved = edge.isp.get(&format!("/subscriptions/{later}/usage")).await.expect(200);
        assert_eq!(moved["down_bytes"], 0);
        let nobodys = edge.isp.get("/usage/unattributed").await.expect(200);
        assert_eq!(nobodys["items"][0]["down_bytes"], 250_000, "{nobodys}");
    });
}
