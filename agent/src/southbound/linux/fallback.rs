//! Lines and nodes whose newest change cannot be, on disk: how each was last held, if it ever was.
//!
//! Everything else held is what is wanted, so this is all a restarted agent needs to fall back to what was held
//! instead of letting a line out. The file is there only while a change is rejected.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::plan::Wanted;
use crate::plan::check::{self, SoundLine};
use crate::plan::nodes::{self, SoundNode, SoundNodes};
use crate::southbound::Error;
use crate::store::disk::{Disk, Folder};

const FILE: &str = "fallback.json";

/// What was rejected, with what is held of each.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The lines.
    #[serde(rename = "rejected")]
    pub lines: BTreeMap<Uuid, Option<SoundLine>>,
    /// The nodes.
    #[serde(default)]
    pub nodes: BTreeMap<Uuid, Option<SoundNode>>,
}

/// What was rejected, and the file they live in.
#[derive(Debug)]
pub struct Fallback {
    folder: Folder,
    rejected: Rejected,
}

impl Fallback {
    /// Reads what was rejected.
    pub fn open(state_dir: &Path) -> Result<Self, Error> {
        let folder = Folder::open(state_dir)?;
        let rejected = match folder.read(FILE) {
            Ok(bytes) => match serde_json::from_slice(&bytes) {
                Ok(rejected) => rejected,
                Err(error) => {
                    tracing::error!(%error, "{FILE} is damaged; lines with a rejected change have nothing to fall back to");
                    Rejected::default()
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Rejected::default(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { folder, rejected })
    }

    /// The lines as held before a restart: as wanted, but for those whose change was rejected.
    pub fn held(&self, wanted: &Wanted) -> BTreeMap<Uuid, SoundLine> {
        let as_wanted = wanted.lines.iter().filter(|(id, _)| !self.rejected.lines.contains_key(id));
        let as_wanted = as_wanted.filter_map(|(id, line)| Some((*id, check::alone(line).ok()?)));
        let as_before = self.rejected.lines.iter().filter(|(id, _)| wanted.lines.contains_key(id));
        as_wanted.chain(as_before.filter_map(|(id, line)| Some((*id, line.clone()?)))).collect()
    }

    /// The nodes as held before a restart, likewise.
    pub fn held_nodes(&self, wanted: &Wanted) -> SoundNodes {
        let as_wanted = wanted.nodes.iter().filter(|(id, _)| !self.rejected.nodes.contains_key(id));
        let as_wanted = as_wanted.filter_map(|(id, node)| Some((*id, nodes::alone(node).ok()?)));
        let as_before = self.rejected.nodes.iter().filter(|(id, _)| wanted.nodes.contains_key(id));
        as_wanted.chain(as_before.filter_map(|(id, node)| Some((*id, (*node)?)))).collect()
    }

    /// Keeps what is rejected now. Call before the kernel is changed accordingly.
    pub fn keep(&mut self, rejected: Rejected) -> Result<(), Error> {
        if rejected == self.rejected {
            return Ok(());
        }
        if rejected == Rejected::default() {
            return self.clear();
        }
        self.folder.replace(FILE, &serde_json::to_vec(&rejected).map_err(io::Error::from)?)?;
        self.rejected = rejected;
        Ok(())
    }

    /// Forgets everything, also on disk.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.rejected = Rejected::default();
        match self.folder.remove(FILE) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use weir_protocol::desired::{Line, Prefix};

    fn line(handle: u32, last: u8, rate: u64) -> Line {
        let prefixes = vec![Prefix { address: vec![10, 0, 0, last], length: 32 }];
        Line { handle, prefixes, rate_down_bps: rate, rate_up_bps: rate, ..Line::default() }
    }

    #[test]
    fn a_restart_knows_which_line_had_an_address_first() {
        let folder = tempfile::tempdir().unwrap();
        let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let wanted = |first: Line, second: Line| Wanted {
            lines: [(ids[0], Arc::new(first)), (ids[1], Arc::new(second))].into(),
            ..Wanted::default()
        };
        let apply = |wanted: &Wanted, before: Option<BTreeMap<Uuid, SoundLine>>| {
            let mut fallback = Fallback::open(folder.path()).unwrap();
            let held = before.unwrap_or_else(|| fallback.held(wanted));
            let check::Checked { lines, rejected, .. } = check::check_beside(wanted, &held);
            let of_lines = rejected.keys().map(|id| (*id, lines.get(id).cloned())).collect();
            fallback.keep(Rejected { lines: of_lines, ..Rejected::default() }).unwrap();
            lines
        };
        let first = apply(&wanted(line(1, 1, 9), line(2, 2, 9)), None);
        assert!(!folder.path().join(FILE).exists());
        // The smaller id asks for what the greater has, and is refused.
        let greedy = wanted(line(1, 2, 9), line(2, 2, 9));
        assert_eq!(apply(&greedy, Some(first.clone())), first);
        assert_eq!(apply(&greedy, None), first, "after a restart");
        let zero = wanted(line(1, 1, 0), line(2, 2, 9));
        assert_eq!(apply(&zero, None), first);
        let mended = wanted(line(1, 1, 9), line(2, 2, 9));
        assert_eq!(apply(&mended, None), first);
        assert!(!folder.path().join(FILE).exists());
    }
}
