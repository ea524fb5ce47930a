//! Whose each lease is. Pure: leases and the identities of lines in, prefixes of lines out.
//!
//! A lease is a line's if its names are names of that line alone, and nothing of another's overlaps it. Otherwise it is
//! nobody's: a conflict is told, never guessed away. Where a switch says whose it is, nobody minds what the subscriber's
//! equipment says of itself. Prefixes that the cloud gave a line are its own whatever is leased.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir_protocol::desired::{Line, Prefix};
use weir_protocol::state::{AddressReport, LearnedPrefix, LineAddresses};

use super::lease::{Event, Lease, Source};
use super::who::Who;
use crate::plan::check;

/// Leases kept at once: as many as a router keeps objects.
const LEASES_MAX: usize = 100_000;
/// Lines and prefixes told in one report: a frame carries ten times as many.
const PART_MAX: usize = 5_000;
/// The end of a lease is remembered for this long: no file older than it brings it back. And a conflict that comes again
/// is not told again sooner.
const HOUR_MS: u64 = 3_600_000;
/// A conflict that lasts is told again after this long.
const DAY_MS: u64 = 24 * HOUR_MS;

/// A prefix of a line, learned from a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Learned {
    /// Who leased it.
    pub source: Source,
    /// Since when it is the line's, Unix milliseconds.
    pub since_ms: u64,
    /// Until when it is leased, Unix milliseconds; none = until it is ended.
    pub until_ms: Option<u64>,
}

/// A lease as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    lease: Lease,
    /// When it was last told, Unix milliseconds.
    seen_ms: u64,
    /// The file it is in.
    file: Option<String>,
    /// It was not in that file when it was read last.
    #[serde(skip)]
    missed: bool,
    /// What switches added to it was not told with the last news.
    #[serde(default)]
    switch_is_old: bool,
}

/// What is kept across restarts.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The boot it was kept in: sessions end with theirs.
    boot: Uuid,
    leases: Vec<Entry>,
    given: BTreeMap<Uuid, BTreeMap<IpNet, Learned>>,
}

/// A line, as far as leases concern it.
#[derive(Debug, Default)]
struct Named {
    who: BTreeSet<Who>,
    fixed: Vec<IpNet>,
}

type Key = (Source, IpNet);
/// A prefix, the only line its names are names of, and why.
type Claim<'a> = (IpNet, Uuid, &'a Entry);

/// All leases, and whose they are.
#[derive(Debug, Default)]
pub struct Book {
    lines: BTreeMap<Uuid, Named>,
    named: BTreeMap<Who, BTreeSet<Uuid>>,
    leases: BTreeMap<Key, Entry>,
    ended: BTreeMap<Key, u64>,
    given: BTreeMap<Uuid, BTreeMap<IpNet, Learned>>,
    unclaimed: u32,
    conflicts: BTreeSet<IpNet>,
    conflicts_told: BTreeMap<IpNet, u64>,
    news: Vec<String>,
    told: Option<Told>,
    unsaved: bool,
}

/// What the cloud was told in this session.
#[derive(Debug, Default, PartialEq)]
struct Told {
    lines: BTreeMap<Uuid, Vec<(IpNet, Source, u64)>>,
    unclaimed: u32,
}

impl Book {
    /// Goes on with what was kept.
    pub fn open(kept: Kept, boot: Uuid) -> Self {
        let same_boot = kept.boot == boot;
        let lasting = |entry: &Entry| same_boot || entry.lease.session.is_none();
        let leases = kept.leases.into_iter().filter(lasting).map(|entry| (entry.key(), entry)).collect();
        Self { leases, given: kept.given, ..Self::default() }
    }

    /// What is to be kept.
    pub fn keep(&self, boot: Uuid) -> Kept {
        Kept { boot, leases: self.leases.values().cloned().collect(), given: self.given.clone() }
    }

