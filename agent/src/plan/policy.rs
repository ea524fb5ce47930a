//! Fair use: which rates a line has now, by what it used and by the clock, and when that may change by itself.
//!
//! Start at [`Policy::evaluate`]. A window is what the wall clock of its zone says: an hour that a change of the clocks
//! repeats is in it twice, one that is left out not at all.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;
use weir_protocol::desired::{Allowance, Boost, FairUse, Line, Window};
use weir_protocol::state::Rule;

use super::check::Rejection;
use super::steps::{self, Level};

/// How far ahead the next change is looked for, in milliseconds; no window is further away than a week.
const AHEAD_MS: u64 = 8 * 24 * 60 * 60 * 1000;
const DAY_MINUTES: u32 = 24 * 60;
const DAY_SECONDS: i64 = 24 * 60 * 60;
const WHOLE_WEEK: u32 = 0b111_1111;

/// Rates toward and from the subscriber, bits per second of layer 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Toward the subscriber.
    pub down_bps: u64,
    /// From the subscriber.
    pub up_bps: u64,
}

impl Rates {
    /// What a line is sold.
    pub fn of(line: &Line) -> Self {
        Self { down_bps: line.rate_down_bps, up_bps: line.rate_up_bps }
    }

    /// The slower of each.
    pub fn min(self, other: Self) -> Self {
        Self { down_bps: self.down_bps.min(other.down_bps), up_bps: self.up_bps.min(other.up_bps) }
    }

    /// The faster of each.
    pub fn max(self, other: Self) -> Self {
        Self { down_bps: self.down_bps.max(other.down_bps), up_bps: self.up_bps.max(other.up_bps) }
    }

    /// These, where they are given (above zero), else the others.
    pub(super) fn or(self, other: Self) -> Self {
        let given = |own: u64, other: u64| if own == 0 { other } else { own };
        Self { down_bps: given(self.down_bps, other.down_bps), up_bps: given(self.up_bps, other.up_bps) }
    }
}

/// A fair use that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    zone: TimeZone,
    allowances: Vec<Allowance>,
    levels: Vec<Level>,
    boosts: Vec<Boost>,
    windows: Vec<Window>,
    pool: Option<Uuid>,
}

/// What was used by now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Of the period that holds.
    pub bytes: u64,
    /// Of the period before it; asked for only if what was left of that is carried over.
    pub before_bytes: u64,
}

/// What a policy says at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What decides.
    pub rule: Rule,
    /// Steps beyond the allowance that were reached, where one of them decides.
    pub step: u32,
    /// The rates in force.
    pub rates: Rates,
    /// The period: start and end, Unix milliseconds; none if nothing is metered now.
    pub period: Option<(u64, u64)>,
    /// What may be used in the period; with no period 0.
    pub limit_bytes: u64,
    /// Of it, what was carried over.
    pub carried_bytes: u64,
    /// The least use it is the same for.
    pub from_bytes: u64,
    /// The use from which on it is another; none if no use makes it one.
    pub next_bytes: Option<u64>,
    /// Whether more use changes what the line gets: bytes are counted, and something is beyond.
    pub counting: bool,
    /// When this may change with no traffic at all, Unix milliseconds.
    pub until_ms: Option<u64>,
}

/// What a fair use is refused for.
pub(super) fn malformed(detail: String) -> Rejection {
    Rejection { code: "fair-use-malformed", detail }
}

impl Policy {
    /// Reads a fair use.
    pub fn read(fair_use: &FairUse) -> Result<Self, Rejection> {
        let zone = TimeZone::get(&fair_use.time_zone);
        let zone = zone.map_err(|_| malformed(format!("no time zone is called {:?}", fair_use.time_zone)))?;
        let sound = |window: &Window| {
            let minutes = window.from_minute < DAY_MINUTES && window.to_minute <= DAY_MINUTES;
            minutes && window.weekdays != 0 && window.weekdays <= WHOLE_WEEK
        };
        if let Some(window) = fair_use.windows.iter().find(|window| !sound(window)) {
            let Window { weekdays, from_minute, to_minute, .. } = window;
            return Err(malformed(format!("days {weekdays:#b} from {from_minute} to {to_minute} are no window")));
        }
        let ordered = fair_use.allowances.iter().all(|period| period.start_ms < period.end_ms)
            && fair_use.allowances.is_sorted_by(|one, next| one.end_ms <= next.start_ms);
        if !ordered {
            return Err(malformed("the periods are empty or overlap".into()));
        }
        let pool = match fair_use.pool.as_slice() {
            [] => None,
            pool => Some(Uuid::from_slice(pool).map_err(|_| malformed(format!("{} bytes name no pool", pool.len())))?),
        };
        Ok(Self {
            zone,
            allowances: fair_use.allowances.clone(),
            levels: steps::levels(fair_use)?,
            boosts: steps::boosts(fair_use)?,
            windows: fair_use.windows.clone(),
            pool,
        })
    }

