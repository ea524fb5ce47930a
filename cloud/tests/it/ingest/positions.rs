//! Where cloud and agent go on after one of them lost, or was put back to, something older.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::ids::AgentId;
use weir_cloud::usage;
use weir_protocol::PROTO_REV;
use weir_protocol::control::{Hello, Verdict};
use weir_protocol::usage::{GapFill, LineUsage, Outcome};

use super::{Edge, Log, stands};
use crate::money::harness::story;
use crate::money::world::METERED;
use crate::played::Gateway;

/// The cloud is put back to when it had so many records of an agent, as by a restore of an older backup.
pub async fn restored(edge: &Edge, log: &Log, records: usize) {
    let mut superuser =
        PgConnection::connect_with(&embedded::options(&edge.isp.app.config.data_dir)).await.expect("connect");
    let (agent, hash) = (edge.agent.uuid(), hex::encode(log.hashes[records]));
    for statement in [
        "SET session_replication_role = replica".to_owned(),
        format!("DELETE FROM unmerged_usage WHERE agent_id = '{agent}' AND seq > {records}"),
        format!("DELETE FROM usage_segments WHERE agent_id = '{agent}' AND seq > {records}"),
        format!("DELETE FROM usage_records WHERE agent_id = '{agent}' AND seq > {records}"),
        format!(
            r"UPDATE usage_epochs SET applied_seq = {records}, trim_seq = {records}, applied_hash = '\x{hash}'
              WHERE agent_id = '{agent}' AND applied_seq > {records}"
        ),
    ] {
        sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut superuser).await.expect(&statement);
    }
    superuser.close().await.expect("disconnect");
}

#[test]
fn what_a_restored_cloud_lacks_and_the_agent_has_is_applied_once() {
    story(async {
        let edge = Edge::new("restored").await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(6, 10);
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &records).await;
        restored(&edge, &log, 2).await;
        assert_eq!(edge.billed().await, 20);
        let opened = edge.opens(vec![log.offered(2)]).await;
        assert_eq!(stands(&opened.streams), [(2, Verdict::Ok)]);
        edge.applies(opened.session, &records[2..]).await;
        edge.bills(26, 60, 60).await;
        assert_eq!(edge.epochs().await.last().expect("an epoch")["missing"], 0);
    });
}

#[test]
fn what_is_gone_on_both_sides_is_billed_as_the_router_added_it_up() {
    story(async {
        let edge = Edge::new("filled").await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(6, 10);
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &records[..5]).await;
        restored(&edge, &log, 2).await;
        let hello = Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(5)], ..Hello::default() };
        let opened = edge.says(&hello).await;
        assert_eq!(stands(&opened.streams), [(2, Verdict::Gap)]);
        let session = opened.session;
        assert_eq!(edge.tells(session, &records[4]).await, (Outcome::Gap, 2), "not before what is missing");
        for outcome in [Outcome::Applied, Outcome::Duplicate] {
            assert_eq!(edge.fills(session, &log.totals(4, 40)).await, (outcome, 4));
        }
        edge.applies(session, &records[4..]).await;
        edge.bills(27, 60, 60).await;
        let epoch = edge.epochs().await.pop().expect("an epoch");
        let counts = ["applied_seq", "records", "merged", "missing"].map(|count| epoch[count].as_i64());
        assert_eq!(counts, [6, 5, 1, 0].map(Some));
        let told = edge.told("usage-gap-filled").await;
        assert!(
            matches!(told.as_slice(), [text] if text.contains("records 3 to 4") && text.contains("1 lines")),
            "{told:?}"
        );
        assert!(edge.told("usage-gap").await.is_empty());
    });
}

