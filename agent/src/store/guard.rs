//! What of a change does not come into force at once: it waits for a person, or has to prove itself. Pure.
//!
//! The newest body of such an object is kept and counts for the digest; the one before it stays in force.

use super::desired::{Held, Key};
use super::limits;
use prost::Message;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use weir_protocol::desired::{Access, Kind, Line, Node, Router};
use weir_protocol::state::Down;

/// How often settings of the router are tried that cut it off.
pub const TRIES: u8 = 3;
/// What is taken away within so many minutes counts as taken away at once.
const AT_ONCE_MINUTES: u64 = 10;

/// Why an object is not in force as it was received last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waits {
    /// A line that is gone, among too many.
    Removal,
    /// A line that may do less than before, among too many or on the word of a restored cloud.
    Suspension,
    /// A line that has less than before: slower, or without an address it had; on the word of a restored cloud.
    Reduction,
    /// Other settings of the router, or less for an access point; on the word of a restored cloud.
    Settings,
    /// Settings of the router that may cut it off, and how often they were tried.
    Trial(u8),
}

impl Waits {
    /// What it is on disk; 0 is for what does not wait.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Removal => 1,
            Self::Suspension => 2,
            Self::Reduction => 3,
            Self::Settings => 4,
            Self::Trial(tries) => 16 + u32::from(tries),
        }
    }

    /// The one with this number.
    pub(super) fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Removal),
            2 => Some(Self::Suspension),
            3 => Some(Self::Reduction),
            4 => Some(Self::Settings),
            _ => number.checked_sub(16).and_then(|tries| u8::try_from(tries).ok()).map(Self::Trial),
        }
    }

    /// Whether another body is in force until somebody confirms the newest.
    pub fn needs_a_person(self) -> bool {
        !matches!(self, Self::Removal | Self::Trial(_))
    }

    /// What the cloud is told of it: a stable name and a sentence.
    pub fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Removal => {
                ("removal-held", "it went with so many others that it stays until somebody confirms their removal")
            }
            Self::Suspension => (
                "suspension-held",
                "it may do less, as so many others: it stays as it was until somebody confirms that",
            ),
            Self::Reduction => {
                ("reduction-held", "a restored cloud gives it less: it stays as it was until somebody confirms that")
            }
            Self::Settings => {
                ("settings-held", "a restored cloud has other settings: those before stay until somebody confirms them")
            }
            Self::Trial(0) => ("unproven", "it may cut the router off: it is tried once a gateway is reached"),
            Self::Trial(TRIES..) => {
                ("reverted", "with it no gateway was reached, three times: what was before it is in force again")
            }
            Self::Trial(_) => {
                ("reverted", "with it no gateway was reached: what was before it is in force; tried again")
            }
        }
    }
}

/// Lines something was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// They are gone.
    pub removed: usize,
    /// They may do less than before.
    pub suspended: usize,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.removed = self.removed.saturating_add(other.removed);
        self.suspended = self.suspended.saturating_add(other.suspended);
    }
}

/// What was taken away lately, by the minute of the monotonic clock: many small changes are one large one.
#[derive(Debug, Default)]
pub struct Lately(BTreeMap<u64, Taken>);

impl Lately {
    /// All that counts as taken away at once with what is taken now.
    pub fn within(&mut self, mono_ms: u64) -> Taken {
        let minute = mono_ms / 60_000;
        self.0.retain(|at, _| at + AT_ONCE_MINUTES > minute);
        let mut all = Taken::default();
        self.0.values().for_each(|taken| all += *taken);
        all
    }

    /// Something was taken away.
    pub fn add(&mut self, mono_ms: u64, taken: Taken) {
        if taken != Taken::default() {
            *self.0.entry(mono_ms / 60_000).or_default() += taken;
        }
    }

