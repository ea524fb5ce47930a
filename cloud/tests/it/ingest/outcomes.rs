//! What becomes of a record: its first effect is its only one.

use weir_cloud::fleet;
use weir_cloud::usage;
use weir_protocol::usage::Outcome;

use super::{Edge, Log, TENTH_MS};
use crate::money::harness::story;

#[test]
fn a_record_sent_a_hundred_times_has_one_effect() {
    story(async {
        let edge = Edge::new("sent-again").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        let record = log.record(700);
        assert_eq!(edge.tells(session, &record).await, (Outcome::Applied, 1));
        for _ in 1..100 {
            assert_eq!(edge.tells(session, &record).await, (Outcome::Duplicate, 1));
        }
        edge.bills(17, 700, 700).await;
        assert_eq!(edge.epochs().await.last().expect("an epoch")["records"], 1);
    });
}

#[test]
fn a_record_out_of_turn_changes_nothing_and_is_asked_for_again() {
    story(async {
        let edge = Edge::new("turns").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        let records = log.records(4, 10);
        for n in [3, 1, 2] {
            assert_eq!(edge.tells(session, &records[n]).await, (Outcome::Gap, 0), "{n}");
        }
        assert_eq!(edge.tells(session, &records[0]).await, (Outcome::Applied, 1));
        assert_eq!(edge.tells(session, &records[2]).await, (Outcome::Gap, 1));
        edge.applies(session, &records[1..]).await;
        edge.bills(18, 40, 40).await;
    });
}

#[test]
fn another_record_of_the_same_number_is_a_fork() {
    story(async {
        let edge = Edge::new("forks").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &log.records(2, 10)).await;
        let mut other = log.put_back(1);
        assert_eq!(edge.tells(session, &other.record(11)).await, (Outcome::Fork, 2));
        // Nor does what stands on it continue what is here.
        assert_eq!(edge.tells(session, &other.record(12)).await, (Outcome::Fork, 2));
        assert_eq!(edge.billed().await, 20);
        edge.applies(session, &log.records(1, 10)).await;
        edge.bills(14, 30, 30).await;
    });
}

#[test]
fn an_older_session_writes_nothing() {
    story(async {
        let edge = Edge::new("fenced").await;
        let mut log = Log::new(b"epoch A.");
        let older = edge.opens(vec![log.offered(1)]).await.session;
        let newer = edge.opens(vec![log.offered(1)]).await.session;
        let record = log.record(700);
        let refused = usage::apply(&edge.isp.app, older, &record).await.expect_err("a newer session owns the agent");
        assert!(matches!(refused, usage::Error::Fleet(fleet::Error::Fenced)), "{refused}");
        assert_eq!(edge.billed().await, 0);
        edge.applies(newer, &[record]).await;
        edge.bills(23, 700, 700).await;
    });
}

#[test]
fn usage_of_a_clock_that_cannot_be_right_is_billed_when_it_arrives() {
    story(async {
        let edge = Edge::new("wrong-clock").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        let (in_1970, in_2090) = (900_000, 3_786_912_000_000);
        let records = [in_1970, in_2090, TENTH_MS].map(|end_ms| log.record_at(&[], 100, end_ms));
        edge.applies(session, &records).await;
        edge.bills(36, 300, 300).await;
        let days = edge.isp.get(&format!("/subscriptions/{}/usage", edge.line)).await.expect(200)["days"].clone();
        assert_eq!(days.as_array().expect("days").len(), 1, "all of it today: {days}");
        let told = edge.isp.get(&format!("/routers/{}/events", edge.router)).await.expect(200)["items"].clone();
        let told: Vec<_> =
            told.as_array().expect("items").iter().filter(|event| event["kind"] == "clock-wrong").collect();
        assert_eq!(told.len(), 1, "once a day");
        assert!(told[0]["text"].as_str().expect("a text").contains("1970-01-01"), "{told:?}");
    });
}
