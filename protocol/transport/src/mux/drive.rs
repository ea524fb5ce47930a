//! Moves chunks between the streams and the wire until it is over.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::time::{Instant, sleep_until, timeout};

use super::chunk::Chunk;
use super::{Pace, Shared, State};
use crate::connection::Closed;

/// How long the other side has to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(1);
/// Closes a connection over chunks that make no sense.
const NONSENSE: u32 = 1;

/// Drives a connection to its end.
pub(super) async fn drive<T: AsyncRead + AsyncWrite>(io: T, shared: Arc<Shared>, pace: Pace) {
    let (mut from, mut to) = tokio::io::split(io);
    tokio::select! {
        over = take(&shared, &mut from, pace.idle) => match over {
            Ok(closed) => shared.end(closed),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => shared.close(NONSENSE, &error.to_string()),
            Err(error) => shared.end(Closed { code: None, reason: error.to_string() }),
        },
        over = give(&shared, &mut to, pace.ask_every) => if let Err(error) = over {
            shared.end(Closed { code: None, reason: error.to_string() });
        },
    }
    let closing = shared.lock().closing.take();
    if let Some((code, reason)) = closing {
        // A socket that is dropped while something arrives takes along what was sent last.
        let _late = timeout(FAREWELL, say(&mut from, &mut to, &Chunk::Close(code, reason))).await;
    }
    shared.gone.send_replace(true);
}

async fn say<T: AsyncRead + AsyncWrite>(from: &mut ReadHalf<T>, to: &mut WriteHalf<T>, last: &Chunk) -> io::Result<()> {
    to.write_all(&last.encode()).await?;
    to.shutdown().await?;
    let mut rest = [0; 64];
    while from.read(&mut rest).await? > 0 {}
    Ok(())
}

/// Takes in chunks until the other side says that it is over, or is silent for too long.
async fn take(shared: &Shared, from: &mut (impl AsyncRead + Unpin), idle: Duration) -> io::Result<Closed> {
    let silent = || io::Error::new(io::ErrorKind::TimedOut, "timed out");
    loop {
        let first = timeout(idle, from.read_u8()).await.map_err(|_| silent())?;
        let first = first.map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(io::ErrorKind::ConnectionReset, "the connection was cut"),
            _ => error,
        })?;
        let chunk = timeout(idle, Chunk::rest(first, from)).await.map_err(|_| silent())??;
        let mut state = shared.lock();
        match chunk {
            Chunk::Data(lane, bytes) if !state.lanes[lane].arrived(&bytes) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "more came than there was room for"));
            }
            Chunk::Data(..) | Chunk::Answer => {}
            Chunk::Room(lane, count) => state.lanes[lane].given(count),
            Chunk::Ask => state.asked = true,
            Chunk::Close(code, reason) => return Ok(Closed { code: Some(code), reason }),
        }
        drop(state);
        shared.work.notify_one();
    }
}

/// Sends what there is to send, until we close it.
async fn give(shared: &Shared, to: &mut (impl AsyncWrite + Unpin), ask_every: Option<Duration>) -> io::Result<()> {
    let mut ask_at = ask_every.map(|every| Instant::now() + every);
    loop {
        let asks = ask_at.is_some_and(|at| at <= Instant::now());
        if asks {
            ask_at = ask_every.map(|every| Instant::now() + every);
        }
        let next = {
            let mut state = shared.lock();
            if state.closing.is_some() {
                return Ok(());
            }
            if asks { Some(Chunk::Ask) } else { state.next() }
        };
        if let Some(chunk) = next {
            to.write_all(&chunk.encode()).await?;
            to.flush().await?;
            continue;
        }
        tokio::select! {
            () = shared.work.notified() => {}
            () = async { sleep_until(ask_at.unwrap_or_else(Instant::now)).await }, if ask_at.is_some() => {}
        }
    }
}

impl State {
    /// What goes next: room first, for it is what the other side waits for, then the most important stream.
    fn next(&mut self) -> Option<Chunk> {
        if std::mem::take(&mut self.asked) {
            return Some(Chunk::Answer);
        }
        let mut lanes = self.lanes.iter_mut().enumerate();
        if let Some(room) = lanes.find_map(|(n, lane)| lane.room(n)) {
            return Some(room);
        }
        self.lanes.iter_mut().enumerate().find_map(|(n, lane)| lane.next(n))
    }
}
