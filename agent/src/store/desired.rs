//! The desired state held: objects as received, one snapshot and a log of the deltas since.
//!
//! A change is on disk, whole, before [`Store::accept`] returns. Bodies are never re-encoded: their digest is
//! over the bytes received. Deciding what a body means is [`crate::run::enforce`]'s business, except that the
//! last body of an object that decoded is kept beside a newer one that does not.

use super::disk::{self, Disk};
use super::frame;
use super::guard::{self, Guard, TRIES, Taken, Waits};
use super::limits::Size;
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
    /// The body in force where the newest is not: it makes no sense, or waits.
    last_good: Option<Box<[u8]>>,
    /// Whether the newest body makes sense to this revision.
    sound: bool,
    /// Why the newest body, or that it is gone, is not in force.
    waits: Option<Waits>,
    /// The newest body is in force to prove itself; never on disk.
    trying: bool,
}

impl Held {
    /// An object as received; `last_good` is what to enforce if it makes no sense.
    pub fn of(object: &Object, last_good: Option<&[u8]>) -> Self {
        let sound = object.needs_rev <= PROTO_REV && decodes(object);
        let last_good = last_good.filter(|_| !sound).map(Into::into);
        let Object { revision, needs_rev, .. } = *object;
        let newest = object.body.as_slice().into();
        Self { revision, needs_rev, newest, last_good, sound, waits: None, trying: false }
    }

    /// The body to enforce; none if there never was one that makes sense.
    pub fn body(&self) -> Option<&[u8]> {
        if self.trying { Some(&self.newest) } else { self.good() }
    }

    /// The body to go back to if the newest does not prove itself.
    pub(super) fn good(&self) -> Option<&[u8]> {
        self.last_good.as_deref().or_else(|| self.sound.then_some(&*self.newest))
    }

    /// As received last.
    pub fn newest(&self) -> &[u8] {
        &self.newest
    }

    /// Whether the newest body makes sense to this revision.
    pub fn sound(&self) -> bool {
        self.sound
    }

    /// Why the newest body, or that it is gone, is not in force, if so.
    pub fn waits(&self) -> Option<Waits> {
        self.waits.filter(|_| !self.trying)
    }

    /// Whether it is wanted as it was received before: nothing about it changes.
    pub(super) fn is_the_same(&self, object: &Object) -> bool {
        let same = (self.revision, self.needs_rev) == (object.revision, object.needs_rev);
        same && *self.newest == *object.body && self.waits != Some(Waits::Removal)
    }

    /// It stays until somebody confirms that it goes.
    pub(crate) fn kept_back(self) -> Self {
        Self { waits: Some(Waits::Removal), trying: false, ..self }
    }

    /// Another body stays in force instead of the newest.
    pub(crate) fn behind(self, good: &[u8], waits: Waits) -> Self {
        Self { last_good: Some(good.into()), waits: Some(waits), ..self }
    }

    /// What waited for a person comes into force; settings of the router have to prove themselves first.
    pub(super) fn confirm(&mut self, is_router: bool) {
        match self.waits {
            Some(Waits::Settings) if is_router => self.waits = Some(Waits::Trial(0)),
            Some(waits) if waits.needs_a_person() => (self.waits, self.last_good) = (None, None),
            Some(_) | None => {}
        }
    }

    fn is_withheld(&self) -> bool {
        self.waits == Some(Waits::Removal)
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
    /// It is gone, and stays: what an agent of before knows of [`Stored::waits`].
    #[prost(bool, tag = "3")]
    withheld: bool,
    #[prost(uint32, tag = "4")]
    waits: u32,
}

impl Stored {
    fn of(key: Key, held: &Held) -> Self {
        let Held { revision, needs_rev, newest, last_good, waits, .. } = held;
        let (id, body) = (key.id.as_bytes().to_vec(), newest.to_vec());
        let object = Object { kind: key.kind, id, revision: *revision, body, needs_rev: *needs_rev };
        let last_good = last_good.as_deref().map(Into::into);
        Self { object, last_good, withheld: held.is_withheld(), waits: waits.map_or(0, Waits::number) }
    }