    /// Somebody confirmed what waited: what comes now counts by itself.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

/// What makes a change wait beside what it says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Guard {
    /// The cloud was restored, and nobody has said yet that what it wants is right.
    pub restored: bool,
    /// What was taken away just before.
    pub lately: Taken,
    /// It came into force before: nothing has to prove itself.
    pub replayed: bool,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Merged {
    /// What it took away.
    pub taken: Taken,
    /// Something waits now that the change alone would not have made wait.
    pub held: bool,
}

/// An object that is less than before.
struct Less {
    key: Key,
    waits: Waits,
    /// The body that is in force.
    good: Box<[u8]>,
}

/// Takes a change in, but for what waits. What another lineage has never heard of, nobody could confirm there: it goes at
/// once.
pub(super) fn merge(objects: &mut BTreeMap<Key, Held>, change: &Down, same_lineage: bool, guard: Guard) -> Merged {
    let before = objects.len();
    let mut gone = if change.snapshot {
        std::mem::take(objects)
    } else {
        let keys = change.removes.iter().filter_map(|key| Key::of(key.kind, &key.id));
        keys.filter_map(|key| objects.remove_entry(&key)).collect()
    };
    let (mut less, mut tried) = (Vec::new(), false);
    for object in &change.upserts {
        let Some(key) = Key::of(object.kind, &object.id) else { continue };
        let previous = gone.remove(&key).or_else(|| objects.remove(&key));
        let Some(previous) = previous else {
            objects.insert(key, Held::of(object, None));
            continue;
        };
        if previous.is_the_same(object) {
            objects.insert(key, previous);
            continue;
        }
        let held = Held::of(object, previous.good());
        let waits = previous.good().filter(|_| held.sound()).and_then(|good| takes_away(key.kind, good, held.newest()));
        let waited = previous.waits().is_some_and(Waits::needs_a_person);
        let held = match (waits, previous.good()) {
            (Some(Waits::Settings), Some(good)) if is_router(key) && !guard.restored && !guard.replayed => {
                tried = true;
                held.behind(good, Waits::Trial(0))
            }
            (Some(waits), Some(good)) if waited => held.behind(good, waits),
            (Some(waits), Some(good)) => {
                less.push(Less { key, waits, good: good.into() });
                held
            }
            _ => held,
        };
        objects.insert(key, held);
    }
    if change.removals_confirmed || (!same_lineage && !guard.restored) {
        objects.retain(|_, held| held.waits() != Some(Waits::Removal));
        objects.iter_mut().for_each(|(key, held)| held.confirm(is_router(*key)));
        return Merged { held: tried, ..Merged::default() };
    }
    gone.retain(|key, _| key.kind == Kind::Line as u32);
    let merged = hold(objects, (gone, less), before, guard);
    Merged { held: merged.held || tried, ..merged }
}

/// Keeps back what is gone or less, where a person has to see it first.
fn hold(
    objects: &mut BTreeMap<Key, Held>,
    (mut gone, less): (BTreeMap<Key, Held>, Vec<Less>),
    before: usize,
    guard: Guard,
) -> Merged {
    let is_withheld = |held: &&Held| held.waits() == Some(Waits::Removal);
    let removed = gone.values().filter(|held| !is_withheld(held)).count();
    let suspended = less.iter().filter(|less| less.waits == Waits::Suspension).count();
    let taken = Taken { removed, suspended };
    let mut at_once = guard.lately;
    at_once += taken;
    let mass = limits::is_mass_taking(at_once, before.saturating_add(guard.lately.removed));
    let waiting = objects.values().chain(gone.values()).filter(is_withheld).count();
    let keep = (guard.restored || mass) && waiting + removed <= limits::OBJECTS_MAX;
    if !keep {
        gone.retain(|_, held| held.waits() == Some(Waits::Removal));
    }
    objects.extend(gone.into_iter().map(|(key, held)| (key, held.kept_back())));
    let mut merged = Merged { taken, held: keep && removed > 0 };
    if keep {
        merged.taken.removed = 0;
    }
    for Less { key, waits, good } in less {
        if guard.restored || (mass && waits == Waits::Suspension) {
            if let Some(held) = objects.remove(&key) {
                objects.insert(key, held.behind(&good, waits));
            }
            merged.taken.suspended = 0;
            merged.held = true;
        }
    }
    merged
}

fn is_router(key: Key) -> bool {
    key.kind == Kind::Router as u32
}

/// What an object that is another now takes away, if anything.
fn takes_away(kind: u32, before: &[u8], after: &[u8]) -> Option<Waits> {
    match Kind::from_u32(kind)? {
        Kind::Line => less(&Line::decode(before).ok()?, &Line::decode(after).ok()?),
        Kind::Router => {
            // What the walled garden says cuts nobody off.
            let wiring = |body| Router::decode(body).ok().map(|router| Router { garden: None, ..router });
            (wiring(before)? != wiring(after)?).then_some(Waits::Settings)
        }
        Kind::Node => {
            let (before, after) = (Node::decode(before).ok()?, Node::decode(after).ok()?);
            let slower = after.peak_down_bps < before.peak_down_bps || after.peak_up_bps < before.peak_up_bps;
            slower.then_some(Waits::Settings)
        }
        Kind::CutPoints => None,
    }
}

fn less(before: &Line, after: &Line) -> Option<Waits> {
    let access = |line: &Line| line.access().max(Access::Open);
    if access(after) > access(before) {
        return Some(Waits::Suspension);
    }
    let slower = after.rate_down_bps < before.rate_down_bps || after.rate_up_bps < before.rate_up_bps;
    let lost = before.prefixes.iter().any(|prefix| !after.prefixes.contains(prefix))
        || before.identities.iter().any(|identity| !after.identities.contains(identity));
    (slower || lost).then_some(Waits::Reduction)
}
