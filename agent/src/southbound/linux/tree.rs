//! How a port's tree is laid out: which class hangs where. Pure.
//!
//! The kernel makes a class in time proportional to the classes of its qdisc, so tens of thousands in one take minutes.
//! A sharded tree has them in parts, each an HTB of its own inside a class of the root, chosen by a BPF program
//! ([`super::bpf`]); the port's capacity still holds for all of them together. A line's minor is its own in the whole
//! tree, whatever the layout: the number says which shard it is in.

use serde::{Deserialize, Serialize};

use super::htb::Request;
use super::tc::{Link, Speed};

/// Major of our root qdisc; tells our tree from anybody else's.
pub const MAJOR: u16 = 0x7765;
/// Parts of a sharded tree; their majors follow ours.
pub const SHARDS: u16 = 16;
/// From so many lines on a new tree is sharded: fewer are made in no time, and one part forwards faster than many.
pub const SHARDED_FROM: usize = 2_000;

/// The class of each part that all its others hang under: the port's capacity.
const MINOR_ROOT: u16 = 1;
/// The class of each part for everybody who has none: the router itself, unknown hosts.
pub const MINOR_DEFAULT: u16 = 0xffff;

/// The layout of a port's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// All lines in one qdisc.
    #[default]
    Flat,
    /// Lines in parts.
    Sharded(Dealing),
}

/// Which part of a sharded tree a minor is in. One for all classes of a boot: a class cannot be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dealing {
    /// By the last four bits, as agents did that stored nothing of it. The kernel finds classes by a hash that folds these
    /// bits onto others, and a part has them all alike: chains grow long, and every packet walks one.
    #[default]
    LastBits,
    /// By bits folded so that the minors of a part, dealt in order, each have a place of their own in that hash.
    Folded,
}

impl Dealing {
    /// The part, 0.. below [`SHARDS`].
    pub fn part(self, minor: u16) -> u16 {
        let folded = match self {
            Self::LastBits => minor,
            Self::Folded => minor ^ minor >> 4 ^ minor >> 12,
        };
        folded % SHARDS
    }
}

/// Where a class hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The class of a node; none = the port's.
    pub under: Option<u16>,
    /// The part its minor must be dealt to, to be in one with that.
    pub part: Option<u16>,
}

/// What the nodes in each part are promised together, bits per second of layer 3.
pub type Committed = [u64; SHARDS as usize];

/// The kernel's name of a class or, with minor 0, of a qdisc.
pub const fn class_id(major: u16, minor: u16) -> u32 {
    (major as u32) << 16 | minor as u32
}

/// Whether a class is one of a tree of ours.
pub fn is_ours(class: u32) -> bool {
    (u32::from(MAJOR)..=u32::from(MAJOR + SHARDS)).contains(&(class >> 16))
}

/// Whether a minor is free for lines: a queue's handle is its class's minor, and must not be a qdisc's of ours.
pub fn is_for_lines(minor: u16) -> bool {
    !(MAJOR..=MAJOR + SHARDS).contains(&minor)
}

impl Layout {
    /// The class of a line.
    pub fn line(self, minor: u16) -> u32 {
        class_id(self.part(minor), minor)
    }

    /// What the class of a line or a node hangs under: the class of a node, or all that its part may send.
    pub fn parent(self, minor: u16, under: Option<u16>) -> u32 {
        class_id(self.part(minor), under.unwrap_or(MINOR_ROOT))
    }

    /// Where the class of what hangs on this node, or on the port, can be.
    pub fn spot(self, under: Option<u16>) -> Spot {
        let part = match self {
            Self::Flat => None,
            Self::Sharded(dealing) => under.map(|under| dealing.part(under)),
        };
        Spot { under, part }
    }

    fn part(self, minor: u16) -> u16 {
        match self {
            Self::Flat => MAJOR,
            Self::Sharded(dealing) => MAJOR + 1 + dealing.part(minor),
        }
    }

    /// Majors of all its parts.
    pub fn majors(self) -> impl Iterator<Item = u16> {
        std::iter::once(MAJOR).chain(self.shards())
    }

    /// Whether packets leave from a class: it is a line's, or for those who have none.
    pub fn is_last(self, class: u32) -> bool {
        let minor = class & 0xffff;
        minor != u32::from(MINOR_ROOT) && !self.shards().any(|shard| class_id(MAJOR, shard) == class)
    }

    fn shards(self) -> std::ops::Range<u16> {
        match self {
            Self::Flat => 0..0,
            Self::Sharded(_) => MAJOR + 1..MAJOR + 1 + SHARDS,
        }
    }

