//! `cargo xtask cases FILE.json`: worked billing examples, each run through the rules it is about.
//!
//! This translates JSON into the rules' types and back; it knows no rule and does no arithmetic. What a kind of example takes
//! and tells is in docs/billing-examples.md. Start with [`judge`]; the kinds are in [`KINDS`].

mod answer;
mod credits;
mod cycles;
mod documents;
mod dunning;
mod file;
mod input;
mod payments;
mod proration;
mod refusal;
mod tax;
#[cfg(test)]
mod tests;
mod time;
mod usage;

use anyhow::Context;
use serde_json::{Map, Value};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;

use answer::Answer;
use file::Case;
use input::Input;
use refusal::Stop;

/// What computes the answer of one kind of example.
type Kind = fn(&Input<'_>) -> Result<Answer, Stop>;

/// Every kind, by subject.
const KINDS: &[(&str, Kind)] = &[
    ("cycle_first_boundary", cycles::first_boundary),
    ("cycle_sequence", cycles::sequence),
    ("cycle_period_containing", cycles::period_containing),
    ("billed_cycles", cycles::billed),
    ("billed_through_in_arrears", cycles::billed_through),
    ("invalid_dates", cycles::invalid_dates),
    ("first_invoice_span", cycles::first_invoice),
    ("proration_factor", proration::factor),
    ("proration_amount", proration::amount),
    ("proration_amount_fixed_30_day_month", proration::fixed_month),
    ("plan_change", proration::plan_change),
    ("plan_change_in_arrears", proration::plan_change_in_arrears),
    ("unused_time_credit", proration::unserved_credit),
    ("suspension_credit", proration::unserved_credit),
    ("credit_cap", proration::credit_cap),
    ("resume_charge", proration::amount),
    ("quantity_charge", proration::quantity),
    ("piecewise_equals_whole", proration::pieces),
    ("terminated_in_arrears", proration::terminated),
    ("proration_dst", time::proration),
    ("day_count_dst", time::day_count),
    ("time_zone_local_date", time::local_date),
    ("time_zone_due", time::due),
    ("trial_then_cycle", time::trial),
    ("tiers_graduated", usage::graduated),
    ("tiers_volume", usage::volume),
    ("tiers_progressive", usage::progressive),
    ("spend_minimum", usage::spend_minimum),
    ("spend_maximum", usage::progressive),
    ("package", usage::package),
    ("percentage_charge", usage::percentage),
    ("usage_blocks_all_tiers", usage::blocks_all_tiers),
    ("usage_blocks_top_tier", usage::blocks_top_tier),
    ("per_unit", usage::per_unit),
    ("allowance_overage", usage::allowance_overage),
    ("allowance_notification", usage::allowance_notification),
    ("tax_rounding", tax::rounding),
    ("tax_multiple_rates", tax::several),
    ("tax_on_discounted", tax::discounted),
    ("tax_inclusive", tax::inclusive),
    ("tax_by_location", tax::by_location),
    ("tax_multiple_lines", tax::lines),
    ("rounding_precision", tax::precision),
    ("invoice_totals", documents::totals),
    ("line_net_tolerance", documents::line_net),
    ("payable_rounding", documents::payable),
    ("discount_percent", credits::discount_percent),
    ("discount_fixed", credits::discount_fixed),
    ("allocation_largest_remainder", credits::allocation),
    ("credit_note", credits::note),
    ("credit_note_series", credits::series),
    ("credit_note_settlement", credits::settlement),
    ("account_credit_applied", credits::account_credit),
    ("payment_retry_schedule", dunning::retries),
    ("overdue_state", dunning::overdue),
    ("due_date", dunning::due_date),
    ("dunning_threshold", dunning::threshold),
    ("dunning_attempts", dunning::attempts),
    ("grace_period", dunning::grace),
    ("late_fee", dunning::late_fee),
    ("late_fee_grace", dunning::late_fee_grace),
    ("minor_units", payments::minor_units),
    ("sepa_control_sum", payments::control_sum),
    ("iban_check", payments::iban),
];

/// Runs a file; a line for each case that fails, and a last one with the counts. A file without cases is a failure itself.
pub fn run(path: &Path) -> ExitCode {
    let (passed, failures) =
        match fs::read_to_string(path).context("cannot be read").and_then(|text| file::cases(&text)) {
            Ok(cases) => {
                let failures: Vec<String> = cases.iter().filter_map(|case| judge(case).err()).collect();
                (cases.len() - failures.len(), failures)
            }
            Err(error) => (0, vec![format!("{}: {error:#}", path.display())]),
        };
    for failure in &failures {
        println!("{failure}");
    }
    println!("{passed} passed, {} failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs one case; the error is the line that says what is wrong with it.
fn judge(case: &Case) -> Result<(), String> {
    let says = |what: String| format!("{}: {what}", case.id);
    let body = case.body.as_ref().map_err(|wrong| says(format!("malformed case: {wrong}")))?;
    let Some((_, compute)) = KINDS.iter().find(|(name, _)| *name == body.kind) else {
        return Err(says(format!("unknown kind {:?}", body.kind)));
    };
    // A rule that panics is a defect, and this case's failure alone.
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| compute(&Input::new(&body.input)))) else {
        return Err(says("the rule panicked".to_owned()));
    };
    match outcome {
        Ok(answer) => compare(&answer, &body.expected).map_err(says),
        Err(Stop::Malformed(why)) => Err(says(format!("malformed case: {why}"))),
        Err(Stop::Refused(refusal)) => {
            let wanted = body.expected.get("error").and_then(Value::as_str);
            if body.expected.len() == 1 && wanted.is_some_and(|name| refusal.is_called(name)) {
                return Ok(());
            }
            let expected = Value::Object(body.expected.clone());
            Err(says(format!("expected {expected}, got the refusal {:?} ({})", refusal.name(), refusal.why)))
        }
    }
}

/// Compares every key that is expected; one nobody computes is a failure.
fn compare(answer: &Answer, expected: &Map<String, Value>) -> Result<(), String> {
    let mut wrong = Vec::new();
    for (key, wanted) in expected {
        match answer.get(key) {
            None => wrong.push(format!("unknown expected key {key:?}")),
            Some(got) if got.matches(wanted) => {}
            Some(got) => wrong.push(format!("{key} expected {wanted}, got {}", got.to_json())),
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
}