    fn held(&self) -> Held {
        let held = Held::of(&self.object, self.last_good.as_deref());
        match (Waits::of(self.waits), &self.last_good) {
            (Some(Waits::Removal), Some(good)) => held.behind(good, Waits::Removal),
            _ if self.withheld => held.kept_back(),
            (Some(waits), Some(good)) => held.behind(good, waits),
            _ => held,
        }
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
    taken: Taken,
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
            taken: Taken::default(),
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

    /// How many objects wait for this reason.
    pub fn waiting(&self, why: Waits) -> usize {
        self.objects.values().filter(|held| held.waits == Some(why)).count()
    }

    /// What the last change took away at once.
    pub fn taken(&self) -> Taken {
        self.taken
    }

    /// How much is held, without what only waits for a confirmation.
    pub fn size(&self) -> Size {
        let live = || self.objects.values().filter(|held| !held.is_withheld());
        Size { objects: live().count(), bytes: live().map(|held| held.newest.len()).sum() }
    }

    /// Takes a change, whole or not at all. Enforcement goes before durability: a disk that refuses does not
    /// keep a change from being applied.
    pub fn accept(&mut self, change: &Down, guard: Guard) -> Accepted {
        let fits = change.snapshot || (change.lineage == self.lineage && change.from_gen == self.generation);
        let digest = digest_after(&self.objects, self.digest, change);
        let agrees = digest.starts_with(&change.digest_after);
        if !fits || (!agrees && !change.snapshot) {
            return Accepted::Unfit;
        }
        if !agrees {
            tracing::error!(generation = change.to_gen, "a snapshot does not add up to its digest; taken all the same");
        }
        let merged = guard::merge(&mut self.objects, change, change.lineage == self.lineage, guard);
        (self.digest, self.generation, self.taken) = (digest, change.to_gen, merged.taken);
        self.lineage.clone_from(&change.lineage);
        // What waits for more than the change itself says, reading the change again would not tell.
        let whole =
            change.snapshot || merged.held || self.log_bytes > LOG_LIMIT.max(self.snapshot_bytes.saturating_mul(2));
        let written = if whole { self.write_snapshot() } else { self.append(change) };
        self.stored(written)
    }

    fn stored(&mut self, written: io::Result<()>) -> Accepted {
        match written {
            Ok(()) => Accepted::Stored,
            Err(error) => {
                tracing::error!(%error, "the desired state cannot be written; it is enforced from memory");
                self.log_bytes = usize::MAX;
                Accepted::Volatile
            }
        }
    }

    /// Brings settings of the router that wait for it into force, to prove themselves, if they were not tried too often;
    /// until they have, what was before them is on disk. Answers which, and whether that is on disk.
    pub fn begin_trial(&mut self) -> Option<(Key, Accepted)> {
        let waiting = self.objects.iter_mut().find_map(|(key, held)| match held.waits() {
            Some(Waits::Trial(tries)) if tries < TRIES => Some((*key, held, tries)),
            _ => None,
        });
        let (key, held, tries) = waiting?;
        (held.waits, held.trying) = (Some(Waits::Trial(tries + 1)), true);
        let written = self.write_snapshot();
        Some((key, self.stored(written)))
    }

    /// Which settings of the router are in force to prove themselves, and how often they were tried.
    pub fn trial(&self) -> Option<(Key, u8)> {
        self.objects.iter().find_map(|(key, held)| match held.waits {
            Some(Waits::Trial(tries)) if held.trying => Some((*key, tries)),
            _ => None,
        })
    }

    /// Ends the trial: they stay, or what was before them is in force again.
    pub fn end_trial(&mut self, proven: bool) -> Accepted {
        for held in self.objects.values_mut().filter(|held| held.trying) {
            held.trying = false;
            if proven {
                (held.waits, held.last_good) = (None, None);
            }
        }
        let written = if proven { self.write_snapshot() } else { Ok(()) };
        self.stored(written)
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
            let guard = Guard { replayed: true, ..Guard::default() };
            guard::merge(&mut self.objects, &change, true, guard);
            self.generation = change.to_gen;
        }
        let whole = end == bytes.len() || disk::made(self.disk.truncate(&name, end as u64))?;
        // Nothing may follow a torn end: the next change is written as a snapshot.
        self.log_bytes = if whole { end } else { usize::MAX };
        Ok(())
    }

