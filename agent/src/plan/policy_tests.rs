//! Fair use against the definition of it, minute by minute, where and when clocks are changed.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use weir_protocol::desired::{Allowance, Boost, FairUse, Step, TopUp, Window};
use weir_protocol::state::Rule;

use super::policy::{Policy, Rates, Used, Verdict};

const MINUTE: u64 = 60_000;
const DAY: u64 = 24 * 60 * MINUTE;
const SOLD: Rates = Rates { down_bps: 100, up_bps: 50 };
/// In the first period.
const NOON: &str = "2026-03-10T12:00:00Z";
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
        ..FairUse::default()
    }
}

/// What holds once so much is used.
fn evaluate(policy: &Policy, bytes: u64, now_ms: u64) -> Verdict {
    policy.evaluate(SOLD, Used { bytes, before_bytes: 0 }, now_ms)
}

fn policy(windows: Vec<Window>) -> Policy {
    Policy::read(&fair_use(windows)).unwrap()
}

#[test]
fn an_allowance_used_up_throttles_until_the_period_ends() {
    let policy = policy(Vec::new());
    let now = at(NOON);
    let open = evaluate(&policy, 999, now);
    assert_eq!((open.rule, open.rates, open.limit_bytes, open.counting), (Rule::Sold, SOLD, 1000, true));
    let used_up = evaluate(&policy, 1000, now);
    assert_eq!((used_up.rule, used_up.rates), (Rule::Exhausted, Rates { down_bps: 10, up_bps: 5 }));
    assert_eq!(used_up.until_ms, Some(at("2026-03-31T22:00:00Z")));
    let reset = evaluate(&policy, 0, at("2026-03-31T22:00:00Z"));
    assert_eq!((reset.rule, reset.until_ms), (Rule::Sold, Some(at("2026-04-30T22:00:00Z"))));
    let unknown = evaluate(&policy, u64::MAX, at("2026-06-01T00:00:00Z"));
    assert_eq!((unknown.rule, unknown.period, unknown.counting), (Rule::Sold, None, false), "no period, no doubt");
}

#[test]
fn what_was_bought_on_top_opens_the_line_while_it_lasts() {
    let mut fair_use = fair_use(Vec::new());
    fair_use.allowances[0].top_ups.push(TopUp { bytes: 500, until_ms: at("2026-03-20T00:00:00Z") });
    let policy = Policy::read(&fair_use).unwrap();
    let bought = evaluate(&policy, 1200, at(NOON));
    assert_eq!(
        (bought.rule, bought.limit_bytes, bought.until_ms),
        (Rule::Sold, 1500, Some(at("2026-03-20T00:00:00Z")))
    );
    assert_eq!(evaluate(&policy, 1500, at(NOON)).rule, Rule::Exhausted);
    assert_eq!(evaluate(&policy, 1200, at("2026-03-20T00:00:00Z")).rule, Rule::Exhausted);
}

#[test]
fn a_window_has_its_rates_and_an_exhausted_line_only_the_slower() {
    let policy = policy(vec![window(0b111_1111, (22, 0), (6, 0))]);
    let night = at("2026-03-10T22:30:00Z");
    let open = evaluate(&policy, 0, night);
    assert_eq!((open.rule, open.rates), (Rule::Window, Rates { down_bps: 400, up_bps: 50 }));
    assert_eq!(open.until_ms, Some(at("2026-03-11T05:00:00Z")));
    assert_eq!(evaluate(&policy, 1000, night).rates, Rates { down_bps: 10, up_bps: 5 });
}

#[test]
fn a_free_window_neither_counts_nor_is_throttled() {
    let free = Window { free: true, ..window(0b111_1111, (0, 0), (6, 0)) };
    let policy = policy(vec![free]);
    let night = evaluate(&policy, 5000, at("2026-03-10T01:00:00Z"));
    assert_eq!((night.rule, night.counting), (Rule::Window, false));
    assert!(!policy.counts_until(at("2026-03-10T05:00:00Z")), "what ends with the window was moved in it");
    assert!(policy.counts_until(at("2026-03-10T05:00:00Z") + 1));
    assert!(policy.counts_until(at("2026-03-09T23:00:00Z")), "what ends at its start was moved before");
    assert_eq!(evaluate(&policy, 5000, at("2026-03-10T05:00:00Z")).rule, Rule::Exhausted);
}

