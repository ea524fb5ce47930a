//! One line as the world knows it: what moves, what the kernel holds, and what must be held.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use weir_agent::southbound::Total;
use weir_protocol::desired::{Access, Line};

use super::chance::Chance;
use super::policy::{Held, MINUTE_MS, RUNGS, Says, says};

const MINUTES: usize = 4;

/// Bytes toward and from the subscriber.
pub type Both = [u64; 2];

/// A stretch of time in which nothing changes, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Stretch {
    /// By elapsed time.
    pub from: u64,
    pub to: u64,
    /// What the wall clock shows at its start.
    pub wall: u64,
}

/// What the agent is granted.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// From an edge of the clock to the kernel: what was under way, and the next sweep and change.
    pub edge_ms: u64,
    /// From the last byte of an allowance to the kernel.
    pub sweep_ms: u64,
    /// What moved longer ago is on the disk.
    pub safe_ms: u64,
}

/// What moved in a stretch, and in which periods it may be counted.
#[derive(Debug)]
struct Piece {
    at: u64,
    moved: Both,
    periods: BTreeSet<Option<u64>>,
}

/// What is used of a period: at least and at most.
#[derive(Debug, Default, Clone, Copy)]
struct Use {
    least: u64,
    most: u64,
    /// What a slowed line has used for sure.
    floor: u64,
    /// When each rung was reached for sure.
    reached_at: [Option<u64>; RUNGS],
}

pub struct Subscriber {
    pub line: Line,
    /// What the kernel holds; nothing before the first change of a boot.
    pub held: Option<Held>,
    pub counters: [Total; 2],
    /// What was moved and what may be lost of it, by boot.
    pub moved: BTreeMap<u32, (Both, Both)>,
    /// How often use slowed it.
    pub slowed: u32,
    seed: u64,
    /// What was asked last of each of a few minutes in a row.
    minutes: [Option<(u64, Says)>; MINUTES],
    used: BTreeMap<u64, Use>,
    /// What may not be on the disk yet.
    recent: VecDeque<Piece>,
}

impl Subscriber {
    pub fn new(line: Line, seed: u64) -> Self {
        let (used, moved, recent) = (BTreeMap::new(), BTreeMap::new(), VecDeque::new());
        let seed = seed.wrapping_mul(1000) + u64::from(line.handle);
        let minutes = [None; MINUTES];
        Self { line, held: None, counters: Default::default(), moved, slowed: 0, seed, minutes, used, recent }
    }

    /// What the policy says at an instant.
    pub fn says(&mut self, wall: u64) -> Says {
        let minute = wall - wall % MINUTE_MS;
        let kept = &mut self.minutes[(minute / MINUTE_MS) as usize % MINUTES];
        match kept {
            Some((of, says)) if *of == minute => *says,
            _ => kept.insert((minute, says(&self.line, minute))).1,
        }
    }

    /// Bytes of a stretch: nothing, a little, or all the line can carry, another each five minutes.
    fn traffic(&self, stretch: Stretch) -> Both {
        let Some(held) = self.held else { return Both::default() };
        let mut chance = Chance::of(self.seed ^ (stretch.wall / MINUTE_MS / 5) << 20);
        let (down_bps, up_bps) = match held.access {
            Access::Closed => (0, 0),
            Access::WalledGarden => (64_000, 64_000),
            _ => (held.down_bps, held.up_bps),
        };
        [down_bps, up_bps].map(|bps| bps * chance.pick(&[0, 0, 5, 40, 100]) / 100 * (stretch.to - stretch.from) / 8000)
    }

    /// Lets a stretch pass.
    pub fn pass(&mut self, stretch: Stretch, boot: u32, patience: Patience) {
        let moved = self.traffic(stretch);
        for (counter, bytes) in self.counters.iter_mut().zip(moved) {
            *counter = Total { bytes: counter.bytes + bytes, packets: counter.packets + bytes.div_ceil(1400) };
        }
        let (sum, _) = self.moved.entry(boot).or_default();
        *sum = [sum[0] + moved[0], sum[1] + moved[1]];
        self.count(stretch, moved, patience);
    }

    /// Counts what moved in the period it belongs to; about an edge it may belong to either side.
    fn count(&mut self, stretch: Stretch, moved: Both, patience: Patience) {
        if moved == Both::default() {
            return;
        }
        let last = stretch.wall + (stretch.to - stretch.from - 1);
        let around = [stretch.wall.saturating_sub(patience.edge_ms), stretch.wall, last, last + patience.edge_ms];
        let periods = around.map(|wall| self.says(wall).counted_in()).into();
        let piece = Piece { at: stretch.to, moved, periods };
        let bytes = moved[0] + moved[1];
        for period in piece.periods.iter().flatten() {
            let used = self.used.entry(*period).or_default();
            used.most += bytes;
            used.least += if piece.periods.len() == 1 { bytes } else { 0 };
        }
        self.recent.push_back(piece);
    }

