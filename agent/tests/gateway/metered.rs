//! What the agent says less often where its uplink is metered.

use std::time::Duration;

use prost::Message;
use tokio::task::LocalSet;
use weir_agent::config::Config;
use weir_protocol::PROTO_REV;
use weir_protocol::desired::{Kind, Router};
use weir_protocol::state::{Object, up};
use weir_transport::Connection;

use crate::bench::{Bench, Gateway, Running, Served, config, soon};
use crate::{change, line, snapshot};

/// What IPv4 and UDP add to each datagram, bytes.
const HEADERS: u64 = 20 + 8;

fn wired(revision: u64, metered: bool) -> Object {
    let router = Router { wan_interface: "wan0".into(), lan_interface: "lan0".into(), metered, ..Router::default() };
    let body = router.encode_to_vec();
    Object { kind: Kind::Router as u32, id: vec![9; 16], revision, body, ..Object::default() }
}

/// What goes over the wire, both ways, until so many usage records came, bytes.
async fn cost(cloud: &mut Served, bench: &Bench, records: usize) -> u64 {
    let Connection::Quic(connection) = cloud.connection.clone() else { panic!("not over QUIC") };
    let bytes = || {
        let stats = connection.stats();
        [stats.udp_rx, stats.udp_tx].iter().map(|udp| udp.bytes + udp.datagrams * HEADERS).sum::<u64>()
    };
    let before = bytes();
    for _ in 0..records {
        bench.move_bytes(1, 1_000);
        cloud.record().await;
    }
    bytes() - before
}

#[tokio::test]
async fn over_a_metered_uplink_the_same_time_costs_a_third() {
    let (gateway, folder, bench) = (Gateway::start(), tempfile::tempdir().unwrap(), Bench::new());
    let identity = gateway.identity();
    let pace = Duration::from_millis(100);
    let story = async {
        let config = Config { usage_interval: Some(pace), quality_interval: pace, ..config(folder.path()) };
        let agent = Running::start_as(config, &identity, &bench);
        let (mut cloud, _) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        cloud.change(&snapshot(1, vec![wired(1, false), line(1, 1, 9)])).await;
        while !matches!(cloud.state_message().await, up::Message::Ack(_)) {}
        bench.move_bytes(1, 1_000);
        cloud.record().await;
        let plain = cost(&mut cloud, &bench, 12).await;

        // It proves itself like all settings of the router: by a connection, which then is of the new kind.
        cloud.change(&change(1, 2, vec![wired(2, true)], &[])).await;
        soon("close", cloud.connection.closed()).await;
        let (mut cloud, hello) = gateway.session().await;
        cloud.welcome_at(PROTO_REV, Vec::new()).await;
        let said = hello.epochs.last().unwrap().last_seq;
        bench.move_bytes(1, 1_000);
        while cloud.record().await.0.seq <= said {}
        // In as much time a third of the records.
        let metered = cost(&mut cloud, &bench, 4).await;
        assert!(metered * 3 <= plain, "{metered} bytes, {plain} before");
        agent.stop().await;
    };
    LocalSet::new().run_until(story).await;
}
