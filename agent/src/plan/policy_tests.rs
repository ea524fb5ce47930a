//! Fair use against the definition of it, minute by minute, where and when clocks are changed.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use weir_protocol::desired::{Allowance, FairUse, TopUp, Window};
use weir_protocol::state::Rule;

use super::policy::{Policy, Rates};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const SOLD: Rates = Rates { down_bps: 100, up_bps: 50 };
/// By whole hours and by half an hour, at midnight, south of the equator, and never.
const ZONES: [&str; 6] =
    ["Europe/Madrid", "Australia/Lord_Howe", "America/Havana", "America/Santiago", "Africa/Cairo", "Asia/Kathmandu"];

fn at(text: &str) -> u64 {
    text.parse::<DateTime<Utc>>().unwrap().timestamp_millis().unsigned_abs()
}

fn window(weekdays: u32, from: (u32, u32), to: (u32, u32)) -> Window {
    let (from_minute, to_minute) = (from.0 * 60 + from.1, to.0 * 60 + to.1);
    Window { weekdays, from_minute, to_minute, rate_down_bps: 400, rate_up_bps: 0, free: false }
}

fn fair_use(windows: Vec<Window>) -> FairUse {
    let period = |start: &str, end: &str| Allowance {
        start_ms: at(start),
        end_ms: at(end),
        bytes: 1000,
        ..Allowance::default()
    };
    FairUse {
        time_zone: "Europe/Madrid".into(),
        allowances: vec![
            period("2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"),
            period("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z"),
        ],
        exhausted_down_bps: 10,
        exhausted_up_bps: 5,
        windows,
        tally: Vec::new(),
        ..FairUse::default()
    }
}

fn policy(windows: Vec<Window>) -> Policy {
    Policy::read(&fair_use(windows)).unwrap()
}

#[test]
fn an_allowance_used_up_throttles_until_the_period_ends() {
    let policy = policy(Vec::new());
    let now = at("2026-03-10T12:00:00Z");
    let open = policy.evaluate(SOLD, 999, now);
    assert_eq!((open.rule, open.rates, open.limit_bytes, open.counting), (Rule::Sold, SOLD, 1000, true));
    let used_up = policy.evaluate(SOLD, 1000, now);
    assert_eq!((used_up.rule, used_up.rates), (Rule::Exhausted, Rates { down_bps: 10, up_bps: 5 }));
    assert_eq!(used_up.until_ms, Some(at("2026-03-31T22:00:00Z")));
    let reset = policy.evaluate(SOLD, 0, at("2026-03-31T22:00:00Z"));
    assert_eq!((reset.rule, reset.until_ms), (Rule::Sold, Some(at("2026-04-30T22:00:00Z"))));
    let unknown = policy.evaluate(SOLD, u64::MAX, at("2026-06-01T00:00:00Z"));
    assert_eq!((unknown.rule, unknown.period, unknown.counting), (Rule::Sold, None, false), "no period, no doubt");
}

#[test]
fn what_was_bought_on_top_opens_the_line_while_it_lasts() {
    let mut fair_use = fair_use(Vec::new());
    fair_use.allowances[0].top_ups.push(TopUp { bytes: 500, until_ms: at("2026-03-20T00:00:00Z") });
    let policy = Policy::read(&fair_use).unwrap();
    let bought = policy.evaluate(SOLD, 1200, at("2026-03-10T12:00:00Z"));
    assert_eq!(
        (bought.rule, bought.limit_bytes, bought.until_ms),
        (Rule::Sold, 1500, Some(at("2026-03-20T00:00:00Z")))
    );
    assert_eq!(policy.evaluate(SOLD, 1500, at("2026-03-10T12:00:00Z")).rule, Rule::Exhausted);
    assert_eq!(policy.evaluate(SOLD, 1200, at("2026-03-20T00:00:00Z")).rule, Rule::Exhausted);
}

#[test]
fn a_window_has_its_rates_and_an_exhausted_line_only_the_slower() {
    let policy = policy(vec![window(0b111_1111, (22, 0), (6, 0))]);
    let night = at("2026-03-10T22:30:00Z");
    let open = policy.evaluate(SOLD, 0, night);
    assert_eq!((open.rule, open.rates), (Rule::Window, Rates { down_bps: 400, up_bps: 50 }));
    assert_eq!(open.until_ms, Some(at("2026-03-11T05:00:00Z")));
    assert_eq!(policy.evaluate(SOLD, 1000, night).rates, Rates { down_bps: 10, up_bps: 5 });
}

#[test]
fn a_free_window_neither_counts_nor_is_throttled() {
    let free = Window { free: true, ..window(0b111_1111, (0, 0), (6, 0)) };
    let policy = policy(vec![free]);
    let night = policy.evaluate(SOLD, 5000, at("2026-03-10T01:00:00Z"));
    assert_eq!((night.rule, night.counting), (Rule::Window, false));
    assert!(!policy.counts_until(at("2026-03-10T05:00:00Z")), "what ends with the window was moved in it");
    assert!(policy.counts_until(at("2026-03-10T05:00:00Z") + 1));
    assert!(policy.counts_until(at("2026-03-09T23:00:00Z")), "what ends at its start was moved before");
    assert_eq!(policy.evaluate(SOLD, 5000, at("2026-03-10T05:00:00Z")).rule, Rule::Exhausted);
}

