//! Records of a log that was put back in time are kept for people to decide about, and count once or never.

use chrono::TimeDelta;
use serde_json::{Value, json};
use weir_cloud::ids::SubscriptionId;
use weir_cloud::jobs::Job;
use weir_cloud::usage;
use weir_cloud::usage::jobs::CountQuarantined;
use weir_protocol::control::{Hello, Verdict};
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

    /// Opens a session of the boot that all records here are of, in which the router's clock shows this.
    async fn shows(&self, clock: &str, mono_ms: u64, log: &Log) -> weir_cloud::fleet::sessions::Session {
        let wall_ms = millis(clock);
        let hello = Hello { boot_id: vec![1; 16], wall_ms, mono_ms, epochs: vec![log.offered(1)], ..Hello::default() };
        self.says(&hello).await.session
    }

    /// Sells a line at an instant that has not come yet.
    async fn sells(&self, whose: &str, at: &str, plan: weir_cloud::ids::PlanVersionId) -> SubscriptionId {
        self.comes(at);
        self.isp.line(self.isp.account(whose).await, self.router, plan, "2026-10-01").await
    }

    fn comes(&self, at: &str) {
        let by = millis(at).cast_signed() - self.isp.app.clock.now().timestamp_millis();
        self.isp.app.clock.shift(TimeDelta::milliseconds(by)).expect("the clock moves");
    }

    /// What each handle's share is, and whose.
    async fn shares(&self, with: &Value) -> (Value, Vec<(u64, String, u64)>) {
        let id = with["id"].as_str().expect("an id");
        let shares = self.isp.get(&format!("/usage-quarantine/{id}/shares")).await.expect(200);
        let share = |one: &Value| {
            let whose = one["whose"].as_str().expect("whose").to_owned();
            (one["handle"].as_u64().expect("a handle"), whose, one["down_bytes"].as_u64().expect("bytes"))
        };
        let items = shares["items"].as_array().expect("items").iter().map(share).collect();
        (shares, items)
    }

    /// Counts what was decided with a record, as the worker does.
    async fn counts(&self, with: &Value) {
        let job: CountQuarantined = serde_json::from_value(json!({ "with": with["id"] })).expect("a job");
        job.run(self.isp.app.clone(), self.isp.scope()).await.expect("counted");
    }
}

fn millis(at: &str) -> u64 {
    let at: chrono::DateTime<chrono::Utc> = at.parse().expect("an instant");
    at.timestamp_millis().unsigned_abs()
}

#[test]
fn what_a_log_put_back_in_time_says_counts_if_somebody_says_so() {
    story(async {
        let edge = Edge::of(Isp::new("quarantine", "2026-10-10T09:00:00Z").await).await;
        edge.comes("2026-10-10T11:00:00Z");
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
        let session = edge.shows("2026-10-10T09:00:00Z", 3_600_000, &log).await;
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
        assert!(asked.contains("Nobody’s: the line was sold later"), "{asked}");
        assert!(asked.contains("As the router’s clock says"), "{asked}");
        assert_eq!(edge.decides(&newest, "bill").await.expect(200)["records"], 250);
        tokio::join!(edge.counts(&newest), edge.counts(&newest));
        assert_eq!(edge.billed().await, 2_500);
        let moved = edge.isp.get(&format!("/subscriptions/{later}/usage")).await.expect(200);
        assert_eq!(moved["down_bytes"], 0);
        let nobodys = edge.isp.get("/usage/unattributed").await.expect(200);
        assert_eq!(nobodys["items"][0]["down_bytes"], 250_000, "{nobodys}");
    });
}

#[test]
fn what_a_clock_months_behind_dated_is_the_lines_that_were_sold_by_then() {
    story(async {
        let mut edge = Edge::of(Isp::new("quarantine-behind", "2026-04-01T00:00:00Z").await).await;
        edge.isp.now_is("2026-10-10T09:00:00Z").await;
        let plan = edge.isp.plan(&Plan { name: "Fibre later", ..FIBRE }).await;
        let before = edge.sells("Ben", "2026-10-10T10:00:00Z", plan).await;
        let meanwhile = edge.sells("Cleo", "2026-10-10T10:45:00Z", plan).await;
        let after = edge.sells("Dan", "2026-10-10T10:55:00Z", plan).await;
        edge.comes("2026-10-10T11:00:00Z");
        // It booted at half past ten, in April by its clock.
        let mut log = Log::new(b"epoch A.");
        let session = edge.shows("2026-04-02T00:30:00Z", 30 * 60_000, &log).await;
        let record = log.of_lines(&[], &[(1, 1), (2, 10), (3, 100), (4, 1_000)], millis("2026-04-02T00:20:00Z"));
        assert_eq!(edge.quarantines(session, &record).await, Outcome::Quarantined);
        let kept = edge.quarantined().await[0].clone();
        let (shares, items) = edge.shares(&kept).await;
        let told: Vec<_> = items.iter().map(|(handle, whose, bytes)| (*handle, whose.as_str(), *bytes)).collect();
        assert_eq!(told, [(3, "unknown", 100), (4, "sold_later", 1_000), (1, "line", 1), (2, "line", 10)]);
        assert_eq!(shares["clock_doubtful"], true);
        for (end, minute) in [("earliest_end_at", "2026-10-10T10:30:"), ("latest_end_at", "2026-10-10T10:50:")] {
            assert!(shares[end].as_str().expect("an instant").starts_with(minute), "{shares}");
        }
        let asked = edge.isp.page(&format!("/usage-quarantine/{}/bill", kept["id"].as_str().unwrap())).await.text;
        for said in ["cannot be known", "sold later", "That clock was wrong", "Ben", "Cleo"] {
            assert!(asked.contains(said), "{said}: {asked}");
        }

        edge.decides(&kept, "bill").await.expect(200);
        edge.counts(&kept).await;
        for (line, bytes) in [(edge.line, 1), (before, 10), (meanwhile, 0), (after, 0)] {
            let moved = edge.isp.get(&format!("/subscriptions/{line}/usage")).await.expect(200);
            assert_eq!(moved["down_bytes"], bytes, "{moved}");
            assert!(bytes == 0 || moved["days"][0]["on"] == "2026-10-10", "{moved}");
        }
        let nobodys = edge.isp.get("/usage/unattributed").await.expect(200);
        assert_eq!(nobodys["items"][0]["down_bytes"], 1_100, "{nobodys}");
    });
}

#[test]
fn whose_it_was_is_not_known_of_a_boot_whose_clock_nobody_saw() {
    story(async {
        let mut edge = Edge::of(Isp::new("quarantine-unseen", "2026-04-01T00:00:00Z").await).await;
        edge.isp.now_is("2026-10-10T09:00:00Z").await;
        let plan = edge.isp.plan(&Plan { name: "Fibre later", ..FIBRE }).await;
        edge.sells("Ben", "2026-10-10T10:00:00Z", plan).await;
        edge.comes("2026-10-10T11:00:00Z");
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        let record = log.of_lines(&[], &[(1, 1), (2, 10)], millis("2026-04-02T00:20:00Z"));
        assert_eq!(edge.quarantines(session, &record).await, Outcome::Quarantined);
        let kept = edge.quarantined().await[0].clone();
        let (shares, items) = edge.shares(&kept).await;
        assert_eq!(items, [(2, "unknown".to_owned(), 10), (1, "line".to_owned(), 1)], "{shares}");
        edge.decides(&kept, "bill").await.expect(200);
        edge.counts(&kept).await;
        assert_eq!(edge.billed().await, 1);
    });
}
