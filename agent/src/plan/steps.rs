//! What a line gets beyond its allowance, step by step, and what it gets while a boost runs.

use weir_protocol::desired::{Boost, FairUse, Step};

use super::check::{RATE_MAX_BPS, Rejection};
use super::policy::{Rates, malformed};

/// Steps a fair use may have.
const STEPS_MAX: usize = 8;

/// What holds from a use beyond the allowance on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Beyond the allowance and what was bought on top, bytes.
    pub over_bytes: u64,
    /// At most these; 0 = no less than otherwise.
    pub rates: Rates,
    /// The walled garden instead of rates.
    pub garden: bool,
    /// Steps reached with it; 0 = only the allowance's end.
    pub step: u32,
}

/// Reads what a fair use says beyond its allowance, from its end on. A rate a step does not name is the one before it.
pub fn levels(fair_use: &FairUse) -> Result<Vec<Level>, Rejection> {
    let steps = &fair_use.steps;
    if steps.len() > STEPS_MAX {
        return Err(malformed(format!("{} steps are more than {STEPS_MAX}", steps.len())));
    }
    if !steps.is_sorted_by(|one, next| one.over_bytes < next.over_bytes) {
        return Err(malformed("the steps beyond the allowance do not ascend".into()));
    }
    let sound = |step: &&Step| step.garden || is_rate(step.rate_down_bps, step.rate_up_bps);
    if let Some(step) = steps.iter().find(|step| !sound(step)) {
        let Step { over_bytes, rate_down_bps, rate_up_bps, .. } = step;
        return Err(malformed(format!("{rate_down_bps}/{rate_up_bps} bit/s from {over_bytes} bytes on are no step")));
    }
    let mut rates = Rates { down_bps: fair_use.exhausted_down_bps, up_bps: fair_use.exhausted_up_bps };
    let end = (rates.down_bps, rates.up_bps) != (0, 0);
    let mut levels: Vec<_> =
        end.then_some(Level { over_bytes: 0, rates, garden: false, step: 0 }).into_iter().collect();
    for (step, number) in steps.iter().zip(1..) {
        rates = Rates { down_bps: step.rate_down_bps, up_bps: step.rate_up_bps }.or(rates);
        levels.push(Level { over_bytes: step.over_bytes, rates, garden: step.garden, step: number });
    }
    Ok(levels)
}

/// Reads the boosts of a fair use.
pub fn boosts(fair_use: &FairUse) -> Result<Vec<Boost>, Rejection> {
    let sound = |boost: &&Boost| boost.from_ms < boost.until_ms && is_rate(boost.rate_down_bps, boost.rate_up_bps);
    match fair_use.boosts.iter().find(|boost| !sound(boost)) {
        Some(Boost { from_ms, until_ms, rate_down_bps, rate_up_bps }) => {
            Err(malformed(format!("{rate_down_bps}/{rate_up_bps} bit/s from {from_ms} to {until_ms} are no boost")))
        }
        None => Ok(fair_use.boosts.clone()),
    }
}

fn is_rate(down_bps: u64, up_bps: u64) -> bool {
    (1..=RATE_MAX_BPS).contains(&down_bps.max(up_bps))
}
