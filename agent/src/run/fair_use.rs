//! Fair use as the loop acts on it: what every line used by now, what that makes of its rates, and what the cloud is told.
//!
//! What a policy says is decided in [`crate::plan::policy`], what is used in [`crate::usage::tally`].

mod line;
#[cfg(test)]
mod tests;

use self::line::{Pace, Watched};
use super::{Agent, enforce};
use crate::clock::{self, Clock};
use crate::plan::Wanted;
use crate::plan::policy::{Policy, Used};
use crate::southbound::Southbound;
use crate::store::disk::Disk;
use crate::usage::tally::{self, Tally};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use weir_protocol::desired::Line;
use weir_protocol::state::{self, FairUseReport, LineFairUse};
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

/// What a look at all lines gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Review {
    /// Lines whose rates are others than before, or that are in the walled garden or out of it.
    changed: BTreeSet<Uuid>,
    /// The latter alone.
    capped: BTreeSet<Uuid>,
    /// A rule came into force or went out of it.
    turned: bool,
    /// A line that moves may reach the end of its allowance, or a step beyond it, within this time.
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

    /// Whether these rules say only how much there is to use, as when a line on another router uses up a shared allowance.
    pub(super) fn counts_alike(&self, rules: &Rules) -> bool {
        rules.iter().all(|(id, new)| match (self.lines.get(id), new) {
            (Some(old), Some(new)) => old.counts_like(new),
            _ => false,
        })
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
        let enforced = self.lines.get(&id).and_then(|watched| watched.enforced(line));
        enforced.map_or_else(|| Arc::clone(line), Arc::new)
    }

    /// Whether the walled garden is what it gets for what it used.
    pub(super) fn caps(&self, id: Uuid) -> bool {
        let seen = self.lines.get(&id).and_then(|watched| watched.seen);
        seen.is_some_and(|(_, verdict)| verdict.is_capped())
    }

    /// Looks at every line: what its tally and what is not sealed yet make of its rates.
    pub(super) fn review(&mut self, tally: &mut Tally<impl Disk>, open: &[LineUsage], now_ms: u64) -> Review {
        let pools = self.count(tally, open, now_ms);
        let mut paces: BTreeMap<Uuid, Pace> = BTreeMap::new();
        let mut review = Review::default();
        for (id, line) in &mut self.lines {
            let pool = line.policy.pool();
            let look = line.look(tally, pool.and_then(|pool| pools.get(&pool)).copied(), now_ms);
            if look.changed {
                review.changed.insert(*id);
            }
            if look.capped {
                review.capped.insert(*id);
            }
            review.turned |= look.turned;
            match (look.pace, pool) {
                (Some(pace), Some(pool)) => {
                    paces.entry(pool).and_modify(|all| *all = all.and(pace)).or_insert(pace);
                }
                (Some(pace), None) => review.expect(pace),
                (None, _) => {}
            }
        }
        paces.into_values().for_each(|pace| review.expect(pace));
        review
    }

    /// Sums up what every line moved; answers what all lines of each pool moved together.
    fn count(&mut self, tally: &Tally<impl Disk>, open: &[LineUsage], now_ms: u64) -> BTreeMap<Uuid, Used> {
        let open: BTreeMap<u32, u64> =
            open.iter().map(|line| (line.handle, line.down_bytes.saturating_add(line.up_bytes))).collect();
        let mut pools: BTreeMap<Uuid, Used> = BTreeMap::new();
        for line in self.lines.values_mut() {
            let own = line.count(tally, open.get(&line.handle).copied().unwrap_or(0), now_ms);
            if let Some(pool) = line.policy.pool() {
                let all = pools.entry(pool).or_default();
                all.bytes = all.bytes.saturating_add(own.bytes);
                all.before_bytes = all.before_bytes.saturating_add(own.before_bytes);
            }
        }
        pools
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

    /// What is new since the last report: a line is told of when its rule, its step, its period or its limit changed, and at each
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

impl Review {
    fn expect(&mut self, pace: Pace) {
        let time = pace.time();
        self.soonest = Some(self.soonest.map_or(time, |other| other.min(time)));
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

    fn carries(&self, handle: u32) -> bool {
        self.policy(handle).is_some_and(Policy::carries)
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
        if !review.capped.is_empty() {
            self.show_lines(&review.capped);
        }
        if now.wall_ms >= self.cuts_until_ms || now.wall_ms.saturating_add(DAY_MS) < self.cuts_until_ms {
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
