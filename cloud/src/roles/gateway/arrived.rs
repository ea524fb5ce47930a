//! Who comes through a door, over QUIC or TCP: one handshake, then an enrollment or a session.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use weir_protocol::{ALPN_ENROLL, ALPN_ENROLL_TCP, ALPN_RENEW, ALPN_RENEW_TCP, ALPN_SESSION, ALPN_SESSION_TCP};
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, ENROLL_EXPORTER_LABEL};
use weir_transport::{Connection, mux};

use super::arrivals::{Arrivals, Place};
use super::{Gateway, enrollment, renewal, session, tls};
use crate::fleet::certificates::{self, Shown};

/// Connections over TCP that wait to be taken in.
const WAITING: u32 = 1_024;
/// Bytes the kernel takes of one before the important ones among them cannot be preferred any more.
const SEND_BUFFER: u32 = 64 * 1024;
/// How long nobody is taken in over TCP after that failed: what is missing must be given back first.
const TCP_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

/// A connection whose handshake is done.
struct Arrived {
    connection: Connection,
    /// What the agent asked for.
    protocol: Option<Vec<u8>>,
    /// The certificate it shows, of an agent of ours. Whether it has ended is for whoever asks to look.
    shown: Option<Shown>,
    /// What both ends of this connection alone know.
    exporter: [u8; 32],
}

/// Where agents connect over TCP.
pub(super) struct TcpDoor {
    listener: TcpListener,
    tls: TlsAcceptor,
}

impl TcpDoor {
    /// Listens.
    pub fn open(at: SocketAddr, config: rustls::ServerConfig) -> std::io::Result<Self> {
        let socket = if at.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }?;
        socket.set_reuseaddr(true)?;
        // Connections inherit it.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(at)?;
        Ok(Self { listener: socket.listen(WAITING)?, tls: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Where that is.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes agents in until it is aborted.
    pub async fn accept(self, gateway: Arc<Gateway>, arrivals: Arc<Arrivals>) {
        loop {
            let (stream, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "no connection could be accepted over TCP");
                    tokio::time::sleep(TCP_PAUSE).await;
                    continue;
                }
            };
            let Some(turn) = arrivals.stand(from.ip()) else {
                put_off();
                continue;
            };
            let (gateway, tls) = (Arc::clone(&gateway), self.tls.clone());
            tokio::spawn(async move {
                match turn.place().await {
                    Some(place) => spawn(welcome_tcp(gateway, tls, stream, place)),
                    None => put_off(),
                }
            });
        }
    }
}

/// Takes in who comes over QUIC, when there is a place. Who is put off asks again a little later by itself.
pub(super) fn take_in(gateway: &Arc<Gateway>, arrivals: &Arc<Arrivals>, incoming: quinn::Incoming) {
    if !incoming.remote_address_validated() && incoming.may_retry() {
        // An address that cannot answer costs us nothing but this.
        if incoming.retry().is_err() {
            tracing::debug!("an incoming connection could not be retried");
        }
        return;
    }
    let Some(turn) = arrivals.stand(incoming.remote_address().ip()) else {
        incoming.ignore();
        return put_off();
    };
    let gateway = Arc::clone(gateway);
    tokio::spawn(async move {
        match turn.place().await {
            Some(place) => spawn(welcome(gateway, incoming, place)),
            None => {
                incoming.ignore();
                put_off();
            }
        }
    });
}

fn put_off() {
    metrics::counter!("weir_agents_put_off_total").increment(1);
}

fn spawn(welcome: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = welcome.await {
            tracing::debug!(error = format!("{error:#}"), "a connection ended");
        }
    });
}

pub(super) async fn welcome(gateway: Arc<Gateway>, incoming: quinn::Incoming, place: Place) -> anyhow::Result<()> {
    let arriving = incoming.accept()?;
    let connection = tokio::time::timeout(session::HELLO_LIMIT, arriving).await.context("no handshake in time")??;
    let handshake =
        connection.handshake_data().and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
    let chain = connection.peer_identity().and_then(|chain| chain.downcast::<Vec<CertificateDer<'static>>>().ok());
    let mut exporter = [0; 32];
    connection
        .export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"")
        .map_err(|_| anyhow::anyhow!("no keying material to export"))?;
    let arrived = Arrived {
        protocol: handshake.and_then(|data| data.protocol),
        shown: chain.and_then(|chain| certificates::shown(chain.first()?, &gateway.authority())),
        exporter,
        connection: Connection::Quic(connection),
    };
    serve(gateway, arrived, place).await
}

async fn welcome_tcp(
    gateway: Arc<Gateway>,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    place: Place,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let arriving = Box::pin(acceptor.accept(stream));
    let stream = tokio::time::timeout(session::HELLO_LIMIT, arriving).await.context("no handshake in time")??;
    let (_, tls) = stream.get_ref();
    let arrived = Arrived {
        protocol: tls.alpn_protocol().map(<[u8]>::to_vec),
        shown: tls.peer_certificates().and_then(|chain| certificates::shown(chain.first()?, &gateway.authority())),
        exporter: tls.export_keying_material([0; 32], ENROLL_EXPORTER_LABEL, Some(b""))?,
        connection: Connection::Tcp(mux::Connection::over(stream, tls::tcp_pace())),
    };
    serve(gateway, arrived, place).await
}

async fn serve(gateway: Arc<Gateway>, arrived: Arrived, place: Place) -> anyhow::Result<()> {
    let Arrived { connection, protocol, shown, exporter } = arrived;
    match (protocol.as_deref(), shown) {
        (Some(ALPN_ENROLL | ALPN_ENROLL_TCP), _) => Box::pin(enrollment::serve(&gateway, connection, exporter)).await,
        (Some(ALPN_SESSION | ALPN_SESSION_TCP), Some(shown)) if shown.until <= gateway.app.clock.system_now() => {
            connection.close(CLOSE_CERTIFICATE_ENDED, b"the agent's certificate has ended");
            Ok(())
        }
        (Some(ALPN_SESSION | ALPN_SESSION_TCP), Some(shown)) => session::serve(gateway, connection, shown, place).await,
        (Some(ALPN_RENEW | ALPN_RENEW_TCP), Some(shown)) => Box::pin(renewal::serve(&gateway, connection, shown)).await,
        (Some(ALPN_SESSION | ALPN_SESSION_TCP | ALPN_RENEW | ALPN_RENEW_TCP), None) => {
            connection.close(1, b"this needs an agent's certificate");
            Ok(())
        }
        _ => Ok(()),
    }
}