#[test]
fn totals_that_cannot_be_true_are_no_money() {
    story(async {
        let edge = Edge::new("untrue").await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(20, 10);
        let hello =
            |first_seq| Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(first_seq)], ..Hello::default() };
        let session = edge.says(&hello(1)).await.session;
        edge.applies(session, &records[..4]).await;
        let mut foreign = log.totals(10, 100);
        let line = LineUsage { handle: 77, down_bytes: 9, ..LineUsage::default() };
        foreign.totals.as_mut().expect("totals").set_lines(&[line]);
        let unknown = {
            let mut fill = log.totals(12, 0);
            let totals = fill.totals.as_mut().expect("totals");
            totals.set_lines(&[]);
            totals.end_ms = 0;
            fill
        };
        // Less than is here already, more than a line can move, of a line that was never sold, and not known.
        for (first, fill) in [(7, log.totals(6, 39)), (9, log.totals(8, u64::MAX / 4)), (11, foreign), (13, unknown)] {
            let session = edge.says(&hello(first)).await.session;
            assert_eq!(edge.fills(session, &fill).await, (Outcome::Applied, first - 1));
            assert_eq!(edge.billed().await, 40);
        }
        assert_eq!(edge.told("usage-gap").await.len(), 4);
        let nameless = GapFill { last_hash: vec![1; 3], ..log.totals(14, 1) };
        let session = edge.says(&hello(15)).await.session;
        assert_eq!(edge.fills(session, &nameless).await, (Outcome::Malformed, 0));
        assert_eq!(edge.billed().await, 40);
    });
}

#[test]
fn what_is_gone_on_both_sides_is_said_once_and_the_rest_is_billed() {
    story(async {
        let edge = Edge::new("gone").await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(6, 10);
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &records[..5]).await;
        restored(&edge, &log, 2).await;
        // The agent deleted four of the five that were acknowledged.
        for _ in 0..2 {
            let opened = edge.opens(vec![log.offered(5)]).await;
            assert_eq!(stands(&opened.streams), [(4, Verdict::Ok)]);
            assert_eq!(opened.streams[0].applied_hash, log.hashes[4]);
        }
        let session = edge.opens(vec![log.offered(5)]).await.session;
        edge.applies(session, &records[4..]).await;
        assert_eq!(edge.billed().await, 40);
        let epoch = edge.epochs().await.pop().expect("an epoch");
        assert_eq!((&epoch["applied_seq"], &epoch["records"], &epoch["missing"]), (&6.into(), &4.into(), &2.into()));
        let told = edge.isp.get(&format!("/routers/{}/events?severity=critical", edge.router)).await.expect(200);
        let told = told["items"].as_array().expect("items").clone();
        assert_eq!(told.len(), 1);
        let text = told[0]["text"].as_str().expect("a text");
        assert!(text.contains("records 3 to 4") && text.contains("not billed"), "{text}");
    });
}

#[test]
fn a_router_enrolled_anew_bills_nothing_twice() {
    story(async {
        let mut edge = Edge::new("anew").await;
        let gateway = Gateway::start(&edge.isp).await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(4, 10);
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &records[..3]).await;
        // Its identity is lost and its log is not.
        gateway.enroll(&edge.isp, edge.router).await;
        let agent =
            edge.isp.get(&format!("/routers/{}/enforcement", edge.router)).await.expect(200)["agent_id"].clone();
        let agent: AgentId = agent.as_str().expect("an id").parse().expect("an id");
        assert_ne!(std::mem::replace(&mut edge.agent, agent), agent);
        let opened = edge.opens(vec![log.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(3, Verdict::Ok)]);
        assert_eq!(edge.tells(opened.session, &records[2]).await, (Outcome::Duplicate, 3));
        edge.applies(opened.session, &records[3..]).await;
        edge.bills(12, 40, 40).await;
        let epoch = edge.epochs().await.pop().expect("an epoch");
        assert_eq!((&epoch["applied_seq"], &epoch["records"]), (&4.into(), &4.into()));
    });
}

#[test]
fn another_routers_log_is_not_believed() {
    story(async {
        let edge = Edge::new("moved").await;
        let mut log = Log::new(b"epoch A.");
        let session = edge.opens(vec![log.offered(1)]).await.session;
        edge.applies(session, &log.records(2, 10)).await;
        // Its disk is put into another router, whose line has the same handle.
        let router = edge.isp.router_named("other").await;
        let plan = edge.isp.plan(&METERED).await;
        let line = edge.isp.line(edge.isp.account("Bea").await, router, plan, "2026-10-01").await;
        let other = Edge { isp: edge.isp, router, line, agent: AgentId::from(router.uuid()) };
        let mut own = Log::new(b"epoch B.");
        let opened = other.opens(vec![log.offered(1), own.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(0, Verdict::Fork), (0, Verdict::Ok)]);
        assert_eq!(other.tells(opened.session, &log.record(10)).await, (Outcome::Gap, 0));
        other.applies(opened.session, &[own.record(5)]).await;
        assert_eq!(other.billed().await, 5);
    });
}

