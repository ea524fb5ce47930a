//! What a router does not take from its cloud, and what it goes on with.

use prost::Message;
use tokio::task::LocalSet;
use uuid::Uuid;
use weir_protocol::control::Severity;
use weir_protocol::desired::{Kind, Line};
use weir_protocol::state::{Object, ObjectKey, Status};
use weir_protocol::{CLOSE_RECORD_UNREADABLE, PROTO_REV};

use crate::bench::{Bench, Gateway, Running};
use crate::{change, line, snapshot};

/// Lines of the router, and how many of them a change takes away.
const LINES: u32 = 5_200;
const REMOVED: u32 = 5_000;

fn id(n: u32) -> Vec<u8> {
    Uuid::from_u128(n.into()).as_bytes().to_vec()
}

fn one_of_many(n: u32, revision: u64) -> Object {
    let body = Line { handle: n, rate_down_bps: 10, rate_up_bps: 10, ..Line::default() }.encode_to_vec();
    Object { kind: Kind::Line as u32, id: id(n), revision, body, ..Object::default() }
}

#[tokio::test]
async fn thousands_of_removals_wait_for_a_person() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, (1..=LINES).map(|n| one_of_many(n, 1)).collect())).await;
        assert_eq!(cloud.ack().await.gen_held, 1);
        cloud.report().await;

        let mut many = change(1, 2, vec![one_of_many(LINES, 2)], &[]);
        many.removes = (1..=REMOVED).map(|n| ObjectKey { kind: Kind::Line as u32, id: id(n) }).collect();
        cloud.change(&many).await;
        assert_eq!(cloud.ack().await.gen_held, 2, "the generation is held");
        let told = cloud.event().await;
        assert_eq!((told.kind.as_str(), told.severity()), ("removals-held", Severity::Critical));
        assert!(told.text.contains("5000 of 5200 lines"), "{}", told.text);
        let report = cloud.report().await;
        let held = report.results.iter().filter(|result| result.code == "removal-held").count();
        assert_eq!((held, bench.wanted().lines.len()), (REMOVED as usize, LINES as usize));
        let sibling = report.results.iter().find(|result| result.id == id(LINES)).unwrap();
        assert_eq!((sibling.revision, sibling.status()), (2, Status::Applied));
        agent.stop().await;

        // Another process holds them, too.
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        assert_eq!((hello.state_gen, bench.wanted().lines.len()), (2, LINES as usize));
        assert!(cloud.report().await.complete);
        let mut confirmed = change(2, 3, Vec::new(), &[]);
        confirmed.removals_confirmed = true;
        cloud.change(&confirmed).await;
        assert_eq!(cloud.ack().await.gen_held, 3);
        bench.until(|wanted| wanted.lines.len() == (LINES - REMOVED) as usize).await;
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_body_for_a_newer_agent_changes_nothing_but_its_siblings() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, vec![line(1, 1, 100), line(2, 1, 100)])).await;
        cloud.ack().await;
        cloud.report().await;
        let newer = Object { needs_rev: PROTO_REV + 1, ..line(1, 2, 500) };
        cloud.change(&change(1, 2, vec![newer, line(2, 2, 500)], &[])).await;
        assert_eq!(cloud.ack().await.gen_held, 2);
        let report = cloud.report().await;
        let told: Vec<_> = report.results.iter().map(|result| (result.status(), result.code.as_str())).collect();
        assert_eq!(told, [(Status::Unsupported, "newer-object"), (Status::Applied, "")]);
        let rates: Vec<_> = bench.wanted().lines.values().map(|line| line.rate_down_bps).collect();
        assert_eq!(rates, [100, 500], "the last good one stays");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_record_the_cloud_cannot_read_is_held_and_newer_ones_go_on() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        bench.move_bytes(1, 0);
        let agent = Running::start(folder.path(), &identity, &bench);
        let mut epochs = Vec::new();
        for _ in 0..3 {
            let (mut cloud, hello) = gateway.session().await;
            epochs.push(hello.epochs.iter().map(|offered| offered.epoch.clone()).collect::<Vec<_>>());
            cloud.welcome(Vec::new()).await;
            bench.move_bytes(1, 100);
            assert_eq!(cloud.record().await.0.seq, 1);
            cloud.connection.close(CLOSE_RECORD_UNREADABLE, b"record-unreadable");
        }
        let bad = epochs[0][0].clone();
        assert!(epochs.iter().all(|offered| offered.as_slice() == std::slice::from_ref(&bad)), "{epochs:?}");
        // Now it is held: another epoch is opened, and that is sent.
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        let (mut cloud, hello) = loop {
            let (mut cloud, hello) = gateway.session().await;
            if hello.epochs.len() == 2 {
                break (cloud, hello);
            }
            cloud.welcome(Vec::new()).await;
        };
        cloud.welcome(Vec::new()).await;
        bench.move_bytes(1, 100);
        let (record, _) = cloud.record().await;
        assert_eq!((record.seq, &record.epoch), (1, &hello.epochs[1].epoch));
        assert_ne!(record.epoch, bad);
        let held = cloud.event().await;
        assert_eq!((held.kind.as_str(), held.severity()), ("usage-held", Severity::Critical));
        assert_eq!(held.text, "the cloud cannot read usage record 1; it and those after it are held");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
