//! What can be true of a record's lines: counts that are damaged or forged must not become money.
//!
//! Refusing what was moved is the worse error, so the limits are far above what routers do.

use chrono::{DateTime, TimeDelta, Utc};
use weir_protocol::usage::{BothWays, LineUsage};

/// More lines than any router has: agents keep fewer.
pub(super) const LINES_MAX: usize = 100_000;
/// Four times what a fast router moves each way, bits a second; nor does a line move more.
const ROUTER_RATE_MAX: u128 = 400_000_000_000;
/// Every record may hold what was moved this long before it: while counters could not be read, or a clock waited.
const SLACK: TimeDelta = TimeDelta::hours(2);
/// The same where it is not known what the record before it held.
const SLACK_UNKNOWN: TimeDelta = TimeDelta::hours(24);
/// No record is believed to cover more.
const COVERED_MAX: TimeDelta = TimeDelta::days(31);

/// Why lines make no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Implausible {
    #[error("it names {0} lines")]
    Lines(usize),
    #[error("no line of the router ever had the handle {0}")]
    Handle(u32),
    #[error("line {handle} would have moved {count} bytes or packets in {seconds} s")]
    Line { handle: u32, count: u64, seconds: i64 },
    #[error("its lines would have moved {sum} bytes or packets together in {seconds} s")]
    Together { sum: u128, seconds: i64 },
}

/// Whether they can be kept at all.
pub(super) fn check_form(lines: &[LineUsage]) -> Result<(), Implausible> {
    if lines.len() > LINES_MAX {
        return Err(Implausible::Lines(lines.len()));
    }
    match lines.iter().find(|line| i32::try_from(line.handle).is_err()) {
        Some(line) => Err(Implausible::Handle(line.handle)),
        None => check(lines, COVERED_MAX),
    }
}

/// Whether they all can be lines of a router whose lines have handles below this one. Handle 0 is nobody's, and counted.
pub(super) fn check_handles(lines: &[LineUsage], next: i32) -> Result<(), Implausible> {
    let unknown = lines.iter().find(|line| line.handle >= next.unsigned_abs() && line.handle != 0);
    unknown.map_or(Ok(()), |line| Err(Implausible::Handle(line.handle)))
}

/// Whether so much can have been moved in a record's span, whatever was before it.
pub(super) fn check_volume(
    lines: &[LineUsage],
    (start, end): (DateTime<Utc>, DateTime<Utc>),
) -> Result<(), Implausible> {
    check(lines, end - start + SLACK)
}

/// The same for a record that may hold what was moved since the end of the one before it: while the agent was not running,
/// say. `before` is none where that is not known.
pub(super) fn check_volume_since(
    lines: &[LineUsage],
    (start, end): (DateTime<Utc>, DateTime<Utc>),
    before: Option<DateTime<Utc>>,
) -> Result<(), Implausible> {
    match before {
        Some(before) => check(lines, end - before.min(start) + SLACK),
        None => check(lines, end - start + SLACK_UNKNOWN),
    }
}

fn check(lines: &[LineUsage], covered: TimeDelta) -> Result<(), Implausible> {
    let covered = covered.min(COVERED_MAX);
    let seconds = covered.num_seconds();
    let most = ROUTER_RATE_MAX * u128::from(covered.num_milliseconds().unsigned_abs()) / 8000;
    let mut sums = [0u128; 8];
    for line in lines {
        for (sum, count) in sums.iter_mut().zip(counts(line)) {
            if u128::from(count) > most {
                return Err(Implausible::Line { handle: line.handle, count, seconds });
            }
            *sum += u128::from(count);
        }
    }
    match sums.into_iter().find(|sum| *sum > most) {
        Some(sum) => Err(Implausible::Together { sum, seconds }),
        None => Ok(()),
    }
}

