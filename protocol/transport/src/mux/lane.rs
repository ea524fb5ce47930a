//! What one stream holds: bytes that wait to be sent and to be read, and how much room the other side has. Pure.

use std::collections::VecDeque;
use std::task::Waker;

use super::chunk::Chunk;
use super::{CHUNK, WAITING, WINDOW};

#[derive(Debug)]
pub(super) struct Lane {
    /// Bytes to send.
    waiting: VecDeque<u8>,
    /// Bytes the other side has room for.
    credit: usize,
    /// No more will be written; and the other side knows.
    ended: bool,
    end_told: bool,
    writer: Option<Waker>,
    /// Bytes to read.
    arrived: VecDeque<u8>,
    /// Bytes the other side may still send.
    room: usize,
    /// Bytes that were read since the other side was given room.
    read: usize,
    /// The other side writes no more.
    over: bool,
    /// Nobody reads any more: what comes is thrown away.
    unread: bool,
    reader: Option<Waker>,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            credit: WINDOW,
            ended: false,
            end_told: false,
            writer: None,
            arrived: VecDeque::new(),
            room: WINDOW,
            read: 0,
            over: false,
            unread: false,
            reader: None,
        }
    }
}

impl Lane {
    /// Takes as much of `bytes` as there is room for.
    pub fn write(&mut self, bytes: &[u8], waker: &Waker) -> usize {
        let taken = bytes.len().min(WAITING - self.waiting.len().min(WAITING));
        if taken == 0 {
            self.writer = Some(waker.clone());
        }
        self.waiting.extend(&bytes[..taken]);
        taken
    }

    /// Ends what is written.
    pub fn end(&mut self) {
        self.ended = true;
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// What goes next, if the other side has room for it.
    pub fn next(&mut self, lane: usize) -> Option<Chunk> {
        let count = self.waiting.len().min(self.credit).min(CHUNK);
        if count > 0 {
            let bytes = self.waiting.drain(..count).collect();
            self.credit -= count;
            if self.waiting.is_empty() {
                self.waiting = VecDeque::new();
            }
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
            return Some(Chunk::Data(lane, bytes));
        }
        let end = self.ended && self.waiting.is_empty() && !std::mem::replace(&mut self.end_told, self.ended);
        end.then(|| Chunk::Data(lane, Vec::new()))
    }

    /// Room to give the other side: only once it is worth a chunk.
    pub fn room(&mut self, lane: usize) -> Option<Chunk> {
        if self.read < WINDOW / 2 {
            return None;
        }
        let given = std::mem::take(&mut self.read);
        self.room += given;
        Some(Chunk::Room(lane, u32::try_from(given).unwrap_or(u32::MAX)))
    }

    /// The other side has room for so many more bytes.
    pub fn given(&mut self, count: u32) {
        self.credit = self.credit.saturating_add(count as usize).min(WINDOW);
    }

    /// Takes in what arrived; whether there was room for it.
    pub fn arrived(&mut self, bytes: &[u8]) -> bool {
        let Some(room) = self.room.checked_sub(bytes.len()).filter(|_| !self.over) else { return false };
        self.room = room;
        self.over = bytes.is_empty();
        if self.unread {
            self.read += bytes.len();
        } else {
            self.arrived.extend(bytes);
        }
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        true
    }

    /// Reads up to `most` bytes; none if there are none now, and an empty answer at the end.
    pub fn read(&mut self, most: usize, into: impl FnOnce(&[u8]), waker: &Waker) -> bool {
        if self.arrived.is_empty() {
            if !self.over {
                self.reader = Some(waker.clone());
            }
            return self.over;
        }
        let (front, _) = self.arrived.as_slices();
        let count = front.len().min(most);
        into(&front[..count]);
        self.arrived.drain(..count);
        if self.arrived.is_empty() {
            self.arrived = VecDeque::new();
        }
        self.read += count;
        true
    }

    /// Nobody reads any more.
    pub fn forsake(&mut self) {
        self.unread = true;
        self.read += std::mem::take(&mut self.arrived).len();
    }

    /// Rouses who waits, for it is over.
    pub fn wake(&mut self) {
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }
}
