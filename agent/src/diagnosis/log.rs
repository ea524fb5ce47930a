//! The agent's own last words, kept in memory beside where they are written.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Lines kept.
const LINES: usize = 300;
/// Bytes kept of a line.
const LINE_BYTES: usize = 1_000;

static KEPT: Kept = Kept(Mutex::new(VecDeque::new()));

/// Lines, the oldest first.
struct Kept(Mutex<VecDeque<String>>);

impl Kept {
    fn take(&self, bytes: &[u8]) {
        let text = plain(&String::from_utf8_lossy(bytes));
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for line in text.lines().filter(|line| !line.is_empty()) {
            if lines.len() == LINES {
                lines.pop_front();
            }
            lines.push_back(line[..line.floor_char_boundary(LINE_BYTES)].to_owned());
        }
    }

    fn last(&self, most: usize) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let skipped = lines.len().saturating_sub(most);
        lines.iter().skip(skipped).fold(String::new(), |text, line| text + line + "\n")
    }
}

/// The last lines, at most so many.
pub fn last(most: usize) -> String {
    KEPT.last(most)
}

/// A text without the colours of terminals.
fn plain(text: &str) -> String {
    let mut pieces = text.split('\x1b');
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |plain, piece| plain + piece.split_once('m').map_or("", |(_, rest)| rest))
}

/// Writes log lines to the standard error, and keeps the last ones.
#[derive(Clone, Copy, Debug)]
pub struct Keeping;

impl Write for Keeping {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.take(bytes);
        io::stderr().write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl<'a> MakeWriter<'a> for Keeping {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_without_colours() {
        let kept = Kept(Mutex::default());
        for n in 0..LINES + 5 {
            kept.take(format!("\x1b[2m{n}\x1b[0m \x1b[32m INFO\x1b[0m it began\n").as_bytes());
        }
        assert_eq!(kept.last(2), format!("{}  INFO it began\n{}  INFO it began\n", LINES + 3, LINES + 4));
        assert_eq!(kept.last(usize::MAX).lines().count(), LINES);
        kept.take("é".repeat(LINE_BYTES).as_bytes());
        assert_eq!(kept.last(1).len(), LINE_BYTES + 1);
    }
}