    /// What is included at an instant.
    pub fn allowance(&self, now_ms: u64) -> Option<&Allowance> {
        self.allowances.iter().find(|period| period.start_ms <= now_ms && now_ms < period.end_ms)
    }

    /// The allowance before one, if what was left of it is carried over.
    pub fn carried_from(&self, allowance: &Allowance) -> Option<&Allowance> {
        let before = |period: &&Allowance| period.end_ms == allowance.start_ms;
        self.allowances.iter().find(before).filter(|_| allowance.carry_max_bytes > 0)
    }

    /// Whether what is left at the end of a period is ever carried over.
    pub fn carries(&self) -> bool {
        self.allowances.iter().any(|allowance| allowance.carry_max_bytes > 0)
    }

    /// Whether another differs at most in how much there is to use, not in what counts where and when.
    pub fn counts_like(&self, other: &Self) -> bool {
        let periods =
            |policy: &Self| policy.allowances.iter().map(|one| (one.start_ms, one.end_ms)).collect::<Vec<_>>();
        let with_theirs = Self { allowances: other.allowances.clone(), ..self.clone() };
        with_theirs == *other && periods(self) == periods(other)
    }

    /// Who shares its allowance with all others of the same pool.
    pub fn pool(&self) -> Option<Uuid> {
        self.pool
    }

    /// What of the allowance before one is included in it, too, when so much of that was used.
    pub fn carried(&self, allowance: &Allowance, before_bytes: u64) -> u64 {
        let left = self.carried_from(allowance).map_or(0, |before| before.bytes.saturating_sub(before_bytes));
        left.min(allowance.carry_max_bytes)
    }

    /// Whether what is moved up to an instant counts: a record belongs to the moment before its end.
    pub fn counts_until(&self, end_ms: u64) -> bool {
        self.window(end_ms.saturating_sub(1)).is_none_or(|window| !window.free)
    }

    /// The day of the zone the moment before an instant is in, counted from an arbitrary one.
    pub fn day_until(&self, end_ms: u64) -> i64 {
        let Some(before) = instant(end_ms.saturating_sub(1)) else { return 0 };
        (before.as_second() + i64::from(self.zone.to_offset(before).seconds())).div_euclid(DAY_SECONDS)
    }

    /// What holds `now_ms` on a line sold at `sold` that has used so much.
    pub fn evaluate(&self, sold: Rates, used: Used, now_ms: u64) -> Verdict {
        let window = self.window(now_ms);
        let given = window.map(|window| Rates { down_bps: window.rate_down_bps, up_bps: window.rate_up_bps }.or(sold));
        let (rule, rates) = given.map_or((Rule::Sold, sold), |own| (Rule::Window, own));
        let free = window.is_some_and(|window| window.free);
        let allowance = self.allowance(now_ms);
        let carried_bytes = allowance.map_or(0, |allowance| self.carried(allowance, used.before_bytes));
        let limit_bytes = allowance.map_or(0, |allowance| {
            let bought = allowance.top_ups.iter().filter(|top_up| top_up.until_ms > now_ms);
            let included = allowance.bytes.saturating_add(carried_bytes);
            bought.fold(included, |sum, top_up| sum.saturating_add(top_up.bytes))
        });
        let levels = if allowance.is_some() { self.levels.as_slice() } else { &[] };
        let begins = |level: &Level| limit_bytes.saturating_add(level.over_bytes);
        let reached = levels.partition_point(|level| begins(level) <= used.bytes);
        let next_bytes = levels.get(reached).map(begins);
        let level = reached.checked_sub(1).and_then(|last| levels.get(last));
        let verdict = Verdict {
            rule,
            step: 0,
            rates,
            period: allowance.map(|allowance| (allowance.start_ms, allowance.end_ms)),
            limit_bytes,
            carried_bytes,
            from_bytes: level.map_or(0, begins),
            next_bytes,
            counting: !free && next_bytes.is_some(),
            until_ms: self.until(now_ms),
        };
        let verdict = level.filter(|_| !free).map_or(verdict, |level| verdict.beyond(level));
        let boosts = self.boosts.iter().filter(|boost| boost.from_ms <= now_ms && now_ms < boost.until_ms);
        boosts.fold(verdict, Verdict::boosted)
    }

    fn until(&self, now_ms: u64) -> Option<u64> {
        let periods = self.allowances.iter().flat_map(|period| {
            let top_ups = period.top_ups.iter().map(|top_up| top_up.until_ms);
            [period.start_ms, period.end_ms].into_iter().chain(top_ups)
        });
        let boosts = self.boosts.iter().flat_map(|boost| [boost.from_ms, boost.until_ms]);
        let ahead_ms = now_ms.saturating_add(AHEAD_MS);
        let clock = self.edges(now_ms, ahead_ms).into_iter().next();
        periods.chain(boosts).filter(|at_ms| *at_ms > now_ms).chain(clock).min()
    }

