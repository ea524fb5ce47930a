//! Fair use: which rates a line has now, by what it used and by the clock, and when that may change by itself.
//!
//! Start at [`Policy::evaluate`]. A window is what the wall clock of its zone says: an hour that a change of the clocks
//! repeats is in it twice, one that is left out not at all.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};
use weir_protocol::desired::{Allowance, FairUse, Line, Window};
use weir_protocol::state::Rule;

use super::check::Rejection;

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

    /// These, where they are given (above zero), else the others.
    fn or(self, other: Self) -> Self {
        let given = |own: u64, other: u64| if own == 0 { other } else { own };
        Self { down_bps: given(self.down_bps, other.down_bps), up_bps: given(self.up_bps, other.up_bps) }
    }
}

/// A fair use that makes sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    zone: TimeZone,
    allowances: Vec<Allowance>,
    exhausted: Rates,
    windows: Vec<Window>,
}

/// What a policy says at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What decides.
    pub rule: Rule,
    /// The rates in force.
    pub rates: Rates,
    /// The period: start and end, Unix milliseconds; none if nothing is metered now.
    pub period: Option<(u64, u64)>,
    /// What may be used in the period; with no period 0.
    pub limit_bytes: u64,
    /// Whether the period's use has reached the limit.
    pub reached: bool,
    /// Whether more use would slow the line: bytes are counted and the limit is not reached.
    pub counting: bool,
    /// When this may change with no traffic at all, Unix milliseconds.
    pub until_ms: Option<u64>,
}

impl Policy {
    /// Reads a fair use.
    pub fn read(fair_use: &FairUse) -> Result<Self, Rejection> {
        let malformed = |detail: String| Rejection { code: "fair-use-malformed", detail };
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
        Ok(Self {
            zone,
            allowances: fair_use.allowances.clone(),
            exhausted: Rates { down_bps: fair_use.exhausted_down_bps, up_bps: fair_use.exhausted_up_bps },
            windows: fair_use.windows.clone(),
        })
    }

    /// What is included at an instant.
    pub fn allowance(&self, now_ms: u64) -> Option<&Allowance> {
        self.allowances.iter().find(|period| period.start_ms <= now_ms && now_ms < period.end_ms)
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

    /// What holds `now_ms` on a line sold at `sold` of which the period's allowance has seen `used_bytes`.
    pub fn evaluate(&self, sold: Rates, used_bytes: u64, now_ms: u64) -> Verdict {
        let (mut rule, mut rates) = (Rule::Sold, sold);
        let window = self.window(now_ms);
        if let Some(window) = window {
            let own = Rates { down_bps: window.rate_down_bps, up_bps: window.rate_up_bps };
            (rule, rates) = (Rule::Window, own.or(sold));
        }
        let free = window.is_some_and(|window| window.free);
        let allowance = self.allowance(now_ms);
        let limit_bytes = allowance.map_or(0, |allowance| {
            let bought = allowance.top_ups.iter().filter(|top_up| top_up.until_ms > now_ms);
            bought.fold(allowance.bytes, |sum, top_up| sum.saturating_add(top_up.bytes))
        });
        let reached = allowance.is_some() && used_bytes >= limit_bytes;
        let throttles = (self.exhausted.down_bps, self.exhausted.up_bps) != (0, 0);
        if reached && !free && throttles {
            (rule, rates) = (Rule::Exhausted, rates.min(self.exhausted.or(rates)));
        }
        Verdict {
            rule,
            rates,
            period: allowance.map(|allowance| (allowance.start_ms, allowance.end_ms)),
            limit_bytes,
            reached,
            counting: throttles && allowance.is_some() && !reached && !free,
            until_ms: self.until(now_ms),
        }
    }

    fn until(&self, now_ms: u64) -> Option<u64> {
        let periods = self.allowances.iter().flat_map(|period| {
            let top_ups = period.top_ups.iter().map(|top_up| top_up.until_ms);
            [period.start_ms, period.end_ms].into_iter().chain(top_ups)
        });
        let ahead_ms = now_ms.saturating_add(AHEAD_MS);
        let clock = self.edges(now_ms, ahead_ms).into_iter().next();
        periods.filter(|at_ms| *at_ms > now_ms).chain(clock).min()
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
