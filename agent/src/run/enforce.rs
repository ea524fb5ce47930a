//! From the objects held to what the kernel should be, and from what it became to reports.
//!
//! No IO: the store is read, results are taken in, reports come out. One bad object never stops its siblings.

use crate::memory;
use crate::plan::Wanted;
use crate::plan::check::{self, Claims};
use crate::southbound::{Applied, Outcome};
use crate::store::desired::{Held, Key};
use crate::store::guard::Waits;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use uuid::Uuid;
use weir_protocol::PROTO_REV;
use weir_protocol::desired::{CutPoints, Kind, Line, Node, Router};
use weir_protocol::state::{ApplyReport, ObjectResult, ObservedLine, Status};

/// Longest detail of a result, in bytes.
const DETAIL: usize = 256;

/// Changes by somebody else that are named; the others are only counted.
const DRIFT_NAMED: usize = 5;

/// One sentence of what somebody else had changed, if anything.
pub fn drift(found: &[String]) -> Option<String> {
    let named = found.get(..found.len().min(DRIFT_NAMED)).filter(|named| !named.is_empty())?.join("; ");
    let more = found.len().saturating_sub(DRIFT_NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    Some(format!("somebody changed what the agent owns, and it was put back: {named}{more}"))
}

/// What the objects held mean.
#[derive(Debug, Default)]
pub struct Meaning {
    /// Generation of the state they were read from.
    pub generation: u64,
    /// What the kernel should be.
    pub wanted: Wanted,
    /// Instants no usage record may straddle.
    pub cuts: Vec<u64>,
    /// Objects that need no kernel, or can never reach it, with their outcome.
    settled: BTreeMap<Key, Came>,
    /// Lines that go, or are less than before, once somebody confirms it.
    withheld: BTreeSet<Uuid>,
    /// Revision of every object.
    revisions: BTreeMap<Key, u64>,
}

/// Reads the objects of a generation.
pub fn read(objects: &BTreeMap<Key, Held>, generation: u64) -> Meaning {
    let mut meaning = Meaning { generation, ..Meaning::default() };
    for (key, held) in objects {
        meaning.learn(*key, held);
    }
    meaning.yield_withheld(objects);
    memory::pack(&mut meaning.wanted.lines);
    memory::pack(&mut meaning.settled);
    memory::pack(&mut meaning.revisions);
    meaning
}

/// The lines among these objects as they are held now; `None` = it is held no more, or never made sense.
pub fn lines(objects: &BTreeMap<Key, Held>, keys: &BTreeSet<Key>) -> BTreeMap<Uuid, Option<Line>> {
    let line = |key| Line::decode(objects.get(key)?.body()?).ok();
    keys.iter().filter_map(|key| Some((line_id(key)?, line(key)))).collect()
}

/// The line an object is, if it is one.
pub fn line_id(key: &Key) -> Option<Uuid> {
    (key.kind == Kind::Line as u32).then_some(key.id)
}

/// The object a line is.
pub fn line_key(id: Uuid) -> Key {
    Key { kind: Kind::Line as u32, id }
}

impl Meaning {
    /// Reads these objects anew, as of this generation; the others are as they were. Answers which lines do not wait any more
    /// because one of these has what was theirs.
    pub fn change(&mut self, objects: &BTreeMap<Key, Held>, keys: &BTreeSet<Key>, generation: u64) -> BTreeSet<Uuid> {
        self.generation = generation;
        keys.iter().for_each(|key| self.unlearn(*key));
        for (key, held) in keys.iter().filter_map(|key| objects.get_key_value(key)) {
            self.learn(*key, held);
        }
        self.yield_withheld(objects)
    }

    /// Lets go what is withheld and has the handle, an address or a name of a line that is wanted.
    fn yield_withheld(&mut self, objects: &BTreeMap<Key, Held>) -> BTreeSet<Uuid> {
        if self.withheld.is_empty() {
            return BTreeSet::new();
        }
        let (withheld, wanted): (Vec<_>, Vec<_>) =
            self.wanted.lines.iter().partition(|(id, _)| self.withheld.contains(id));
        let names: HashSet<_> = wanted.iter().flat_map(|(_, line)| &line.identities).collect();
        let mut claims = Claims::default();
        for (id, line) in wanted {
            let _has_less_than_it_wants = check::alone(line).and_then(|line| claims.claim(*id, &line));
        }
        let mut is_anothers = |id: Uuid, line: &Line| {
            line.identities.iter().any(|name| names.contains(name))
                || check::alone(line).is_ok_and(|line| claims.claim(id, &line).is_err())
        };
        let gone: BTreeSet<Uuid> =
            withheld.into_iter().filter(|(id, line)| is_anothers(**id, line)).map(|(id, _)| *id).collect();
        for key in gone.iter().copied().map(line_key) {
            self.unlearn(key);
            // What is only less than before is wanted all the same.
            if let Some(held) = objects.get(&key).filter(|held| held.waits() != Some(Waits::Removal)) {
                self.revisions.insert(key, held.revision);
                self.take(Kind::Line, key, held.newest(), held.sound());
            }
        }
        gone
    }

    /// Handles of all lines.
    pub fn handles(&self) -> BTreeSet<u32> {
        self.wanted.lines.values().map(|line| line.handle).collect()
    }

    fn learn(&mut self, key: Key, held: &Held) {
        self.revisions.insert(key, held.revision);
        let Some(kind) = Kind::from_u32(key.kind) else {
            self.settle(key, Status::Unsupported, "unknown-kind", "this agent is too old for this object");
            return;
        };
        if held.needs_rev > PROTO_REV {
            let detail =
                format!("it needs revision {}, this agent has {PROTO_REV}; the last good one stays", held.needs_rev);
            self.settle(key, Status::Unsupported, "newer-object", &detail);
        } else if !held.sound() {
            self.settle(
                key,
                Status::Rejected,
                "malformed-object",
                "the object cannot be read; the last good one stays",
            );
        }
        if let Some(waits) = held.waits() {
            let (code, detail) = waits.told();
            self.settle(key, Status::Rejected, code, detail);
            if kind == Kind::Line {
                self.withheld.insert(key.id);
            }
        }
        if let Some(body) = held.body() {
            self.take(kind, key, body, held.sound());
        }
    }

    fn unlearn(&mut self, key: Key) {
        self.revisions.remove(&key);
        self.settled.remove(&key);
        self.withheld.remove(&key.id);
        match Kind::from_u32(key.kind) {
            Some(Kind::Router) => self.wanted.router = None,
            Some(Kind::Line) => drop(self.wanted.lines.remove(&key.id)),
            Some(Kind::CutPoints) => self.cuts.clear(),
            Some(Kind::Node) => drop(self.wanted.nodes.remove(&key.id)),
            None => {}
        }
    }

    fn take(&mut self, kind: Kind, key: Key, body: &[u8], sound: bool) {
        match kind {
            Kind::Router => self.wanted.router = Router::decode(body).ok(),
            Kind::Line => {
                if let Ok(mut line) = Line::decode(body) {
                    line.prefixes.shrink_to_fit();
                    self.wanted.lines.insert(key.id, Arc::new(line));
                }
            }
            Kind::Node => {
                if let Ok(node) = Node::decode(body) {
                    self.wanted.nodes.insert(key.id, node);
                }
            }
            Kind::CutPoints => {
                self.cuts = CutPoints::decode(body).map(|points| points.at_ms).unwrap_or_default();
                if sound {
                    self.settled.insert(key, Came::Applied(None));
                }
            }
        }
    }

    fn settle(&mut self, key: Key, status: Status, code: &'static str, detail: &str) {
        self.settled.insert(key, Came::not(status, code, detail));
    }
}

/// What was last known of every object, and whether it was told.
#[derive(Debug, Default)]
pub struct Reports {
    known: BTreeMap<Key, Known>,
    /// Revisions of objects not wanted any more, until an attempt succeeds.
    leaving: BTreeMap<Key, u64>,
    generation: u64,
    /// Whether anything was applied since the start.
    applied: bool,
    whole: bool,
}

#[derive(Debug)]
struct Known {
    revision: u64,
    came: Came,
    told: bool,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq)]
