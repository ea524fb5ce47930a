//! When usage was moved, if the router's clock cannot be right.

use chrono::{DateTime, TimeDelta, Utc};

use crate::fleet::clocks::{AGREES, Shown};

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

/// When a record ended, as closely as the cloud knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    pub earliest: DateTime<Utc>,
    pub latest: DateTime<Utc>,
}

/// Whether a line moved what a record says of its handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sold {
    Before,
    After,
    Unknown,
}

impl Ended {
    /// When a record ended that says `end_at`, was received later, and was sealed in a boot in which the router's clock showed
    /// this to the cloud, in order.
    ///
    /// Before a session began, its clock may have been wrong by as much as it showed then, or by less: an agent goes by no
    /// less than the cloud told it in an earlier boot. What somebody set right meanwhile is believed if it can be.
    pub fn of(end_at: DateTime<Utc>, received_at: DateTime<Utc>, shown: &[Shown]) -> Self {
        let shown: Vec<_> = shown.iter().filter(|shown| shown.heard_at <= received_at).collect();
        let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
            // A clock that is not known is behind rather than ahead, unless it is.
            let is_ahead = end_at > received_at + AGREES;
            let earliest = if is_ahead { DateTime::UNIX_EPOCH } else { end_at.min(received_at) };
            return Self { earliest, latest: received_at };
        };
        let mut from = first.booted_at;
        let ends = shown.iter().map(|shown| (shown.heard_at, shown.behind()));
        let mut found: Option<Self> = None;
        for (until, behind) in ends.chain([(received_at, last.behind())]) {
            let corrected = end_at.checked_add_signed(behind).unwrap_or(end_at);
            let (earliest, latest) = (end_at.min(corrected), end_at.max(corrected));
            if latest >= from - AGREES && earliest <= until + AGREES {
                let here = Self { earliest: earliest.clamp(from, until), latest: latest.clamp(from, until) };
                found = Some(found.map_or(here, |found| Self {
                    earliest: found.earliest.min(here.earliest),
                    latest: found.latest.max(here.latest),
                }));
            }
            from = until;
        }
        found.unwrap_or(Self { earliest: first.booted_at, latest: received_at })
    }

    /// Whether it can have been then.
    pub fn includes(&self, at: DateTime<Utc>) -> bool {
        (self.earliest - AGREES..=self.latest + AGREES).contains(&at)
    }

    /// Whether a line was sold by then.
    pub fn sold(&self, sold_at: DateTime<Utc>) -> Sold {
        match sold_at {
            at if at <= self.earliest + AGREES => Sold::Before,
            at if at > self.latest + AGREES => Sold::After,
            _ => Sold::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    fn minute(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn shown(heard: i64, behind: i64, up: i64) -> Shown {
        Shown { heard_at: minute(heard), shown_at: minute(heard - behind), booted_at: minute(heard - up) }
    }

    const MONTHS: i64 = 100 * 24 * 60;

    #[test]
    fn a_clock_that_was_behind_is_corrected_by_what_it_showed() {
        let between = |earliest, latest| Ended { earliest: minute(earliest), latest: minute(latest) };
        let behind = [shown(60, MONTHS, 60)];
        for (end_at, clocks, expected) in [
            (30 - MONTHS, &behind[..], between(0, 30)),
            // The agent went by what it knew from an earlier boot, or nobody knows what by.
            (30 - MONTHS / 2, &behind, between(0, 70)),
            (30 - 2 * MONTHS, &behind, between(0, 70)),
            (65, &behind, between(65, 70)),
            (30, &[shown(60, 0, 60)], between(30, 30)),
            (65, &[shown(60, 0, 60)], between(65, 65)),
            // Set right before the session began.
            (-5_000, &[shown(60, 0, 60)], between(0, 70)),
            (30, &[], between(30, 70)),
            // What no calendar can add up.
            (50_000_000_000, &behind, between(0, 70)),
            // A machine whose memory was put back.
            (-500, &[shown(-1_000, 0, 10), shown(60, 520, 500)], between(-500, 20)),
        ] {
            assert_eq!(Ended::of(minute(end_at), minute(70), clocks), expected, "{end_at} {clocks:?}");
        }
        assert_eq!(between(0, 30).sold(minute(1)), Sold::Before);
        assert_eq!(between(0, 30).sold(minute(10)), Sold::Unknown);
        assert_eq!(between(0, 30).sold(minute(33)), Sold::After);
    }

    proptest! {
        #[test]
        fn what_was_moved_was_moved_within_what_is_said(
            up in 1..3_000i64, behind in -MONTHS..2 * MONTHS, floor in prop::option::of(0..2 * MONTHS),
            sealed in 0..6_000i64, waits in 0..1_000i64, set_right in any::<bool>(),
        ) {
            // The boot begins at 0, its first session `up` minutes later; the clock is right from then on, or stays wrong.
            let clock = |at: i64| match (at > up, set_right) {
                (true, true) => at,
                (true, false) => at - behind,
                (false, _) => floor.map_or(at - behind, |floor| (at - behind).max((at - floor).min(at))),
            };
            let heard = [shown(up, behind, up)];
            let ended = Ended::of(minute(clock(sealed)), minute(sealed.max(up) + waits), &heard);
            prop_assert!(ended.includes(minute(sealed)), "{ended:?} of {sealed}, which said {}", clock(sealed));
        }
    }
}
