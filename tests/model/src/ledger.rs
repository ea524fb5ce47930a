//! The cloud's rules once more, in memory: fast, and each of them can be left out. On PostgreSQL the product's own answers are
//! held against these, one by one.

use crate::account::LINES;
use crate::dice::Dice;
use crate::rules::Rules;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use weir_agent::usage::spool::Epoch;
use weir_protocol::control::{EpochPosition, StreamPosition, Verdict};
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::{Down, GapFill, Outcome, Record};

/// A connection: whose, and which of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The agent, numbered as they were enrolled.
    pub agent: usize,
    /// Never used again.
    pub number: u64,
}

/// What stands for records that are gone.
#[derive(Clone, Debug)]
pub struct Filled {
    /// Its name among the effects.
    pub hash: Hash,
    /// Bytes by line.
    pub missing: [u64; LINES],
}

#[derive(Clone, Debug)]
struct Stand {
    applied: u64,
    hash: Vec<u8>,
    superseded: Option<u64>,
    ordinal: u64,
}

/// What the cloud knows of one router's usage; a copy is a backup.
#[derive(Clone, Debug)]
pub struct Ledger {
    rules: Rules,
    /// The session that may write for each agent; none for one that is revoked.
    agents: Vec<Option<u64>>,
    epochs: BTreeMap<(usize, Epoch), Stand>,
    records: BTreeMap<(Epoch, u64), Hash>,
    /// What lines moved in what is here of each epoch.
    sums: BTreeMap<Epoch, [u64; LINES]>,
    effects: Vec<Hash>,
    ticks: u64,
}

