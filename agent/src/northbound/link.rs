//! One connection: its four streams, a reading and a writing task for each, and one channel of what arrives.
//!
//! Frames are read by tasks of their own because reading one is not cancel-safe. Sending never waits: a stream
//! that cannot keep up either ends the connection or, for live samples, loses them.

use quinn::{ClientConfig, Connection, ConnectionError, ConnectionId, ConnectionIdGenerator, Endpoint, EndpointConfig};
use quinn::{RecvStream, SendStream, TokioRuntime};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use weir_protocol::frame;
use weir_protocol::stream::Kind;
use weir_protocol::{CLOSE_RECORD_UNREADABLE, GATEWAY_SERVER_NAME, control, live, state, usage};

/// Frames that may wait on an ordinary stream.
const QUEUE: usize = 256;
/// Frames of the control stream that may wait while there is still room for what can wait itself.
const FEW: usize = 4;
/// How long a gateway that ends a stream has to say why.
const REASON_LIMIT: Duration = Duration::from_secs(1);

/// Why a gateway could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name does not resolve, or no socket can be had.
    #[error("{gateway}: {source}")]
    Address {
        /// The gateway as written.
        gateway: String,
        /// Why.
        source: std::io::Error,
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
    /// A stream failed.
    #[error("{0}")]
    Write(#[from] quinn::WriteError),
    /// Nothing was heard in time.
    #[error("{0} did not answer")]
    Silent(String),
}

/// What a connection has to say. `attempt` tells connections apart.
#[derive(Debug)]
pub struct Event {
    /// The number given to [`dial`].
    pub attempt: u64,
    /// What happened.
    pub what: What,
}

/// What happened on a connection.
#[derive(Debug)]
pub enum What {
    /// It is open.
    Connected(Link),
    /// It could not be opened.
    Failed(Error),
    /// A control message.
    Control(control::Down),
    /// A state message.
    State(state::Down),
    /// A usage message.
    Usage(usage::Down),
    /// It is over.
    Closed {
        /// Why, as it was said.
        reason: String,
        /// Whether because the cloud could not read a usage record, and so could not say which.
        unreadable: bool,
    },
}

/// The sending half of an open connection.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    connection: Connection,
    control: mpsc::Sender<Vec<u8>>,
    state: mpsc::Sender<Vec<u8>>,
    usage: mpsc::Sender<Vec<u8>>,
    live: mpsc::Sender<Vec<u8>>,
}

impl Link {
    /// Sends on the control stream; false if the connection cannot keep up or is gone.
    pub fn control(&self, message: control::up::Message) -> bool {
        put(&self.control, &control::Up { message: Some(message) })
    }

    /// Whether next to nothing waits for the control stream.
    pub fn has_room(&self) -> bool {
        self.control.capacity() > QUEUE - FEW
    }

    /// Sends on the state stream.
    pub fn state(&self, message: state::up::Message) -> bool {
        put(&self.state, &state::Up { message: Some(message) })
    }

    /// Sends a usage record's bytes.
    pub fn usage(&self, record: Vec<u8>) -> bool {
        put(&self.usage, &usage::Up { record })
    }

    /// Sends a live sample if the stream is free; otherwise the sample is lost.
    pub fn live(&self, sample: &live::Sample) {
        put(&self.live, sample);
    }

    /// Ends the connection.
    pub fn close(&self, reason: &str) {
        self.connection.close(0u32.into(), reason.as_bytes());
    }

    /// Ends the connection and waits until the other side can know.
    pub async fn finish(self, reason: &str, limit: Duration) {
        self.close(reason);
        let _ = tokio::time::timeout(limit, self.endpoint.wait_idle()).await;
    }
}

/// Starts connecting; everything else arrives through `events`.
pub fn dial(gateway: String, config: ClientConfig, limit: Duration, attempt: u64, events: mpsc::Sender<Event>) {
    tokio::spawn(async move {
        let what = match connect(&gateway, config, limit).await {
            // A gateway that lets no stream open is as good as silent.
            Ok((endpoint, connection)) => {
                let opened = tokio::time::timeout(limit, open(endpoint, connection, attempt, &events)).await;
                opened.unwrap_or_else(|_| Err(Error::Silent(gateway.clone())))
            }
            Err(error) => Err(error),
        };
        let what = what.map_or_else(What::Failed, What::Connected);
        let _ = events.send(Event { attempt, what }).await;
    });
}