    /// Instants after `from_ms` and up to `to_ms` no usage record may straddle.
    pub fn cuts(&self, from_ms: u64, to_ms: u64) -> BTreeSet<u64> {
        let periods = self.allowances.iter().flat_map(|period| [period.start_ms, period.end_ms]);
        let mut cuts = self.edges(from_ms, to_ms);
        cuts.extend(periods.filter(|at_ms| from_ms < *at_ms && *at_ms <= to_ms));
        cuts
    }

    /// Instants in the same range at which a window may begin or end.
    fn edges(&self, from_ms: u64, to_ms: u64) -> BTreeSet<u64> {
        let (Some(first), Some(last)) = (self.local(from_ms), self.local(to_ms)) else { return BTreeSet::new() };
        if self.windows.is_empty() {
            return BTreeSet::new();
        }
        let before = first.date().yesterday().unwrap_or(first.date());
        let mut edges: BTreeSet<u64> = self.clock_changes(from_ms, to_ms).collect();
        for day in before.series(1.day()).take_while(|day| *day <= last.date()) {
            for window in self.windows.iter().filter(|window| begins_on(window, day.weekday())) {
                let over = if window.to_minute > window.from_minute { 0 } else { DAY_MINUTES };
                for minute in [window.from_minute, window.to_minute + over] {
                    edges.extend(self.instants(day, minute));
                }
            }
        }
        edges.retain(|at_ms| from_ms < *at_ms && *at_ms <= to_ms);
        edges
    }

    /// When the wall clock shows a minute of a day: once, twice, or never.
    fn instants(&self, day: Date, minute: u32) -> impl Iterator<Item = u64> {
        let shown = day.to_datetime(Time::midnight()) + i64::from(minute).minutes();
        let offsets = match self.zone.to_ambiguous_timestamp(shown).offset() {
            AmbiguousOffset::Unambiguous { offset } => [Some(offset), None],
            AmbiguousOffset::Fold { before, after } => [Some(before), Some(after)],
            AmbiguousOffset::Gap { .. } => [None, None],
        };
        offsets.into_iter().flatten().filter_map(move |offset| milliseconds(offset.to_timestamp(shown).ok()?))
    }

    /// When the clocks are changed after an instant and up to another.
    fn clock_changes(&self, from_ms: u64, to_ms: u64) -> impl Iterator<Item = u64> {
        let changes = instant(from_ms).into_iter().flat_map(|from| self.zone.following(from));
        changes.filter_map(|change| milliseconds(change.timestamp())).take_while(move |at_ms| *at_ms <= to_ms)
    }

    fn window(&self, at_ms: u64) -> Option<&Window> {
        let local = if self.windows.is_empty() { None } else { self.local(at_ms) }?;
        self.windows.iter().find(|window| holds(window, local))
    }

    fn local(&self, at_ms: u64) -> Option<DateTime> {
        Some(self.zone.to_datetime(instant(at_ms)?))
    }
}

impl Verdict {
    /// The line is in the walled garden, as if held for its quota.
    pub fn is_capped(&self) -> bool {
        self.rule == Rule::Capped
    }

    fn beyond(self, level: &Level) -> Self {
        let rule = if level.garden { Rule::Capped } else { Rule::Exhausted };
        let rates = if level.garden { self.rates } else { self.rates.min(level.rates.or(self.rates)) };
        Self { rule, step: level.step, rates, ..self }
    }

    /// While a boost runs that makes it faster; what is in the walled garden has no rates.
    fn boosted(self, boost: &Boost) -> Self {
        let rates = self.rates.max(Rates { down_bps: boost.rate_down_bps, up_bps: boost.rate_up_bps });
        if self.is_capped() || rates == self.rates {
            return self;
        }
        Self { rule: Rule::Boost, step: 0, rates, ..self }
    }
}

fn holds(window: &Window, local: DateTime) -> bool {
    let minute = u32::from(local.hour().unsigned_abs()) * 60 + u32::from(local.minute().unsigned_abs());
    let (today, yesterday) = (local.weekday(), local.weekday().previous());
    if window.from_minute < window.to_minute {
        begins_on(window, today) && (window.from_minute..window.to_minute).contains(&minute)
    } else {
        (begins_on(window, today) && minute >= window.from_minute)
            || (begins_on(window, yesterday) && minute < window.to_minute)
    }
}

fn begins_on(window: &Window, day: Weekday) -> bool {
    window.weekdays >> day.to_monday_zero_offset() & 1 == 1
}

fn instant(at_ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()
}

fn milliseconds(at: Timestamp) -> Option<u64> {
    u64::try_from(at.as_millisecond()).ok()
}
