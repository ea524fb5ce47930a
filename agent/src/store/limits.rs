//! How much a gateway may make this router keep. Pure.
//!
//! Far above what any router carries, and far below what would hurt one: a cloud gone mad, or somebody in its place,
//! must not fill a router's memory or disk.

use super::guard::Taken;
use weir_protocol::state::Down;

/// Objects held at once.
pub const OBJECTS_MAX: usize = 100_000;
/// Bytes of one object's body: some thousands of prefixes or cut points.
pub const BODY_MAX: usize = 128 * 1024;
/// Bytes of all bodies together.
pub const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Lines that are taken away at once without anybody's confirmation, however many there are.
const REMOVED_FEW: usize = 20;
/// From so many lines on they are not, however many there are.
const REMOVED_MANY: usize = 1_000;
/// Lines that are taken away or may do less at once, however many there are.
const TAKEN_FEW: usize = 50;
/// More than one part in this many of what is held is not few.
const TAKEN_SHARE: usize = 5;
/// Bytes of an object's id.
const ID: usize = 16;

/// Why a change is refused before anything of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It would make too many objects.
    #[error("{0} objects are more than the {OBJECTS_MAX} a router keeps")]
    Objects(usize),
    /// They would take too much room.
    #[error("{0} bytes of objects are more than the {BYTES_MAX} a router keeps")]
    Bytes(usize),
    /// One object is too large.
    #[error("an object of {0} bytes is larger than the {BODY_MAX} a router keeps")]
    Body(usize),
    /// An object's name is none.
    #[error("an object's id has {0} bytes instead of {ID}")]
    Id(usize),
    /// The lineage is none.
    #[error("a lineage has {0} bytes instead of {ID}")]
    Lineage(usize),
}

/// How much is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Objects.
    pub objects: usize,
    /// Bytes of their bodies.
    pub bytes: usize,
}

/// Checks a change offered to a store that holds so much. What only takes away is never refused.
pub fn check(change: &Down, held: Size) -> Result<(), Error> {
    let held = if change.snapshot { Size::default() } else { held };
    let objects = held.objects.saturating_add(change.upserts.len());
    if !change.upserts.is_empty() && objects > OBJECTS_MAX {
        return Err(Error::Objects(objects));
    }
    let bytes = change.upserts.iter().fold(held.bytes, |bytes, object| bytes.saturating_add(object.body.len()));
    if !change.upserts.is_empty() && bytes > BYTES_MAX {
        return Err(Error::Bytes(bytes));
    }
    if change.lineage.len() != ID {
        return Err(Error::Lineage(change.lineage.len()));
    }
    if let Some(large) = change.upserts.iter().map(|object| object.body.len()).find(|length| *length > BODY_MAX) {
        return Err(Error::Body(large));
    }
    let ids = change.upserts.iter().map(|object| &object.id).chain(change.removes.iter().map(|key| &key.id));
    match ids.map(Vec::len).find(|length| *length != ID) {
        Some(length) => Err(Error::Id(length)),
        None => Ok(()),
    }
}

/// Whether taking so much from lines of so many objects looks like a mistake, or somebody's hand at the cloud: the lines then
/// stay as they are until somebody confirms it.
pub fn is_mass_taking(taken: Taken, of: usize) -> bool {
    let Taken { removed, suspended } = taken;
    let all = removed.saturating_add(suspended);
    let few = removed <= REMOVED_FEW && all <= TAKEN_FEW;
    removed >= REMOVED_MANY || (!few && all.saturating_mul(TAKEN_SHARE) > of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_protocol::state::{Object, ObjectKey};

    fn change(upserts: usize, body: usize, id: usize) -> Down {
        let object = Object { kind: 2, id: vec![1; id], revision: 1, body: vec![0; body], needs_rev: 0 };
        Down { lineage: vec![5; ID], upserts: vec![object; upserts], ..Down::default() }
    }

    #[test]
    fn only_many_lines_at_once_are_too_many() {
        let mass = |removed, suspended, of| is_mass_taking(Taken { removed, suspended }, of);
        for (removed, of, too_many) in [(20, 20, false), (21, 21, true), (100, 600, false), (121, 600, true)] {
            assert_eq!(mass(removed, 0, of), too_many, "{removed} of {of} removed");
        }
        assert!(mass(1_000, 0, 50_000) && !mass(999, 0, 50_000));
        for (removed, suspended, of, too_many) in [
            (0, 50, 50, false),
            (0, 51, 254, true),
            (0, 51, 255, false),
            (0, 1_000, 50_000, false),
            (20, 31, 254, true),
        ] {
            assert_eq!(mass(removed, suspended, of), too_many, "{removed} removed, {suspended} suspended of {of}");
        }
    }

    #[test]
    fn what_would_hurt_a_router_is_refused_with_its_size() {
        let held = |objects, bytes| Size { objects, bytes };
        assert_eq!(check(&change(10, 100, ID), held(50_000, 5_000_000)), Ok(()));
        assert_eq!(check(&change(1, 0, ID), held(OBJECTS_MAX, 0)), Err(Error::Objects(OBJECTS_MAX + 1)));
        assert_eq!(check(&change(1, 9, ID), held(1, BYTES_MAX)), Err(Error::Bytes(BYTES_MAX + 9)));
        assert_eq!(check(&change(0, 0, ID), held(OBJECTS_MAX, BYTES_MAX)), Ok(()));
        let none = Size::default();
        assert_eq!(check(&Down { snapshot: true, ..change(1, 0, ID) }, held(OBJECTS_MAX, 0)), Ok(()));
        assert_eq!(check(&change(1, BODY_MAX + 1, ID), none), Err(Error::Body(BODY_MAX + 1)));
        assert_eq!(check(&change(1, 0, 3), none), Err(Error::Id(3)));
        let key = ObjectKey { kind: 2, id: Vec::new() };
        assert_eq!(check(&Down { removes: vec![key], ..change(0, 0, ID) }, none), Err(Error::Id(0)));
        assert_eq!(check(&Down { lineage: Vec::new(), ..change(0, 0, ID) }, none), Err(Error::Lineage(0)));
    }
}
