//! Which HTB class counts for which line, on disk before it is in the kernel.
//!
//! A kill at any point then loses nothing and doubles nothing: the restarted agent finds the same classes under the
//! same generations and goes on reading. A reused class begins a new generation at the value it had.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tree::is_for_lines;
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
    taken: BTreeSet<u16>,
    changed: bool,
}

/// What the kernel's class of a minor counted toward and from the subscriber; `None` where the port has no such class.
pub type Held = (Option<Total>, Option<Total>);

impl Classes {
    /// Reads the assignments; those of another boot are worth nothing, its counters are gone.
    pub fn open(state_dir: &Path, boot_id: &str) -> Result<Self, Error> {
        let file = state_dir.join("classes.json");
        let stored = match std::fs::read(&file) {
            Ok(bytes) => serde_json::from_slice::<Table>(&bytes).ok(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let mut table = stored.filter(|table| table.boot_id == boot_id).unwrap_or_else(|| Table {
            boot_id: boot_id.to_owned(),
            lines: BTreeMap::new(),
            free: Vec::new(),
        });
        // An agent of before may have given lines what is a part's now.
        table.lines.retain(|_, class| is_for_lines(class.minor));
        table.free.retain(|minor| is_for_lines(*minor));
        let taken = table.lines.values().map(|class| class.minor).chain(table.free.iter().copied()).collect();
        Ok(Self { file, table, taken, changed: false })
    }

    /// The class of a line.
    pub fn get(&self, handle: u32) -> Option<&Class> {
        self.table.lines.get(&handle)
    }

    /// Every line with a class.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Class)> {
        self.table.lines.iter().map(|(handle, class)| (*handle, class))
    }

    /// Gives a line a class, and a new generation where the kernel's counters began anew.
    ///
    /// `held` tells what the kernel has of a minor. A side that survived goes on from `read`, what was last read of it
    /// under the old generation: what was counted then is never counted again. Answers `None` when all classes are taken.
    pub fn assign(
        &mut self,
        handle: u32,
        mut new_generation: impl FnMut() -> Uuid,
        mut held: impl FnMut(u16) -> Result<Held, Error>,
        read: Option<(Total, Total)>,
    ) -> Result<Option<u16>, Error> {
        let known = self.table.lines.get(&handle).map(|class| class.minor);
        let Some(minor) = known.or_else(|| self.table.free.last().copied()).or_else(|| self.unused()) else {
            return Ok(None);
        };
        // Before anything is given: where the kernel does not answer, nothing is.
        let (down, up) = held(minor)?;
        if known.is_some() && down.is_some() && up.is_some() {
            return Ok(Some(minor));
        }
        self.table.free.pop_if(|free| *free == minor);
        // A value below the one read belongs to a class made since.
        let base = |now: Option<Total>, read: Option<Total>| {
            let now = now.unwrap_or_default();
            read.filter(|read| read.bytes <= now.bytes && read.packets <= now.packets).unwrap_or(now)
        };
        let read = read.filter(|_| known.is_some());
        let base_down = base(down, read.map(|read| read.0));
        let base_up = base(up, read.map(|read| read.1));
        self.table.lines.insert(handle, Class { minor, generation: new_generation(), base_down, base_up });
        self.taken.insert(minor);
        self.changed = true;
        Ok(Some(minor))
    }

    /// A minor nobody ever had, before those between.
    fn unused(&self) -> Option<u16> {
        let usable = |minor: &u16| is_for_lines(*minor) && !self.taken.contains(minor);
        let after = self.taken.last().map_or(MINOR_FIRST, |last| last.saturating_add(1));
        (after..=MINOR_LAST).find(usable).or_else(|| (MINOR_FIRST..=MINOR_LAST).find(usable))
    }

    /// Frees the classes of lines not wanted any more that the kernel lost: they have nothing left to tell.
    pub fn release_lost(&mut self, wanted: &BTreeSet<u32>, held: impl Fn(u16) -> Held) {
        let lost = |handle: &u32, class: &Class| {
            let (down, up) = held(class.minor);
            !wanted.contains(handle) && (down.is_none() || up.is_none())
        };
        let lost: Vec<u32> =
            self.table.lines.iter().filter(|(handle, class)| lost(handle, class)).map(|(handle, _)| *handle).collect();
        for handle in lost {
            self.release(handle);
        }
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
        self.taken.clear();
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

    fn total(bytes: u64) -> Total {
        Total { bytes, packets: bytes / 100 }
    }

    #[test]
    fn a_restart_finds_the_same_classes_and_another_boot_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot-1").unwrap();
        let minor = classes.assign(7, || generation(1), |_| Ok((None, None)), None).unwrap().unwrap();
        classes.save().unwrap();
        assert_eq!(Classes::open(folder.path(), "boot-1").unwrap().get(7).unwrap().minor, minor);
        assert!(Classes::open(folder.path(), "boot-2").unwrap().get(7).is_none());
    }

    #[test]
    fn a_reused_class_counts_from_where_each_side_stood() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minor = classes.assign(1, || generation(1), |_| Ok((None, None)), None).unwrap().unwrap();
        classes.release(1);
        assert_eq!(classes.assign(2, || generation(2), |_| Ok((None, Some(total(500)))), None).unwrap(), Some(minor));
        let class = classes.get(2).unwrap();
        assert_eq!((class.base_down, class.base_up), (total(0), total(500)));
        assert_ne!(classes.assign(3, || generation(3), |_| Ok((None, None)), None).unwrap(), Some(minor));
    }

    #[test]
    fn a_side_that_survived_goes_on_from_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        classes.assign(1, || generation(1), |_| Ok((None, None)), None).unwrap();
        let both = |_| Ok((Some(total(100)), Some(total(900))));
        classes.assign(1, || generation(2), both, None).unwrap();
        assert_eq!(classes.get(1).unwrap().generation, generation(1), "nothing was lost");
        classes.assign(1, || generation(3), |_| Ok((None, Some(total(900)))), Some((total(100), total(800)))).unwrap();
        let class = classes.get(1).unwrap();
        assert_eq!((class.generation, class.base_down, class.base_up), (generation(3), total(0), total(800)));
    }

    #[test]
    fn a_kernel_that_does_not_answer_gives_no_class_and_takes_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minor = classes.assign(1, || generation(1), |_| Ok((None, None)), None).unwrap();
        classes.release(1);
        let silent = |_| Err(Error::Netlink("no buffer space".into()));
        classes.assign(2, || generation(2), silent, None).unwrap_err();
        assert_eq!(classes.get(2), None);
        let counted = |_| Ok((Some(total(70)), Some(total(80))));
        assert_eq!(classes.assign(2, || generation(3), counted, None).unwrap(), minor);
        assert_eq!(classes.get(2).unwrap().base_down, total(70));
    }

    #[test]
    fn no_line_gets_a_handle_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minors: BTreeSet<u16> = (1..=u32::from(u16::MAX))
            .filter_map(|handle| classes.assign(handle, || generation(1), |_| Ok((None, None)), None).unwrap())
            .collect();
        assert!(minors.iter().all(|minor| is_for_lines(*minor)));
        assert_eq!(minors.len(), (MINOR_FIRST..=MINOR_LAST).filter(|minor| is_for_lines(*minor)).count());
    }
}