fn counts(line: &LineUsage) -> [u64; 8] {
    let LineUsage { handle: _, down_bytes, up_bytes, down_packets, up_packets, v6_bytes, dropped_packets } = *line;
    let (v6, dropped): (BothWays, BothWays) = (v6_bytes.unwrap_or_default(), dropped_packets.unwrap_or_default());
    [down_bytes, up_bytes, down_packets, up_packets, v6.down, v6.up, dropped.down, dropped.up]
}

#[cfg(test)]
mod tests {
    use super::*;

    const A_HUNDRED_GBIT: u64 = 100_000_000_000 / 8;

    fn moved(handle: u32, down_bytes: u64) -> LineUsage {
        LineUsage { handle, down_bytes, down_packets: 1, ..LineUsage::default() }
    }

    fn span(minutes: i64) -> (DateTime<Utc>, DateTime<Utc>) {
        let end = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        (end - TimeDelta::minutes(minutes), end)
    }

    #[test]
    fn what_a_fast_router_moves_is_believed_and_not_what_none_could() {
        let five_minutes = A_HUNDRED_GBIT * 300;
        assert_eq!(check_volume(&[moved(1, five_minutes), moved(2, five_minutes)], span(5)), Ok(()));
        // Even what it moved while it could not be read for hours.
        assert_eq!(check_volume(&[moved(1, A_HUNDRED_GBIT * 8 * 3600)], span(5)), Ok(()));
        let most = 4 * A_HUNDRED_GBIT * 125 * 60;
        assert_eq!(check_volume(&[moved(7, most)], span(5)), Ok(()));
        let refused = check_volume(&[moved(7, most + 1)], span(5)).unwrap_err();
        assert_eq!(refused.to_string(), format!("line 7 would have moved {} bytes or packets in 7500 s", most + 1));
        let together = check_volume(&[moved(1, most), moved(2, 1)], span(5)).unwrap_err();
        assert_eq!(together, Implausible::Together { sum: u128::from(most) + 1, seconds: 7_500 });
        let dropped_packets = Some(BothWays { down: 0, up: u64::MAX });
        assert!(check_volume(&[LineUsage { dropped_packets, ..moved(1, 1) }], span(5)).is_err());
    }

    #[test]
    fn a_record_may_hold_what_was_moved_since_the_one_before_it() {
        let a_day = [moved(1, 3 * A_HUNDRED_GBIT * 24 * 3600)];
        assert!(check_volume(&a_day, span(5)).is_err());
        let ended = |hours: i64| Some(span(0).1 - TimeDelta::hours(hours));
        assert_eq!(check_volume_since(&a_day, span(5), ended(24)), Ok(()));
        assert_eq!(check_volume_since(&a_day, span(5), None), Ok(()));
        assert!(check_volume_since(&a_day, span(5), ended(1)).is_err());
        // A clock that was ahead leaves the one before it in the future.
        assert_eq!(check_volume_since(&[moved(1, A_HUNDRED_GBIT)], span(5), ended(-9)), Ok(()));
    }

    #[test]
    fn nothing_is_believed_that_cannot_be_kept() {
        let ages = (DateTime::UNIX_EPOCH, span(0).1);
        assert!(check_volume(&[moved(1, i64::MAX.cast_unsigned())], ages).is_err());
        assert!(check_form(&[moved(1, u64::MAX)]).is_err());
        assert_eq!(check_form(&[moved(u32::MAX, 1)]), Err(Implausible::Handle(u32::MAX)));
        let many: Vec<_> = (1..=100_001).map(|handle| moved(handle, 1)).collect();
        assert_eq!(check_form(&many), Err(Implausible::Lines(100_001)));
        assert_eq!(check_form(&many[1..]), Ok(()));
    }

    #[test]
    fn only_handles_that_were_given_are_known() {
        assert_eq!(check_handles(&[moved(0, 1), moved(3, 1)], 4), Ok(()));
        assert_eq!(check_handles(&[moved(0, 1), moved(4, 1)], 4), Err(Implausible::Handle(4)));
        assert_eq!(check_handles(&[moved(0, 1)], 1), Ok(()));
    }
}