enum Came {
    /// In the kernel as this, for a line and the router.
    Applied(Option<ObservedLine>),
    /// Removed from the kernel.
    Removed,
    /// None of both; few are, so they need not be small.
    Not(Box<Complaint>),
}

#[derive(Debug, Clone, PartialEq)]
struct Complaint {
    status: Status,
    code: &'static str,
    detail: String,
}

impl Reports {
    /// Takes in what an attempt to apply all of `meaning` gave.
    pub fn take(&mut self, meaning: &Meaning, applied: Result<&Applied, String>) {
        let keys: BTreeSet<Key> = self.known.keys().chain(meaning.revisions.keys()).copied().collect();
        self.take_of(&keys, meaning, applied);
        memory::pack(&mut self.known);
    }

    /// Takes in what an attempt to change these objects gave.
    pub fn take_of(&mut self, keys: &BTreeSet<Key>, meaning: &Meaning, applied: Result<&Applied, String>) {
        let outcomes = |of: fn(&Applied) -> &Vec<(Uuid, Outcome)>| -> BTreeMap<Uuid, &Outcome> {
            applied.iter().flat_map(|applied| of(applied)).map(|(id, outcome)| (*id, outcome)).collect()
        };
        let (lines, nodes) = (outcomes(|applied| &applied.lines), outcomes(|applied| &applied.nodes));
        for key in keys {
            let Some(revision) = meaning.revisions.get(key) else {
                if let Some(known) = self.known.remove(key) {
                    self.leaving.insert(*key, known.revision);
                }
                continue;
            };
            self.leaving.remove(key);
            let came = match (&applied, meaning.settled.get(key)) {
                (_, Some(settled)) => Some(settled.clone()),
                (Err(text), None) => Some(Came::not(Status::Failed, "kernel-failed", text)),
                (Ok(applied), None) if key.kind == Kind::Router as u32 => applied.router.as_ref().map(Came::of_router),
                (Ok(_), None) if key.kind == Kind::Node as u32 => {
                    nodes.get(&key.id).map(|outcome| Came::of_router(outcome))
                }
                (Ok(_), None) => line_id(key).and_then(|id| lines.get(&id)).map(|outcome| Came::of(outcome)),
            };
            self.know(*key, *revision, came.unwrap_or_else(|| Came::not(Status::Pending, "", "")));
        }
        if applied.is_ok() {
            for (key, revision) in std::mem::take(&mut self.leaving) {
                self.know(key, revision, Came::Removed);
            }
        }
        self.generation = meaning.generation;
        self.applied = true;
    }

