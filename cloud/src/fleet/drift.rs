//! Whether a line is on its router what it should be. Its own rules are the router's to decide: whatever they may make of
//! the line is as it should be.

use weir_protocol::desired::{Access, FairUse, Line};

use super::model::LineState;

/// The kernel rounds rates to its own units: this much more or less is no drift, bits per second.
const ROUNDED_BPS: u64 = 1_000;
const WALLED_GARDEN: &str = "walled_garden";

/// Whether what the router read back is not what was wanted.
pub(super) fn of(wanted: Option<&Line>, observed: Option<&LineState>) -> bool {
    match (wanted, observed) {
        (Some(wanted), Some(observed)) => !may_be(wanted, observed),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// A line as it is sold and held.
pub(super) fn desired_state(line: &Line) -> LineState {
    let bps = |rate: u64| i64::try_from(rate).unwrap_or(i64::MAX);
    let (down, up, access) = match line.access() {
        Access::Throttled => (line.throttled_down_bps, line.throttled_up_bps, "throttled"),
        Access::Unspecified | Access::Open => (line.rate_down_bps, line.rate_up_bps, "open"),
        Access::WalledGarden => (line.rate_down_bps, line.rate_up_bps, WALLED_GARDEN),
        Access::Closed => (line.rate_down_bps, line.rate_up_bps, "closed"),
    };
    LineState { rate_down_bps: bps(down), rate_up_bps: bps(up), access: access.to_owned() }
}

fn may_be(wanted: &Line, observed: &LineState) -> bool {
    let fair_use = wanted.fair_use.as_deref();
    let may_be_capped = fair_use.is_some_and(|fair_use| fair_use.steps.iter().any(|step| step.garden));
    let served = matches!(wanted.access(), Access::Unspecified | Access::Open | Access::Throttled);
    let capped = served && may_be_capped && observed.access == WALLED_GARDEN;
    // A hold that throttles leaves the slower of both.
    let most = |throttled: u64| match wanted.access() {
        Access::Throttled if !capped => throttled,
        _ => u64::MAX,
    };
    let (down, up) = fair_use.map(rates).unwrap_or_default();
    (capped || desired_state(wanted).access == observed.access)
        && is_one_of(&down, wanted.rate_down_bps, most(wanted.throttled_down_bps), observed.rate_down_bps)
        && is_one_of(&up, wanted.rate_up_bps, most(wanted.throttled_up_bps), observed.rate_up_bps)
}

/// Every rate that rules may bring into force, toward and from the subscriber.
fn rates(fair_use: &FairUse) -> (Vec<u64>, Vec<u64>) {
    let beyond = [(fair_use.exhausted_down_bps, fair_use.exhausted_up_bps)];
    let steps = fair_use.steps.iter().map(|step| (step.rate_down_bps, step.rate_up_bps));
    let windows = fair_use.windows.iter().map(|window| (window.rate_down_bps, window.rate_up_bps));
    let boosts = fair_use.boosts.iter().map(|boost| (boost.rate_down_bps, boost.rate_up_bps));
    beyond.into_iter().chain(steps).chain(windows).chain(boosts).filter(|rates| *rates != (0, 0)).unzip()
}

fn is_one_of(rules: &[u64], sold: u64, most: u64, observed: i64) -> bool {
    let given = rules.iter().copied().filter(|rate| *rate > 0);
    let alike = |rate: u64| rate.min(most).abs_diff(observed.unsigned_abs()) <= ROUNDED_BPS;
    given.chain([sold]).any(alike)
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_protocol::desired::{Boost, Step, Window};

    fn line(access: Access) -> Line {
        let fair_use = FairUse {
            exhausted_down_bps: 2_000_000,
            exhausted_up_bps: 500_000,
            steps: vec![Step { over_bytes: 9, garden: true, ..Step::default() }],
            windows: vec![Window { rate_down_bps: 50_000_000, ..Window::default() }],
            boosts: vec![Boost { rate_up_bps: 40_000_000, ..Boost::default() }],
            ..FairUse::default()
        };
        Line {
            rate_down_bps: 20_000_000,
            rate_up_bps: 5_000_000,
            throttled_down_bps: 1_000_000,
            throttled_up_bps: 1_000_000,
            access: access.into(),
            fair_use: Some(Box::new(fair_use)),
            ..Line::default()
        }
    }

    fn is(rate_down_bps: i64, rate_up_bps: i64, access: &str) -> LineState {
        LineState { rate_down_bps, rate_up_bps, access: access.to_owned() }
    }

    #[test]
    fn what_its_own_rules_may_make_of_a_line_is_no_drift() {
        let open = line(Access::Open);
        for (down, up, access, drift) in [
            (20_000_500, 5_000_000, "open", false),
            (2_000_000, 500_000, "open", false),
            (50_000_000, 5_000_000, "open", false),
            (2_000_000, 40_000_000, "open", false),
            (2_000_000, 500_000, "walled_garden", false),
            (3_000_000, 500_000, "open", true),
            (20_000_000, 6_000_000, "open", true),
            (20_000_000, 5_000_000, "closed", true),
            (1_000_000, 1_000_000, "throttled", true),
        ] {
            assert_eq!(of(Some(&open), Some(&is(down, up, access))), drift, "{down}/{up} {access}");
        }
        let throttled = line(Access::Throttled);
        assert!(!of(Some(&throttled), Some(&is(1_000_000, 500_000, "throttled"))), "the slower of both");
        assert!(of(Some(&throttled), Some(&is(2_000_000, 500_000, "throttled"))));
        assert!(!of(Some(&throttled), Some(&is(2_000_000, 500_000, "walled_garden"))), "capped, too");
        assert!(of(Some(&line(Access::Closed)), Some(&is(2_000_000, 500_000, "walled_garden"))));
        let unruled = Line { fair_use: None, ..open };
        assert!(of(Some(&unruled), Some(&is(2_000_000, 500_000, "open"))));
        assert!(of(Some(&unruled), None) && !of(None, None));
    }
}
