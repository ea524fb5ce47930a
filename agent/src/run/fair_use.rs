//! Fair use as the loop acts on it: what every line used by now, what that makes of its rates, and what the cloud is told.
//!
//! What a policy says is decided in [`crate::plan::policy`], what is used in [`crate::usage::tally`].

use super::{Agent, enforce};
use crate::clock::{self, Clock};
use crate::plan::Wanted;
use crate::plan::policy::{Policy, Rates, Verdict};
use crate::southbound::Southbound;
use crate::store::disk::Disk;
use crate::usage::tally::{self, Tally};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use weir_protocol::desired::{Allowance, Line};
use weir_protocol::state::{self, FairUseReport, LineFairUse, Rule, Turn};
use weir_protocol::usage::LineUsage;

/// Sweeps of a line about to use up its allowance are not closer than this.
const CLOSE: Duration = Duration::from_millis(100);
/// Nor do they take more of the processor than one part in this many.
const SHARE: u32 = 4;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// Cut points are known this far ahead.
const CUTS_AHEAD_MS: u64 = 2 * DAY_MS;
/// And at most this far behind: longer than any period, so that the last one passed is among them.
const CUTS_BEHIND_MS: u64 = 40 * DAY_MS;

/// Every line with a fair use, and how it stands.
#[derive(Debug, Default)]
pub(super) struct FairUse {
    lines: BTreeMap<Uuid, Watched>,
    of_handle: BTreeMap<u32, Uuid>,
    told: BTreeMap<Uuid, LineFairUse>,
}

/// A line with a fair use.
#[derive(Debug)]
pub(super) struct Watched {
    handle: u32,
    sold: Rates,
    policy: Policy,
    /// When it was looked at last, and what that gave.
    seen: Option<(u64, Verdict)>,
    used_bytes: u64,
    moving: bool,
}

/// What a look at all lines gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Review {
    /// Lines whose rates are others than before.
    changed: BTreeSet<Uuid>,
    /// A rule came into force or went out of it.
    turned: bool,
    /// A line that moves may use up its allowance within this time.
    soonest: Option<Duration>,
}

/// The fair use of lines that get another one, or none any more.
pub(super) type Rules = BTreeMap<Uuid, Option<Watched>>;

impl FairUse {
    /// The fair use of what is wanted. How lines stand is known after the next [`FairUse::review`].
    pub(super) fn read(wanted: &Wanted) -> Self {
        let mut fair_use = Self::default();
        fair_use.succeed(fair_use.differing(wanted.lines.iter().map(|(id, line)| (*id, Some(line.as_ref())))));
        fair_use
    }

