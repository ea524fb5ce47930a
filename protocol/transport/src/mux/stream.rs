//! The two halves of a stream.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Handle;

/// The half that is written to; dropping it ends the stream.
#[derive(Debug)]
pub struct Send {
    of: Arc<Handle>,
    lane: usize,
}

/// The half that is read from.
#[derive(Debug)]
pub struct Receive {
    of: Arc<Handle>,
    lane: usize,
}

pub(super) fn pair(of: &Arc<Handle>, lane: usize) -> (Send, Receive) {
    (Send { of: Arc::clone(of), lane }, Receive { of: Arc::clone(of), lane })
}

impl AsyncWrite for Send {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let shared = &self.of.shared;
        let mut state = shared.lock();
        if let Some(over) = shared.over() {
            return Poll::Ready(Err(over));
        }
        let lane = &mut state.lanes[self.lane];
        if lane.is_ended() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let taken = lane.write(bytes, cx.waker());
        if taken == 0 && !bytes.is_empty() {
            return Poll::Pending;
        }
        shared.work.notify_one();
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Receive {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let shared = &self.of.shared;
        let mut state = shared.lock();
        // What arrived before the end is read before it is known.
        if state.lanes[self.lane].read(into.remaining(), |bytes| into.put_slice(bytes), cx.waker()) {
            shared.work.notify_one();
            return Poll::Ready(Ok(()));
        }
        match shared.over() {
            Some(over) => Poll::Ready(Err(over)),
            None => Poll::Pending,
        }
    }
}

impl Send {
    fn finish(&self) {
        self.of.shared.lock().lanes[self.lane].end();
        self.of.shared.work.notify_one();
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Drop for Receive {
    fn drop(&mut self) {
        self.of.shared.lock().lanes[self.lane].forsake();
        self.of.shared.work.notify_one();
    }
}
