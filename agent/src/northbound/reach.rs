//! How a gateway is reached: over QUIC, or over TCP where QUIC is not answered.

use quinn::{ConnectionError, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig, TokioRuntime};
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use weir_protocol::{ENROLL_EXPORTER_LABEL, GATEWAY_SERVER_NAME};
use weir_transport::{Closed, Connection, mux};

use super::tls::Settings;

/// What is tried second begins when the first is not answered for so long.
const HEAD_START: Duration = Duration::from_secs(3);
/// Bytes the kernel takes of a TCP connection before the important ones among them cannot be preferred any more.
const SEND_BUFFER: u32 = 64 * 1024;

/// Why a gateway could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name does not resolve, or no socket can be had.
    #[error("{gateway}: {source}")]
    Address {
        /// The gateway as written.
        gateway: String,
        /// Why.
        source: io::Error,
    },
    /// The gateway's name has no address.
    #[error("{0} has no address")]
    NoAddress(String),
    /// QUIC refused the attempt.
    #[error("{0}")]
    Connect(#[from] quinn::ConnectError),
    /// The handshake failed.
    #[error("{0}")]
    Connection(#[from] ConnectionError),
    /// TCP, or TLS on it, failed.
    #[error("over TCP: {0}")]
    Tcp(io::Error),
    /// A stream failed.
    #[error("{0}")]
    Stream(io::Error),
    /// It was over before there was an answer.
    #[error("{0}")]
    Closed(Closed),
    /// Nothing was heard in time.
    #[error("{0} did not answer")]
    Silent(String),
}

impl Error {
    /// Whether the gateway's certificate does not lead to whom is trusted.
    pub fn is_distrust(&self) -> bool {
        match self {
            // A TLS alert of ours.
            Self::Connection(ConnectionError::TransportError(error)) => u64::from(error.code) & !0xff == 0x100,
            _ => matches!(self.tls(), Some(rustls::Error::InvalidCertificate(_))),
        }
    }

    /// Whether that is because what it showed leads to no root that is trusted. A root of another cloud that has the same name
    /// shows by its signature.
    pub fn leads_nowhere(&self) -> bool {
        const UNKNOWN_CA: u64 = 0x100 | 48;
        const DECRYPT_ERROR: u64 = 0x100 | 51;
        match self {
            Self::Connection(ConnectionError::TransportError(error)) => {
                [UNKNOWN_CA, DECRYPT_ERROR].contains(&u64::from(error.code))
            }
            _ => matches!(
                self.tls(),
                Some(rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::BadSignature
                ))
            ),
        }
    }

    /// Whether the gateway closed the connection with this code.
    pub fn is_closed_with(&self, code: u32) -> bool {
        match self {
            Self::Closed(closed) => closed.code == Some(code),
            Self::Connection(error) => Closed::from(error.clone()).code == Some(code),
            _ => false,
        }
    }

    /// Whether somebody answered, if only to refuse.
    pub fn is_answer(&self) -> bool {
        match self {
            Self::Closed(_) => true,
            Self::Connection(ConnectionError::TimedOut | ConnectionError::LocallyClosed) => false,
            Self::Connection(_) => true,
            _ => self.tls().is_some(),
        }
    }

    fn tls(&self) -> Option<&rustls::Error> {
        let Self::Tcp(error) = self else { return None };
        error.get_ref()?.downcast_ref()
    }
}

/// What a connection may go over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// QUIC, over UDP.
    #[default]
    Quic,
    /// TLS on TCP.
    Tcp,
}

/// Which ways are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// This one, and soon the other one, too.
    First(Way),
    /// This one alone.
    Only(Way),
}

/// A connection, and what is needed to keep it.
#[derive(Debug)]
pub struct Reached {
    /// The connection.
    pub connection: Connection,
    /// Its socket, if it is QUIC's.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) remote: SocketAddr,
    /// Binds an enrollment to this connection; zeros if TLS has nothing to give.
    pub exporter: [u8; 32],
}

impl Reached {
    /// What it goes over.
    pub fn way(&self) -> Way {
        if self.endpoint.is_some() { Way::Quic } else { Way::Tcp }
    }

    /// Waits, for a limited time, until the other side can know that it is over.
    pub async fn finish(&self, limit: Duration) {
        let gone = async {
            match (&self.endpoint, &self.connection) {
                (Some(endpoint), _) => endpoint.wait_idle().await,
                (None, Connection::Tcp(connection)) => connection.gone().await,
                (None, Connection::Quic(_)) => {}
            }
        };
        let _late = timeout(limit, gone).await;
    }
}

/// Whatever address the kernel chooses.
pub(super) fn any(remote: SocketAddr) -> SocketAddr {
    if remote.is_ipv6() { ([0u16; 8], 0).into() } else { ([0u8; 4], 0).into() }
}

