//! When usage was moved, if the router's clock cannot be right.

use chrono::{DateTime, TimeDelta, Utc};

/// What ends later than this from now was dated by a clock that is ahead.
const AHEAD_MAX: TimeDelta = TimeDelta::hours(24);
/// What ends before this was dated by a clock that did not run without power: no agent was there yet. 2026-01-01.
const EARLIEST: DateTime<Utc> = DateTime::from_timestamp(1_767_225_600, 0).unwrap();

/// Whose clock says when a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dated {
    /// The router's clock.
    ByRouter,
    /// Nobody: it counts when it arrived, so that it is billed, and neither in a period that is over nor in none.
    OnArrival,
}

/// By whose clock a record counts that ends at `end_at` and arrives `now`.
pub(super) fn dated(end_at: DateTime<Utc>, now: DateTime<Utc>) -> Dated {
    if (EARLIEST..=now + AHEAD_MAX).contains(&end_at) { Dated::ByRouter } else { Dated::OnArrival }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clock_that_cannot_be_right_is_not_believed() {
        let now: DateTime<Utc> = "2026-10-10T10:00:00Z".parse().unwrap();
        for (end_at, expected) in [
            ("1970-01-01T00:05:00Z", Dated::OnArrival),
            ("2025-12-31T23:59:59Z", Dated::OnArrival),
            ("2026-08-01T00:00:00Z", Dated::ByRouter),
            ("2026-10-11T10:00:00Z", Dated::ByRouter),
            ("2026-10-11T10:00:01Z", Dated::OnArrival),
            ("2106-02-07T00:00:00Z", Dated::OnArrival),
        ] {
            assert_eq!(dated(end_at.parse().unwrap(), now), expected, "{end_at}");
        }
    }
}
