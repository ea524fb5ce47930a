//! What the policy says of a line in a minute, written from its words alone: no search for edges, no state.

use chrono::{DateTime, Datelike, Days, Timelike};
use chrono_tz::Tz;
use weir_protocol::desired::{Access, Allowance, Boost, FairUse, Line, Window};

pub const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u32 = 24 * 60;

/// What the kernel is to hold of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub access: Access,
    pub down_bps: u64,
    pub up_bps: u64,
}

/// Uses at which something else may be held: the allowance's end, and steps beyond it.
pub const RUNGS: usize = 4;

/// What is held from a use of the period on, not counting what was used elsewhere and what was carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rung {
    pub from: u64,
    pub held: Held,
}

/// What was left of a period is included in the next one, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// Where that period begins.
    pub of: u64,
    /// Its allowance, less what was used of it elsewhere.
    pub bytes: u64,
    pub most: u64,
}

/// What the clock makes of a line; use decides which of its states holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Says {
    pub open: Held,
    pub rungs: [Option<Rung>; RUNGS],
    pub carry: Option<Carry>,
    /// Whether a boost runs: what is slowed meanwhile is no other rule.
    pub boosted: bool,
    /// Where the period of the allowance begins, if there is one.
    pub period: Option<u64>,
    /// Whether what is moved counts.
    pub counts: bool,
    /// Which window holds.
    pub window: Option<usize>,
}

impl Says {
    /// The period use is counted in.
    pub fn counted_in(&self) -> Option<u64> {
        self.period.filter(|_| self.counts)
    }

    /// What is held once so many rungs are reached.
    pub fn held_at(&self, rungs: usize) -> Held {
        rungs.checked_sub(1).and_then(|n| self.rungs[n]).map_or(self.open, |rung| rung.held)
    }

    /// Whether no record may end in both.
    pub fn is_cut_from(&self, other: &Self) -> bool {
        (self.period, self.window) != (other.period, other.window)
    }
}

/// What holds in the minute that begins at an instant.
pub fn says(line: &Line, minute_ms: u64) -> Says {
    let none = FairUse::default();
    let fair_use = line.fair_use.as_deref().unwrap_or(&none);
    let window = fair_use.windows.iter().position(|window| holds(fair_use, window, minute_ms));
    let free = window.is_some_and(|n| fair_use.windows[n].free);
    let sold = (line.rate_down_bps, line.rate_up_bps);
    let open = window.map_or(sold, |n| {
        let Window { rate_down_bps, rate_up_bps, .. } = fair_use.windows[n];
        (given(rate_down_bps, sold.0), given(rate_up_bps, sold.1))
    });
    let period = fair_use.allowances.iter().find(|period| (period.start_ms..period.end_ms).contains(&minute_ms));
    let boosts = || fair_use.boosts.iter().filter(|boost| (boost.from_ms..boost.until_ms).contains(&minute_ms));
    let boosted = |rates| boosts().fold(rates, faster);
    let mut rungs = [None; RUNGS];
    if let Some(period) = period {
        let limit = limit(period, minute_ms);
        for (rung, (over, rates)) in rungs.iter_mut().zip(beyond(fair_use)) {
            let slowed =
                |(down, up)| held(line, boosted((open.0.min(given(down, open.0)), open.1.min(given(up, open.1)))));
            let held = if free { held(line, boosted(open)) } else { rates.map_or_else(|| walled(line, open), slowed) };
            *rung = Some(Rung { from: limit.saturating_add(over).saturating_sub(period.elsewhere_bytes), held });
        }
    }
    Says {
        open: held(line, boosted(open)),
        rungs,
        carry: period.and_then(|period| carry(fair_use, period)),
        boosted: boosts().next().is_some(),
        period: period.map(|period| period.start_ms),
        counts: !free,
        window,
    }
}

/// What is beyond the allowance: from where on, and at most which rates; none = the garden. A rate that is not named
/// stays as it was before.
fn beyond(fair_use: &FairUse) -> Vec<(u64, Option<(u64, u64)>)> {
    let mut slow = (fair_use.exhausted_down_bps, fair_use.exhausted_up_bps);
    let mut beyond = Vec::new();
    if slow != (0, 0) {
        beyond.push((0, Some(slow)));
    }
    for step in &fair_use.steps {
        slow = (given(step.rate_down_bps, slow.0), given(step.rate_up_bps, slow.1));
        beyond.push((step.over_bytes, (!step.garden).then_some(slow)));
    }
    beyond
}

fn carry(fair_use: &FairUse, period: &Allowance) -> Option<Carry> {
    let before = fair_use.allowances.iter().find(|before| before.end_ms == period.start_ms)?;
    let bytes = before.bytes.saturating_sub(before.elsewhere_bytes);
    Some(Carry { of: before.start_ms, bytes, most: period.carry_max_bytes })
}

fn faster(rates: (u64, u64), boost: &Boost) -> (u64, u64) {
    (rates.0.max(boost.rate_down_bps), rates.1.max(boost.rate_up_bps))
}

fn limit(period: &Allowance, minute_ms: u64) -> u64 {
    let bought = period.top_ups.iter().filter(|top_up| minute_ms < top_up.until_ms).map(|top_up| top_up.bytes);
    period.bytes.saturating_add(bought.sum())
}

fn given(own: u64, other: u64) -> u64 {
    if own == 0 { other } else { own }
}

fn held(line: &Line, (down_bps, up_bps): (u64, u64)) -> Held {
    let access = line.access();
    match access {
        Access::Throttled => {
            Held { access, down_bps: line.throttled_down_bps.min(down_bps), up_bps: line.throttled_up_bps.min(up_bps) }
        }
        _ => Held { access, down_bps, up_bps },
    }
}

/// Held for its quota, unless it is held as much or more already.
fn walled(line: &Line, (down_bps, up_bps): (u64, u64)) -> Held {
    let access = match line.access() {
        Access::Closed => Access::Closed,
        _ => Access::WalledGarden,
    };
    Held { access, down_bps, up_bps }
}

/// A window of today, or of yesterday when it goes on past midnight.
fn holds(fair_use: &FairUse, window: &Window, minute_ms: u64) -> bool {
    let zone: Tz = fair_use.time_zone.parse().unwrap();
    let local = DateTime::from_timestamp_millis(minute_ms as i64).unwrap().with_timezone(&zone);
    let ends = window.to_minute + if window.to_minute > window.from_minute { 0 } else { DAY_MINUTES };
    (0..2).any(|days_ago| {
        let began_on = local.date_naive() - Days::new(days_ago.into());
        let minute = local.hour() * 60 + local.minute() + days_ago * DAY_MINUTES;
        window.weekdays & 1 << began_on.weekday().num_days_from_monday() != 0
            && (window.from_minute..ends).contains(&minute)
    })
}

/// The first minute of a day of a zone.
pub fn midnight(zone: Tz, near_ms: u64, days_ahead: u64) -> u64 {
    let date = |at_ms: u64| DateTime::from_timestamp_millis(at_ms as i64).unwrap().with_timezone(&zone).date_naive();
    let day = date(near_ms) + Days::new(days_ahead);
    let from = near_ms - near_ms % MINUTE_MS + days_ahead.saturating_sub(1) * u64::from(DAY_MINUTES) * MINUTE_MS;
    (from..).step_by(MINUTE_MS as usize).find(|at_ms| date(*at_ms) >= day).unwrap()
}
