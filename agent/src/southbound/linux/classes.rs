//! Which HTB class counts for which line, on disk before it is in the kernel.
//!
//! A kill at any point then loses nothing and doubles nothing: the restarted agent finds the same classes under the
//! same generations and goes on reading. A reused class begins a new generation at the value it had.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::southbound::{Error, Total};

/// First minor for lines; those below are for the tree's own nodes.
const MINOR_FIRST: u16 = 0x10;
/// Last minor for lines; `ffff` is for everybody else.
const MINOR_LAST: u16 = 0xfff0;

/// One line's class, the same minor on both ports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// HTB minor.
    pub minor: u16,
    /// The stretch in which its counters only grow.
    pub generation: Uuid,
    /// Toward the subscriber, when the generation began.
    pub base_down: Total,
    /// From the subscriber, when the generation began.
    pub base_up: Total,
}

/// All assignments of this boot.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    boot_id: String,
    lines: BTreeMap<u32, Class>,
    /// Classes nobody uses any more, kept in the kernel for reuse: deleting one walks them all.
    free: Vec<u16>,
}

/// The assignments, and the file they live in.
#[derive(Debug)]
pub struct Classes {
    file: PathBuf,
    table: Table,
    changed: bool,
}

impl Classes {
    /// Reads the assignments; those of another boot are worth nothing, its counters are gone.
    pub fn open(state_dir: &Path, boot_id: &str) -> Result<Self, Error> {
        let file = state_dir.join("classes.json");
        let stored = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice::<Table>(&bytes).ok(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let table = stored.filter(|table| table.boot_id == boot_id).unwrap_or_else(|| Table {
            boot_id: boot_id.to_owned(),
            lines: BTreeMap::new(),
            free: Vec::new(),
        });
        Ok(Self { file, table, changed: false })
    }

    /// The class of a line.
    pub fn get(&self, handle: u32) -> Option<&Class> {
        self.table.lines.get(&handle)
    }

    /// Every line with a class.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Class)> {
        self.table.lines.iter().map(|(handle, class)| (*handle, class))
    }

    /// Gives a line a class if it has none. `count` tells what a class counted so far, if the kernel has it.
    ///
    /// Returns `None` when all classes are taken.
    pub fn assign(
        &mut self,
        handle: u32,
        new_generation: Uuid,
        count: impl Fn(u16) -> Option<(Total, Total)>,
    ) -> Option<u16> {
        if let Some(class) = self.table.lines.get(&handle) {
            return Some(class.minor);
        }
        let minor = match self.table.free.pop() {
            Some(minor) => minor,
            None => self.unused()?,
        };
        let (base_down, base_up) = count(minor).unwrap_or_default();
        self.table.lines.insert(handle, Class { minor, generation: new_generation, base_down, base_up });
        self.changed = true;
        Some(minor)
    }

    fn unused(&self) -> Option<u16> {
        let taken: std::collections::BTreeSet<_> = self.table.lines.values().map(|class| class.minor).collect();
        (MINOR_FIRST..=MINOR_LAST).find(|minor| !taken.contains(minor))
    }

    /// The kernel's classes are gone (somebody removed the tree): counting starts anew under new generations.
    pub fn restart(&mut self, mut new_generation: impl FnMut() -> Uuid) {
        for class in self.table.lines.values_mut() {
            *class = Class {
                minor: class.minor,
                generation: new_generation(),
                base_down: Total::default(),
                base_up: Total::default(),
            };
        }
        self.table.free.clear();
        self.changed = true;
    }

    /// Frees the class of a line whose last counters are sealed.
    pub fn release(&mut self, handle: u32) {
        if let Some(class) = self.table.lines.remove(&handle) {
            self.table.free.push(class.minor);
            self.changed = true;
        }
    }

    /// Makes the assignments durable. Call before the kernel is changed accordingly.
    pub fn save(&mut self) -> Result<(), Error> {
        if !self.changed {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&self.table).map_err(std::io::Error::from)?;
        let fresh = self.file.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.file)?;
        if let Some(folder) = self.file.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.changed = false;
        Ok(())
    }

    /// Forgets everything, also on disk.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.table.lines.clear();
        self.table.free.clear();
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_restart_finds_the_same_classes_and_another_boot_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot-1").unwrap();
        let minor = classes.assign(7, generation(1), |_| None).unwrap();
        classes.save().unwrap();
        assert_eq!(Classes::open(folder.path(), "boot-1").unwrap().get(7).unwrap().minor, minor);
        assert!(Classes::open(folder.path(), "boot-2").unwrap().get(7).is_none());
    }

    #[test]
    fn a_reused_class_counts_from_where_it_stood() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minor = classes.assign(1, generation(1), |_| None).unwrap();
        classes.release(1);
        let stood = Total { bytes: 500, packets: 5 };
        assert_eq!(classes.assign(2, generation(2), |_| Some((stood, stood))), Some(minor));
        assert_eq!(classes.get(2).unwrap().base_down, stood);
        assert_ne!(classes.assign(3, generation(3), |_| None), Some(minor));
    }
}