#[test]
fn an_hour_left_out_is_in_no_window_and_one_repeated_twice() {
    let policy = policy(vec![window(0b111_1111, (2, 0), (3, 0))]);
    let ruled = |text| evaluate(&policy, 0, at(text)).rule;
    // 29 March 2026: 01:59:59 is followed by 03:00:00.
    assert_eq!([ruled("2026-03-29T00:59:59Z"), ruled("2026-03-29T01:00:00Z")], [Rule::Sold, Rule::Sold]);
    // 25 October 2026: 02:00 to 03:00 comes twice.
    let autumn =
        Policy::read(&FairUse { allowances: Vec::new(), ..fair_use(vec![window(64, (2, 0), (3, 0))]) }).unwrap();
    let ruled = |text| evaluate(&autumn, 0, at(text)).rule;
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
    let step = |over_bytes, rate_down_bps| Step { over_bytes, rate_down_bps, ..Step::default() };
    for steps in [
        vec![step(5, 1), step(5, 2)],
        vec![step(5, 1), step(4, 1)],
        vec![step(5, 0)],
        vec![step(5, u64::MAX)],
        (0..9).map(|n| step(n, 1)).collect(),
    ] {
        assert_eq!(code(FairUse { steps, ..fair_use(Vec::new()) }), "fair-use-malformed");
    }
    let boost = |from_ms, until_ms, rate_up_bps| Boost { from_ms, until_ms, rate_down_bps: 0, rate_up_bps };
    for boosts in [vec![boost(5, 5, 1)], vec![boost(5, 6, 0)], vec![boost(5, 6, u64::MAX)]] {
        assert_eq!(code(FairUse { boosts, ..fair_use(Vec::new()) }), "fair-use-malformed");
    }
    assert_eq!(code(FairUse { pool: vec![1; 15], ..fair_use(Vec::new()) }), "fair-use-malformed");
}

/// Slower after 200 more, slower still toward the subscriber after 400, and the garden after 1000.
fn ladder() -> Vec<Step> {
    let step = |over_bytes, rate_down_bps, rate_up_bps| Step { over_bytes, rate_down_bps, rate_up_bps, garden: false };
    let cap = Step { over_bytes: 1000, garden: true, ..Step::default() };
    vec![step(200, 8, 4), step(400, 6, 0), cap]
}

#[test]
fn the_last_step_reached_holds_and_the_next_is_known() {
    let policy = Policy::read(&FairUse { steps: ladder(), ..fair_use(Vec::new()) }).unwrap();
    let seen = |used| {
        let verdict = evaluate(&policy, used, at(NOON));
        (verdict.rule, verdict.step, verdict.rates.down_bps, verdict.rates.up_bps, verdict.next_bytes)
    };
    assert_eq!(seen(999), (Rule::Sold, 0, 100, 50, Some(1000)));
    assert_eq!(seen(1000), (Rule::Exhausted, 0, 10, 5, Some(1200)));
    assert_eq!(seen(1199), (Rule::Exhausted, 0, 10, 5, Some(1200)));
    assert_eq!(seen(1200), (Rule::Exhausted, 1, 8, 4, Some(1400)));
    assert_eq!(seen(1400), (Rule::Exhausted, 2, 6, 4, Some(2000)), "a rate not named is the one before it");
    assert_eq!(seen(2000), (Rule::Capped, 3, 100, 50, None), "the garden has no rates of its own");
    assert_eq!(evaluate(&policy, u64::MAX, at("2026-06-01T00:00:00Z")).rule, Rule::Sold, "no period, no doubt");
}

#[test]
fn a_step_is_beyond_what_was_bought_on_top_and_no_free_window_knows_any() {
    let free = Window { free: true, ..window(0b111_1111, (0, 0), (6, 0)) };
    let mut fair_use = FairUse { steps: ladder(), ..fair_use(vec![free]) };
    fair_use.allowances[0].top_ups.push(TopUp { bytes: 500, until_ms: at("2026-03-31T22:00:00Z") });
    let policy = Policy::read(&fair_use).unwrap();
    assert_eq!(evaluate(&policy, 2499, at(NOON)).step, 2);
    assert_eq!(evaluate(&policy, 2500, at(NOON)).rule, Rule::Capped);
    let night = evaluate(&policy, 2500, at("2026-03-10T01:00:00Z"));
    assert_eq!((night.rule, night.step, night.counting), (Rule::Window, 0, false));
}

#[test]
fn a_boost_outweighs_windows_and_steps_while_it_runs_but_no_cap() {
    let (from_ms, until_ms) = (at(NOON), at("2026-03-10T14:00:00Z"));
    let boosts = vec![Boost { from_ms, until_ms, rate_down_bps: 300, rate_up_bps: 0 }];
    let policy = Policy::read(&FairUse { steps: ladder(), boosts: boosts.clone(), ..fair_use(Vec::new()) }).unwrap();
    let before = evaluate(&policy, 0, from_ms - 1);
    assert_eq!((before.rule, before.until_ms), (Rule::Sold, Some(from_ms)));
    let during = evaluate(&policy, 0, from_ms);
    assert_eq!(
        (during.rule, during.rates, during.until_ms),
        (Rule::Boost, Rates { down_bps: 300, up_bps: 50 }, Some(until_ms))
    );
    let slowed = evaluate(&policy, 1500, from_ms);
    assert_eq!((slowed.rule, slowed.step, slowed.rates), (Rule::Boost, 0, Rates { down_bps: 300, up_bps: 4 }));
    assert_eq!(evaluate(&policy, 2000, from_ms).rule, Rule::Capped);
    assert_eq!(evaluate(&policy, 1500, until_ms).rule, Rule::Exhausted);

    let night = FairUse { boosts: boosts.clone(), ..fair_use(vec![window(0b111_1111, (0, 0), (24, 0))]) };
    let faster = evaluate(&Policy::read(&night).unwrap(), 0, from_ms);
    assert_eq!((faster.rule, faster.rates.down_bps), (Rule::Window, 400), "never slower than what holds otherwise");
    let unmetered = FairUse { allowances: Vec::new(), ..FairUse { boosts, ..fair_use(Vec::new()) } };
    assert_eq!(evaluate(&Policy::read(&unmetered).unwrap(), 0, from_ms).rule, Rule::Boost);
}