    /// What makes this tree on a port, but for the program that chooses a shard.
    pub fn plant(self, link: Link, capacity_bps: u64) -> Vec<Request> {
        let mut requests = vec![Request::Root];
        requests.extend(trunk(MAJOR, link, capacity_bps));
        for shard in self.shards() {
            requests.push(branch(shard, link, capacity_bps, &Committed::default()));
            requests.push(Request::Part { major: shard, class: class_id(MAJOR, shard) });
            requests.extend(trunk(shard, link, capacity_bps));
        }
        requests
    }

    /// The classes that carry a port's capacity, as they should be; bits per second of layer 3, 0 = no limit.
    pub fn capacity(self, link: Link, capacity_bps: u64, committed: &Committed) -> Vec<Request> {
        let branches = self.shards().map(|shard| branch(shard, link, capacity_bps, committed));
        self.majors().flat_map(|major| trunk(major, link, capacity_bps)).chain(branches).collect()
    }
}

/// The classes that are in every part: all it may send, and those who have no class of their own.
fn trunk(major: u16, link: Link, capacity_bps: u64) -> [Request; 2] {
    let (root, all, others) = (class_id(major, 0), class_id(major, MINOR_ROOT), class_id(major, MINOR_DEFAULT));
    [
        Request::Class { id: all, parent: root, speed: Speed::of_port(link, capacity_bps) },
        Request::Class { id: others, parent: all, speed: Speed::of_others(link, capacity_bps) },
    ]
}

/// The class a shard is in.
fn branch(shard: u16, link: Link, capacity_bps: u64, committed: &Committed) -> Request {
    let (id, parent) = (class_id(MAJOR, shard), class_id(MAJOR, MINOR_ROOT));
    let committed_bps = committed.get(usize::from(shard - MAJOR - 1)).copied().unwrap_or_default();
    Request::Class { id, parent, speed: Speed::of_shard(link, capacity_bps, committed_bps) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_line_is_in_one_part_and_parts_share_them_evenly() {
        assert_eq!(Layout::Flat.line(0x10), 0x7765_0010);
        for dealing in [Dealing::LastBits, Dealing::Folded] {
            let ids: Vec<u32> = (0x10..0x110).map(|minor| Layout::Sharded(dealing).line(minor)).collect();
            let parts: BTreeSet<u32> = ids.iter().map(|id| id >> 16).collect();
            assert_eq!(parts.len(), usize::from(SHARDS));
            assert!(ids.iter().all(|id| is_ours(*id)) && !is_ours(0x7776_0010) && !is_ours(0x1_0010));
            for part in parts {
                assert_eq!(ids.iter().filter(|id| **id >> 16 == part).count(), 16);
            }
        }
    }

    #[test]
    fn every_class_of_a_part_has_a_place_of_its_own_in_the_kernels_hash() {
        // `qdisc_class_hash` and `qdisc_class_hash_grow` of the kernel's sch_generic.h and sch_api.c.
        let hash = |id: u32| {
            let id = id ^ id >> 8;
            id ^ id >> 4
        };
        for lines in [2_000, 10_000, 50_000] {
            let mut parts = vec![Vec::new(); usize::from(SHARDS)];
            for minor in 0x10..0x10 + lines {
                parts[usize::from(Dealing::Folded.part(minor))].push(Layout::Sharded(Dealing::Folded).line(minor));
            }
            for ids in parts {
                let places = (ids.len() * 4 / 3).next_power_of_two() as u32;
                let taken: BTreeSet<u32> = ids.iter().map(|id| hash(*id) & (places - 1)).collect();
                assert_eq!(taken.len(), ids.len());
            }
        }
    }

    #[test]
    fn packets_leave_from_lines_and_from_the_class_of_the_others() {
        let link = Link { index: 1, header: 14 };
        for layout in [Layout::Flat, Layout::Sharded(Dealing::Folded)] {
            let trunk = layout.capacity(link, 0, &Committed::default());
            let last = trunk.iter().filter_map(|request| request.class()).filter(|(class, _)| layout.is_last(*class));
            assert_eq!(last.count(), layout.majors().count());
            assert!(layout.is_last(layout.line(0x10)));
        }
    }

    #[test]
    fn no_handle_is_given_twice() {
        let link = Link { index: 1, header: 14 };
        let classes = Layout::Sharded(Dealing::Folded).capacity(link, 0, &Committed::default());
        let ids: BTreeSet<u32> = classes.iter().filter_map(|request| request.class()).map(|(id, _)| id).collect();
        assert_eq!(ids.len(), classes.len());
        assert!(
            (1..=u16::MAX)
                .filter(|minor| is_for_lines(*minor))
                .all(|minor| !ids.contains(&class_id(MAJOR, minor)) || [MINOR_ROOT, MINOR_DEFAULT].contains(&minor))
        );
    }
}
