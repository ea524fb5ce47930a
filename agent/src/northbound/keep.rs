//! What becomes of a connection when the router's way into the internet changes.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use quinn::Endpoint;
use tokio::time::{Instant, sleep};
use weir_transport::Connection;

use super::reach::{Reached, any};

/// How often it is looked from where the kernel would send; more often where probes are so fast that it would be late.
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
                () = follow(&connection, endpoint, remote, keepalive, || source_toward(remote)) => {}
            }
        });
    }
}

async fn follow(
    connection: &Connection,
    endpoint: Option<Endpoint>,
    remote: SocketAddr,
    keepalive: Duration,
    mut source_now: impl FnMut() -> Option<IpAddr>,
) {
    let patience = keepalive.saturating_mul(5) / 2;
    let (mut source, mut heard, mut since) = (source_now(), 0, Instant::now());
    loop {
        sleep(LOOK.min(keepalive / 4)).await;
        let now = source_now();
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

#[cfg(test)]
mod tests {
    use super::*;
    use weir_transport::mux::{self, Pace};

    #[tokio::test(start_paused = true)]
    async fn a_connection_over_tcp_is_closed_once_the_router_sends_from_another_address() {
        let (here, _there) = tokio::io::duplex(64);
        let pace = Pace { idle: Duration::from_secs(3_600), ask_every: None };
        let connection = Connection::Tcp(mux::Connection::over(here, pace));
        let address = |n| Some(IpAddr::from([10, 0, 0, n]));
        let mut sources = [address(1), address(1), None, address(1), address(2)].into_iter();
        let (began, remote) = (Instant::now(), SocketAddr::from(([192, 0, 2, 1], 4433)));
        follow(&connection, None, remote, Duration::from_secs(20), || sources.next().flatten()).await;
        assert_eq!(began.elapsed().as_secs(), 4, "not while there was no way at all");
        assert!(connection.closed().await.reason.contains("address changed"));
    }
}