#[test]
fn a_log_put_back_behind_a_newer_one_is_never_believed_again() {
    story(async {
        let edge = Edge::new("behind").await;
        let (mut first, mut second, mut third) = (Log::new(b"epoch A."), Log::new(b"epoch B."), Log::new(b"epoch C."));
        let session = edge.opens(vec![first.offered(1)]).await.session;
        edge.applies(session, &first.records(3, 10)).await;
        let session = edge.opens(vec![first.offered(3), second.offered(1)]).await.session;
        edge.applies(session, &second.records(2, 100)).await;
        // The disk is put back to when only the first epoch was there: what it adds to it is in the second.
        let opened = edge.opens(vec![first.offered(2)]).await;
        assert_eq!(stands(&opened.streams), [(3, Verdict::Fork)]);
        let overlapping = first.record(200);
        assert_eq!(edge.tells(opened.session, &overlapping).await, (Outcome::Fork, 3));
        // Nor once the agent holds it and has opened another.
        let opened = edge.opens(vec![first.offered(2), third.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(3, Verdict::Fork), (0, Verdict::Ok)]);
        assert_eq!(edge.tells(opened.session, &overlapping).await, (Outcome::Fork, 3));
        edge.applies(opened.session, &[third.record(1)]).await;
        edge.bills(14, 231, 231).await;
        let superseded: Vec<_> = edge.epochs().await.iter().map(|epoch| epoch["superseded_at"].is_string()).collect();
        assert_eq!(superseded[superseded.len() - 3..], [true, false, false]);
    });
}

#[test]
fn a_router_and_its_copy_that_both_run_bill_nothing_twice() {
    story(async {
        let edge = Edge::new("copied").await;
        let mut own = Log::new(b"epoch A.");
        let (mut own_next, mut copys_next, mut copys_last) =
            (Log::new(b"epoch B."), Log::new(b"epoch C."), Log::new(b"epoch D."));
        let session = edge.opens(vec![own.offered(1)]).await.session;
        edge.applies(session, &own.records(3, 10)).await;
        let mut copys = own.put_back(3);
        edge.applies(session, &own.records(2, 10)).await;
        // The copy counted other bytes under the same numbers, and takes the session.
        let forked = copys.records(2, 100);
        let opened = edge.opens(vec![copys.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(5, Verdict::Fork)]);
        assert_eq!(edge.tells(opened.session, &forked[0]).await, (Outcome::Fork, 5));
        let late = own.record(10);
        let refused = usage::apply(&edge.isp.app, session, &late).await;
        assert!(matches!(refused, Err(usage::Error::Fleet(_))), "{refused:?}");
        let opened = edge.opens(vec![copys.offered(1), copys_next.offered(1)]).await;
        edge.applies(opened.session, &copys_next.records(2, 1)).await;
        // Each that returns lacks what the other began meanwhile.
        let opened = edge.opens(vec![own.offered(4)]).await;
        assert_eq!(stands(&opened.streams), [(5, Verdict::Fork)]);
        assert_eq!(edge.tells(opened.session, &late).await, (Outcome::Fork, 5));
        let opened = edge.opens(vec![own.offered(4), own_next.offered(1)]).await;
        edge.applies(opened.session, &[own_next.record(3)]).await;
        let opened = edge.opens(vec![copys_next.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(2, Verdict::Fork)]);
        let opened = edge.opens(vec![copys_next.offered(1), copys_last.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(2, Verdict::Fork), (0, Verdict::Ok)]);
        assert_eq!(edge.tells(opened.session, &copys_next.record(1)).await, (Outcome::Fork, 2));
        edge.applies(opened.session, &[copys_last.record(4)]).await;
        // 30 before; 30 and 3 on one machine, 200, 3 and 4 on the other, of which 211 forked.
        edge.bills(16, 270, 59).await;
    });
}

#[test]
fn an_epoch_without_a_record_supersedes_nothing() {
    story(async {
        let edge = Edge::new("empty").await;
        let (mut first, second) = (Log::new(b"epoch A."), Log::new(b"epoch B."));
        edge.opens(vec![first.offered(1), second.offered(1)]).await;
        // The disk failed as it was opened: after a restart the log goes on in the first.
        let opened = edge.opens(vec![first.offered(1)]).await;
        assert_eq!(stands(&opened.streams), [(0, Verdict::Ok)]);
        edge.applies(opened.session, &first.records(2, 10)).await;
        assert_eq!(edge.billed().await, 20);
    });
}