    fn know(&mut self, key: Key, revision: u64, came: Came) {
        if self.known.get(&key).is_none_or(|known| (known.revision, &known.came) != (revision, &came)) {
            self.known.insert(key, Known { revision, came, told: false });
        }
    }

    /// Whether something failed that may work later.
    pub fn any_failed(&self) -> bool {
        self.known.values().any(|known| matches!(known.came.status(), Status::Failed | Status::Pending))
    }

    /// The next report lists everything.
    pub fn restart(&mut self) {
        self.whole = false;
    }

    /// The report to send now, if there is anything new to say.
    pub fn take_unsaid(&mut self) -> Option<ApplyReport> {
        if !self.applied {
            return None;
        }
        let complete = !self.whole;
        let mut results = Vec::new();
        for (key, known) in self.known.iter_mut().filter(|(_, known)| complete || !known.told) {
            known.told = true;
            results.push(known.result(*key));
        }
        if results.is_empty() && !complete {
            return None;
        }
        self.known.retain(|_, known| known.came != Came::Removed);
        self.whole = true;
        Some(ApplyReport { generation: self.generation, complete, results, persisted: None })
    }

    /// How many objects are in each state, for people.
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for known in self.known.values() {
            let name = match known.came.status() {
                Status::Pending => "pending",
                Status::Applied => "applied",
                Status::Failed => "failed",
                Status::Rejected => "rejected",
                Status::Unsupported => "unsupported",
                Status::Removed => "removed",
            };
            *counts.entry(name).or_default() += 1;
        }
        counts
    }
}

