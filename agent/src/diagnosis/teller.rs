//! Tells what a tool finds, in small parts and slowly: the session's own words come first.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use weir_protocol::diagnosis::{Diagnosed, Part};

use super::Stop;

/// Bytes of one part.
const PART_BYTES: usize = 8 * 1024;
/// Between two parts of one diagnosis.
const PART_EVERY: Duration = Duration::from_millis(200);

/// What a task says to the loop.
#[derive(Debug)]
pub enum Told {
    /// A piece of what was found.
    Part(Part),
    /// It is over: how, or why it could not be done, as a stable name and one plain sentence.
    Over(Vec<u8>, Result<Diagnosed, (&'static str, String)>),
}

/// Tells what one diagnosis finds.
pub struct Teller {
    id: Vec<u8>,
    next: u32,
    left: usize,
    not_before: Instant,
    tell: mpsc::Sender<Told>,
}

impl Teller {
    /// Tells at most so many bytes, under the command's id.
    pub fn new(id: Vec<u8>, bytes: usize, tell: mpsc::Sender<Told>) -> Self {
        Self { id, next: 0, left: bytes, not_before: Instant::now(), tell }
    }

    /// How many parts were told.
    pub fn parts(&self) -> u32 {
        self.next
    }

    /// How many bytes may still be told.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Tells a text.
    pub async fn say(&mut self, text: &str) -> Result<(), Stop> {
        self.give(text.as_bytes()).await
    }

    /// Tells bytes.
    pub async fn give(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let told = bytes.len().min(self.left);
        for piece in bytes[..told].chunks(PART_BYTES) {
            sleep_until(self.not_before).await;
            self.not_before = Instant::now() + PART_EVERY;
            let part = Part { id: self.id.clone(), number: self.next, data: piece.to_vec() };
            self.next += 1;
            self.left -= piece.len();
            if self.tell.send(Told::Part(part)).await.is_err() {
                return Err(Stop::Limit);
            }
        }
        if told < bytes.len() { Err(Stop::Limit) } else { Ok(()) }
    }

    /// Says that it is over.
    pub async fn end(self, how: Result<Diagnosed, (&'static str, String)>) {
        // Nobody listens any more where the agent ends.
        let _ended = self.tell.send(Told::Over(self.id, how)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_long_text_is_told_in_parts_apart_in_time_up_to_the_limit() {
        let (tell, mut told) = mpsc::channel(8);
        let mut teller = Teller::new(vec![1; 16], 20_000, tell);
        let began = Instant::now();
        assert_eq!(teller.say(&"x".repeat(19_999)).await, Ok(()));
        assert_eq!(teller.say("yz").await, Err(Stop::Limit), "one byte fits");
        assert!(began.elapsed() >= PART_EVERY * 3, "{:?}", began.elapsed());
        assert_eq!((teller.parts(), teller.left()), (4, 0));
        drop(teller);
        let (mut numbers, mut length) = (Vec::new(), 0);
        while let Some(Told::Part(part)) = told.recv().await {
            numbers.push(part.number);
            length += part.data.len();
        }
        assert_eq!((numbers, length), (vec![0, 1, 2, 3], 20_000));
    }
}