#[test]
fn an_hour_left_out_is_in_no_window_and_one_repeated_twice() {
    let policy = policy(vec![window(0b111_1111, (2, 0), (3, 0))]);
    let ruled = |text| policy.evaluate(SOLD, 0, at(text)).rule;
    // 29 March 2026: 01:59:59 is followed by 03:00:00.
    assert_eq!([ruled("2026-03-29T00:59:59Z"), ruled("2026-03-29T01:00:00Z")], [Rule::Sold, Rule::Sold]);
    // 25 October 2026: 02:00 to 03:00 comes twice.
    let autumn =
        Policy::read(&FairUse { allowances: Vec::new(), ..fair_use(vec![window(64, (2, 0), (3, 0))]) }).unwrap();
    let ruled = |text| autumn.evaluate(SOLD, 0, at(text)).rule;
    assert_eq!([ruled("2026-10-25T00:30:00Z"), ruled("2026-10-25T01:30:00Z")], [Rule::Window; 2]);
    assert_eq!(ruled("2026-10-25T02:00:00Z"), Rule::Sold);
}

#[test]
fn what_makes_no_sense_is_named() {
    let code = |fair_use: FairUse| Policy::read(&fair_use).unwrap_err().code;
    assert_eq!(code(FairUse { time_zone: "Mars/Olympus".into(), ..fair_use(Vec::new()) }), "fair-use-malformed");
    assert_eq!(code(fair_use(vec![window(0, (1, 0), (2, 0))])), "fair-use-malformed");
    assert_eq!(code(fair_use(vec![window(1, (25, 0), (2, 0))])), "fair-use-malformed");
    let mut overlapping = fair_use(Vec::new());
    overlapping.allowances[1].start_ms -= 1;
    assert_eq!(code(overlapping), "fair-use-malformed");
}

fn any_window() -> impl Strategy<Value = Window> {
    (1u32..128, 0u32..96, 0u32..=96, any::<bool>()).prop_map(|(weekdays, from, to, free)| Window {
        weekdays,
        from_minute: from * 15,
        to_minute: to * 15,
        rate_down_bps: 1 + u64::from(from),
        rate_up_bps: 0,
        free,
    })
}

/// Around the changes of the clocks of 2026, and anywhere else in it.
fn any_instant() -> impl Strategy<Value = u64> {
    let around = [
        "2026-03-29T00:00:00Z",
        "2026-10-25T00:00:00Z",
        "2026-04-04T12:00:00Z",
        "2026-10-03T12:00:00Z",
        "2026-03-08T04:00:00Z",
        "2026-11-01T04:00:00Z",
        "2026-04-05T03:00:00Z",
        "2026-09-06T04:00:00Z",
        "2026-04-23T22:00:00Z",
        "2026-10-29T21:00:00Z",
    ];
    let near = (prop::sample::select(around.map(at).to_vec()), 0..2 * DAY).prop_map(|(at, off)| at - DAY + off);
    prop_oneof![4 => near, 1 => at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z")]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_changes_before_it_may(
        zone in prop::sample::select(ZONES.to_vec()),
        windows in prop::collection::vec(any_window(), 0..4),
        now in any_instant(),
        used in 0u64..2000,
    ) {
        let fair_use = FairUse { time_zone: zone.into(), ..fair_use(windows) };
        let policy = Policy::read(&fair_use).unwrap();
        let verdict = policy.evaluate(SOLD, used, now);
        let until = verdict.until_ms.unwrap_or(u64::MAX).min(now + 2 * DAY);
        prop_assert!(until > now);
        for later in (now..until).step_by(MINUTE as usize).chain([until - 1]) {
            let then = policy.evaluate(SOLD, used, later);
            prop_assert_eq!((then.rule, then.rates, then.period, then.limit_bytes, then.counting),
                (verdict.rule, verdict.rates, verdict.period, verdict.limit_bytes, verdict.counting), "at {}", later);
            prop_assert_eq!(policy.counts_until(later + 1), policy.counts_until(now + 1));
        }
    }

    #[test]
    fn no_cut_is_missing_and_none_is_outside(
        zone in prop::sample::select(ZONES.to_vec()),
        windows in prop::collection::vec(any_window(), 0..4),
        now in any_instant(),
    ) {
        let fair_use = FairUse { time_zone: zone.into(), ..fair_use(windows) };
        let policy = Policy::read(&fair_use).unwrap();
        let (mut at, end) = (now, now + 2 * DAY);
        let cuts = policy.cuts(now, end);
        prop_assert!(cuts.iter().all(|cut| now < *cut && *cut <= end));
        while let Some(until) = policy.evaluate(SOLD, 0, at).until_ms.filter(|until| *until <= end) {
            prop_assert!(cuts.contains(&until), "{until}");
            at = until;
        }
    }

    #[test]
    fn more_use_never_makes_a_line_faster(
        windows in prop::collection::vec(any_window(), 0..4),
        now in any_instant(),
        used in 0u64..2000,
        more in 0u64..2000,
    ) {
        let policy = policy(windows);
        let (before, after) = (policy.evaluate(SOLD, used, now), policy.evaluate(SOLD, used + more, now));
        prop_assert!(after.rates.down_bps <= before.rates.down_bps && after.rates.up_bps <= before.rates.up_bps);
    }
}
