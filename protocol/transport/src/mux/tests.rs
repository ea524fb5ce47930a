//! Both ends of a connection over a wire of memory.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use super::*;

const PACE: Pace = Pace { idle: Duration::from_secs(60), ask_every: None };

/// Both ends of a wire that holds `bytes`.
fn ends(bytes: usize) -> (Connection, Connection) {
    let (here, there) = tokio::io::duplex(bytes);
    (Connection::over(here, PACE), Connection::over(there, PACE))
}

/// One end, and the bare wire.
fn bare(pace: Pace) -> (Connection, DuplexStream) {
    let (here, there) = tokio::io::duplex(1 << 20);
    (Connection::over(here, pace), there)
}

#[tokio::test]
async fn what_is_written_is_read_and_ends_where_it_ended() {
    let (agent, gateway) = ends(1_000);
    let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
    let (mut send, _answers) = agent.stream(Kind::Usage).unwrap();
    let (_answer, mut receive) = gateway.stream(Kind::Usage).unwrap();
    let writing = async {
        send.write_all(&sent).await.unwrap();
        send.shutdown().await.unwrap();
    };
    let mut read = Vec::new();
    let (_, count) = tokio::join!(writing, receive.read_to_end(&mut read));
    assert_eq!((count.unwrap(), read == sent), (300_000, true));
    assert!(send.write_all(b"more").await.is_err());
    assert!(agent.stream(Kind::Usage).is_err(), "each stream is handed out once");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_not_read_holds_a_window_and_delays_no_other() {
    let (agent, gateway) = ends(4_096);
    let (mut backlog, _) = agent.stream(Kind::Usage).unwrap();
    let (_, mut unread) = gateway.stream(Kind::Usage).unwrap();
    let mut written = 0;
    while let Ok(count) = timeout(Duration::from_secs(5), backlog.write(&[7; 1_000])).await {
        written += count.unwrap();
    }
    assert_eq!(written, WINDOW + WAITING, "what the other side has room for, and what waits for more");
    let (mut send, _) = agent.stream(Kind::State).unwrap();
    let (_, mut receive) = gateway.stream(Kind::State).unwrap();
    send.write_all(b"suspended").await.unwrap();
    let mut heard = [0; 9];
    timeout(Duration::from_secs(1), receive.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(&heard, b"suspended");
    let mut rest = vec![0; written];
    timeout(Duration::from_secs(1), unread.read_exact(&mut rest)).await.unwrap().unwrap();
    assert!(rest.iter().all(|byte| *byte == 7));
}

#[tokio::test]
async fn both_sides_know_why_it_is_over() {
    let (agent, gateway) = ends(1_000);
    let (_, mut receive) = agent.stream(Kind::Control).unwrap();
    let (mut send, _) = gateway.stream(Kind::Control).unwrap();
    send.write_all(b"go away").await.unwrap();
    let mut heard = [0; 7];
    receive.read_exact(&mut heard).await.unwrap();
    gateway.close(4, "record-unreadable");
    assert_eq!(agent.closed().await, Closed { code: Some(4), reason: "record-unreadable".to_owned() });
    assert_eq!(receive.read(&mut heard).await.unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    assert_eq!(gateway.closed().await.code, None);
    assert!(send.write_all(b"more").await.is_err());
}

#[tokio::test]
async fn what_nobody_holds_any_more_is_closed() {
    let (agent, gateway) = ends(1_000);
    let streams = agent.stream(Kind::Control).unwrap();
    drop(agent);
    assert!(timeout(Duration::from_millis(20), gateway.closed()).await.is_err(), "a stream holds it");
    drop(streams);
    assert_eq!(gateway.closed().await.code, Some(0));
}

#[tokio::test(start_paused = true)]
async fn silence_ends_it_and_who_asks_is_answered() {
    let pace = Pace { idle: Duration::from_secs(4), ask_every: Some(Duration::from_secs(1)) };
    let (here, there) = tokio::io::duplex(1_000);
    let (agent, gateway) = (Connection::over(here, pace), Connection::over(there, PACE));
    assert!(timeout(Duration::from_secs(3_600), agent.closed()).await.is_err());
    drop(gateway);
    agent.closed().await;
    let (alone, _wire) = bare(pace);
    assert_eq!(alone.closed().await.reason, "timed out");
}

#[tokio::test]
async fn who_sends_nonsense_or_more_than_there_is_room_for_is_cut_off() {
    let flood = [[3].as_slice(), &u16::MAX.to_le_bytes(), &[0; u16::MAX as usize]].concat();
    for nonsense in [vec![0x42], vec![0x05, 1, 0, 0], [flood.as_slice(), &flood].concat()] {
        let (gateway, mut wire) = bare(PACE);
        wire.write_all(&nonsense).await.unwrap();
        assert!(gateway.closed().await.reason.starts_with("closed here"), "{:?}", gateway.closed().await);
        let mut said = Vec::new();
        let mut first = [0; 1];
        while wire.read_exact(&mut first).await.is_ok() {
            said.push(chunk::Chunk::rest(first[0], &mut wire).await.unwrap());
        }
        assert!(matches!(said.last(), Some(chunk::Chunk::Close(1, _))), "{said:?}");
    }
}
