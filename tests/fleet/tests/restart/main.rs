//! The players are held to what agents are: nothing of theirs is lost or doubled when the gateway dies under them, or the
//! database under it.

#[path = "../../../faults.rs"]
mod faults;
mod restored;

use std::time::Duration;

use sqlx::Row;
use tokio::time::Instant;
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;
use weir_fleet::player::What;
use weir_protocol::usage::LineUsage;

const PLAYERS: usize = 20;
const LIMIT: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted_once_though_the_gateway_is_killed() {
    let mut installation = Installation::start().await.unwrap();
    let mut network = Network::found(&installation, "fleet").await.unwrap();
    let edges = network.routers(PLAYERS, 2).await.unwrap();
    let gateway = installation.start_gateway().await.unwrap();
    let manners = Manners { keepalive: Duration::from_millis(300), ..Manners::default() };
    let mut crowd = Crowd::gather(&edges, gateway, manners).unwrap();
    crowd.arrive(PLAYERS, PLAYERS, LIMIT).await.unwrap();

    // Some answers to these are lost with the gateway.
    let moved =
        |handle: u32, n: u64| LineUsage { handle, down_bytes: 1_000 * n, down_packets: n, ..LineUsage::default() };
    for n in 1..=3 {
        crowd.players.iter().for_each(|player| player.seal(&[moved(1, n), moved(2, n)]));
    }
    let until = Instant::now() + LIMIT;
    while !matches!(crowd.next(until).await.unwrap().what, What::Acked(_)) {}
    installation.kill_gateway().await.unwrap();
    crowd.players.iter().for_each(|player| player.seal(&[moved(2, 4)]));
    installation.start_gateway().await.unwrap();
    crowd.all_acked(LIMIT).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));

    let counted = "SELECT count(DISTINCT (agent_id, epoch, seq)) AS records, count(*) AS segments, sum(down_bytes)::bigint AS bytes,
                          count(subscription_id) AS attributed FROM usage_segments";
    let counted = sqlx::query(counted).fetch_one(&mut network.sql).await.unwrap();
    let counted = ["records", "segments", "bytes", "attributed"].map(|column| counted.get::<i64, _>(column));
    faults::note(22, 20 * 16_000, counted[2].unsigned_abs());
    assert_eq!(counted, [20 * 4, 20 * 7, 20 * 16_000, 20 * 7]);
    installation.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_counted_once_though_the_database_was_away() {
    let mut installation = Installation::start().await.unwrap();
    let mut network = Network::found(&installation, "away").await.unwrap();
    let edges = network.routers(PLAYERS, 1).await.unwrap();
    let gateway = installation.start_gateway().await.unwrap();
    let mut crowd = Crowd::gather(&edges, gateway, Manners::default()).unwrap();
    crowd.arrive(PLAYERS, PLAYERS, LIMIT).await.unwrap();
    let seal = |crowd: &Crowd| {
        let moved = LineUsage { handle: 1, down_bytes: 1_000, down_packets: 1, ..LineUsage::default() };
        crowd.players.iter().for_each(|player| player.seal(&[moved]));
    };
    seal(&crowd);
    crowd.all_acked(LIMIT).await.unwrap();

    drop(network);
    installation.stop_database().await.unwrap();
    for _ in 0..3 {
        seal(&crowd);
    }
    // Everybody's next record is there and has found no database.
    let waits = |installation: &Installation| installation.gateway_log().matches("the database is away").count();
    let until = Instant::now() + LIMIT;
    while waits(&installation) < PLAYERS {
        assert!(Instant::now() < until, "{}", installation.gateway_log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    installation.start_database().await.unwrap();
    let until = Instant::now() + LIMIT;
    while crowd.players.iter().any(|player| player.records().0 > player.records().1) {
        let news = crowd.next(until).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));
        assert!(matches!(news.what, What::Acked(_)), "nobody loses the session: {:?}", news.what);
    }
    let counted = "SELECT count(DISTINCT (agent_id, epoch, seq)) AS records, sum(down_bytes)::bigint AS bytes FROM usage_segments";
    let counted = sqlx::query(counted).fetch_one(&mut installation.sql().await.unwrap()).await.unwrap();
    let counted = ["records", "bytes"].map(|column| counted.get::<i64, _>(column));
    faults::note(25, 20 * 4_000, counted[1].unsigned_abs());
    assert_eq!(counted, [20 * 4, 20 * 4_000]);
    installation.end().await.unwrap();
}
