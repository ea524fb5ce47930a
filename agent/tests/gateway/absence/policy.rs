//! What the policy says of a line in a minute, written from its words alone: no search for edges, no state.

use chrono::{DateTime, Datelike, Days, Timelike};
use chrono_tz::Tz;
use weir_protocol::desired::{Access, Allowance, FairUse, Line, Window};

pub const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u32 = 24 * 60;

/// What the kernel is to hold of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub access: Access,
    pub down_bps: u64,
    pub up_bps: u64,
}

/// What the clock makes of a line; use decides between the two states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Says {
    pub open: Held,
    /// Once the allowance is used up.
    pub exhausted: Held,
    /// Where the period of the allowance begins, if there is one.
    pub period: Option<u64>,
    /// Whether what is moved counts.
    pub counts: bool,
    /// Which window holds.
    pub window: Option<usize>,
    /// What may be used in the period, less what was used elsewhere.
    pub limit: u64,
}

impl Says {
    /// The period use is counted in.
    pub fn counted_in(&self) -> Option<u64> {
        self.period.filter(|_| self.counts)
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
    let slow = (fair_use.exhausted_down_bps, fair_use.exhausted_up_bps);
    let exhausted = if free || period.is_none() {
        open
    } else {
        (open.0.min(given(slow.0, open.0)), open.1.min(given(slow.1, open.1)))
    };
    Says {
        open: held(line, open),
        exhausted: held(line, exhausted),
        period: period.map(|period| period.start_ms),
        counts: !free,
        window,
        limit: period.map_or(u64::MAX, |period| limit(period, minute_ms)),
    }
}

fn limit(period: &Allowance, minute_ms: u64) -> u64 {
    let bought = period.top_ups.iter().filter(|top_up| minute_ms < top_up.until_ms).map(|top_up| top_up.bytes);
    (period.bytes + bought.sum::<u64>()).saturating_sub(period.elsewhere_bytes)
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
