//! A stretch of wire between one router and the gateway: passes datagrams on and counts what they cost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;

/// What IPv4 and UDP add to each datagram, bytes.
const HEADERS: u64 = 20 + 8;
/// The largest datagram there is, bytes.
const DATAGRAM_MAX: usize = 65_535;

/// Passes datagrams on until it is dropped.
pub struct Relay {
    at: SocketAddr,
    bytes: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Relay {
    /// Begins to pass on what arrives, to the gateway and back to whoever sent first.
    pub async fn start(gateway: SocketAddr) -> Result<Self> {
        let near = Arc::new(UdpSocket::bind((gateway.ip(), 0)).await?);
        let far = Arc::new(UdpSocket::bind((gateway.ip(), 0)).await?);
        far.connect(gateway).await?;
        let (at, bytes) = (near.local_addr()?, Arc::new(AtomicU64::new(0)));
        let mut tasks = JoinSet::new();
        let (counted, (from, to)) = (Arc::clone(&bytes), (Arc::clone(&near), Arc::clone(&far)));
        tasks.spawn(async move {
            let mut datagram = vec![0; DATAGRAM_MAX];
            while let Ok((length, router)) = from.recv_from(&mut datagram).await {
                // The way back goes where the last datagram came from.
                let known = from.connect(router).await;
                count(&counted, length);
                if known.is_err() || to.send(&datagram[..length]).await.is_err() {
                    return;
                }
            }
        });
        let counted = Arc::clone(&bytes);
        tasks.spawn(async move {
            let mut datagram = vec![0; DATAGRAM_MAX];
            while let Ok(length) = far.recv(&mut datagram).await {
                count(&counted, length);
                if near.send(&datagram[..length]).await.is_err() {
                    return;
                }
            }
        });
        Ok(Self { at, bytes, _tasks: tasks })
    }

    /// Where the router connects.
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// Bytes on the wire so far, both ways, with the headers of IP and UDP.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The same, once nothing passed for so long.
    pub async fn quiet_for(&self, pause: Duration) -> u64 {
        loop {
            let before = self.bytes();
            tokio::time::sleep(pause).await;
            if self.bytes() == before {
                return before;
            }
        }
    }
}

fn count(bytes: &AtomicU64, length: usize) {
    bytes.fetch_add(length as u64 + HEADERS, Ordering::Relaxed);
}
