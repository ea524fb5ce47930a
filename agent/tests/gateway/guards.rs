//! What does not come into force at once: suspensions of many, and what a restored cloud takes away.

use std::collections::BTreeMap;

use prost::Message;
use tokio::task::LocalSet;
use uuid::Uuid;
use weir_protocol::control::{Severity, Welcome, down};
use weir_protocol::desired::{Access, Kind, Line};
use weir_protocol::state::{Object, ObjectKey, Status};

use crate::bench::{Bench, Gateway, Running};
use crate::{LINEAGE, change, line, snapshot};

fn with_access(n: u8, revision: u64, access: Access) -> Object {
    let body = Line { handle: n.into(), rate_down_bps: 9, rate_up_bps: 9, access: access.into(), ..Line::default() };
    Object { body: body.encode_to_vec(), ..line(n, revision, 9) }
}

fn open(bench: &Bench) -> usize {
    bench.wanted().lines.values().filter(|line| line.access() != Access::Closed).count()
}

#[tokio::test]
async fn suspensions_of_many_wait_for_a_person_though_they_come_a_few_at_a_time() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(1, (1..=200).map(|n| with_access(n, 1, Access::Open)).collect())).await;
        cloud.ack().await;
        cloud.report().await;
        let mut told = BTreeMap::new();
        for (generation, some) in (1..).zip((1..=80).collect::<Vec<u8>>().chunks(10)) {
            let closed = some.iter().map(|n| with_access(*n, 2, Access::Closed)).collect();
            cloud.change(&change(generation, generation + 1, closed, &[])).await;
            assert_eq!(cloud.ack().await.gen_held, generation + 1);
            told.extend(cloud.report().await.results.into_iter().map(|result| (result.id[0], result)));
        }
        assert_eq!(open(&bench), 150, "the first fifty are few");
        let waiting = told.values().filter(|result| result.code == "suspension-held");
        assert_eq!(waiting.map(|result| result.status()).collect::<Vec<_>>(), [Status::Rejected; 30]);
        for of in [10, 20] {
            let event = cloud.event().await;
            assert_eq!((event.kind.as_str(), event.severity()), ("suspensions-held", Severity::Critical));
            assert!(event.text.starts_with(&format!("{of} of 200 lines")), "{}", event.text);
        }
        // Who pays meanwhile is open, and the others go once somebody confirms it.
        cloud.change(&change(9, 10, vec![with_access(80, 3, Access::Open)], &[])).await;
        cloud.ack().await;
        cloud.report().await;
        let mut confirmed = change(10, 11, Vec::new(), &[]);
        confirmed.removals_confirmed = true;
        cloud.change(&confirmed).await;
        assert_eq!(cloud.ack().await.gen_held, 11);
        assert!(cloud.report().await.results.iter().all(|result| result.status() == Status::Applied));
        assert_eq!(open(&bench), 121);
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn what_a_restored_cloud_takes_away_waits_in_its_sessions_and_through_a_restart() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let welcome = || {
        let welcome = Welcome {
            session_id: 1,
            proto_rev: 9,
            state_lineage: LINEAGE.to_vec(),
            restored: true,
            ..Welcome::default()
        };
        down::Message::Welcome(welcome)
    };
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome(Vec::new()).await;
        cloud.change(&snapshot(8, vec![line(1, 1, 9), line(2, 1, 9), with_access(3, 1, Access::Closed)])).await;
        cloud.ack().await;
        agent.stop().await;

        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.say(welcome()).await;
        let older = [with_access(1, 1, Access::Closed), with_access(3, 1, Access::Open), line(4, 1, 9)];
        cloud.change(&snapshot(5, older.to_vec())).await;
        bench.until(|wanted| wanted.lines.len() == 4).await;
        assert_eq!(open(&bench), 4);
        let mut later = change(5, 6, vec![line(4, 2, 8)], &[]);
        later.removes = vec![ObjectKey { kind: Kind::Line as u32, id: vec![3; 16] }];
        cloud.change(&later).await;
        let kinds = ["removals-held", "suspensions-held", "removals-held", "reductions-held"];
        for kind in kinds {
            assert_eq!(cloud.event().await.kind, kind);
        }
        agent.stop().await;

        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, hello) = gateway.session().await;
        cloud.say(welcome()).await;
        assert_eq!((hello.state_gen, open(&bench), bench.wanted().lines.len()), (6, 4, 4));
        let mut released = change(6, 7, Vec::new(), &[]);
        released.removals_confirmed = true;
        cloud.change(&released).await;
        bench.until(|wanted| wanted.lines.len() == 2).await;
        assert_eq!((open(&bench), bench.wanted().lines[&Uuid::from_bytes([4; 16])].rate_down_bps), (1, 8));
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
