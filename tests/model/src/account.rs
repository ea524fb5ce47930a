//! Every byte has a name: which were moved, which are billed, and which may be missing because a fault destroyed them.

use crate::ledger::Filled;
use std::collections::HashMap;
use weir_agent::usage::spool::Epoch;
use weir_protocol::hash::Hash;
use weir_protocol::usage::Record;

/// Lines of the router; their handles are 1 and up.
pub const LINES: usize = 2;

/// Names of bytes, by line, in the order a counter counted them: a counter's value is how many there are.
pub type Bytes = [Vec<u32>; LINES];

/// What must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A byte was billed twice, or nobody moved it.
    Over(String),
    /// A byte is missing and no fault explains it.
    Lost(String),
    /// The product does not do what the model takes for granted.
    Strange(String),
}

struct Told {
    epoch: Epoch,
    seq: u64,
    /// The record before it, if it stands for itself.
    before: Option<Hash>,
    bytes: Bytes,
}

/// What is known of all bytes.
#[derive(Default)]
pub struct Account {
    records: HashMap<Hash, Told>,
    /// By line and name; what may be missing.
    forgiven: [Vec<bool>; LINES],
}

impl Account {
    /// Names bytes a line moves now.
    pub fn moves(&mut self, line: usize, count: usize) -> std::ops::Range<u32> {
        let first = self.forgiven[line].len();
        self.forgiven[line].resize(first + count, false);
        first as u32..(first + count) as u32
    }

    /// Whether a record was seen before.
    pub fn knows(&self, hash: &Hash) -> bool {
        self.records.contains_key(hash)
    }

    /// Takes a record in that was sealed when the counters had counted these: what it covers is the newest of them.
    pub fn learn(&mut self, hash: Hash, record: &Record, counted: &Bytes) -> Result<(), Fault> {
        let mut bytes = Bytes::default();
        for line in record.lines().map_err(|error| Fault::Strange(error.to_string()))? {
            let n = line.handle as usize - 1;
            let (all, moved) = (&counted[n], line.down_bytes as usize);
            let from = all.len().checked_sub(moved);
            let from = from.ok_or_else(|| Fault::Over(format!("{moved} bytes sealed of {} counted", all.len())))?;
            bytes[n] = all[from..].to_vec();
        }
        let epoch =
            Epoch::try_from(record.epoch.as_slice()).map_err(|_| Fault::Strange("an epoch of no size".into()))?;
        let before = record.prev_hash.as_slice().try_into().ok();
        self.records.insert(hash, Told { epoch, seq: record.seq, before, bytes });
        Ok(())
    }

    /// Takes in what stands for records that are gone: of all the epoch moved up to the last of them, so much, the newest.
    pub fn learn_filled(&mut self, filled: &Filled, last: Hash) -> Result<(), Fault> {
        let mut bytes = Bytes::default();
        let mut at = self.records.get(&last);
        let (epoch, seq) = at.map_or((Epoch::default(), 0), |told| (told.epoch, told.seq));
        while let Some(told) = at {
            for (line, names) in told.bytes.iter().enumerate() {
                let more = (filled.missing[line] as usize).saturating_sub(bytes[line].len());
                bytes[line].extend(names.iter().rev().take(more));
            }
            at = told.before.and_then(|before| self.records.get(&before));
        }
        if bytes.iter().zip(filled.missing).any(|(bytes, missing)| (bytes.len() as u64) < missing) {
            return Err(Fault::Over(format!("{:?} bytes stand for records that moved less", filled.missing)));
        }
        self.records.insert(filled.hash, Told { epoch, seq, before: None, bytes });
        Ok(())
    }

    /// Lets bytes be missing, but for those in these records.
    pub fn forgive(&mut self, bytes: &Bytes, but: &[Hash]) {
        let kept = self.within(but);
        for ((forgiven, names), kept) in self.forgiven.iter_mut().zip(bytes).zip(&kept) {
            for name in names.iter().filter(|name| !kept[**name as usize]) {
                forgiven[*name as usize] = true;
            }
        }
    }

    /// Lets what is in records be missing.
    pub fn forgive_records<'a>(&mut self, hashes: impl IntoIterator<Item = &'a Hash>) {
        for told in hashes.into_iter().filter_map(|hash| self.records.get(hash)) {
            for (line, names) in told.bytes.iter().enumerate() {
                names.iter().for_each(|name| self.forgiven[line][*name as usize] = true);
            }
        }
    }

    /// The number of a record.
    pub fn seq(&self, hash: &Hash) -> Option<u64> {
        self.records.get(hash).map(|told| told.seq)
    }

    /// Whether what a record holds is part of what all up to one of these came to.
    pub fn stands_before(&self, hash: &Hash, last: &[Hash]) -> bool {
        let Some(told) = self.records.get(hash) else { return false };
        last.iter().any(|last| {
            let mut at = Some(*last);
            while let Some((name, record)) = at.and_then(|at| Some((at, self.records.get(&at)?))) {
                // What stands for records that are gone has no place in the chain but that of the last of them.
                let fills = told.before.is_none() && record.epoch == told.epoch && record.seq == told.seq;
                if name == *hash || fills {
                    return true;
                }
                at = record.before;
            }
            false
        })
    }

    /// Every record seen of an epoch.
    pub fn of_epoch(&self, epoch: &Epoch) -> Vec<Hash> {
        self.records.iter().filter(|(_, told)| told.epoch == *epoch).map(|(hash, _)| *hash).collect()
    }

    fn within(&self, hashes: &[Hash]) -> [Vec<bool>; LINES] {
        let mut within = std::array::from_fn(|line| vec![false; self.forgiven[line].len()]);
        for told in hashes.iter().filter_map(|hash| self.records.get(hash)) {
            for (within, names) in within.iter_mut().zip(&told.bytes) {
                names.iter().for_each(|name| within[*name as usize] = true);
            }
        }
        within
    }

    /// Bytes billed by line, if none is billed twice.
    pub fn billed(&self, effects: &[Hash]) -> Result<[usize; LINES], Fault> {
        let mut seen: [Vec<bool>; LINES] = std::array::from_fn(|line| vec![false; self.forgiven[line].len()]);
        for hash in effects {
            let told = self.records.get(hash).ok_or_else(|| Fault::Over("a record nobody sealed".to_owned()))?;
            for (n, (seen, names)) in seen.iter_mut().zip(&told.bytes).enumerate() {
                if let Some(name) = names.iter().find(|name| std::mem::replace(&mut seen[**name as usize], true)) {
                    let at = format!("byte {name} of line {}, now by record {}", n + 1, told.seq);
                    return Err(Fault::Over(format!("{at} of epoch {:02x?}", told.epoch)));
                }
            }
        }
        Ok(seen.map(|line| line.iter().filter(|seen| **seen).count()))
    }

    /// Bytes moved and bytes missing, if every one that is missing may be.
    pub fn settle(&self, effects: &[Hash]) -> Result<(usize, usize), Fault> {
        let billed: usize = self.billed(effects)?.iter().sum();
        let moved: usize = self.forgiven.iter().map(Vec::len).sum();
        let here = self.within(effects);
        for (n, (here, forgiven)) in here.iter().zip(&self.forgiven).enumerate() {
            let lost: Vec<usize> = (0..forgiven.len()).filter(|name| !here[*name] && !forgiven[*name]).collect();
            if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
                let (count, line) = (lost.len(), n + 1);
                return Err(Fault::Lost(format!("{count} bytes from {first} to {last} of line {line}")));
            }
        }
        Ok((moved, moved - billed))
    }
}