/// A socket for one connection: who has no other needs no name for it in the packets sent to him.
pub fn endpoint(local: SocketAddr) -> std::io::Result<Endpoint> {
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

/// Connects to the first address of a gateway that answers.
pub async fn connect(gateway: &str, config: ClientConfig, limit: Duration) -> Result<(Endpoint, Connection), Error> {
    let address = |source| Error::Address { gateway: gateway.to_owned(), source };
    let found = tokio::time::timeout(limit, tokio::net::lookup_host(gateway)).await;
    let addresses = found.map_err(|_| Error::Silent(gateway.to_owned()))?.map_err(address)?;
    let mut last = Error::NoAddress(gateway.to_owned());
    for remote in addresses {
        let local: SocketAddr = if remote.is_ipv6() { ([0u16; 8], 0).into() } else { ([0u8; 4], 0).into() };
        let endpoint = endpoint(local).map_err(address)?;
        let connecting = match endpoint.connect_with(config.clone(), remote, GATEWAY_SERVER_NAME) {
            Ok(connecting) => connecting,
            Err(error) => {
                last = error.into();
                continue;
            }
        };
        match tokio::time::timeout(limit, connecting).await {
            Ok(Ok(connection)) => return Ok((endpoint, connection)),
            Ok(Err(error)) => last = error.into(),
            Err(_) => last = Error::Silent(gateway.to_owned()),
        }
    }
    Err(last)
}

async fn open(
    endpoint: Endpoint,
    connection: Connection,
    attempt: u64,
    events: &mpsc::Sender<Event>,
) -> Result<Link, Error> {
    let (control, incoming) = stream(&connection, Kind::Control, QUEUE).await?;
    read(incoming, attempt, What::Control, &connection, events);
    let (state, incoming) = stream(&connection, Kind::State, QUEUE).await?;
    read(incoming, attempt, What::State, &connection, events);
    let (usage, incoming) = stream(&connection, Kind::Usage, QUEUE).await?;
    read(incoming, attempt, What::Usage, &connection, events);
    let (live, _) = stream(&connection, Kind::Live, 1).await?;
    let (closed, events) = (connection.clone(), events.clone());
    tokio::spawn(async move {
        let why = closed.closed().await;
        let unreadable = matches!(&why, ConnectionError::ApplicationClosed(close) if close.error_code == CLOSE_RECORD_UNREADABLE.into());
        let _ = events.send(Event { attempt, what: What::Closed { reason: why.to_string(), unreadable } }).await;
    });
    Ok(Link { endpoint, connection, control, state, usage, live })
}

async fn stream(
    connection: &Connection,
    kind: Kind,
    queue: usize,
) -> Result<(mpsc::Sender<Vec<u8>>, RecvStream), Error> {
    let (mut outgoing, incoming) = connection.open_bi().await?;
    let _ = outgoing.set_priority(kind.priority());
    outgoing.write_all(&[kind as u8]).await?;
    let (sender, receiver) = mpsc::channel(queue);
    tokio::spawn(write(outgoing, receiver));
    Ok((sender, incoming))
}

async fn write(mut stream: SendStream, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if AsyncWriteExt::write_all(&mut stream, &frame).await.is_err() {
            return;
        }
    }
    let _ = stream.finish();
}

fn read<M: prost::Message + Default + 'static>(
    mut stream: RecvStream,
    attempt: u64,
    wrap: fn(M) -> What,
    connection: &Connection,
    events: &mpsc::Sender<Event>,
) {
    let (connection, events) = (connection.clone(), events.clone());
    tokio::spawn(async move {
        loop {
            match frame::read::<M>(&mut stream).await {
                Ok(message) => {
                    if events.send(Event { attempt, what: wrap(message) }).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    // Closing it anew would hide why the gateway did, which may be on its way.
                    if tokio::time::timeout(REASON_LIMIT, connection.closed()).await.is_err() {
                        connection.close(1u32.into(), error.to_string().as_bytes());
                    }
                    return;
                }
            }
        }
    });
}

fn put<M: prost::Message>(queue: &mpsc::Sender<Vec<u8>>, message: &M) -> bool {
    match frame::encode(message) {
        Ok(frame) => queue.try_send(frame).is_ok(),
        Err(error) => {
            tracing::error!(%error, "a message cannot be framed");
            false
        }
    }
}
