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

use super::tree::{Dealing, SHARDS, Spot, is_for_lines};
use crate::memory;
use crate::southbound::{Error, Total};

/// First minor for lines; those below are for the tree's own nodes.
const MINOR_FIRST: u16 = 0x10;
/// Last minor for lines; `ffff` is for everybody else.
const MINOR_LAST: u16 = 0xfff0;

/// Whether a minor can be a line's or a node's.
pub fn is_assignable(minor: u16) -> bool {
    (MINOR_FIRST..=MINOR_LAST).contains(&minor) && is_for_lines(minor)
}

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
    /// The class of the node it hangs under; none = the port's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<u16>,
}

/// A node's class, the same minor on both ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct NodeClass {
    minor: u16,
    under: Option<u16>,
}

/// All assignments of this boot.
#[derive(Debug, Serialize, Deserialize)]
struct Table {
    boot_id: String,
    #[serde(default)]
    dealing: Dealing,
    lines: BTreeMap<u32, Class>,
    /// Classes nobody uses any more, kept in the kernel for reuse: deleting one walks them all.
    free: Vec<u16>,
    #[serde(default)]
    nodes: BTreeMap<Uuid, NodeClass>,
    /// Classes that lines have left for another place in the tree, until their last counters are sealed.
    #[serde(default)]
    left: Vec<(u32, Class)>,
    /// Nodes nobody wants any more, or not there, until nothing hangs on them.
    #[serde(default)]
    bare: Vec<NodeClass>,
}

