//! Working time by example and by property: clock changes, holidays, pauses.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::clock::Clock;
use super::hours::{MIDNIGHT, Shift, WorkingHours};

const ZONES: [Tz; 5] =
    [Tz::Europe__Madrid, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Africa__Cairo, Tz::America__Sao_Paulo];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("an instant")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn office(zone: Tz, holidays: &[&str]) -> WorkingHours {
    let shift = Shift::new(9 * 60, 18 * 60).ok();
    let week = [shift, shift, shift, shift, shift, None, None];
    WorkingHours::new(zone, week, holidays.iter().map(|text| day(text)))
}

#[test]
fn a_promise_on_friday_evening_goes_on_on_monday() {
    let hours = office(Tz::Europe__Madrid, &[]);
    // Friday 17:00 in Madrid; one hour is left of the week.
    let opened = at("2026-11-27T16:00:00Z");
    assert_eq!(hours.due(opened, TimeDelta::hours(4)), Some(at("2026-11-30T11:00:00Z")));
    let closed = office(Tz::Europe__Madrid, &["2026-11-30"]);
    assert_eq!(closed.due(opened, TimeDelta::hours(4)), Some(at("2026-12-01T11:00:00Z")));
    assert_eq!(hours.due(opened, TimeDelta::hours(1)), Some(at("2026-11-27T17:00:00Z")), "the last minute counts");
}

#[test]
fn the_clock_on_the_wall_decides_when_clocks_change() {
    let hours = office(Tz::Europe__Madrid, &[]);
    let friday = at("2026-03-27T16:00:00Z");
    // 18:00 on Friday is 17:00 UTC; 09:00 on Monday is 07:00 UTC, an hour earlier than the week before.
    assert_eq!(hours.due(friday, TimeDelta::hours(2)), Some(at("2026-03-30T08:00:00Z")));
}

#[test]
fn a_whole_day_is_as_long_as_the_day_is() {
    let always = WorkingHours::new(Tz::Europe__Madrid, [Shift::new(0, MIDNIGHT).ok(); 7], []);
    let long = |text: &str| always.stretch(day(text)).map(|(opens, closes)| (closes - opens).num_hours());
    assert_eq!(long("2026-03-29"), Some(23));
    assert_eq!(long("2026-10-25"), Some(25));
    assert_eq!(long("2026-11-27"), Some(24));
    // 02:30 does not exist on this day: the shift begins at 03:00 and ends at 04:00.
    let night = WorkingHours::new(Tz::Europe__Madrid, [Shift::new(150, 240).ok(); 7], []);
    assert_eq!(night.stretch(day("2026-03-29")), Some((at("2026-03-29T01:00:00Z"), at("2026-03-29T02:00:00Z"))));
    // 02:30 comes twice: the shift begins with the first.
    assert_eq!(night.stretch(day("2026-10-25")), Some((at("2026-10-25T00:30:00Z"), at("2026-10-25T03:00:00Z"))));
}

#[test]
fn nobody_who_never_works_promises_anything() {
    let never = WorkingHours::new(Tz::UTC, [None; 7], []);
    assert_eq!(never.due(at("2026-01-01T00:00:00Z"), TimeDelta::hours(1)), None);
    assert_eq!(Clock::start(&never, TimeDelta::hours(1), at("2026-01-01T00:00:00Z")), None);
}

#[test]
fn shifts_end_after_they_begin() {
    assert!(Shift::new(60, 60).is_err());
    assert!(Shift::new(61, 60).is_err());
    assert!(Shift::new(0, MIDNIGHT + 1).is_err());
}

#[test]
fn a_missed_promise_stays_missed_through_a_pause() {
    let hours = office(Tz::UTC, &[]);
    let clock = Clock::start(&hours, TimeDelta::hours(2), at("2026-11-23T09:00:00Z")).expect("a clock");
    let paused = clock.pause(&hours, at("2026-11-23T12:00:00Z"));
    assert_eq!(paused, Clock::Paused(TimeDelta::hours(-1)));
    let again = at("2026-11-24T10:00:00Z");
    assert_eq!(paused.resume(&hours, again), Some(Clock::Running(again)));
}

