//! One connection: its four streams, a reading and a writing task for each, and one channel of what arrives.
//!
//! Frames are read by tasks of their own because reading one is not cancel-safe. Sending never waits: a stream
//! that cannot keep up either ends the connection or, for live samples, loses them.

use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use weir_protocol::enroll::CertificateRenewed;
use weir_protocol::frame;
use weir_protocol::stream::Kind;
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, CLOSE_RECORD_UNREADABLE, control, live, state, usage};
use weir_transport::{Connection, Receive, Send};

use super::reach::{self, Attempt, Error, Reached, Way};
use super::tls::Settings;

/// Frames that may wait on an ordinary stream.
const QUEUE: usize = 256;
/// Frames of the control stream that may wait while there is still room for what can wait itself.
const FEW: usize = 4;
/// How long a gateway that ends a stream has to say why.
const REASON_LIMIT: Duration = Duration::from_secs(1);

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
        /// Whether because the certificate that was shown has ended.
        certificate_ended: bool,
    },
    /// A further certificate was asked for on a connection of its own, and this is the answer.
    Renewed(CertificateRenewed),
}

/// The sending half of an open connection.
#[derive(Debug)]
pub struct Link {
    reached: Reached,
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
        put(&self.usage, &usage::Up { record, ..usage::Up::default() })
    }

    /// Sends a record's bytes that is not to be counted unless somebody says so.
    pub fn quarantine(&self, record: Vec<u8>) -> bool {
        put(&self.usage, &usage::Up { record, quarantine: true, ..usage::Up::default() })
    }

    /// Sends what records came to that are gone.
    pub fn gap_fill(&self, fill: usage::GapFill) -> bool {
        put(&self.usage, &usage::Up { gap_fill: Some(fill), ..usage::Up::default() })
    }

    /// Sends a live sample if the stream is free; otherwise the sample is lost.
    pub fn live(&self, sample: &live::Sample) {
        put(&self.live, sample);
    }

    /// What it goes over.
    pub fn way(&self) -> Way {
        self.reached.way()
    }

    /// Ends the connection.
    pub fn close(&self, reason: &str) {
        self.reached.connection.close(0, reason.as_bytes());
    }

    /// Ends the connection and waits until the other side can know.
    pub async fn finish(self, reason: &str, limit: Duration) {
        self.close(reason);
        self.reached.finish(limit).await;
    }
}

/// Starts connecting; everything else arrives through `events`.
pub fn dial(
    gateway: String,
    settings: Settings,
    how: Attempt,
    limit: Duration,
    attempt: u64,
    events: mpsc::Sender<Event>,
) {
    tokio::spawn(async move {
        let tell = async |what| drop(events.send(Event { attempt, what }).await);
        let reached = match reach::reach(&gateway, &settings, how, limit).await {
            Ok(reached) => reached,
            Err(error) => return tell(What::Failed(error)).await,
        };
        reached.keep(settings.keepalive);
        let connection = reached.connection.clone();
        // A gateway that lets no stream open is as good as silent.
        let opened = tokio::time::timeout(limit, open(reached, attempt, &events)).await;
        match opened.unwrap_or_else(|_| Err(Error::Silent(gateway))) {
            Ok(link) => tell(What::Connected(link)).await,
            Err(error) => {
                connection.close(0, b"no streams");
                return tell(What::Failed(error)).await;
            }
        }
        let why = connection.closed().await;
        let unreadable = why.code == Some(CLOSE_RECORD_UNREADABLE);
        let certificate_ended = why.code == Some(CLOSE_CERTIFICATE_ENDED);
        tell(What::Closed { reason: why.to_string(), unreadable, certificate_ended }).await;
    });
}

async fn open(reached: Reached, attempt: u64, events: &mpsc::Sender<Event>) -> Result<Link, Error> {
    let connection = reached.connection.clone();
    let (control, incoming) = stream(&connection, Kind::Control, QUEUE).await?;
    read(incoming, attempt, What::Control, &connection, events);
    let (state, incoming) = stream(&connection, Kind::State, QUEUE).await?;
    read(incoming, attempt, What::State, &connection, events);
    let (usage, incoming) = stream(&connection, Kind::Usage, QUEUE).await?;
    read(incoming, attempt, What::Usage, &connection, events);
    let (live, _) = stream(&connection, Kind::Live, 1).await?;
    Ok(Link { reached, control, state, usage, live })
}

async fn stream(connection: &Connection, kind: Kind, queue: usize) -> Result<(mpsc::Sender<Vec<u8>>, Receive), Error> {
    let (outgoing, incoming) = connection.open(kind).await.map_err(Error::Stream)?;
    let (sender, receiver) = mpsc::channel(queue);
    tokio::spawn(write(outgoing, receiver));
    Ok((sender, incoming))
}

async fn write(mut stream: Send, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if stream.write_all(&frame).await.is_err() {
            return;
        }
    }
    let _ = stream.shutdown().await;
}

fn read<M: prost::Message + Default + 'static>(
    mut stream: Receive,
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
                        connection.close(1, error.to_string().as_bytes());
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
