//! Four streams over one ordered connection, each with a window of its own.
//!
//! What goes over the wire is chunks: a byte that says what follows. Of what waits to be sent the most important stream goes
//! first, a small chunk at a time, and nobody sends more than the other side has room for: a backlog of usage never
//! delays a suspension, and whoever does not read costs the other a window and no more.

mod chunk;
mod drive;
mod lane;
mod stream;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use weir_protocol::stream::Kind;

use crate::connection::Closed;
use lane::Lane;
pub use stream::{Receive, Send};

/// Bytes that may be on their way on one stream, each way.
pub const WINDOW: usize = 64 * 1024;
/// Bytes of one stream that wait here to be sent.
const WAITING: usize = 16 * 1024;
/// Bytes of a stream that go before it is looked what is more important.
const CHUNK: usize = 4 * 1024;
/// The streams, the most important first.
const KINDS: [Kind; 4] = [Kind::Control, Kind::State, Kind::Usage, Kind::Live];

/// When a connection is dead, and who makes sure that it is not.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Silence after which it is over.
    pub idle: Duration,
    /// How often the other side is asked whether it is there; never by the side that answers.
    pub ask_every: Option<Duration>,
}

/// A connection; clones are the same one.
#[derive(Clone, Debug)]
pub struct Connection(Arc<Handle>);

/// Closes the connection once nobody holds it.
#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something may be sent.
    work: Notify,
    closed: watch::Sender<Option<Closed>>,
    /// Nothing goes over the wire any more.
    gone: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    lanes: [Lane; 4],
    /// Streams that were handed out.
    taken: [bool; 4],
    /// The other side asked whether we are here.
    asked: bool,
    /// What we close it with.
    closing: Option<(u32, String)>,
}

impl Connection {
    /// Makes streams of `io`, which is driven by a task of its own.
    pub fn over(io: impl AsyncRead + AsyncWrite + std::marker::Send + 'static, pace: Pace) -> Self {
        let state = Mutex::new(State::default());
        let (closed, gone) = (watch::Sender::new(None), watch::Sender::new(false));
        let shared = Arc::new(Shared { state, work: Notify::new(), closed, gone });
        tokio::spawn(drive::drive(io, Arc::clone(&shared), pace));
        Self(Arc::new(Handle { shared }))
    }

    /// The stream of a kind; each is handed out once.
    pub fn stream(&self, kind: Kind) -> io::Result<(Send, Receive)> {
        let lane = lane_of(kind);
        if std::mem::replace(&mut self.0.shared.lock().taken[lane], true) {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the stream is open"));
        }
        Ok(stream::pair(&self.0, lane))
    }

    /// The next stream nobody has yet, the most important first; waits for the end if there is none.
    pub async fn next_stream(&self) -> io::Result<(Kind, (Send, Receive))> {
        for kind in KINDS {
            if let Ok(streams) = self.stream(kind) {
                return Ok((kind, streams));
            }
        }
        Err(self.closed().await.into())
    }

    /// Closes it: what waits to be sent is lost.
    pub fn close(&self, code: u32, reason: &str) {
        self.0.shared.close(code, reason);
    }

    /// Waits until the other side was told that it is over, as far as it could be.
    pub async fn gone(&self) {
        let mut gone = self.0.shared.gone.subscribe();
        // The sender is ours.
        let _known = gone.wait_for(|gone| *gone).await;
    }

    /// Waits until it is over.
    pub async fn closed(&self) -> Closed {
        let mut closed = self.0.shared.closed.subscribe();
        let over = closed.wait_for(Option::is_some).await;
        over.ok().and_then(|over| over.clone()).unwrap_or(Closed { code: None, reason: "dropped".to_owned() })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close(0, "dropped");
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes it by our own will.
    fn close(&self, code: u32, reason: &str) {
        {
            let mut state = self.lock();
            if state.closing.is_some() || self.closed.borrow().is_some() {
                return;
            }
            state.closing = Some((code, reason.to_owned()));
        }
        self.end(Closed { code: None, reason: format!("closed here: {reason}") });
        self.work.notify_one();
    }

    /// It is over; the first reason holds.
    fn end(&self, why: Closed) {
        self.closed.send_if_modified(|closed| {
            let first = closed.is_none();
            if first {
                *closed = Some(why);
            }
            first
        });
        self.lock().lanes.iter_mut().for_each(Lane::wake);
    }

    fn over(&self) -> Option<io::Error> {
        self.closed.borrow().clone().map(Into::into)
    }
}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        Self::new(io::ErrorKind::ConnectionAborted, closed.to_string())
    }
}

fn lane_of(kind: Kind) -> usize {
    kind as usize - 1
}

#[cfg(test)]
mod tests;