prop_compose! {
    fn any_hours()(
        zone in 0..ZONES.len(),
        week in prop::array::uniform7(prop::option::of((0u16..MIDNIGHT, 1u16..=MIDNIGHT))),
        one in (0u16..1_000, 1_001u16..=MIDNIGHT),
        holidays in prop::collection::vec(0i64..500, 0..20),
    ) -> WorkingHours {
        let mut week = week.map(|pair| pair.and_then(|(a, b)| Shift::new(a.min(b - 1), b.max(a)).ok()));
        // Somebody works on Wednesdays.
        week[2] = Shift::new(one.0, one.1).ok();
        let first = day("2026-01-01");
        WorkingHours::new(ZONES[zone], week, holidays.into_iter().map(|n| first + TimeDelta::days(n)))
    }
}

fn any_instant() -> impl Strategy<Value = DateTime<Utc>> {
    (0i64..365 * 86_400).prop_map(|seconds| at("2026-01-01T00:00:00Z") + TimeDelta::seconds(seconds))
}

proptest! {
    #[test]
    fn exactly_the_promised_work_lies_before_the_end(
        hours in any_hours(), from in any_instant(), minutes in 1i64..6_000,
    ) {
        let work = TimeDelta::minutes(minutes);
        let due = hours.due(from, work).expect("somebody works");
        prop_assert_eq!(hours.work_between(from, due), work);
        prop_assert_eq!(hours.work_between(from, due - TimeDelta::seconds(1)), work - TimeDelta::seconds(1));
    }

    #[test]
    fn work_adds_up_over_any_instant_between(
        hours in any_hours(), from in any_instant(), one in 0i64..1_000_000, other in 0i64..1_000_000,
    ) {
        let middle = from + TimeDelta::seconds(one);
        let to = middle + TimeDelta::seconds(other);
        prop_assert_eq!(hours.work_between(from, middle) + hours.work_between(middle, to), hours.work_between(from, to));
    }

    #[test]
    fn a_stretch_lies_in_its_day_and_never_on_a_holiday(hours in any_hours(), n in 0i64..500) {
        let on = day("2026-01-01") + TimeDelta::days(n);
        if let Some((opens, closes)) = hours.stretch(on) {
            prop_assert!(opens < closes && closes - opens <= TimeDelta::hours(25));
            if let Some((next, _)) = hours.stretch(on + TimeDelta::days(1)) {
                prop_assert!(closes <= next);
            }
        }
    }

    #[test]
    fn pauses_move_the_end_and_lose_no_work(
        hours in any_hours(), opened in any_instant(), minutes in 1i64..3_000,
        steps in prop::collection::vec((0i64..100_000, 0i64..500_000), 0..6),
    ) {
        let target = TimeDelta::minutes(minutes);
        let mut clock = Clock::start(&hours, target, opened).expect("somebody works");
        let (mut now, mut worked) = (opened, TimeDelta::zero());
        for (runs, waits) in steps {
            let due = clock.due_at().expect("it runs");
            let pause = (now + TimeDelta::seconds(runs)).min(due);
            worked += hours.work_between(now, pause);
            now = pause + TimeDelta::seconds(waits);
            clock = clock.pause(&hours, pause).resume(&hours, now).expect("somebody works");
        }
        let due = clock.due_at().expect("it runs");
        prop_assert_eq!(worked + hours.work_between(now, due), target);
    }

    #[test]
    fn another_target_counts_what_was_worked(
        hours in any_hours(), opened in any_instant(), seconds in 0i64..50_000, longer in 1i64..1_000,
    ) {
        let clock = Clock::start(&hours, TimeDelta::hours(40), opened).expect("somebody works");
        let now = opened + TimeDelta::seconds(seconds);
        let moved = clock.retarget(&hours, TimeDelta::minutes(longer), now);
        prop_assert_eq!(moved, Clock::start(&hours, TimeDelta::hours(40) + TimeDelta::minutes(longer), opened));
        let back = moved.and_then(|clock| clock.retarget(&hours, TimeDelta::minutes(-longer), now));
        prop_assert_eq!(back, Some(clock));
    }
}