impl Known {
    fn result(&self, key: Key) -> ObjectResult {
        let result = ObjectResult {
            kind: key.kind,
            id: key.id.as_bytes().to_vec(),
            revision: self.revision,
            status: self.came.status().into(),
            ..ObjectResult::default()
        };
        match &self.came {
            Came::Applied(observed) => ObjectResult { observed: observed.clone(), ..result },
            Came::Removed => result,
            Came::Not(why) => ObjectResult { code: why.code.to_owned(), detail: why.detail.clone(), ..result },
        }
    }
}

impl Came {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Applied(observed) => Self::Applied(Some(observed.clone())),
            Outcome::Failed { code, detail } => Self::not(Status::Failed, code, detail),
            Outcome::Rejected { code, detail } => Self::not(Status::Rejected, code, detail),
        }
    }

    /// A router is told of without what was read: that speaks of lines.
    fn of_router(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Applied(_) => Self::Applied(None),
            other => Self::of(other),
        }
    }

    fn not(status: Status, code: &'static str, detail: &str) -> Self {
        let detail = detail[..detail.floor_char_boundary(DETAIL)].to_owned();
        Self::Not(Box::new(Complaint { status, code, detail }))
    }

    fn status(&self) -> Status {
        match self {
            Self::Applied(_) => Status::Applied,
            Self::Removed => Status::Removed,
            Self::Not(why) => why.status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_protocol::desired::Prefix;
    use weir_protocol::state::Object;

    fn held(n: u8, revision: u64) -> (Key, Held) {
        let body = Line { handle: u32::from(n), ..Line::default() }.encode_to_vec();
        let object = Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body, needs_rev: 0 };
        (line_key(Uuid::from_bytes([n; 16])), Held::of(&object, None))
    }

    fn outcome(n: u8, outcome: Outcome) -> (Uuid, Outcome) {
        (Uuid::from_bytes([n; 16]), outcome)
    }

    fn applied(lines: Vec<(Uuid, Outcome)>) -> Applied {
        Applied { router: None, nodes: Vec::new(), lines, drift: Vec::new(), whole: true }
    }

    #[test]
    fn only_what_changed_is_told_until_a_session_starts_anew() {
        let meaning = read(&BTreeMap::from([held(1, 1), held(2, 1)]), 5);
        let good = || Outcome::Applied(ObservedLine::default());
        let bad = || Outcome::Failed { code: "no-room", detail: "x".repeat(300) };
        let mut reports = Reports::default();
        assert_eq!(reports.take_unsaid(), None, "nothing was applied yet");
        reports.take(&meaning, Ok(&applied(vec![outcome(1, good()), outcome(2, bad())])));
        assert!(reports.any_failed());
        let first = reports.take_unsaid().unwrap();
        assert_eq!((first.complete, first.results.len(), first.results[1].detail.len()), (true, 2, 256));
        assert_eq!(reports.take_unsaid(), None);
        reports.take(&meaning, Ok(&applied(vec![outcome(1, good()), outcome(2, good())])));
        assert!(!reports.any_failed());
        let second = reports.take_unsaid().unwrap();
        assert_eq!((second.complete, second.results.len()), (false, 1));
        reports.restart();
        assert_eq!(reports.take_unsaid().unwrap().results.len(), 2);
    }

    #[test]
    fn a_kernel_that_fails_as_a_whole_fails_every_object_and_removes_none() {
        let mut reports = Reports::default();
        let good = || Outcome::Applied(ObservedLine::default());
        let both = read(&BTreeMap::from([held(1, 1), held(2, 1)]), 5);
        reports.take(&both, Ok(&applied(vec![outcome(1, good()), outcome(2, good())])));
        reports.take_unsaid();
        let one = read(&BTreeMap::from([held(1, 1)]), 5);
        reports.take(&one, Err("netlink is gone".to_owned()));
        let told = reports.take_unsaid().unwrap();
        assert_eq!(told.results.len(), 1);
        assert_eq!(told.results[0].status(), Status::Failed);
        reports.take(&one, Ok(&applied(vec![outcome(1, good())])));
        let told = reports.take_unsaid().unwrap();
        let statuses: Vec<_> = told.results.iter().map(ObjectResult::status).collect();
        assert_eq!(statuses, [Status::Applied, Status::Removed]);
        assert_eq!(reports.take_unsaid(), None);
    }

    #[test]
    fn a_withheld_line_yields_to_one_that_has_what_was_its_own() {
        let line = |n: u8, handle: u32, last: u8, withheld: bool| {
            let prefixes = vec![Prefix { address: vec![10, 0, 0, last], length: 32 }];
            let line = Line { handle, prefixes, rate_down_bps: 9, rate_up_bps: 9, ..Line::default() };
            let object = Object {
                kind: Kind::Line as u32,
                id: vec![n; 16],
                revision: 1,
                body: line.encode_to_vec(),
                ..Object::default()
            };
            let held = Held::of(&object, None);
            (line_key(Uuid::from_bytes([n; 16])), if withheld { held.kept_back() } else { held })
        };
        let mut objects = BTreeMap::from([line(1, 1, 1, true), line(2, 2, 2, true), line(3, 3, 3, true)]);
        let mut meaning = read(&objects, 5);
        assert_eq!(meaning.wanted.lines.len(), 3);
        // One has another's address, one another's handle.
        objects.extend([line(4, 4, 1, false), line(5, 2, 9, false)]);
        let fresh = objects.keys().copied().filter(|key| key.id.as_bytes()[0] > 3).collect();
        let gone = meaning.change(&objects, &fresh, 6);
        assert_eq!(gone, BTreeSet::from([1, 2].map(|n| Uuid::from_bytes([n; 16]))));
        let left: Vec<u8> = meaning.wanted.lines.keys().map(|id| id.as_bytes()[0]).collect();
        assert_eq!(left, [3, 4, 5]);
        assert_eq!(read(&objects, 6).wanted, meaning.wanted);
    }

    #[test]
    fn nodes_are_wanted_and_what_became_of_each_is_told() {
        let node = |n: u8| {
            let body = Node { peak_down_bps: u64::from(n), ..Node::default() }.encode_to_vec();
            let object = Object { kind: Kind::Node as u32, id: vec![n; 16], revision: 3, body, needs_rev: 0 };
            (Key { kind: object.kind, id: Uuid::from_bytes([n; 16]) }, Held::of(&object, None))
        };
        let objects = BTreeMap::from([held(1, 1), node(1), node(2)]);
        let mut meaning = read(&objects, 5);
        assert_eq!(meaning.wanted.nodes[&Uuid::from_bytes([2; 16])].peak_down_bps, 2);
        let good = || Outcome::Applied(ObservedLine { rate_down_bps: 1, ..ObservedLine::default() });
        let bad = Outcome::Rejected { code: "node-cycle", detail: String::new() };
        let nodes = vec![outcome(1, good()), outcome(2, bad)];
        let mut reports = Reports::default();
        reports.take(&meaning, Ok(&Applied { nodes, ..applied(vec![outcome(1, good())]) }));
        let told = reports.take_unsaid().unwrap().results;
        let of_nodes: Vec<_> = told.iter().filter(|result| result.kind == Kind::Node as u32).collect();
        assert_eq!((of_nodes[0].status(), &of_nodes[0].observed), (Status::Applied, &None));
        assert_eq!((of_nodes[1].status(), of_nodes[1].code.as_str()), (Status::Rejected, "node-cycle"));
        meaning.change(&BTreeMap::new(), &BTreeSet::from([node(2).0]), 6);
        assert_eq!(meaning.wanted.nodes.len(), 1);
    }
}