#[test]
fn what_was_left_is_carried_over_up_to_a_maximum() {
    let mut fair_use = fair_use(Vec::new());
    fair_use.allowances[1].carry_max_bytes = 300;
    let policy = Policy::read(&fair_use).unwrap();
    let next = at("2026-04-02T00:00:00Z");
    let carried = |before_bytes| {
        let verdict = policy.evaluate(SOLD, Used { bytes: 0, before_bytes }, next);
        (verdict.carried_bytes, verdict.limit_bytes)
    };
    assert_eq!(
        [carried(0), carried(900), carried(1000), carried(5000)],
        [(300, 1300), (100, 1100), (0, 1000), (0, 1000)]
    );
    assert_eq!(evaluate(&policy, 0, at(NOON)).carried_bytes, 0, "nothing is known before the first");
    // Days between them: the one before is not known.
    fair_use.allowances[0].end_ms -= 1;
    let apart = Policy::read(&fair_use).unwrap();
    assert_eq!(evaluate(&apart, 0, next).carried_bytes, 0);
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

#[test]
fn how_much_there_is_to_use_changes_nothing_of_what_counts_where() {
    let read = |fair_use: &FairUse| Policy::read(fair_use).unwrap();
    let plain = FairUse { pool: vec![1; 16], ..fair_use(Vec::new()) };
    let mut more = plain.clone();
    more.allowances[0].elsewhere_bytes += 700;
    more.allowances[0].bytes += 1;
    assert!(read(&plain).counts_like(&read(&more)) && read(&plain) != read(&more));
    let mut later = plain.clone();
    later.allowances[0].end_ms -= 1;
    let alone = FairUse { pool: Vec::new(), ..plain.clone() };
    for other in [later, alone] {
        assert!(!read(&plain).counts_like(&read(&other)));
    }
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
        let verdict = evaluate(&policy, used, now);
        let until = verdict.until_ms.unwrap_or(u64::MAX).min(now + 2 * DAY);
        prop_assert!(until > now);
        for later in (now..until).step_by(MINUTE as usize).chain([until - 1]) {
            let then = evaluate(&policy, used, later);
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
        while let Some(until) = evaluate(&policy, 0, at).until_ms.filter(|until| *until <= end) {
            prop_assert!(cuts.contains(&until), "{until}");
            at = until;
        }
    }

    #[test]
    fn the_next_step_is_where_the_rates_change_and_not_before(
        used in 0u64..3000,
        before_bytes in 0u64..2000,
        carry_max_bytes in 0u64..1500,
        now in any_instant(),
    ) {
        let mut fair_use = FairUse { steps: ladder(), ..fair_use(Vec::new()) };
        fair_use.allowances[1].carry_max_bytes = carry_max_bytes;
        let policy = Policy::read(&fair_use).unwrap();
        let at = |bytes| policy.evaluate(SOLD, Used { bytes, before_bytes }, now);
        let verdict = at(used);
        let made = |verdict: Verdict| (verdict.rule, verdict.step, verdict.rates);
        prop_assert!(verdict.from_bytes <= used && verdict.next_bytes.is_none_or(|next| used < next));
        prop_assert_eq!(made(at(verdict.from_bytes)), made(verdict));
        if let Some(next) = verdict.next_bytes {
            prop_assert_eq!(made(at(next - 1)), made(verdict));
            prop_assert_ne!(made(at(next)), made(verdict));
        }
        prop_assert!(verdict.carried_bytes <= carry_max_bytes && verdict.carried_bytes <= 1000u64.saturating_sub(before_bytes));
    }

    #[test]
    fn more_use_never_makes_a_line_faster(
        windows in prop::collection::vec(any_window(), 0..4),
        now in any_instant(),
        used in 0u64..2000,
        more in 0u64..2000,
    ) {
        let policy = policy(windows);
        let (before, after) = (evaluate(&policy, used, now), evaluate(&policy, used + more, now));
        prop_assert!(after.rates.down_bps <= before.rates.down_bps && after.rates.up_bps <= before.rates.up_bps);
    }
}
