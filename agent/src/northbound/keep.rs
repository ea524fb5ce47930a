//! What becomes of a connection when the router's way into the internet changes.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use quinn::Endpoint;
use tokio::time::{Instant, sleep};
use weir_transport::Connection;

use super::reach::{Reached, any};

/// How often it is looked from where the kernel would send.
const LOOK: Duration = Duration::from_secs(1);

impl Reached {
    /// Gives the connection another socket when the router sends from another address, or nothing was heard for two
    /// probes and a half: then some translation on the way may have forgotten it. One over TCP cannot move, and is closed.
    pub fn keep(&self, keepalive: Duration) {
        let Self { connection, endpoint, remote, .. } = self;
        let (connection, endpoint, remote) = (connection.clone(), endpoint.clone(), *remote);
        tokio::spawn(async move {
            tokio::select! {
                _ = connection.closed() => {}
                () = follow(&connection, endpoint, remote, keepalive) => {}
            }
        });
    }
}

async fn follow(connection: &Connection, endpoint: Option<Endpoint>, remote: SocketAddr, keepalive: Duration) {
    let patience = keepalive.saturating_mul(5) / 2;
    let (mut source, mut heard, mut since) = (source_toward(remote), 0, Instant::now());
    loop {
        sleep(LOOK.min(keepalive)).await;
        let now = source_toward(remote);
        // Without any way there is nothing to move to.
        let moved = now.is_some() && now != source;
        source = now.or(source);
        let (Connection::Quic(quic), Some(endpoint)) = (connection, &endpoint) else {
            if moved {
                return connection.close(0, b"the router's address changed");
            }
            continue;
        };
        let datagrams = quic.stats().udp_rx.datagrams;
        if std::mem::replace(&mut heard, datagrams) != datagrams {
            since = Instant::now();
        }
        if moved || since.elapsed() >= patience {
            since = Instant::now();
            match UdpSocket::bind(any(remote)).and_then(|socket| endpoint.rebind(socket)) {
                Ok(()) => tracing::info!(moved, "the connection goes on from another socket"),
                Err(error) => tracing::warn!(%error, "no other socket for the connection"),
            }
        }
    }
}

/// From which address the kernel would send to `remote` now; nothing is sent.
fn source_toward(remote: SocketAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind(any(remote)).ok()?;
    socket.connect(remote).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
