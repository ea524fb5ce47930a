//! One line with a fair use: what it moved, what that and the clock make of it, and how it is told.

use crate::plan::policy::{Policy, Rates, Used, Verdict};
use crate::store::disk::Disk;
use crate::usage::tally::Tally;
use std::time::Duration;
use uuid::Uuid;
use weir_protocol::desired::{Access, Allowance, Line};
use weir_protocol::state::{LineFairUse, Rule, Turn};

/// A line with a fair use.
#[derive(Debug)]
pub(in crate::run) struct Watched {
    pub(super) handle: u32,
    sold: Rates,
    pub(super) policy: Policy,
    /// When it was looked at last, and what that gave.
    pub(super) seen: Option<(u64, Verdict)>,
    /// What it moved itself, as this router counted it.
    own: Used,
    used_bytes: u64,
    moving: bool,
}

/// What a look at a line gave.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// Other rates than before, or another access.
    pub changed: bool,
    /// In the walled garden, or out of it.
    pub capped: bool,
    /// Another rule, or another step.
    pub turned: bool,
    /// How it goes on toward what happens next.
    pub pace: Option<Pace>,
}

/// How soon a use may be reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    left_bytes: u64,
    bps: u64,
}

impl Pace {
    /// Two that use the same allowance.
    pub fn and(self, other: Self) -> Self {
        Self { left_bytes: self.left_bytes.min(other.left_bytes), bps: self.bps.saturating_add(other.bps) }
    }

