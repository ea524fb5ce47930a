//! What becomes of a record: its first effect is its only one.

use weir_cloud::fleet;
use weir_cloud::usage;
use weir_protocol::usage::Outcome;

use super::{Edge, Log};
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
