//! Records of a log that was put back in time are kept for people to decide about, and count once or never.

use serde_json::{Value, json};
use weir_cloud::usage;
use weir_protocol::control::Verdict;
use weir_protocol::usage::Outcome;

use super::{Edge, Log, stands};
use crate::money::harness::{Answer, story};

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
}

#[test]
fn what_a_log_put_back_in_time_says_counts_if_somebody_says_so() {
    story(async {
        let edge = Edge::new("quarantine").await;
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
        assert_eq!(edge.billed().await, 630);
        assert!(edge.quarantined().await.iter().all(|one| one["decision"] == "billed"));
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
