//! Commands that cost something, on disk before they begin: one that was begun and is not known to have ended is never
//! begun again.

use std::collections::VecDeque;
use std::io;

use serde::{Deserialize, Serialize};

use crate::store::disk::Disk;

const FILE: &str = "commands.json";
/// Commands remembered.
const KEPT: usize = 64;

/// A command that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Begun {
    /// Its id, hexadecimal.
    id: String,
    /// Unix milliseconds.
    began_ms: u64,
    /// Whether how it ended was told.
    over: bool,
}

/// The commands that were begun.
#[derive(Debug)]
pub struct Commands<D> {
    disk: D,
    begun: VecDeque<Begun>,
}

impl<D: Disk> Commands<D> {
    /// Opens what was written; what cannot be read is as if nothing was.
    pub fn open(disk: D) -> Self {
        let begun = match disk.read(FILE) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                tracing::warn!(%error, "the journal of commands cannot be read");
                VecDeque::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => VecDeque::new(),
            Err(error) => {
                tracing::warn!(%error, "the journal of commands cannot be read");
                VecDeque::new()
            }
        };
        Self { disk, begun }
    }

    /// Whether a command was begun before.
    pub fn knows(&self, id: &[u8]) -> bool {
        let id = hex::encode(id);
        self.begun.iter().any(|begun| begun.id == id)
    }

    /// Writes down that a command begins; it must not unless this is `Ok`.
    pub fn begin(&mut self, id: &[u8], now_ms: u64) -> io::Result<()> {
        let before = self.begun.clone();
        self.begun.push_back(Begun { id: hex::encode(id), began_ms: now_ms, over: false });
        while self.begun.len() > KEPT {
            self.begun.pop_front();
        }
        self.write().inspect_err(|_| self.begun = before)
    }

    /// Writes down that a command's end was told. If that cannot be written, the next start calls it unknown.
    pub fn end(&mut self, id: &[u8]) {
        let id = hex::encode(id);
        let Some(begun) = self.begun.iter_mut().find(|begun| begun.id == id && !begun.over) else { return };
        begun.over = true;
        if let Err(error) = self.write() {
            tracing::warn!(%error, "the end of a command could not be written");
        }
    }

    /// Commands whose end was not told, with when they began in Unix milliseconds.
    pub fn unfinished(&self) -> Vec<(Vec<u8>, u64)> {
        let open = self.begun.iter().filter(|begun| !begun.over);
        open.filter_map(|begun| Some((hex::decode(&begun.id).ok()?, begun.began_ms))).collect()
    }

    fn write(&mut self) -> io::Result<()> {
        let text = serde_json::to_vec(&self.begun).map_err(io::Error::other)?;
        self.disk.replace(FILE, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sim::Sim;

    /// Does what the loop does with a command: writes, then does it, then tells how it ended.
    fn command(commands: &mut Commands<Sim>, (id, now_ms): (&[u8], u64), done: &mut u32) {
        if !commands.knows(id) && commands.begin(id, now_ms).is_ok() {
            *done += 1;
            commands.end(id);
        }
    }

    #[test]
    fn a_command_is_done_once_or_unknown_wherever_the_agent_dies() {
        let (mut unknown, mut never) = (0, 0);
        for (at, seed) in (0..8).flat_map(|at| (0..8).map(move |seed| (at, seed))) {
            // A write that is cut short is there or not by its length.
            let (disk, mut done, now_ms) = (Sim::default(), 0, [5, 50][seed as usize % 2]);
            command(&mut Commands::open(disk.clone()), (b"first", 1), &mut done);
            disk.die_after(at);
            command(&mut Commands::open(disk.clone()), (b"second", now_ms), &mut done);
            let done_before = done;
            if seed == 7 {
                disk.revive()
            } else {
                disk.cut_power(seed)
            }
            let mut after = Commands::open(disk.clone());
            assert!(after.knows(b"first"), "what was told is remembered");
            if done_before == 2 {
                assert!(after.knows(b"second"), "died at {at}: it was done, and would be done again");
            }
            for (id, began_ms) in after.unfinished() {
                assert_eq!((id.as_slice(), began_ms), (b"second".as_slice(), now_ms));
                unknown += 1;
                after.end(&id);
            }
            assert!(after.unfinished().is_empty());
            let known = after.knows(b"second");
            never += u32::from(!known);
            command(&mut after, (b"second", now_ms), &mut done);
            assert_eq!(done, if known { done_before } else { 2 }, "died at {at}");
            assert!(Commands::open(disk).knows(b"second"));
        }
        assert!(unknown > 0 && never > 0, "deaths before, within and after it: {unknown} {never}");
    }

    #[test]
    fn only_the_last_commands_are_remembered_and_a_damaged_journal_is_empty() {
        let mut commands = Commands::open(Sim::default());
        for n in 0..=KEPT {
            commands.begin(&[n as u8], 1).unwrap();
        }
        assert!(!commands.knows(&[0]) && commands.knows(&[1]) && commands.unfinished().len() == KEPT);
        let mut disk = Sim::default();
        disk.replace(FILE, b"[{").unwrap();
        assert!(Commands::open(disk).unfinished().is_empty());
    }
}
