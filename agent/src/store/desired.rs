//! The desired state held: objects as received, one snapshot and a log of the deltas since.
//!
//! A change is on disk, whole, before [`Store::accept`] returns. Bodies are never re-encoded: their digest is
//! over the bytes received. Deciding what a body means is [`crate::run::enforce`]'s business, except that the
//! last body of an object that decoded is kept beside a newer one that does not.

use super::disk::{self, Disk};
use super::frame;
use super::limits::{self, Size};
use crate::memory;
use prost::Message;
use std::collections::BTreeMap;
use std::io;
use uuid::Uuid;
use weir_protocol::PROTO_REV;
use weir_protocol::desired::{CutPoints, Kind, Line, Node, Router};
use weir_protocol::hash::{self, Hash};
use weir_protocol::state::{Down, Object};

const SNAPSHOT: &str = "desired";
const FRAME_BASE: u8 = 1;
const FRAME_OBJECT: u8 = 2;
const FRAME_DELTA: u8 = 3;
const FRAME_END: u8 = 4;
const LOG_LIMIT: usize = 1024 * 1024;

/// Names an object, in less room than a [`weir_protocol::state::ObjectKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// [`Kind`].
    pub kind: u32,
    /// Identity within the kind.
    pub id: Uuid,
}

impl Key {
    /// `None` for an id that is none; [`super::limits`] lets no such through.
    pub fn of(kind: u32, id: &[u8]) -> Option<Self> {
        Some(Self { kind, id: Uuid::from_slice(id).ok()? })
    }
}

/// One object as held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Of the newest body.
    pub revision: u64,
    /// The revision of the messages the newest body is for; 0 = any.
    pub needs_rev: u32,
    /// As received last.
    newest: Box<[u8]>,
    /// The last body that decoded, if the newest does not.
    last_good: Option<Box<[u8]>>,
    /// Whether the newest body makes sense to this revision.
    sound: bool,
    /// It was taken away among so many others that it stays until somebody confirms that.
    withheld: bool,
}

impl Held {
    /// An object as received; `last_good` is what to enforce if it makes no sense.
    pub fn of(object: &Object, last_good: Option<&[u8]>) -> Self {
        let sound = object.needs_rev <= PROTO_REV && decodes(object);
        let last_good = last_good.filter(|_| !sound).map(Into::into);
        let Object { revision, needs_rev, .. } = *object;
        Self { revision, needs_rev, newest: object.body.as_slice().into(), last_good, sound, withheld: false }
    }

    /// The body to enforce: the newest, or the last good one; none if there never was one.
    pub fn body(&self) -> Option<&[u8]> {
        if self.sound { Some(&self.newest) } else { self.last_good.as_deref() }
    }

    /// Whether the newest body makes sense to this revision.
    pub fn sound(&self) -> bool {
        self.sound
    }

    /// Whether it stays only until somebody confirms that it and many others go.
    pub fn withheld(&self) -> bool {
        self.withheld
    }

    /// It stays until somebody confirms that it goes.
    pub(crate) fn kept_back(self) -> Self {
        Self { withheld: true, ..self }
    }

    fn digest(&self, key: Key) -> Hash {
        hash::object(key.kind, key.id.as_bytes(), self.revision, &self.newest)
    }
}

/// One object in the snapshot file.
#[derive(Clone, PartialEq, Message)]
struct Stored {
    #[prost(message, required, tag = "1")]
    object: Object,
    #[prost(bytes = "vec", optional, tag = "2")]
    last_good: Option<Vec<u8>>,
    #[prost(bool, tag = "3")]
    withheld: bool,
}

impl Stored {
    fn of(key: Key, held: &Held) -> Self {
        let Held { revision, needs_rev, newest, last_good, withheld, .. } = held;
        let (id, body) = (key.id.as_bytes().to_vec(), newest.to_vec());
        let object = Object { kind: key.kind, id, revision: *revision, body, needs_rev: *needs_rev };
        Self { object, last_good: last_good.as_deref().map(Into::into), withheld: *withheld }
    }
}