    fn put(&mut self, stored: &Stored) {
        let object = &stored.object;
        let Some(key) = Key::of(object.kind, &object.id) else { return };
        let held = stored.held();
        if !held.is_withheld() {
            hash::fold(&mut self.digest, &digest(object));
        }
        self.objects.insert(key, held);
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
        if let (Some(old), false) = (objects.get(&key).filter(|old| !old.is_withheld()), change.snapshot) {
            hash::fold(&mut after, &old.digest(key));
        }
        if let Some(new) = new {
            hash::fold(&mut after, &new);
        }
    }
    after
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

    fn line(n: u8, revision: u64, rate: u64) -> Object {
        let body = Line { handle: u32::from(n), rate_down_bps: rate, ..Line::default() }.encode_to_vec();
        Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body, needs_rev: 0 }
    }

    impl<D: Disk> Store<D> {
        pub(in crate::store) fn takes(&mut self, change: &Down) -> Accepted {
            self.accept(change, Guard::default())
        }
    }

    fn change(from_gen: u64, upserts: Vec<Object>) -> Down {
        let snapshot = from_gen == 0;
        Down { lineage: vec![1; 16], from_gen, to_gen: from_gen + 1, snapshot, upserts, ..Down::default() }
    }

    #[test]
    fn what_is_held_survives_and_the_digest_tells_every_change() {
        let disk = Sim::default();
        let mut store = Store::open(disk.clone()).unwrap();
        assert_eq!(store.takes(&change(0, vec![line(1, 1, 5), line(2, 1, 5)])), Accepted::Stored);
        let first = *store.digest();
        assert_eq!(store.takes(&change(1, vec![line(1, 2, 6)])), Accepted::Stored);
        assert_ne!(*store.digest(), first);
        let again = Store::open(disk).unwrap();
        assert_eq!((again.generation(), again.digest()), (2, store.digest()));
        assert_eq!(again.objects(), store.objects());
    }

    #[test]
    fn a_change_that_does_not_build_on_what_is_held_or_does_not_add_up_is_unfit() {
        let mut store = Store::open(Sim::default()).unwrap();
        store.takes(&change(0, vec![line(1, 1, 5)]));
        assert_eq!(store.takes(&change(4, vec![line(1, 2, 6)])), Accepted::Unfit);
        let wrong = Down { digest_after: vec![9; 16], ..change(1, vec![line(1, 2, 6)]) };
        assert_eq!(store.takes(&wrong), Accepted::Unfit);
        let other = Down { lineage: vec![2; 16], ..change(1, vec![line(1, 2, 6)]) };
        assert_eq!(store.takes(&other), Accepted::Unfit);
        assert_eq!(store.generation(), 1);
    }

    #[test]
    fn the_last_good_body_outlives_a_broken_one_and_a_restart() {
        let disk = Sim::default();
        let mut store = Store::open(disk.clone()).unwrap();
        store.takes(&change(0, vec![line(1, 1, 5)]));
        let broken = Object { body: vec![0xff], ..line(1, 2, 0) };
        store.takes(&change(1, vec![broken.clone()]));
        store.takes(&Down { snapshot: true, ..change(2, vec![broken]) });
        let again = Store::open(disk).unwrap();
        let held = again.objects().values().next().unwrap();
        assert!(!held.sound());
        assert_eq!(held.body(), Some(line(1, 1, 5).body.as_slice()));
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
                    let accepted = store.takes(&change(from_gen, vec![line(from_gen as u8, 1, from_gen)]));
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
