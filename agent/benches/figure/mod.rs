//! One line of JSON a figure.

use serde_json::json;

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Goal {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

/// Prints a figure.
pub fn print(name: &str, value: f64, unit: &str, goal: Goal, n: usize, note: &str) {
    let (goal, met) = match goal {
        Goal::AtLeast(least) => (format!(">= {least}"), value >= least),
        Goal::AtMost(most) => (format!("<= {most}"), value <= most),
    };
    let value = (value * 1_000_000.0).round() / 1_000_000.0;
    println!(
        "{}",
        json!({ "name": name, "value": value, "unit": unit, "goal": goal, "met": met, "n": n, "note": note })
    );
}

/// The value a share of the samples is not above.
pub fn quantile(samples: &[f64], share: f64) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = ((sorted.len() as f64 * share).ceil() as usize).clamp(1, sorted.len());
    sorted[at - 1]
}