/// First frame of the snapshot file.
#[derive(Clone, PartialEq, Message)]
struct Base {
    #[prost(bytes = "vec", tag = "1")]
    lineage: Vec<u8>,
    #[prost(uint64, tag = "2")]
    generation: u64,
    #[prost(uint64, tag = "3")]
    log: u64,
    #[prost(uint64, tag = "4")]
    objects: u64,
}

/// What became of an offered change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// On disk; the generation moved.
    Stored,
    /// The generation moved, in memory only: the disk refuses. [`Store::persist`] tries again.
    Volatile,
    /// It does not build on what is held: say so and expect a snapshot.
    Unfit,
}

/// The objects held and their files.
#[derive(Debug)]
pub struct Store<D> {
    disk: D,
    lineage: Vec<u8>,
    generation: u64,
    digest: Hash,
    objects: BTreeMap<Key, Held>,
    log: u64,
    log_bytes: usize,
    snapshot_bytes: usize,
}

impl<D: Disk> Store<D> {
    /// Reads what is held; a torn last change is as if it never came.
    pub fn open(disk: D) -> io::Result<Self> {
        let mut store = Self {
            disk,
            lineage: Vec::new(),
            generation: 0,
            digest: hash::GENESIS,
            objects: BTreeMap::new(),
            log: 0,
            log_bytes: 0,
            snapshot_bytes: 0,
        };
        store.read_snapshot()?;
        store.read_log()?;
        memory::pack(&mut store.objects);
        Ok(store)
    }

    /// Lineage held, empty if none.
    pub fn lineage(&self) -> &[u8] {
        &self.lineage
    }

    /// Generation held, 0 if none.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// XOR digest of the objects held.
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// The objects held.
    pub fn objects(&self) -> &BTreeMap<Key, Held> {
        &self.objects
    }

    /// How many objects stay only until somebody confirms that they go.
    pub fn withheld(&self) -> usize {
        self.objects.values().filter(|held| held.withheld).count()
    }

    /// How much is held, without what only waits for a confirmation.
    pub fn size(&self) -> Size {
        let live = || self.objects.values().filter(|held| !held.withheld);
        Size { objects: live().count(), bytes: live().map(|held| held.newest.len()).sum() }
    }

    /// Takes a change, whole or not at all. Enforcement goes before durability: a disk that refuses does not
    /// keep a change from being applied.
    pub fn accept(&mut self, change: &Down) -> Accepted {
        let fits = change.snapshot || (change.lineage == self.lineage && change.from_gen == self.generation);
        let digest = digest_after(&self.objects, self.digest, change);
        let agrees = digest.starts_with(&change.digest_after);
        if !fits || (!agrees && !change.snapshot) {
            return Accepted::Unfit;
        }
        if !agrees {
            tracing::error!(generation = change.to_gen, "a snapshot does not add up to its digest; taken all the same");
        }
        let whole = change.snapshot || self.log_bytes > LOG_LIMIT.max(self.snapshot_bytes.saturating_mul(2));
        let appended = if whole { Ok(()) } else { self.append(change) };
        merge(&mut self.objects, change, change.lineage == self.lineage);
        (self.digest, self.generation) = (digest, change.to_gen);
        self.lineage.clone_from(&change.lineage);
        let written = appended.and_then(|()| if whole { self.write_snapshot() } else { Ok(()) });
        match written {
            Ok(()) => Accepted::Stored,
            Err(error) => {
                tracing::error!(%error, "the desired state cannot be written; it is enforced from memory");
                self.log_bytes = usize::MAX;
                Accepted::Volatile
            }
        }
    }

    /// Writes what is held, after [`Accepted::Volatile`].
    pub fn persist(&mut self) -> io::Result<()> {
        self.write_snapshot()
    }