    /// Takes in lines as they are wanted now; `None` = no more.
    pub fn know<'a>(&mut self, lines: impl IntoIterator<Item = (Uuid, Option<&'a Line>)>) {
        for (id, line) in lines {
            for who in self.lines.remove(&id).unwrap_or_default().who {
                if let Some(lines) = self.named.get_mut(&who) {
                    lines.remove(&id);
                }
            }
            let Some(line) = line else { continue };
            // A line that makes no sense is refused as a whole, see `check::alone`.
            let who: BTreeSet<Who> = line.identities.iter().filter_map(|one| Who::read(one).ok()).collect();
            let fixed = line.prefixes.iter().filter_map(|prefix| check::network(prefix).ok()).collect();
            for one in &who {
                self.named.entry(one.clone()).or_default().insert(id);
            }
            self.lines.insert(id, Named { who, fixed });
        }
        self.named.retain(|_, lines| !lines.is_empty());
    }

    /// Takes in lines that are all there are.
    pub fn know_all<'a>(&mut self, lines: impl IntoIterator<Item = (Uuid, &'a Line)>) {
        (self.lines, self.named) = (BTreeMap::new(), BTreeMap::new());
        self.know(lines.into_iter().map(|(id, line)| (id, Some(line))));
    }

    /// Takes in a whole file, written last at `as_of_ms`: what is newer than that stays as it is. What is missing ends when
    /// it is missing once more: a file that is written in place may be read half done.
    pub fn read(&mut self, source: Source, file: &str, leases: Vec<Lease>, as_of_ms: u64) {
        let there: BTreeSet<Key> = leases.iter().map(|lease| (source, lease.prefix)).collect();
        let gone = |key: &Key, entry: &Entry| {
            entry.file.as_deref() == Some(file) && entry.seen_ms <= as_of_ms && !there.contains(key)
        };
        let before = self.leases.len();
        self.leases.retain(|key, entry| !gone(key, entry) || !std::mem::replace(&mut entry.missed, true));
        self.unsaved |= before != self.leases.len();
        for lease in leases {
            self.put(Entry {
                lease,
                seen_ms: as_of_ms,
                file: Some(file.to_owned()),
                missed: false,
                switch_is_old: false,
            });
        }
    }

    /// Takes in the news of one lease.
    pub fn hear(&mut self, Event { at_ms, gone, lease }: Event) {
        let key = (lease.source, lease.prefix);
        if !gone {
            return self.put(Entry { lease, seen_ms: at_ms, file: None, missed: false, switch_is_old: false });
        }
        // The end of an older lease of the same address may arrive after the news of the next one.
        let ends = |entry: &Entry| {
            let session = lease.session.is_none() || lease.session == entry.lease.session;
            entry.seen_ms <= at_ms && session && lease.shares_name_with(&entry.lease)
        };
        if self.leases.get(&key).is_none_or(ends) {
            self.unsaved |= self.leases.remove(&key).is_some();
            self.ended.insert(key, at_ms);
        }
    }

    fn put(&mut self, mut entry: Entry) {
        let key = entry.key();
        if self.ended.get(&key).is_some_and(|at_ms| entry.seen_ms <= *at_ms) {
            return;
        }
        if let Some(old) = self.leases.get_mut(&key) {
            if old.seen_ms > entry.seen_ms {
                // Known better already; but now it is known to be in a file.
                old.missed &= entry.file.is_none();
                old.file = entry.file.or(old.file.take());
                return;
            }
            if entry.lease.shares_name_with(&old.lease) {
                // Files leave out what switches add; news without it may be of equipment that stands elsewhere by now.
                let told = entry.lease.who.iter().any(Who::is_by_switch);
                entry.switch_is_old = !told && (entry.file.is_none() || old.switch_is_old);
                entry.lease.learn_kinds_of(&old.lease);
            }
            entry.file = entry.file.or(old.file.take());
        } else if self.leases.len() >= LEASES_MAX {
            tracing::warn!(prefix = %entry.lease.prefix, "more leases than a router keeps; one is left out");
            return;
        }
        self.unsaved |= self.leases.get(&key).is_none_or(|old| old.lease.who != entry.lease.who);
        self.ended.remove(&key);
        self.leases.insert(key, entry);
    }

    /// Ends the sessions whose interface is not there.
    pub fn end_sessions(&mut self, is_there: impl Fn(&str) -> bool) {
        self.drop_if(|entry| entry.lease.session.as_deref().is_some_and(|name| !is_there(name)));
    }

    /// Ends what was leased until now.
    pub fn expire(&mut self, now_ms: u64) {
        self.drop_if(|entry| entry.lease.until_ms.is_some_and(|until_ms| until_ms <= now_ms));
        // A clock that was set back must not make old news of all that follows.
        let seen = self.leases.values_mut().map(|entry| &mut entry.seen_ms);
        seen.chain(self.ended.values_mut()).for_each(|at_ms| *at_ms = now_ms.min(*at_ms));
        self.ended.retain(|_, at_ms| at_ms.saturating_add(HOUR_MS) > now_ms);
        let conflicts = &self.conflicts;
        self.conflicts_told.retain(|prefix, at_ms| {
            let again_ms = if conflicts.contains(prefix) { DAY_MS } else { HOUR_MS };
            at_ms.saturating_add(again_ms) > now_ms
        });
    }

    fn drop_if(&mut self, ended: impl Fn(&Entry) -> bool) {
        let before = self.leases.len();
        self.leases.retain(|_, entry| !ended(entry));
        self.unsaved |= before != self.leases.len();
    }

    /// Says anew whose each lease is; answers which lines have other prefixes than before.
    pub fn settle(&mut self, now_ms: u64) -> BTreeSet<Uuid> {
        let (claims, unclaimed, mut conflicts) = self.claims();
        conflicts.extend(self.overlaps(&claims));
        let mut given: BTreeMap<Uuid, BTreeMap<IpNet, Learned>> = BTreeMap::new();
        for (prefix, id, entry) in &claims {
            if conflicts.contains_key(prefix) || self.lines[id].fixed.iter().any(|fixed| fixed.contains(prefix)) {
                continue;
            }
            let before = self.given.get(id).and_then(|prefixes| prefixes.get(prefix));
            let since_ms = before.map_or(now_ms, |before| before.since_ms);
            let learned = Learned { source: entry.lease.source, since_ms, until_ms: entry.lease.until_ms };
            given.entry(*id).or_default().insert(*prefix, learned);
        }
        self.unclaimed = unclaimed;
        self.take_conflicts(conflicts, now_ms);
        let before = std::mem::replace(&mut self.given, given);
        let prefixes = |given: &BTreeMap<Uuid, BTreeMap<IpNet, Learned>>, id: &Uuid| {
            given.get(id).map(|prefixes| prefixes.keys().copied().collect::<Vec<_>>()).unwrap_or_default()
        };
        let named: BTreeSet<Uuid> = before.keys().chain(self.given.keys()).copied().collect();
        let changed: BTreeSet<Uuid> =
            named.into_iter().filter(|id| prefixes(&before, id) != prefixes(&self.given, id)).collect();
        self.unsaved |= !changed.is_empty();
        changed
    }

    /// What each line claims by its names, how much nobody does, and what two lines claim by different names.
    fn claims(&self) -> (Vec<Claim<'_>>, u32, BTreeMap<IpNet, String>) {
        let (mut claims, mut unclaimed, mut conflicts) = (Vec::new(), 0, BTreeMap::new());
        for entry in self.leases.values() {
            let lease = &entry.lease;
            let lines = self.lines_of(entry);
            match lines.iter().collect::<Vec<_>>()[..] {
                [] => unclaimed += 1,
                [id] => claims.push((lease.prefix, *id, entry)),
                [one, other, ..] => {
                    let names: Vec<String> = lease.who.iter().map(ToString::to_string).collect();
                    let (prefix, source, names) = (lease.prefix, lease.source, names.join(" and "));
                    let text = format!(
                        "{prefix} was leased by {source} to {names}, which are both line {one} and line {other}"
                    );
                    conflicts.insert(prefix, text);
                }
            }
        }
        (claims, unclaimed, conflicts)
    }

    /// The lines a lease's names are names of. An address or a DUID is what equipment says of itself, and anybody can say a
    /// neighbour's: where switches name exactly one line, and did so when the lease was last told of, they say whose it is.
    fn lines_of(&self, entry: &Entry) -> BTreeSet<Uuid> {
        let of = |counts: fn(&Who) -> bool| -> BTreeSet<Uuid> {
            let names = entry.lease.who.iter().filter(|who| counts(who));
            names.filter_map(|who| self.named.get(who)).flatten().copied().collect()
        };
        match of(Who::is_by_switch).len() {
            1 if !entry.switch_is_old => of(|who| !who.is_by_itself()),
            _ => of(|_| true),
        }
    }

    /// Which claims overlap what is another line's, leased or given by the cloud.
    fn overlaps(&self, claims: &[Claim<'_>]) -> BTreeMap<IpNet, String> {
        let mut found = BTreeMap::new();
        if claims.is_empty() {
            return found;
        }
        let fixed = self.lines.iter().flat_map(|(id, line)| line.fixed.iter().map(|prefix| (*prefix, *id, false)));
        let mut all: Vec<(IpNet, Uuid, bool)> = claims.iter().map(|(prefix, id, _)| (*prefix, *id, true)).collect();
        all.extend(fixed);
        all.sort();
        // Prefixes are nested or disjoint: in this order, those around one are the last that are still open.
        let mut around: Vec<(IpNet, Uuid, bool)> = Vec::new();
        for one @ (prefix, id, leased) in all {
            while around.last().is_some_and(|(outer, ..)| !outer.contains(&prefix)) {
                around.pop();
            }
            for (outer, other, outer_leased) in around.iter().filter(|(_, other, _)| *other != id) {
                for (claimed, is_leased) in [(prefix, leased), (*outer, *outer_leased)] {
                    if is_leased {
                        let text = format!("{prefix} of line {id} overlaps {outer} of line {other}");
                        found.entry(claimed).or_insert(text);
                    }
                }
            }
            around.push(one);
        }
        found
    }

    /// Sentences begin with the prefix and name lines by their ids: the cloud reads both out of them.
    fn take_conflicts(&mut self, found: BTreeMap<IpNet, String>, now_ms: u64) {
        for (prefix, text) in &found {
            if !self.conflicts_told.contains_key(prefix) {
                self.conflicts_told.insert(*prefix, now_ms);
                self.news.push(format!("{text}; it is nobody's until one of them lets go"));
            }
        }
        self.conflicts = found.into_keys().collect();
    }

    /// Conflicts that are new, one sentence each.
    pub fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }

    /// Whether something must be kept that is not; renewals alone can wait.
    pub fn take_unsaved(&mut self) -> bool {
        std::mem::take(&mut self.unsaved)
    }

    /// A line with its learned prefixes beside those the cloud gave it.
    pub fn joined(&self, id: Uuid, mut line: Arc<Line>) -> Arc<Line> {
        if let Some(given) = self.given.get(&id).filter(|given| !given.is_empty()) {
            Arc::make_mut(&mut line).prefixes.extend(given.keys().map(wire));
        }
        line
    }

    /// How many prefixes are learned, how many leases are nobody's, how many are in conflict.
    pub fn counts(&self) -> (usize, u32, usize) {
        (self.given.values().map(BTreeMap::len).sum(), self.unclaimed, self.conflicts.len())
    }

    /// The next report tells of every line.
    pub fn restart(&mut self) {
        self.told = None;
    }

    /// What is new since the last report, in parts that a frame can carry.
    pub fn take_unsaid(&mut self) -> Vec<AddressReport> {
        let plain = |given: &BTreeMap<IpNet, Learned>| {
            given.iter().map(|(prefix, learned)| (*prefix, learned.source, learned.since_ms)).collect()
        };
        let lines = self.given.iter().map(|(id, given)| (*id, plain(given))).collect();
        let now = Told { lines, unclaimed: self.unclaimed };
        if self.told.as_ref() == Some(&now) {
            return Vec::new();
        }
        let before = self.told.replace(now);
        let (complete, before) = (before.is_none(), before.unwrap_or_default());
        let Some(told) = self.told.as_ref().map(|told| &told.lines) else { return Vec::new() };
        let named: BTreeSet<&Uuid> = before.lines.keys().chain(told.keys()).collect();
        let changed = named.into_iter().filter(|id| before.lines.get(id) != told.get(id));
        let lines = changed.map(|id| LineAddresses { id: id.as_bytes().to_vec(), prefixes: self.learned(id) });
        // The first part says that lines it does not name have nothing, the others what these have.
        let part = |complete| AddressReport { lines: Vec::new(), unclaimed: self.unclaimed, complete };
        let (mut parts, mut last, mut size) = (Vec::new(), part(complete), 0);
        for line in lines {
            let own = 1 + line.prefixes.len();
            if size > 0 && size + own > PART_MAX {
                parts.push(std::mem::replace(&mut last, part(false)));
                size = 0;
            }
            size += own;
            last.lines.push(line);
        }
        parts.push(last);
        parts
    }

    fn learned(&self, id: &Uuid) -> Vec<LearnedPrefix> {
        let told = |(prefix, learned): (&IpNet, &Learned)| LearnedPrefix {
            prefix: Some(wire(prefix)),
            source: learned.source.wire().into(),
            since_ms: learned.since_ms,
            until_ms: learned.until_ms.unwrap_or(0),
        };
        self.given.get(id).into_iter().flatten().map(told).collect()
    }
}

impl Entry {
    fn key(&self) -> Key {
        (self.lease.source, self.lease.prefix)
    }
}

fn wire(prefix: &IpNet) -> Prefix {
    let address = match prefix {
        IpNet::V4(net) => net.network().octets().to_vec(),
        IpNet::V6(net) => net.network().octets().to_vec(),
    };
    Prefix { address, length: prefix.prefix_len().into() }
}