    /// Which of these lines get another fair use, or none any more.
    pub(super) fn differing<'a>(&self, lines: impl Iterator<Item = (Uuid, Option<&'a Line>)>) -> Rules {
        let read = lines.map(|(id, line)| (id, line.and_then(Watched::read)));
        read.filter(|(id, new)| match (self.lines.get(id), new) {
            (None, None) => false,
            (Some(old), Some(new)) => !old.same_rules(new),
            _ => true,
        })
        .collect()
    }

    /// Those of lines that are not wanted any more.
    pub(super) fn leaving(&self, wanted: &Wanted) -> Rules {
        self.lines.keys().filter(|id| !wanted.lines.contains_key(id)).map(|id| (*id, None)).collect()
    }

    /// Goes on under other rules: what was told of lines that stay is remembered.
    pub(super) fn succeed(&mut self, rules: Rules) {
        for (id, rule) in rules {
            if let Some(old) = self.lines.remove(&id)
                && self.of_handle.get(&old.handle) == Some(&id)
            {
                self.of_handle.remove(&old.handle);
            }
            match rule {
                Some(rule) => {
                    self.of_handle.insert(rule.handle, id);
                    self.lines.insert(id, rule);
                }
                None => drop(self.told.remove(&id)),
            }
        }
    }

    /// What is enforced of a line.
    pub(super) fn enforced_line(&self, id: Uuid, line: &Arc<Line>) -> Arc<Line> {
        let seen = self.lines.get(&id).and_then(|watched| watched.seen);
        let Some((_, verdict)) = seen.filter(|(_, verdict)| verdict.differs_from(line)) else {
            return Arc::clone(line);
        };
        let Rates { down_bps, up_bps } = verdict.rates;
        let (burst_down_bytes, burst_up_bytes) = verdict.bursts(line);
        Arc::new(Line {
            rate_down_bps: down_bps,
            rate_up_bps: up_bps,
            throttled_down_bps: line.throttled_down_bps.min(down_bps),
            throttled_up_bps: line.throttled_up_bps.min(up_bps),
            burst_down_bytes,
            burst_up_bytes,
            ..Line::clone(line)
        })
    }

    /// Looks at every line: what its tally and what is not sealed yet make of its rates.
    pub(super) fn review(&mut self, tally: &mut Tally<impl Disk>, open: &[LineUsage], now_ms: u64) -> Review {
        let mut review = Review::default();
        let open: BTreeMap<u32, u64> =
            open.iter().map(|line| (line.handle, line.down_bytes.saturating_add(line.up_bytes))).collect();
        for (id, line) in &mut self.lines {
            if line.look(tally, open.get(&line.handle).copied().unwrap_or(0), now_ms, &mut review) {
                review.changed.insert(*id);
            }
        }
        review
    }

    /// When a look is due without any traffic, Unix milliseconds.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.lines.values().filter_map(|line| line.seen?.1.until_ms).min()
    }

    /// Instants no usage record may straddle, from `since_ms` or at least a day ago on.
    pub(super) fn cuts(&self, since_ms: u64, now_ms: u64) -> BTreeSet<u64> {
        let ago = |ms| now_ms.saturating_sub(ms);
        let from_ms = since_ms.clamp(ago(CUTS_BEHIND_MS), ago(DAY_MS));
        let to_ms = now_ms.saturating_add(CUTS_AHEAD_MS);
        self.lines.values().flat_map(|line| line.policy.cuts(from_ms, to_ms)).collect()
    }

    /// The next report tells of every line.
    pub(super) fn restart(&mut self) {
        self.told.clear();
    }

    /// What is new since the last report: a line is told of when its rule, its period or its limit changed, and at each
    /// hundredth of its allowance.
    pub(super) fn take_unsaid(&mut self, tally: &Tally<impl Disk>) -> Option<FairUseReport> {
        let mut lines = Vec::new();
        for (id, line) in &self.lines {
            let Some(standing) = line.standing(*id, tally) else { continue };
            let told = self.told.insert(*id, rounded(&standing));
            if told.as_ref() != self.told.get(id) {
                // Turns told in this session need not be told again.
                let since_ms = told.map_or(0, |told| told.since_ms);
                let turns = standing.turns.into_iter().filter(|turn| turn.at_ms > since_ms).collect();
                lines.push(LineFairUse { turns, ..standing });
            }
        }
        (!lines.is_empty()).then_some(FairUseReport { lines })
    }
}

/// What of a standing is told when it changes: what is used in hundredths of the limit, rounded down.
fn rounded(standing: &LineFairUse) -> LineFairUse {
    let hundredths = u128::from(standing.used_bytes) * 100 / u128::from(standing.limit_bytes.max(1));
    LineFairUse {
        used_bytes: u64::try_from(hundredths).unwrap_or(u64::MAX),
        next_ms: 0,
        turns: Vec::new(),
        ..standing.clone()
    }
}

impl Watched {
    fn read(line: &Line) -> Option<Self> {
        Some(Self {
            handle: line.handle,
            sold: Rates::of(line),
            // A line whose fair use makes no sense is refused as a whole, see `check::alone`.
            policy: Policy::read(line.fair_use.as_ref()?).ok()?,
            seen: None,
            used_bytes: 0,
            moving: false,
        })
    }

    fn same_rules(&self, other: &Self) -> bool {
        (self.handle, self.sold, &self.policy) == (other.handle, other.sold, &other.policy)
    }

    /// Looks at the line; whether its rates are others than before.
    fn look(&mut self, tally: &mut Tally<impl Disk>, open_bytes: u64, now_ms: u64, review: &mut Review) -> bool {
        let counted = if self.policy.counts_until(now_ms.saturating_add(1)) { open_bytes } else { 0 };
        let allowance = self.policy.allowance(now_ms);
        let own = |period: &Allowance| tally.used(self.handle, period.start_ms, period.end_ms, counted);
        let own_bytes = allowance.map_or(0, own);
        let used_bytes = allowance.map_or(0, |period| period.elsewhere_bytes.saturating_add(own_bytes));
        self.moving = used_bytes > self.used_bytes;
        self.used_bytes = used_bytes;
        let verdict = match self.seen {
            Some((at_ms, verdict)) if verdict.still_holds(used_bytes, at_ms, now_ms) => verdict,
            _ => self.policy.evaluate(self.sold, used_bytes, now_ms),
        };
        let before = self.seen.replace((now_ms, verdict));
        let rule = tally.turns(self.handle).last().map_or(Rule::Sold, Turn::rule);
        if verdict.rule != rule {
            let turn = Turn { rule: verdict.rule.into(), at_ms: now_ms, used_bytes, step: 0 };
            tally.turn(self.handle, turn, verdict.period.map_or(0, |(start_ms, _)| start_ms), own_bytes);
            review.turned = true;
        }
        if verdict.counting && self.moving {
            let left = verdict.limit_bytes.saturating_sub(used_bytes);
            let bps = verdict.rates.down_bps.saturating_add(verdict.rates.up_bps).max(1);
            let millis = u64::try_from(u128::from(left) * 8000 / u128::from(bps)).unwrap_or(u64::MAX);
            let soonest = Duration::from_millis(millis);
            review.soonest = Some(review.soonest.map_or(soonest, |other| other.min(soonest)));
        }
        before.is_none_or(|(_, before)| before.rates != verdict.rates)
    }

