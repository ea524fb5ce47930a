//! Three days without a cloud, on simulated time: clocks are changed, periods end, allowances are used up, agents are
//! stopped, killed and started, the power is cut and comes back with a wall clock that is minutes off.
//!
//! The loop is the real one, and so is what it keeps on a (memory-backed) disk; the clock and the [`kernel`] are
//! simulated. At each edge of the clock, at each change and at least every minute, what the kernel holds is compared with
//! what the [`policy`] says; at the end [`account`] compares the log with what was moved.

mod account;
mod chance;
mod clock;
mod kernel;
mod lines;
mod policy;
mod story;
mod subscriber;

use account::Told;
use story::{HOUR_MS, Incident, Story};
use weir_protocol::desired::{Allowance, FairUse};

const STORIES: u64 = 24;
const DAY_MS: u64 = 24 * 3_600_000;

/// Days before a change of the clocks in Europe, in Brazil as long as it had any, in Australia, and in America; and one
/// without.
const BEGINNINGS: [&str; 8] = [
    "2026-03-27T19:17:00Z",
    "2026-10-23T20:41:00Z",
    "2018-11-02T22:03:00Z",
    "2018-02-16T09:31:00Z",
    "2026-04-03T08:00:00Z",
    "2026-10-31T11:11:00Z",
    "2026-12-30T05:55:00Z",
    "2028-02-27T18:20:00Z",
];

fn instant(text: &str) -> u64 {
    text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis() as u64
}

#[test]
fn three_days_without_a_cloud_and_nothing_happens() {
    let mut story = Story::new(1, instant(BEGINNINGS[0]));
    story.incidents.clear();
    story.run();
}

#[test]
fn rates_follow_the_clock_while_no_counter_can_be_read() {
    let mut story = Story::new(2, instant(BEGINNINGS[0]));
    story.incidents = vec![(HOUR_MS, Incident::Blind(2 * DAY_MS))];
    story.run();
}

#[test]
fn a_router_long_off_cuts_its_records_where_a_period_ended_meanwhile() {
    let mut story = Story::new(3, instant(BEGINNINGS[0]));
    story.lines.truncate(1);
    let cut_ms = instant(BEGINNINGS[0]) - 17 * 60_000 + 3 * HOUR_MS;
    let period = |start_ms, end_ms| Allowance { start_ms, end_ms, bytes: u64::MAX, ..Allowance::default() };
    let allowances = vec![period(cut_ms - DAY_MS, cut_ms), period(cut_ms, cut_ms + 30 * DAY_MS)];
    story.lines[0].fair_use =
        Some(FairUse { time_zone: "Asia/Kolkata".into(), allowances, ..FairUse::default() }.into());
    story.incidents = vec![(2 * HOUR_MS, Incident::PowerCut { killed: 0, dark: 30 * HOUR_MS, off: 0 })];
    story.run();
}

#[test]
fn a_log_too_small_for_three_days_stays_so_and_nothing_is_lost() {
    let mut story = Story::new(4, instant(BEGINNINGS[1]));
    story.lines.truncate(5);
    // What moves during the last sweep is in no record.
    (story.spool_bytes, story.took_ms) = (40 * 1024, 0);
    let restarts =
        (1..24).map(|n| (n * 3 * HOUR_MS - 77, if n % 3 == 0 { Incident::Stop(0) } else { Incident::Kill(0) }));
    story.incidents = restarts.collect();
    let told = story.run();
    assert!(told.fullest_permille > 900 && told.lost_bytes == 0, "{told:?}");
}

#[test]
fn a_rule_that_turns_while_the_kernel_is_busy_waits_for_no_sweep() {
    // Each comparison with the kernel, ten minutes after the other, begins before the edge of a window and ends after it.
    let mut story = Story::new(6, instant(BEGINNINGS[4]) - 300);
    for window in story.lines.iter_mut().filter_map(|line| line.fair_use.as_mut()).flat_map(|rules| &mut rules.windows)
    {
        (window.from_minute, window.to_minute) = (window.from_minute / 10 * 10, window.to_minute / 10 * 10);
    }
    (story.sweep_ms, story.took_ms) = (60_000, 200);
    story.incidents.clear();
    story.run();
}

#[test]
fn a_slowed_line_stays_slow_when_the_power_took_what_it_used_last() {
    let mut story = Story::new(5, instant(BEGINNINGS[3]));
    let slowed = |n| (n * HOUR_MS, Incident::OnceSlowed { dark: 60_000, off: 0 });
    story.incidents = (0..12).map(slowed).collect();
    let told = story.run();
    assert!(told.slowed > 3 && told.lost_bytes > 0, "{told:?}");
}

#[test]
fn three_days_without_a_cloud_and_everything_happens() {
    let some = |first: u64| {
        let stories = (first..STORIES).step_by(2);
        stories.map(|n| Story::new(n, instant(BEGINNINGS[n as usize % BEGINNINGS.len()])).run()).collect::<Vec<_>>()
    };
    let told = std::thread::scope(|scope| {
        let halves = [0, 1].map(|first| scope.spawn(move || some(first)));
        halves.map(|half| half.join().unwrap()).concat()
    });
    let sum = |of: fn(&Told) -> u64| told.iter().map(of).sum::<u64>();
    assert!(sum(|one| one.slowed) > STORIES && sum(|one| one.lost_bytes) > 0, "hardly anything happened: {told:?}");
    assert!(told.iter().all(|one| one.records > 200 && one.fullest_permille < 100), "{told:?}");
}