    fn append(&mut self, change: &Down) -> io::Result<()> {
        let name = log_name(self.log);
        let bytes = frame::encode(FRAME_DELTA, &change.encode_to_vec());
        self.disk.append(&name, &bytes).and_then(|()| self.disk.sync(&name))?;
        self.log_bytes = self.log_bytes.saturating_add(bytes.len());
        Ok(())
    }

    fn write_snapshot(&mut self) -> io::Result<()> {
        let log = self.log + 1;
        let objects = self.objects.len() as u64;
        let base = Base { lineage: self.lineage.clone(), generation: self.generation, log, objects };
        let mut bytes = frame::encode(FRAME_BASE, &base.encode_to_vec());
        for (key, held) in &self.objects {
            bytes.extend_from_slice(&frame::encode(FRAME_OBJECT, &Stored::of(*key, held).encode_to_vec()));
        }
        bytes.extend_from_slice(&frame::encode(FRAME_END, &[]));
        self.disk.replace(SNAPSHOT, &bytes)?;
        let _ = self.disk.remove(&log_name(self.log));
        (self.log, self.log_bytes, self.snapshot_bytes) = (log, 0, bytes.len());
        Ok(())
    }

    fn read_snapshot(&mut self) -> io::Result<()> {
        let bytes = match self.disk.read(SNAPSHOT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let (frames, _) = frame::all(&bytes);
        let base = frames.first().filter(|frame| frame.kind == FRAME_BASE);
        let Some(base) = base.and_then(|frame| Base::decode(frame.body).ok()) else {
            tracing::error!("the stored desired state is damaged; asking for all of it again");
            return Ok(());
        };
        // A damaged object is missing from the digest, so the cloud sends everything again.
        for frame in frames.iter().filter(|frame| frame.kind == FRAME_OBJECT) {
            if let Ok(stored) = Stored::decode(frame.body) {
                self.put(&stored);
            }
        }
        let whole = frames.last().is_some_and(|frame| frame.kind == FRAME_END);
        if !whole || self.objects.len() as u64 != base.objects {
            tracing::error!("part of the stored desired state is damaged; enforcing what is left");
        }
        (self.lineage, self.generation, self.log) = (base.lineage, base.generation, base.log);
        self.snapshot_bytes = bytes.len();
        Ok(())
    }

    fn read_log(&mut self) -> io::Result<()> {
        let name = log_name(self.log);
        let bytes = match self.disk.read(&name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let (frames, end) = frame::all(&bytes);
        for change in frames.iter().filter_map(|frame| Down::decode(frame.body).ok()) {
            if change.lineage != self.lineage || change.from_gen != self.generation {
                break;
            }
            self.digest = digest_after(&self.objects, self.digest, &change);
            merge(&mut self.objects, &change, true);
            self.generation = change.to_gen;
        }
        let whole = end == bytes.len() || disk::made(self.disk.truncate(&name, end as u64))?;
        // Nothing may follow a torn end: the next change is written as a snapshot.
        self.log_bytes = if whole { end } else { usize::MAX };
        Ok(())
    }

    fn put(&mut self, Stored { object, last_good, withheld }: &Stored) {
        let Some(key) = Key::of(object.kind, &object.id) else { return };
        if !withheld {
            hash::fold(&mut self.digest, &digest(object));
        }
        self.objects.insert(key, Held { withheld: *withheld, ..Held::of(object, last_good.as_deref()) });
    }
}

/// The digest of all objects once `change` is merged.
fn digest_after(objects: &BTreeMap<Key, Held>, before: Hash, change: &Down) -> Hash {
    let mut after = if change.snapshot { hash::GENESIS } else { before };
    let mut touched: BTreeMap<Key, Option<Hash>> = removed(change).map(|key| (key, None)).collect();
    for object in &change.upserts {
        touched.extend(Key::of(object.kind, &object.id).map(|key| (key, Some(digest(object)))));
    }
    for (key, new) in touched {
        if let (Some(old), false) = (objects.get(&key).filter(|old| !old.withheld), change.snapshot) {
            hash::fold(&mut after, &old.digest(key));
        }
        if let Some(new) = new {
            hash::fold(&mut after, &new);
        }
    }
    after
}

/// Takes a change in. What another lineage has never heard of, nobody could confirm there: it goes at once.
fn merge(objects: &mut BTreeMap<Key, Held>, change: &Down, same_lineage: bool) {
    let before = objects.len();
    let mut gone = if change.snapshot {
        std::mem::take(objects)
    } else {
        removed(change).filter_map(|key| objects.remove_entry(&key)).collect()
    };
    for object in &change.upserts {
        let Some(key) = Key::of(object.kind, &object.id) else { continue };
        let previous = gone.remove(&key).or_else(|| objects.remove(&key));
        objects.insert(key, Held::of(object, previous.as_ref().and_then(Held::body)));
    }
    if change.removals_confirmed || !same_lineage {
        objects.retain(|_, held| !held.withheld);
        return;
    }
    gone.retain(|key, _| key.kind == Kind::Line as u32);
    let fresh = gone.values().filter(|held| !held.withheld).count();
    let waiting = objects.values().chain(gone.values()).filter(|held| held.withheld).count();
    if !limits::is_mass_removal(fresh, before) || waiting + fresh > limits::OBJECTS_MAX {
        gone.retain(|_, held| held.withheld);
    }
    objects.extend(gone.into_iter().map(|(key, held)| (key, held.kept_back())));
}

fn removed(change: &Down) -> impl Iterator<Item = Key> {
    change.removes.iter().filter_map(|key| Key::of(key.kind, &key.id))
}

fn decodes(object: &Object) -> bool {
    let body = object.body.as_slice();
    match Kind::from_u32(object.kind) {
        Some(Kind::Router) => Router::decode(body).is_ok(),
        Some(Kind::Line) => Line::decode(body).is_ok(),
        Some(Kind::CutPoints) => CutPoints::decode(body).is_ok(),
        Some(Kind::Node) => Node::decode(body).is_ok(),
        None => true,
    }
}

fn digest(object: &Object) -> Hash {
    hash::object(object.kind, &object.id, object.revision, &object.body)
}

fn log_name(number: u64) -> String {
    format!("desired-{number:08}.log")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sim::Sim;
    use weir_protocol::state::ObjectKey;

    fn line(n: u8, revision: u64, rate: u64) -> Object {
        let body = Line { handle: u32::from(n), rate_down_bps: rate, ..Line::default() }.encode_to_vec();
        Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body, needs_rev: 0 }
    }

    fn change(from_gen: u64, upserts: Vec<Object>) -> Down {
        let snapshot = from_gen == 0;
        Down { lineage: vec![1; 16], from_gen, to_gen: from_gen + 1, snapshot, upserts, ..Down::default() }
    }

    #[test]
    fn what_is_held_survives_and_the_digest_tells_every_change() {
        let disk = Sim::default();
        let mut store = Store::open(disk.clone()).unwrap();
        assert_eq!(store.accept(&change(0, vec![line(1, 1, 5), line(2, 1, 5)])), Accepted::Stored);
        let first = *store.digest();
        assert_eq!(store.accept(&change(1, vec![line(1, 2, 6)])), Accepted::Stored);
        assert_ne!(*store.digest(), first);
        let again = Store::open(disk).unwrap();
        assert_eq!((again.generation(), again.digest()), (2, store.digest()));
        assert_eq!(again.objects(), store.objects());
    }

    #[test]
    fn a_change_that_does_not_build_on_what_is_held_or_does_not_add_up_is_unfit() {
        let mut store = Store::open(Sim::default()).unwrap();
        store.accept(&change(0, vec![line(1, 1, 5)]));
        assert_eq!(store.accept(&change(4, vec![line(1, 2, 6)])), Accepted::Unfit);
        let wrong = Down { digest_after: vec![9; 16], ..change(1, vec![line(1, 2, 6)]) };
        assert_eq!(store.accept(&wrong), Accepted::Unfit);
        let other = Down { lineage: vec![2; 16], ..change(1, vec![line(1, 2, 6)]) };
        assert_eq!(store.accept(&other), Accepted::Unfit);
        assert_eq!(store.generation(), 1);
    }

    #[test]
    fn the_last_good_body_outlives_a_broken_one_and_a_restart() {
        let disk = Sim::default();
        let mut store = Store::open(disk.clone()).unwrap();
        store.accept(&change(0, vec![line(1, 1, 5)]));
        let broken = Object { body: vec![0xff], ..line(1, 2, 0) };
        store.accept(&change(1, vec![broken.clone()]));
        store.accept(&Down { snapshot: true, ..change(2, vec![broken]) });
        let again = Store::open(disk).unwrap();
        let held = again.objects().values().next().unwrap();
        assert!(!held.sound());
        assert_eq!(held.body(), Some(line(1, 1, 5).body.as_slice()));
    }

    #[test]
    fn lines_that_go_in_great_number_stay_until_that_is_confirmed() {
        let disk = Sim::default();
        let mut store = Store::open(disk.clone()).unwrap();
        store.accept(&change(0, (1..=100).map(|n| line(n, 1, 5)).collect()));
        let keys = |lines: std::ops::RangeInclusive<u8>| {
            lines.map(|n| ObjectKey { kind: Kind::Line as u32, id: vec![n; 16] }).collect()
        };
        let held = |store: &Store<Sim>| (store.objects().len(), store.withheld());
        // A few go at once.
        store.accept(&Down { removes: keys(1..=20), ..change(1, Vec::new()) });
        assert_eq!(held(&store), (80, 0));
        // Many do not, whatever the digest says they are to the cloud; what comes with them is taken.
        store.accept(&Down { removes: keys(21..=60), ..change(2, vec![line(99, 2, 6)]) });
        assert_eq!(held(&store), (80, 40));
        assert_eq!(store.objects()[&Key { kind: 2, id: Uuid::from_bytes([99; 16]) }].revision, 2);
        let mut cloud = Store::open(Sim::default()).unwrap();
        cloud.accept(&change(
            0,
            (61..=100).map(|n| line(n, if n == 99 { 2 } else { 1 }, 5 + u64::from(n == 99))).collect(),
        ));
        assert_eq!(store.digest(), cloud.digest());
        // Nor does a snapshot without them take them away, or a restart; one that comes back is like any other.
        store.accept(&Down { snapshot: true, ..change(3, (60..=100).map(|n| line(n, 3, 5)).collect()) });
        assert_eq!(held(&store), (80, 39));
        let mut store = Store::open(disk).unwrap();
        assert_eq!(held(&store), (80, 39));
        store.accept(&Down { removals_confirmed: true, ..change(4, Vec::new()) });
        assert_eq!((held(&store), store.generation()), ((41, 0), 5));
        // Another lineage knows nothing of them, so nobody could confirm there that they go.
        store.accept(&Down { lineage: vec![2; 16], snapshot: true, ..change(0, vec![line(99, 4, 5)]) });
        assert_eq!(held(&store), (1, 0));
    }

    #[test]
    fn a_crash_at_any_write_leaves_a_whole_generation_not_older_than_the_last_stored() {
        for n in 0..12 {
            for seed in [0, 1, 7, 1000] {
                let disk = Sim::default();
                let mut store = Store::open(disk.clone()).unwrap();
                disk.die_after(n);
                let (mut stored, mut digests) = (0, vec![*store.digest()]);
                for from_gen in 0..6 {
                    let accepted = store.accept(&change(from_gen, vec![line(from_gen as u8, 1, from_gen)]));
                    digests.push(*store.digest());
                    if accepted == Accepted::Stored {
                        stored = from_gen + 1;
                    }
                }
                disk.cut_power(seed);
                let again = Store::open(disk).unwrap();
                assert!(again.generation() >= stored, "write {n} seed {seed}");
                assert_eq!(*again.digest(), digests[again.generation() as usize], "write {n} seed {seed}");
            }
        }
    }
}