impl Ledger {
    /// Knows nobody.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            agents: Vec::new(),
            epochs: BTreeMap::new(),
            records: BTreeMap::new(),
            sums: BTreeMap::new(),
            effects: Vec::new(),
            ticks: 0,
        }
    }

    /// Revokes whoever served the router and answers the number of its new agent.
    pub fn enroll(&mut self) -> usize {
        self.agents.fill(None);
        self.agents.push(Some(0));
        self.agents.len() - 1
    }

    /// Records that had an effect, as often as they had one.
    pub fn effects(&self) -> &[Hash] {
        &self.effects
    }

    /// Whether an epoch was ever offered.
    pub fn knows(&self, epoch: &Epoch) -> bool {
        self.epochs.keys().any(|(_, known)| known == epoch)
    }

    /// Opens a session; `None` if the agent is unknown or revoked.
    pub fn open(&mut self, session: Session, offered: &[EpochPosition]) -> Option<Vec<StreamPosition>> {
        *self.agents.get_mut(session.agent)?.as_mut()? = session.number;
        let names: BTreeSet<&[u8]> = offered.iter().map(|one| one.epoch.as_slice()).collect();
        let mut streams = Vec::new();
        for (n, one) in offered.iter().enumerate() {
            let key = (session.agent, Epoch::try_from(one.epoch.as_slice()).ok()?);
            self.know(key);
            if self.rules.supersession && n + 1 == offered.len() && self.is_behind(key, &names) {
                let tick = self.tick();
                self.epochs.get_mut(&key)?.superseded.get_or_insert(tick);
            }
            streams.push(self.position(key, one)?);
        }
        Some(streams)
    }

    fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// Notes an epoch that is new, or was another agent's of the router.
    fn know(&mut self, key: (usize, Epoch)) {
        if self.epochs.contains_key(&key) {
            return;
        }
        let ordinal = self.tick();
        let new = Stand { applied: 0, hash: hash::GENESIS.to_vec(), superseded: None, ordinal };
        let others = self.epochs.iter().filter(|((_, epoch), _)| *epoch == key.1).map(|(_, stand)| stand);
        let rank = |stand: &&Stand| (stand.superseded.unwrap_or(u64::MAX), u64::MAX - stand.applied);
        let before = others.min_by_key(rank).filter(|_| self.rules.adoption).cloned();
        self.epochs.insert(key, before.unwrap_or(new));
    }

    /// Whether there are records of a newer epoch that is not among these.
    fn is_behind(&self, key: (usize, Epoch), names: &BTreeSet<&[u8]>) -> bool {
        let Some(this) = self.epochs.get(&key) else { return false };
        self.epochs.iter().any(|((_, epoch), newer)| {
            newer.ordinal > this.ordinal && newer.applied > 0 && !names.contains(epoch.as_slice())
        })
    }

    fn position(&mut self, key: (usize, Epoch), offered: &EpochPosition) -> Option<StreamPosition> {
        let stand = self.epochs.get_mut(&key)?;
        let applied = stand.applied;
        let agrees = if applied + 1 == offered.first_seq {
            stand.hash == offered.first_prev_hash
        } else {
            applied != offered.last_seq || stand.hash == offered.last_hash
        };
        let fork = self.rules.chain && (applied > offered.last_seq || !agrees);
        let mut verdict = Verdict::Ok;
        if stand.superseded.is_some() || fork {
            verdict = Verdict::Fork;
        } else if offered.first_seq > applied + 1 {
            verdict = Verdict::Gap;
        }
        let (applied_seq, applied_hash) = (stand.applied, stand.hash.clone());
        Some(StreamPosition {
            epoch: offered.epoch.clone(),
            applied_seq,
            applied_hash,
            trim_seq: applied_seq,
            verdict: verdict.into(),
        })
    }

    /// Applies a record; `None` if the session may not write any more.
    pub fn apply(&mut self, session: Session, body: &[u8], dice: &mut Dice) -> Option<Down> {
        if self.rules.fence && *self.agents.get(session.agent)? != Some(session.number) {
            return None;
        }
        let record = Record::decode(body).ok()?;
        let epoch = Epoch::try_from(record.epoch.as_slice()).ok()?;
        let told = |applied_seq: u64, outcome: Outcome| {
            Some(Down { epoch: epoch.to_vec(), applied_seq, trim_seq: applied_seq, outcome: outcome.into() })
        };
        let Some(stand) = self.epochs.get_mut(&(session.agent, epoch)) else { return told(0, Outcome::Gap) };
        let (applied, own) = (stand.applied, hash::usage_record(body));
        if record.seq <= applied {
            let same = !self.rules.chain || self.records.get(&(epoch, record.seq)) == Some(&own);
            return told(applied, if same { Outcome::Duplicate } else { Outcome::Fork });
        }
        if record.seq > applied + 1 {
            return told(applied, Outcome::Gap);
        }
        if stand.superseded.is_some() || (self.rules.chain && record.prev_hash != stand.hash) {
            return told(applied, Outcome::Fork);
        }
        self.effects.push(own);
        if !self.rules.one_transaction && dice.percent(5) {
            return None;
        }
        (stand.applied, stand.hash) = (record.seq, own.to_vec());
        self.records.insert((epoch, record.seq), own);
        self.add(epoch, moved(&record)?);
        told(record.seq, Outcome::Applied)
    }

    /// Goes on after records that are gone. What they came to, where that is told and can be, has the effect of a record of
    /// its own; answers which, and what each line moved in it.
    pub fn fill(&mut self, session: Session, fill: &GapFill) -> Option<(Down, Option<Filled>)> {
        if self.rules.fence && *self.agents.get(session.agent)? != Some(session.number) {
            return None;
        }
        let totals = fill.totals.as_ref()?;
        let epoch = Epoch::try_from(totals.epoch.as_slice()).ok()?;
        let told = |applied_seq: u64, outcome: Outcome| Down {
            epoch: epoch.to_vec(),
            applied_seq,
            trim_seq: applied_seq,
            outcome: outcome.into(),
        };
        let Some(stand) = self.epochs.get_mut(&(session.agent, epoch)) else {
            return Some((told(0, Outcome::Gap), None));
        };
        let applied = stand.applied;
        if stand.superseded.is_some() {
            return Some((told(applied, Outcome::Fork), None));
        }
        if totals.seq <= applied {
            return Some((told(applied, Outcome::Duplicate), None));
        }
        (stand.applied, stand.hash) = (totals.seq, fill.last_hash.clone());
        let here = self.sums.get(&epoch).copied().unwrap_or_default();
        let all = moved(totals)?;
        let less: Option<Vec<u64>> = all.iter().zip(here).map(|(all, here)| all.checked_sub(here)).collect();
        let less = less.filter(|_| totals.end_ms > 0 && self.rules.filling).and_then(|less| less.try_into().ok());
        let filled = less.map(|missing: [u64; LINES]| {
            let name = [&totals.encode_to_vec()[..], &applied.to_be_bytes()].concat();
            Filled { hash: hash::usage_record(&name), missing }
        });
        if let Some(Filled { hash, missing }) = &filled {
            self.effects.push(*hash);
            self.records.insert((epoch, totals.seq), fill.last_hash.as_slice().try_into().ok()?);
            self.add(epoch, *missing);
        }
        Some((told(totals.seq, Outcome::Applied), filled))
    }

    /// Keeps a record that is not to be counted; `None` if the session may not write any more.
    pub fn quarantine(&mut self, session: Session, body: &[u8]) -> Option<Down> {
        if self.rules.fence && *self.agents.get(session.agent)? != Some(session.number) {
            return None;
        }
        let record = Record::decode(body).ok()?;
        let epoch = Epoch::try_from(record.epoch.as_slice()).ok()?;
        let known = self.epochs.contains_key(&(session.agent, epoch));
        let outcome = if known { Outcome::Quarantined } else { Outcome::Gap };
        let (epoch, seq) = (record.epoch, record.seq);
        Some(Down { epoch, applied_seq: seq, trim_seq: seq, outcome: outcome.into() })
    }

    fn add(&mut self, epoch: Epoch, moved: [u64; LINES]) {
        let sums = self.sums.entry(epoch).or_default();
        sums.iter_mut().zip(moved).for_each(|(sum, moved)| *sum += moved);
    }
}

fn moved(record: &Record) -> Option<[u64; LINES]> {
    let mut moved = [0; LINES];
    for line in record.lines().ok()? {
        *moved.get_mut(line.handle as usize - 1)? += line.down_bytes;
    }
    Some(moved)
}
