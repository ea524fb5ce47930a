//! How much a gateway may make this router keep. Pure.
//!
//! Far above what any router carries, and far below what would hurt one: a cloud gone mad, or somebody in its place,
//! must not fill a router's memory or disk.

use weir_protocol::state::Down;

/// Objects held at once.
pub const OBJECTS_MAX: usize = 100_000;
/// Bytes of one object's body: some thousands of prefixes or cut points.
pub const BODY_MAX: usize = 128 * 1024;
/// Bytes of an object's id.
const ID: usize = 16;

/// Why a change is refused before anything of it is kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It would make too many objects.
    #[error("{0} objects are more than the {OBJECTS_MAX} a router keeps")]
    Objects(usize),
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

/// Checks a change offered to a store that holds `held` objects.
pub fn check(change: &Down, held: usize) -> Result<(), Error> {
    let before = if change.snapshot { 0 } else { held };
    let after = before.saturating_add(change.upserts.len());
    if after > OBJECTS_MAX && change.upserts.len() > change.removes.len() {
        return Err(Error::Objects(after));
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

#[cfg(test)]
mod tests {
    use super::*;
    use weir_protocol::state::{Object, ObjectKey};

    fn change(upserts: usize, body: usize, id: usize) -> Down {
        let object = Object { kind: 2, id: vec![1; id], revision: 1, body: vec![0; body] };
        Down { lineage: vec![5; ID], upserts: vec![object; upserts], ..Down::default() }
    }

    #[test]
    fn what_would_hurt_a_router_is_refused_with_its_size() {
        assert_eq!(check(&change(10, 100, ID), 50_000), Ok(()));
        assert_eq!(check(&change(1, 0, ID), OBJECTS_MAX), Err(Error::Objects(OBJECTS_MAX + 1)));
        assert_eq!(check(&Down { snapshot: true, ..change(1, 0, ID) }, OBJECTS_MAX), Ok(()));
        assert_eq!(check(&change(1, BODY_MAX + 1, ID), 0), Err(Error::Body(BODY_MAX + 1)));
        assert_eq!(check(&change(1, 0, 3), 0), Err(Error::Id(3)));
        let key = ObjectKey { kind: 2, id: Vec::new() };
        assert_eq!(check(&Down { removes: vec![key], ..change(0, 0, ID) }, 0), Err(Error::Id(0)));
        assert_eq!(check(&Down { lineage: Vec::new(), ..change(0, 0, ID) }, 0), Err(Error::Lineage(0)));
    }
}