/// The assignments, and the file they live in.
#[derive(Debug)]
pub struct Classes {
    file: PathBuf,
    table: Table,
    taken: BTreeSet<u16>,
    /// Where the search for an unused minor goes on.
    next: u16,
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
            dealing: Dealing::Folded,
            lines: BTreeMap::new(),
            free: Vec::new(),
            nodes: BTreeMap::new(),
            left: Vec::new(),
            bare: Vec::new(),
        });
        // An agent of before may have given lines what is a part's now.
        table.lines.retain(|_, class| is_for_lines(class.minor));
        table.free.retain(|minor| is_for_lines(*minor));
        let mut classes = Self { file, table, taken: BTreeSet::new(), next: MINOR_FIRST, changed: false };
        classes.taken = classes.hung().map(|(minor, _)| minor).chain(classes.table.free.iter().copied()).collect();
        if classes.taken.is_empty() {
            classes.table.dealing = Dealing::Folded;
        }
        classes.next = classes.taken.last().map_or(MINOR_FIRST, |last| last.saturating_add(1));
        Ok(classes)
    }

    /// How minors are dealt to the parts of a sharded tree.
    pub fn dealing(&self) -> Dealing {
        self.table.dealing
    }

    /// The class of a line.
    pub fn get(&self, handle: u32) -> Option<&Class> {
        self.table.lines.get(&handle)
    }

    /// Every line with a class.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Class)> {
        self.table.lines.iter().map(|(handle, class)| (*handle, class))
    }

    /// The minor of a wanted node.
    pub fn node(&self, id: Uuid) -> Option<u16> {
        self.table.nodes.get(&id).map(|class| class.minor)
    }

    /// Every class lines have left whose last counters are not sealed yet, by line.
    pub fn left(&self) -> impl Iterator<Item = (u32, &Class)> {
        self.table.left.iter().map(|(handle, class)| (*handle, class))
    }

    /// Every minor in use, and the node's it hangs under.
    pub fn hung(&self) -> impl Iterator<Item = (u16, Option<u16>)> {
        let lines = self.table.lines.values().chain(self.table.left.iter().map(|(_, class)| class));
        let nodes = self.table.nodes.values().chain(&self.table.bare);
        lines.map(|class| (class.minor, class.under)).chain(nodes.map(|class| (class.minor, class.under)))
    }

    /// Whether everything is in one part of a sharded tree with what it hangs under.
    pub fn fit_in_parts(&self) -> bool {
        self.hung().all(|(minor, under)| under.is_none_or(|under| self.part(under) == self.part(minor)))
    }

    /// The part of a sharded tree a minor is in.
    pub fn part(&self, minor: u16) -> u16 {
        self.table.dealing.part(minor)
    }

    /// The part of a sharded tree with the fewest classes.
    pub fn emptiest_part(&self) -> u16 {
        let mut filled = [0u32; SHARDS as usize];
        self.taken.iter().for_each(|minor| filled[usize::from(self.part(*minor))] += 1);
        (0..SHARDS).min_by_key(|part| filled[usize::from(*part)]).unwrap_or_default()
    }

    /// Gives a node a class; another one if it is to hang elsewhere, for none can be moved. `None` when all are taken.
    pub fn assign_node(&mut self, id: Uuid, spot: Spot) -> Option<u16> {
        if let Some(known) = self.table.nodes.get(&id).filter(|class| class.under == spot.under) {
            return Some(known.minor);
        }
        let minor = self.unused(spot.part)?;
        self.take(minor);
        let before = self.table.nodes.insert(id, NodeClass { minor, under: spot.under });
        self.table.bare.extend(before);
        Some(minor)
    }

    /// Nodes that are not wanted any more are bare from now on.
    pub fn keep_nodes(&mut self, wanted: impl Fn(&Uuid) -> bool) {
        let gone: Vec<NodeClass> =
            self.table.nodes.extract_if(.., |id, _| !wanted(id)).map(|(_, class)| class).collect();
        self.changed |= !gone.is_empty();
        self.table.bare.extend(gone);
    }

    /// Gives up bare nodes with nothing under them; their classes are to be taken from the kernel, in this order.
    pub fn take_bare(&mut self) -> Vec<u16> {
        let mut gone = Vec::new();
        loop {
            let over: BTreeSet<u16> = self.hung().filter_map(|(_, under)| under).collect();
            let done = self.table.bare.extract_if(.., |class| !over.contains(&class.minor));
            let minors: Vec<u16> = done.map(|class| class.minor).collect();
            if minors.is_empty() {
                return gone;
            }
            self.give_back(&minors);
            gone.extend(minors);
        }
    }

    /// Gives a line a class at this spot, and a new generation where the kernel's counters began anew.
    ///
    /// `held` tells what the kernel has of a minor. A side that survived goes on from `read`, what was last read of it
    /// under the old generation: what was counted then is never counted again. A line that is to hang elsewhere gets
    /// another class; the old one is among those [`Classes::left`]. Answers `None` when all classes are taken: then the
    /// line has what it had.
    pub fn assign(
        &mut self,
        handle: u32,
        spot: Spot,
        mut new_generation: impl FnMut() -> Uuid,
        mut held: impl FnMut(u16) -> Result<Held, Error>,
        read: Option<(Total, Total)>,
    ) -> Result<Option<u16>, Error> {
        let known = self.table.lines.get(&handle).filter(|class| class.under == spot.under).map(|class| class.minor);
        // What is free hangs under the port.
        let free = self.table.free.last().copied().filter(|_| spot.under.is_none());
        let Some(minor) = known.or(free).or_else(|| self.unused(spot.part)) else { return Ok(None) };
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
        let class = Class { minor, generation: new_generation(), base_down, base_up, under: spot.under };
        if let Some(before) = self.table.lines.insert(handle, class).filter(|before| before.minor != minor) {
            self.table.left.push((handle, before));
        }
        self.take(minor);
        Ok(Some(minor))
    }

    /// A minor nobody has, of this part if it must be of one; those nobody ever had before those between.
    fn unused(&self, part: Option<u16>) -> Option<u16> {
        let usable = |minor: &u16| {
            part.is_none_or(|part| self.part(*minor) == part) && is_for_lines(*minor) && !self.taken.contains(minor)
        };
        (self.next..=MINOR_LAST).find(usable).or_else(|| (MINOR_FIRST..=MINOR_LAST).find(usable))
    }

    fn take(&mut self, minor: u16) {
        self.taken.insert(minor);
        // Looked for in a part, a minor may be far ahead: those between are still for the others.
        while self.next <= MINOR_LAST && (self.taken.contains(&self.next) || !is_for_lines(self.next)) {
            self.next += 1;
        }
        self.changed = true;
    }

    fn give_back(&mut self, minors: &[u16]) {
        self.taken.retain(|minor| !minors.contains(minor));
        self.changed |= !minors.is_empty();
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
        let gone = |(down, up): Held| down.is_none() || up.is_none();
        let left: Vec<Uuid> =
            self.left().filter(|(_, class)| gone(held(class.minor))).map(|(_, class)| class.generation).collect();
        for generation in left {
            self.leave(generation);
        }
    }

    /// Frees the class of a line whose last counters are sealed. Answers which are to be taken from the kernel: those
    /// that do not hang under the port are of no use to others.
    pub fn release(&mut self, handle: u32) -> Vec<u16> {
        let left = self.table.left.extract_if(.., |(of, _)| *of == handle);
        let mut gone: Vec<u16> = left.map(|(_, class)| class.minor).collect();
        if let Some(class) = self.table.lines.remove(&handle) {
            match class.under {
                Some(_) => gone.push(class.minor),
                None => self.table.free.push(class.minor),
            }
            self.changed = true;
        }
        self.give_back(&gone);
        gone
    }

    /// Gives up a class a line has left, whose last counters are sealed; it is to be taken from the kernel.
    pub fn leave(&mut self, generation: Uuid) -> Option<u16> {
        let at = self.table.left.iter().position(|(_, class)| class.generation == generation)?;
        let (_, class) = self.table.left.swap_remove(at);
        self.give_back(&[class.minor]);
        Some(class.minor)
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
        memory::pack(&mut self.table.lines);
        Ok(())
    }

    /// Forgets everything, also on disk.
    pub fn clear(&mut self) -> Result<(), Error> {
        self.table.lines.clear();
        self.table.free.clear();
        self.table.nodes.clear();
        self.table.left.clear();
        self.table.bare.clear();
        self.table.dealing = Dealing::Folded;
        self.taken.clear();
        self.next = MINOR_FIRST;
        match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PORT: Spot = Spot { under: None, part: None };

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
        let minor = classes.assign(7, PORT, || generation(1), |_| Ok((None, None)), None).unwrap().unwrap();
        classes.save().unwrap();
        assert_eq!(Classes::open(folder.path(), "boot-1").unwrap().get(7).unwrap().minor, minor);
        assert!(Classes::open(folder.path(), "boot-2").unwrap().get(7).is_none());
    }

    #[test]
    fn a_reused_class_counts_from_where_each_side_stood() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minor = classes.assign(1, PORT, || generation(1), |_| Ok((None, None)), None).unwrap().unwrap();
        classes.release(1);
        assert_eq!(
            classes.assign(2, PORT, || generation(2), |_| Ok((None, Some(total(500)))), None).unwrap(),
            Some(minor)
        );
        let class = classes.get(2).unwrap();
        assert_eq!((class.base_down, class.base_up), (total(0), total(500)));
        assert_ne!(classes.assign(3, PORT, || generation(3), |_| Ok((None, None)), None).unwrap(), Some(minor));
    }

    #[test]
    fn a_side_that_survived_goes_on_from_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        classes.assign(1, PORT, || generation(1), |_| Ok((None, None)), None).unwrap();
        let both = |_| Ok((Some(total(100)), Some(total(900))));
        classes.assign(1, PORT, || generation(2), both, None).unwrap();
        assert_eq!(classes.get(1).unwrap().generation, generation(1), "nothing was lost");
        classes
            .assign(1, PORT, || generation(3), |_| Ok((None, Some(total(900)))), Some((total(100), total(800))))
            .unwrap();
        let class = classes.get(1).unwrap();
        assert_eq!((class.generation, class.base_down, class.base_up), (generation(3), total(0), total(800)));
    }

    #[test]
    fn a_kernel_that_does_not_answer_gives_no_class_and_takes_none() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minor = classes.assign(1, PORT, || generation(1), |_| Ok((None, None)), None).unwrap();
        classes.release(1);
        let silent = |_| Err(Error::Netlink("no buffer space".into()));
        classes.assign(2, PORT, || generation(2), silent, None).unwrap_err();
        assert_eq!(classes.get(2), None);
        let counted = |_| Ok((Some(total(70)), Some(total(80))));
        assert_eq!(classes.assign(2, PORT, || generation(3), counted, None).unwrap(), minor);
        assert_eq!(classes.get(2).unwrap().base_down, total(70));
    }

    #[test]
    fn no_line_gets_a_handle_of_the_tree() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let minors: BTreeSet<u16> = (1..=u32::from(u16::MAX))
            .filter_map(|handle| classes.assign(handle, PORT, || generation(1), |_| Ok((None, None)), None).unwrap())
            .collect();
        assert!(minors.iter().all(|minor| is_for_lines(*minor)));
        assert_eq!(minors.len(), (MINOR_FIRST..=MINOR_LAST).filter(|minor| is_for_lines(*minor)).count());
    }

    #[test]
    fn classes_that_stand_stay_in_the_parts_they_were_dealt_to() {
        let folder = tempfile::tempdir().unwrap();
        let before = r#"{"boot_id":"boot","lines":{},"free":[16]}"#;
        std::fs::write(folder.path().join("classes.json"), before).unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        assert_eq!(classes.dealing(), Dealing::LastBits);
        classes.assign(1, PORT, || generation(1), |_| Ok((None, None)), None).unwrap();
        classes.save().unwrap();
        assert_eq!(Classes::open(folder.path(), "boot").unwrap().dealing(), Dealing::LastBits);
        let mut classes = Classes::open(folder.path(), "another boot").unwrap();
        assert_eq!(classes.dealing(), Dealing::Folded);
        classes.assign(1, PORT, || generation(2), |_| Ok((None, None)), None).unwrap();
        classes.save().unwrap();
        assert_eq!(Classes::open(folder.path(), "another boot").unwrap().dealing(), Dealing::Folded);
    }

    #[test]
    fn a_line_that_hangs_elsewhere_leaves_its_class_until_it_is_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        let (site, access_point) = (generation(8), generation(9));
        let top = classes.assign_node(site, PORT).unwrap();
        let node = classes.assign_node(access_point, Spot { under: Some(top), part: None }).unwrap();
        let none = |_| Ok((None, None));
        let old = classes.assign(1, PORT, || generation(1), none, None).unwrap().unwrap();
        let behind = Spot { under: Some(node), part: Some(classes.part(node)) };
        let new = classes.assign(1, behind, || generation(2), none, None).unwrap().unwrap();
        assert_eq!((classes.part(new), new == old), (classes.part(node), false));
        assert_eq!(classes.get(1).unwrap().generation, generation(2));
        classes.save().unwrap();

        let mut classes = Classes::open(folder.path(), "boot").unwrap();
        assert!(classes.fit_in_parts() || classes.part(top) != classes.part(node));
        let left: Vec<(u32, u16)> = classes.left().map(|(handle, class)| (handle, class.minor)).collect();
        assert_eq!(left, [(1, old)]);
        assert_ne!(classes.assign(2, PORT, || generation(3), none, None).unwrap(), Some(old), "it is still counted");
        assert_eq!(classes.leave(generation(1)), Some(old));
        assert_eq!(classes.leave(generation(1)), None);

        // Nodes go once nothing hangs on them, from the bottom.
        classes.keep_nodes(|_| false);
        assert_eq!(classes.take_bare(), Vec::<u16>::new());
        assert_eq!(classes.release(1), [new]);
        assert_eq!(classes.take_bare(), [node, top]);
    }
}