    /// Compares what is held with what must be: by the clock always, by use where the agent could `read` it.
    pub fn judge(&mut self, stretch: Stretch, read: bool, patience: Patience) {
        let (now, before) = (self.says(stretch.wall), self.says(stretch.wall.saturating_sub(patience.edge_ms)));
        let Some(period) = now.period else {
            let settled = now == before;
            assert!(!settled || self.held == Some(now.open), "{}", self.complaint(stretch, &now));
            return;
        };
        let (carried_least, carried_most) = self.carried(&now);
        let used = self.used.entry(period).or_default();
        let least = used.least.max(used.floor);
        let (mut must, mut may) = (0, 0);
        for (rung, reached_at) in now.rungs.iter().zip(&mut used.reached_at) {
            let Some(rung) = rung else { break };
            let reached = least >= rung.from.saturating_add(carried_most);
            if !reached || !read {
                *reached_at = None;
            }
            let long = |at: u64| at + patience.sweep_ms + patience.edge_ms < stretch.from;
            must += usize::from(read && reached_at.is_some_and(long));
            may += usize::from(used.most >= rung.from.saturating_add(carried_least));
            if reached {
                reached_at.get_or_insert(stretch.to);
            }
        }
        if now != before {
            return;
        }
        let right = (0..=may).filter(|n| self.held == Some(now.held_at(*n)));
        let (first, last) = (right.clone().min(), right.max());
        if let Some(rung) = first.and_then(|n| now.rungs[n.checked_sub(1)?]).filter(|_| !now.boosted) {
            let floor = rung.from.saturating_add(carried_least);
            if used.floor < floor {
                (used.floor, self.slowed) = (floor, self.slowed + 1);
            }
        }
        assert!(last.is_some_and(|last| must <= last), "{}", self.complaint(stretch, &now));
    }

    /// What was carried over, at least and at most.
    fn carried(&self, says: &Says) -> (u64, u64) {
        let Some(carry) = says.carry else { return (0, 0) };
        let used = self.used.get(&carry.of).copied().unwrap_or_default();
        let left = |used: u64| carry.bytes.saturating_sub(used).min(carry.most);
        (left(used.most), left(used.least))
    }

    fn complaint(&self, stretch: Stretch, says: &Says) -> String {
        let used = says.period.and_then(|period| self.used.get(&period));
        let Self { held, line, .. } = self;
        format!("{stretch:?}: {held:?} is held; {says:?}; used {used:?} of {line:?}")
    }

    /// What moved up to an instant is on the disk.
    pub fn settle(&mut self, until: u64) {
        while self.recent.front().is_some_and(|piece| piece.at < until) {
            self.recent.pop_front();
        }
    }

    /// What is not on the disk is found in the kernel now, and counted as of now or as all that was found with it.
    pub fn find(&mut self, wall: u64, patience: Patience) {
        let now = [wall, wall + patience.edge_ms].map(|wall| self.says(wall).counted_in());
        let found: BTreeSet<_> = self.recent.iter().flat_map(|piece| &piece.periods).copied().chain(now).collect();
        for piece in &mut self.recent {
            let bytes = piece.moved[0] + piece.moved[1];
            doubt(&mut self.used, piece);
            for period in found.difference(&piece.periods).flatten() {
                self.used.entry(*period).or_default().most += bytes;
            }
            piece.periods.clone_from(&found);
            assure(&mut self.used, piece);
        }
    }

    /// The power is cut: what is not on the disk may be gone, and the kernel holds and counts nothing.
    pub fn lose(&mut self, boot: u32) {
        let (_, lost) = self.moved.entry(boot).or_default();
        for piece in std::mem::take(&mut self.recent) {
            *lost = [lost[0] + piece.moved[0], lost[1] + piece.moved[1]];
            doubt(&mut self.used, &piece);
        }
        (self.held, self.counters) = (None, Default::default());
    }
}

/// A piece counts for sure where it can count in one way only.
fn sure<'a>(used: &'a mut BTreeMap<u64, Use>, piece: &Piece) -> Option<&'a mut Use> {
    let period = piece.periods.first().copied().flatten().filter(|_| piece.periods.len() == 1)?;
    used.get_mut(&period)
}

fn doubt(used: &mut BTreeMap<u64, Use>, piece: &Piece) {
    if let Some(used) = sure(used, piece) {
        used.least -= piece.moved[0] + piece.moved[1];
    }
}

fn assure(used: &mut BTreeMap<u64, Use>, piece: &Piece) {
    if let Some(used) = sure(used, piece) {
        used.least += piece.moved[0] + piece.moved[1];
    }
}