    fn standing(&self, id: Uuid, tally: &Tally<impl Disk>) -> Option<LineFairUse> {
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
            carried_bytes: 0,
        })
    }
}

impl Verdict {
    /// Whether it makes another line of it than was sold.
    fn differs_from(&self, line: &Line) -> bool {
        self.rates != Rates::of(line) || self.bursts(line) != (line.burst_down_bytes, line.burst_up_bytes)
    }

    /// Bytes it may send at once, toward and from the subscriber: none beyond the least once its allowance is used up.
    fn bursts(&self, line: &Line) -> (u64, u64) {
        if self.rule == Rule::Exhausted { (0, 0) } else { (line.burst_down_bytes, line.burst_up_bytes) }
    }

    /// Whether nothing can have changed: no time that may change it came, and use is on the same side of the limit.
    fn still_holds(&self, used_bytes: u64, at_ms: u64, now_ms: u64) -> bool {
        let limited = self.period.is_some();
        let reached = limited && used_bytes >= self.limit_bytes;
        at_ms <= now_ms && self.until_ms.is_none_or(|until| now_ms < until) && reached == self.reached
    }
}

impl tally::Rules for FairUse {
    fn counts(&self, handle: u32, end_ms: u64) -> bool {
        self.policy(handle).is_none_or(|policy| policy.counts_until(end_ms))
    }

    fn day(&self, handle: u32, end_ms: u64) -> i64 {
        // A line without one may get one today: then its neighbours' days are the likeliest.
        let policy = self.policy(handle).or_else(|| self.lines.values().next().map(|line| &line.policy));
        policy.map_or_else(|| (end_ms.saturating_sub(1) / DAY_MS).cast_signed(), |policy| policy.day_until(end_ms))
    }
}

impl FairUse {
    fn policy(&self, handle: u32) -> Option<&Policy> {
        Some(&self.lines.get(self.of_handle.get(&handle)?)?.policy)
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Takes in what was sealed, looks at every line, and acts on what that gives.
    pub(super) async fn review(&mut self, took: Duration) {
        let changed = self.look();
        if !changed.is_empty() {
            self.apply_some(changed.into_iter().map(enforce::line_key).collect()).await;
        }
        if let Some(soonest) = self.soonest {
            let wait = soonest.max(CLOSE).max(took * SHARE);
            self.sweep_at = self.sweep_at.min(Instant::now() + wait);
        }
    }

    /// The look itself; answers which lines' rates are others than before.
    pub(super) fn look(&mut self) -> BTreeSet<Uuid> {
        self.follow();
        let now = self.clock.now();
        let review = self.fair_use.review(&mut self.tally, &self.journal.open().lines, now.wall_ms);
        self.soonest = review.soonest;
        if now.wall_ms >= self.cuts_until_ms {
            self.set_cuts();
        }
        if review.turned {
            self.tally.save_or_warn();
        }
        self.report_fair_use();
        review.changed
    }

    /// Takes in what was sealed since; if the log was broken, in a tally of its own.
    pub(super) fn follow(&mut self) {
        if self.journal.take_break() {
            self.tally.renew(clock::random(), self.journal.spool());
            self.journal.set_tally(*self.tally.id());
        }
        self.tally.follow(self.journal.spool(), &self.fair_use);
    }

    /// Tells the journal every instant a record must end at.
    pub(super) fn set_cuts(&mut self) {
        let now = self.clock.now();
        let mut cuts = self.fair_use.cuts(self.journal.start_ms(), now.wall_ms);
        cuts.extend(&self.meaning.cuts);
        self.journal.set_cuts(cuts.into_iter().collect(), now);
        self.cuts_until_ms = now.wall_ms.saturating_add(DAY_MS);
    }

    /// Sends how lines stand with their fair use, as far as it is not told yet.
    pub(super) fn report_fair_use(&mut self) {
        let Some(session) = self.uplink.session().filter(|session| session.sender.is_some()) else { return };
        if let Some(report) = self.fair_use.take_unsaid(&self.tally) {
            session.state(state::up::Message::FairUse(report));
        }
    }
}