/// Connects to the first address of a gateway that answers.
pub async fn reach(gateway: &str, settings: &Settings, attempt: Attempt, limit: Duration) -> Result<Reached, Error> {
    let address = |source| Error::Address { gateway: gateway.to_owned(), source };
    let found = timeout(limit, tokio::net::lookup_host(gateway)).await;
    let addresses = found.map_err(|_| Error::Silent(gateway.to_owned()))?.map_err(address)?;
    let mut last = Error::NoAddress(gateway.to_owned());
    for remote in addresses {
        let silent = |_| Error::Silent(gateway.to_owned());
        let over_quic = async { timeout(limit, quic(remote, settings)).await.map_err(silent)? };
        let over_tcp = async { timeout(limit, tcp(remote, settings)).await.map_err(silent)? };
        let reached = match attempt {
            Attempt::Only(Way::Quic) => over_quic.await,
            Attempt::Only(Way::Tcp) => over_tcp.await,
            Attempt::First(Way::Quic) => either(over_quic, over_tcp).await,
            Attempt::First(Way::Tcp) => either(over_tcp, over_quic).await,
        };
        match reached {
            Ok(reached) => return Ok(reached),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Whichever is open first. The second begins late, and not at all if the first one was answered; what was answered is told.
async fn either<T>(
    first: impl Future<Output = Result<T, Error>>,
    second: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    match timeout(HEAD_START, &mut first).await {
        Ok(Err(error)) if !error.is_answer() => return second.await.map_err(|_| error),
        Ok(answered) => return answered,
        Err(_) => {}
    }
    tokio::select! {
        reached = &mut first => match reached {
            Err(error) if !error.is_answer() => second.await.map_err(|_| error),
            answered => answered,
        },
        // Whoever answers there may be somebody else; the first is what counts while it is on its way.
        reached = &mut second => match reached {
            Err(second) => first.await.map_err(|first| if second.is_answer() && !first.is_answer() { second } else { first }),
            open => open,
        },
    }
}

async fn quic(remote: SocketAddr, settings: &Settings) -> Result<Reached, Error> {
    let address = |source| Error::Address { gateway: remote.to_string(), source };
    let endpoint = endpoint(any(remote)).map_err(address)?;
    let connection = endpoint.connect_with(settings.quic.clone(), remote, GATEWAY_SERVER_NAME)?.await?;
    let mut exporter = [0; 32];
    let _unavailable = connection.export_keying_material(&mut exporter, ENROLL_EXPORTER_LABEL, b"");
    Ok(Reached { connection: Connection::Quic(connection), endpoint: Some(endpoint), remote, exporter })
}

async fn tcp(remote: SocketAddr, settings: &Settings) -> Result<Reached, Error> {
    let socket = if remote.is_ipv6() { TcpSocket::new_v6() } else { TcpSocket::new_v4() }.map_err(Error::Tcp)?;
    socket.set_send_buffer_size(SEND_BUFFER).map_err(Error::Tcp)?;
    let stream = socket.connect(remote).await.map_err(Error::Tcp)?;
    stream.set_nodelay(true).map_err(Error::Tcp)?;
    let name = ServerName::try_from(GATEWAY_SERVER_NAME).map_err(|error| Error::Tcp(io::Error::other(error)))?;
    let tls = TlsConnector::from(Arc::clone(&settings.tcp)).connect(name, stream).await.map_err(Error::Tcp)?;
    let exported = tls.get_ref().1.export_keying_material([0; 32], ENROLL_EXPORTER_LABEL, Some(b""));
    let connection = Connection::Tcp(mux::Connection::over(tls, settings.pace()));
    Ok(Reached { connection, endpoint: None, remote, exporter: exported.unwrap_or_default() })
}

/// A socket for one connection: who has no other needs no name for it in the packets sent to him.
pub fn endpoint(local: SocketAddr) -> io::Result<Endpoint> {
    let mut config = EndpointConfig::default();
    config.cid_generator(|| Box::new(Nameless));
    Endpoint::new(config, None, UdpSocket::bind(local)?, Arc::new(TokioRuntime))
}

/// Connections without an id at this end.
#[derive(Debug)]
struct Nameless;

impl ConnectionIdGenerator for Nameless {
    fn generate_cid(&mut self) -> ConnectionId {
        ConnectionId::new(&[])
    }

    fn cid_len(&self) -> usize {
        0
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    async fn after<T>(seconds: u64, what: Result<T, Error>) -> Result<T, Error> {
        sleep(Duration::from_secs(seconds)).await;
        what
    }

    fn silent() -> Error {
        Error::Silent("nobody".to_owned())
    }

    fn refused() -> Error {
        Error::Connection(ConnectionError::Reset)
    }

    fn no_tcp() -> Error {
        Error::Tcp(io::ErrorKind::ConnectionRefused.into())
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_way_has_three_seconds_less_and_whoever_is_first_wins() {
        let began = Instant::now();
        assert_eq!(either(after(10, Err(silent())), async { Ok("tcp") }).await.unwrap(), "tcp");
        assert_eq!(began.elapsed().as_secs(), 3);
        assert_eq!(either(after(4, Ok("quic")), after(9, Ok("tcp"))).await.unwrap(), "quic");
        assert_eq!(either(after(8, Ok("quic")), after(1, Err(no_tcp()))).await.unwrap(), "quic");
        assert_eq!(either(after(1, Err(silent())), after(1, Ok("quic"))).await.unwrap(), "quic", "at once");
        let told = either(after(1, Err::<(), _>(refused())), std::future::pending()).await.unwrap_err();
        assert!(told.is_answer(), "who says no needs no second way");
        let told = either(after(10, Err::<(), _>(silent())), after(1, Err(no_tcp()))).await.unwrap_err();
        assert!(matches!(told, Error::Silent(_)));
        assert_eq!(either(after(8, Ok("quic")), after(1, Err(refused()))).await.unwrap(), "quic", "slow is not silent");
        let told = either(after(10, Err::<(), _>(silent())), after(1, Err(refused()))).await.unwrap_err();
        assert!(told.is_answer(), "wherever it is said");
    }
}
