//! The players are held to what agents are: nothing of theirs is lost or doubled when the gateway dies under them, or the
//! database under it, or they are sent to another gateway.

#[path = "../../../faults.rs"]
mod faults;
mod restored;
mod runs;

use std::net::SocketAddr;
use std::time::Duration;

use sqlx::Row;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use weir_agent::northbound::enroll;
use weir_agent::store::disk::Folder;
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;
use weir_fleet::player::What;
use weir_protocol::token::Token;
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
    for n in 1..=3 {
        crowd.players.iter().for_each(|player| player.seal(&[moved(1, n), moved(2, n)]));
    }
    let until = Instant::now() + LIMIT;
    while !matches!(crowd.next(until).await.unwrap().what, What::Acked(_)) {}
    installation.kill_gateway().await.unwrap();
    crowd.players.iter().for_each(|player| player.seal(&[moved(2, 4)]));
    installation.start_gateway().await.unwrap();
    crowd.all_acked(LIMIT).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));

    let counted = counted(&mut network).await;
    faults::note(22, 20 * 16_000, counted[2].unsigned_abs());
    assert_eq!(counted, [20 * 4, 20 * 2, 20 * 16_000, 20 * 16_000]);
    installation.end().await.unwrap();
}

/// What a line moved since the record before.
fn moved(handle: u32, n: u64) -> LineUsage {
    LineUsage { handle, down_bytes: 1_000 * n, down_packets: n, ..LineUsage::default() }
}

/// Records, lines, bytes, and bytes of lines that are known.
async fn counted(network: &mut Network) -> [i64; 4] {
    let counted = "SELECT (SELECT count(*) FROM usage_records) AS records, count(DISTINCT (agent_id, handle)) AS lines, sum(down_bytes)::bigint AS bytes,
                          coalesce(sum(down_bytes) FILTER (WHERE subscription_id IS NOT NULL), 0)::bigint AS attributed FROM line_usage";
    let counted = sqlx::query(counted).fetch_one(&mut network.sql).await.unwrap();
    ["records", "lines", "bytes", "attributed"].map(|column| counted.get(column))
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_go_from_one_gateway_to_another_and_nothing_is_lost_or_doubled() {
    let mut installation = Installation::start().await.unwrap();
    let mut network = Network::found(&installation, "moving").await.unwrap();
    let edges = network.routers(PLAYERS, 2).await.unwrap();
    let first = installation.start_gateway().await.unwrap();
    let second = installation.start_other_gateway().await.unwrap();
    enroll_over_tcp(&network, first).await;

    // Every fourth comes over TCP.
    let manners = Manners { keepalive: Duration::from_millis(300), tcp_every: 4, ..Manners::default() };
    let mut crowd = Crowd::gather(&edges, first, manners).unwrap();
    crowd.arrive(PLAYERS, PLAYERS, LIMIT).await.unwrap();
    assert_eq!(connected(&mut network, first).await, [("quic".to_owned(), 15), ("tcp".to_owned(), 5)]);

    // Records are on their way, and lines are changed, while the first gateway sends everybody to the second.
    for n in 1..=3 {
        crowd.players.iter().for_each(|player| player.seal(&[moved(1, n), moved(2, n)]));
    }
    let holding = async {
        for edge in &edges {
            network.isp.hold(&edge.lines[0], "closed", "moved out").await.unwrap();
        }
    };
    let (stopped, ()) = tokio::join!(installation.stop_gateway(), holding);
    stopped.unwrap();
    crowd.all_acked(LIMIT).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));
    network.all_applied(LIMIT).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));
    assert_eq!(connected(&mut network, second).await, [("quic".to_owned(), 15), ("tcp".to_owned(), 5)]);
    assert_eq!(counted(&mut network).await, [20 * 3, 20 * 2, 20 * 12_000, 20 * 12_000]);

    // The first is back, and the second dies with records on their way: whoever finds nobody there knows of the first.
    installation.start_gateway().await.unwrap();
    crowd.players.iter().for_each(|player| player.seal(&[moved(1, 4)]));
    installation.kill_other_gateway().await.unwrap();
    crowd.players.iter().for_each(|player| player.seal(&[moved(2, 4)]));
    crowd.all_acked(LIMIT).await.unwrap_or_else(|error| panic!("{error:#}: {}", installation.gateway_log()));
    assert_eq!(connected(&mut network, first).await, [("quic".to_owned(), 15), ("tcp".to_owned(), 5)]);
    let counted = counted(&mut network).await;
    faults::note(23, 20 * 20_000, counted[2].unsigned_abs());
    assert_eq!(counted, [20 * 5, 20 * 2, 20 * 20_000, 20 * 20_000]);
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
    let counted =
        "SELECT (SELECT count(*) FROM usage_records) AS records, sum(down_bytes)::bigint AS bytes FROM line_usage";
    let counted = sqlx::query(counted).fetch_one(&mut installation.sql().await.unwrap()).await.unwrap();
    let counted = ["records", "bytes"].map(|column| counted.get::<i64, _>(column));
    faults::note(25, 20 * 4_000, counted[1].unsigned_abs());
    assert_eq!(counted, [20 * 4, 20 * 4_000]);
    installation.end().await.unwrap();
}

/// Enrolls a router where no UDP gets through.
async fn enroll_over_tcp(network: &Network, gateway: SocketAddr) {
    let path = format!("/routers/{}/enrollment-tokens", network.isp.router_id);
    let made = network.isp.api.post(&path, &serde_json::json!({})).await.unwrap();
    let mut token = Token::from_text(made["token"].as_str().unwrap()).unwrap();
    // Only TCP is passed on.
    let proxy = TcpListener::bind("127.0.0.1:0").await.unwrap();
    token.gateway = proxy.local_addr().unwrap().to_string();
    let passed_on = async {
        let (mut near, _) = proxy.accept().await.unwrap();
        let mut far = TcpStream::connect(gateway).await.unwrap();
        // Either side may be the first to hang up.
        let _hung_up = copy_bidirectional(&mut near, &mut far).await;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut disk = Folder::open(folder.path()).unwrap();
    let text = token.to_text();
    let (enrolled, ()) = tokio::join!(enroll::enroll(&mut disk, &text), passed_on);
    assert_eq!(enrolled.unwrap().trust_bundle.len(), 1);
}

/// How many agents have their session at a gateway, by what it goes over.
async fn connected(network: &mut Network, gateway: SocketAddr) -> Vec<(String, i64)> {
    let sessions = "SELECT transport, count(*) FROM agents
                    WHERE gateway = $1 AND session_id IS NOT NULL AND disconnected_at IS NULL GROUP BY 1 ORDER BY 1";
    let sessions = sqlx::query(sessions).bind(gateway.to_string()).fetch_all(&mut network.sql).await.unwrap();
    sessions.iter().map(|row| (row.get(0), row.get(1))).collect()
}
