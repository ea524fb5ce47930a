//! Addresses the router's own servers lease: what becomes of the line, and what the cloud is told.

use std::path::Path;

use prost::Message;
use tokio::task::LocalSet;
use weir_agent::clock::{Clock, System};
use weir_agent::subscribers::hook;
use weir_protocol::desired::identity::Who;
use weir_protocol::desired::{Identity, Kind, Line, Prefix};
use weir_protocol::state::{AddressSource, Object, up};

use super::bench::{Bench, Gateway, Running};
use super::{change, id, snapshot};

pub fn named(n: u8, revision: u64, user: &str) -> Object {
    let identities = vec![Identity { who: Some(Who::PppoeUser(user.into())) }];
    let line = Line { handle: n.into(), rate_down_bps: 9, rate_up_bps: 9, identities, ..Line::default() };
    Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body: line.encode_to_vec(), needs_rev: 0 }
}

fn tell(folder: &Path, line: &str) {
    tell_at(folder, line, System::start().now().wall_ms);
}

/// Says it when the router's clock shows this.
pub fn tell_at(folder: &Path, line: &str, wall_ms: u64) {
    let arguments: Vec<_> = line.split(' ').map(Into::into).collect();
    let events = hook::read(&arguments, &|_| None, wall_ms).unwrap();
    hook::tell(&folder.join("run"), &events).unwrap();
}

pub fn host(last: u8) -> Prefix {
    Prefix { address: vec![10, 0, 0, last], length: 32 }
}

#[tokio::test]
async fn what_is_leased_is_enforced_and_told_once_also_after_a_restart() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(4, Vec::new()).await;
        cloud.change(&snapshot(1, vec![named(1, 1, "ann"), named(2, 1, "ben")])).await;
        let first = cloud.addresses().await;
        assert_eq!((first.complete, first.lines, first.unclaimed), (true, Vec::new(), 0));

        tell(folder.path(), "add 10.0.0.7 pppoe-user:ann seconds:3600");
        let told = cloud.addresses().await;
        assert_eq!((told.complete, told.lines.len(), told.lines[0].id.clone()), (false, 1, vec![1; 16]));
        let learned = told.lines[0].prefixes[0].clone();
        assert_eq!((learned.prefix.clone(), learned.source()), (Some(host(7)), AddressSource::Other));
        assert!(learned.since_ms > 0 && learned.until_ms > learned.since_ms + 3_500_000);
        bench.until(|wanted| wanted.lines[&id(1)].prefixes == [host(7)]).await;

        tell(folder.path(), "add 10.0.0.9 pppoe-user:nobody-here");
        let told = cloud.addresses().await;
        assert_eq!((told.lines, told.unclaimed), (Vec::new(), 1));
        // It is the line's of the name the cloud gives next.
        cloud.change(&change(1, 2, vec![named(2, 2, "nobody-here")], &[])).await;
        let told = cloud.addresses().await;
        assert_eq!((told.lines[0].id.clone(), told.unclaimed), (vec![2; 16], 0));
        bench.until(|wanted| wanted.lines[&id(2)].prefixes == [host(9)]).await;
        agent.stop().await;

        // What happens while it is away waits.
        tell(folder.path(), "del 10.0.0.9 pppoe-user:nobody-here");
        tell(folder.path(), "add 10.0.0.7 pppoe-user:ann seconds:7200");
        let bench = Bench::new();
        let agent = Running::start(folder.path(), &identity, &bench);
        bench.until(|wanted| wanted.lines.get(&id(1)).is_some_and(|line| line.prefixes == [host(7)])).await;
        assert!(bench.wanted().lines[&id(2)].prefixes.is_empty(), "at once, without the cloud");
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(4, Vec::new()).await;
        let again = cloud.addresses().await;
        assert_eq!((again.complete, again.lines.len()), (true, 1));
        assert_eq!(again.lines[0].prefixes[0].since_ms, learned.since_ms, "it was the line's all the time");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn an_older_cloud_is_told_nothing_it_does_not_know() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let story = async {
        let agent = Running::start(folder.path(), &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(3, Vec::new()).await;
        cloud.change(&snapshot(1, vec![named(1, 1, "ann")])).await;
        tell(folder.path(), "add 10.0.0.7 pppoe-user:ann");
        bench.until(|wanted| wanted.lines.get(&id(1)).is_some_and(|line| line.prefixes == [host(7)])).await;
        cloud.change(&change(1, 2, vec![named(2, 1, "ben")], &[])).await;
        // All that was said until both lines were reported.
        loop {
            match cloud.state_message().await {
                up::Message::Addresses(report) => panic!("{report:?}"),
                up::Message::Applied(report) if report.generation == 2 => break,
                up::Message::Applied(_) | up::Message::Ack(_) | up::Message::FairUse(_) | up::Message::Unknown(_) => {}
            }
        }
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
