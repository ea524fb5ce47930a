//! The same subscribers' usage as RADIUS accounting: what a load of interim updates costs FreeRADIUS and the wire.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use md5::{Digest, Md5};
use tokio::net::UdpSocket;
use tokio::time::timeout;
use weir_fleet::crowd::{Crowd, Manners};
use weir_fleet::relay::Relay;

use crate::cpu::Cpu;
use crate::figure::Goal::AtLeast;
use crate::figure::print;
use crate::freeradius::FreeRadius;
use crate::ingest::{LINES, traffic};
use crate::{Bench, LIMIT};

const SECRET: &str = "harbour";
/// Requests that wait for an answer at the same time.
const OUTSTANDING: u32 = 64;
/// A request is sent again after this.
const RESEND: Duration = Duration::from_secs(2);
/// Rounds of interim updates of all subscribers.
const ROUNDS: u32 = 20;
/// Records whose bytes are counted.
const RECORDS: usize = 10;
/// What IPv4 and UDP add to each datagram, bytes; a response has nothing but its header.
const HEADERS: u64 = 20 + 8;
const RESPONSE: u64 = 20;
/// Longer than anything is kept waiting to be said.
const QUIET: Duration = Duration::from_millis(150);

/// Acct-Status-Type.
#[derive(Clone, Copy)]
enum Status {
    Start = 1,
    Interim = 3,
}

/// Both figures; `ours` is how many lines' updates a second of our processors' time brought in.
pub async fn run(bench: &mut Bench, ours: f64) -> Result<()> {
    let server = FreeRadius::start(&mut bench.network.sql, bench.installation.folder(), SECRET).await?;
    load(server.at, Status::Start, 0).await?;
    load(server.at, Status::Interim, 0).await?;
    // What ours left to be cleaned up and written is not FreeRADIUS's to pay for.
    for settle in ["DROP TABLE copied", "VACUUM", "CHECKPOINT"] {
        sqlx::query(settle).execute(&mut bench.network.sql).await?;
    }
    let before = Cpu::used(server.id()?, &mut bench.network.sql).await?;
    let mut resent = 0;
    for round in 1..=ROUNDS {
        resent += load(server.at, Status::Interim, round).await?;
    }
    let used = Cpu::used(server.id()?, &mut bench.network.sql).await?.since(before);
    server.end().await?;
    let theirs = f64::from(LINES * ROUNDS) / used;
    let note = format!(
        "lines' updates a second of processor time, the server's and PostgreSQL's together: {ours:.0} as records of {LINES} \
         lines, {theirs:.0} as interim updates to FreeRADIUS with Debian's schema and queries, {OUTSTANDING} at once, {resent} \
         sent again"
    );
    print("updates_vs_freeradius", ours / theirs, "x", AtLeast(20.0), (LINES * ROUNDS) as usize, &note);
    let (wire, radius) = (wire(bench).await?, request(Status::Interim, 1, 1).len() as u64 + RESPONSE + 2 * HEADERS);
    let note = format!(
        "bytes at the level of IP, both ways, of a line in a record of {LINES} that all moved something, over QUIC: {wire:.1}; \
         of an interim update with the attributes a BNG sends and its answer: {radius}"
    );
    print("wire_vs_radius", radius as f64 / wire, "x", AtLeast(20.0), RECORDS, &note);
    Ok(())
}

/// Bytes on the wire of one line's update.
async fn wire(bench: &mut Bench) -> Result<f64> {
    let edges = bench.network.routers(1, LINES as usize).await?;
    let gateway = bench.fresh_gateway().await?;
    let relay = Relay::start(gateway).await?;
    let manners = Manners { keepalive: Duration::from_secs(25), beats: false, ..Manners::default() };
    let mut crowd = Crowd::gather(&edges, relay.at(), manners)?;
    crowd.arrive(1, 1, LIMIT).await?;
    let (before, mut chance) = (relay.quiet_for(QUIET).await, 1);
    for _ in 0..RECORDS {
        crowd.players[0].seal(&traffic(&mut chance));
        crowd.all_acked(LIMIT).await?;
        relay.quiet_for(QUIET).await;
    }
    Ok((relay.bytes() - before) as f64 / (RECORDS as f64 * f64::from(LINES)))
}

/// One request for each subscriber, all answered; how many were sent again.
async fn load(server: SocketAddr, status: Status, round: u32) -> Result<usize> {
    let share = |first: u32| async move {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
        socket.connect(server).await?;
        let mut resent = 0;
        for subscriber in (first..LINES).step_by(OUTSTANDING as usize) {
            resent += ask(&socket, &request(status, subscriber, round)).await?;
        }
        Ok::<_, anyhow::Error>(resent)
    };
    Ok(try_join_all((0..OUTSTANDING).map(share)).await?.into_iter().sum())
}

/// Sends a request until it is answered.
async fn ask(socket: &UdpSocket, request: &[u8]) -> Result<usize> {
    let mut answer = [0; 4_096];
    for sent in 0..20 {
        socket.send(request).await?;
        if let Ok(length) = timeout(RESEND, socket.recv(&mut answer)).await {
            ensure!(length? >= 20 && answer[0] == 5 && answer[1] == request[1], "FreeRADIUS answers something else");
            return Ok(sent);
        }
    }
    None.context("FreeRADIUS does not answer")
}

/// An Accounting-Request with what a BNG typically says of a session.
fn request(status: Status, subscriber: u32, round: u32) -> Vec<u8> {
    let mut attributes = Vec::new();
    let mut text = |kind: u8, value: &[u8]| {
        attributes.extend([kind, value.len() as u8 + 2]);
        attributes.extend(value);
    };
    text(1, format!("user{subscriber:08}").as_bytes());
    text(44, format!("sess{subscriber:012}").as_bytes());
    text(31, format!("02-00-00-00-{:02x}-{:02x}", subscriber >> 8 & 0xff, subscriber & 0xff).as_bytes());
    text(32, b"edge-north");
    text(87, b"eth0/1/2:100");
    text(25, &[0x5a; 32]);
    let octets = (round * 3_000_000).wrapping_add(subscriber * 7_919);
    let (address, now) = (0x0a40_0000 + subscriber, 1_790_000_000 + round * 300);
    // Status, address of the NAS, octets and gigawords in and out, time, packets in and out, framed address, time of the
    // event, delay, port and its type.
    let numbers = [
        (40, status as u32),
        (4, 0x7f00_0001),
        (42, octets / 8),
        (43, octets),
        (52, 0),
        (53, 0),
        (46, round * 300),
        (47, octets / 8_000),
        (48, octets / 1_200),
        (8, address),
        (55, now),
        (41, 0),
        (5, subscriber),
        (61, 15),
    ];
    numbers.into_iter().for_each(|(kind, number)| text(kind, &number.to_be_bytes()));
    let length = (20 + attributes.len()) as u16;
    let mut packet = vec![4, (subscriber / OUTSTANDING) as u8 ^ (round * 37) as u8];
    packet.extend(length.to_be_bytes());
    let mut digest = Md5::new();
    digest.update(&packet);
    digest.update([0; 16]);
    digest.update(&attributes);
    digest.update(SECRET);
    packet.extend(digest.finalize());
    packet.extend(attributes);
    packet
}