    pub fn time(self) -> Duration {
        let millis = u128::from(self.left_bytes) * 8000 / u128::from(self.bps.max(1));
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

impl Watched {
    pub fn read(line: &Line) -> Option<Self> {
        Some(Self {
            handle: line.handle,
            sold: Rates::of(line),
            // A line whose fair use makes no sense is refused as a whole, see `check::alone`.
            policy: Policy::read(line.fair_use.as_ref()?).ok()?,
            seen: None,
            own: Used::default(),
            used_bytes: 0,
            moving: false,
        })
    }

    pub fn same_rules(&self, other: &Self) -> bool {
        (self.handle, self.sold, &self.policy) == (other.handle, other.sold, &other.policy)
    }

    /// Whether what was counted under the one stays where it is under the other.
    pub fn counts_like(&self, other: &Self) -> bool {
        (self.handle, self.sold) == (other.handle, other.sold) && self.policy.counts_like(&other.policy)
    }

    /// Sums up what it moved itself, with `open_bytes` that are not sealed.
    pub fn count(&mut self, tally: &Tally<impl Disk>, open_bytes: u64, now_ms: u64) -> Used {
        let counted = if self.policy.counts_until(now_ms.saturating_add(1)) { open_bytes } else { 0 };
        let own = |period: &Allowance, open| tally.used(self.handle, period.start_ms, period.end_ms, open);
        let allowance = self.policy.allowance(now_ms);
        let before = allowance.and_then(|allowance| self.policy.carried_from(allowance));
        let now = Used {
            bytes: allowance.map_or(0, |allowance| own(allowance, counted)),
            before_bytes: before.map_or(0, |before| own(before, 0)),
        };
        self.moving = now.bytes > self.own.bytes;
        self.own = now;
        now
    }

    /// Looks at the line; `shared` is what all lines of its pool moved.
    pub(super) fn look(&mut self, tally: &mut Tally<impl Disk>, shared: Option<Used>, now_ms: u64) -> Look {
        let moved = shared.unwrap_or(self.own);
        let allowance = self.policy.allowance(now_ms);
        let with = |period: Option<&Allowance>, bytes: u64| {
            period.map_or(0, |period| period.elsewhere_bytes.saturating_add(bytes))
        };
        let before = allowance.and_then(|allowance| self.policy.carried_from(allowance));
        let used = Used { bytes: with(allowance, moved.bytes), before_bytes: with(before, moved.before_bytes) };
        let carried_bytes = allowance.map_or(0, |allowance| self.policy.carried(allowance, used.before_bytes));
        self.used_bytes = used.bytes;
        let verdict = match self.seen {
            Some((at_ms, verdict)) if verdict.still_holds(used.bytes, carried_bytes, at_ms, now_ms) => verdict,
            _ => self.policy.evaluate(self.sold, used, now_ms),
        };
        let before = self.seen.replace((now_ms, verdict)).map(|(_, before)| before);
        let last = tally.turns(self.handle).last().map_or((Rule::Sold, 0), |turn| (turn.rule(), turn.step));
        let turned = (verdict.rule, verdict.step) != last;
        if turned {
            let turn = Turn { rule: verdict.rule.into(), at_ms: now_ms, used_bytes: used.bytes, step: verdict.step };
            tally.turn(self.handle, turn, verdict.period.map_or(0, |(start_ms, _)| start_ms), self.own.bytes);
        }
        Look {
            changed: before.is_none_or(|before| before.makes() != verdict.makes()),
            capped: before.is_some_and(|before| before.is_capped()) != verdict.is_capped(),
            turned,
            pace: self.pace(&verdict),
        }
    }

    fn pace(&self, verdict: &Verdict) -> Option<Pace> {
        let next_bytes = verdict.next_bytes.filter(|_| verdict.counting && self.moving)?;
        let bps = verdict.rates.down_bps.saturating_add(verdict.rates.up_bps);
        Some(Pace { left_bytes: next_bytes.saturating_sub(self.used_bytes), bps })
    }

    /// What is enforced of it, if that is another line than was sold.
    pub fn enforced(&self, line: &Line) -> Option<Line> {
        let (_, verdict) = self.seen?;
        let (Rates { down_bps, up_bps }, bursts) = (verdict.rates, verdict.bursts(line));
        let gardened =
            verdict.is_capped() && matches!(line.access(), Access::Open | Access::Throttled | Access::Unspecified);
        if !gardened && verdict.rates == Rates::of(line) && bursts == (line.burst_down_bytes, line.burst_up_bytes) {
            return None;
        }
        let (access, hold_kind) = match gardened {
            true => (Access::WalledGarden.into(), "quota".to_owned()),
            false => (line.access, line.hold_kind.clone()),
        };
        Some(Line {
            rate_down_bps: down_bps,
            rate_up_bps: up_bps,
            throttled_down_bps: line.throttled_down_bps.min(down_bps),
            throttled_up_bps: line.throttled_up_bps.min(up_bps),
            burst_down_bytes: bursts.0,
            burst_up_bytes: bursts.1,
            access,
            hold_kind,
            ..line.clone()
        })
    }

    pub fn standing(&self, id: Uuid, tally: &Tally<impl Disk>) -> Option<LineFairUse> {
        let (_, verdict) = self.seen?;
        let (start_ms, end_ms) = verdict.period.unwrap_or_default();
        let turns = tally.turns(self.handle).to_vec();
        Some(LineFairUse {
            id: id.as_bytes().to_vec(),
            start_ms,
            end_ms,
            used_bytes: self.used_bytes,
            limit_bytes: verdict.limit_bytes,
            rule: verdict.rule.into(),
            since_ms: turns.last().map_or(0, |turn| turn.at_ms),
            next_ms: verdict.until_ms.unwrap_or(0),
            turns,
            carried_bytes: verdict.carried_bytes,
        })
    }
}

impl Verdict {
    /// All that makes another line of it.
    fn makes(&self) -> (Rates, bool, bool) {
        (self.rates, self.is_slowed(), self.is_capped())
    }

    fn is_slowed(&self) -> bool {
        matches!(self.rule, Rule::Exhausted | Rule::Capped)
    }

    /// Bytes it may send at once, toward and from the subscriber: none beyond the least once its allowance is used up.
    fn bursts(&self, line: &Line) -> (u64, u64) {
        if self.is_slowed() { (0, 0) } else { (line.burst_down_bytes, line.burst_up_bytes) }
    }

    /// Whether nothing can have changed: no time that may change it came, and use is between the same two steps.
    fn still_holds(&self, used_bytes: u64, carried_bytes: u64, at_ms: u64, now_ms: u64) -> bool {
        let same = self.from_bytes <= used_bytes && self.next_bytes.is_none_or(|next| used_bytes < next);
        let same = same && carried_bytes == self.carried_bytes;
        at_ms <= now_ms && self.until_ms.is_none_or(|until| now_ms < until) && same
    }
}
