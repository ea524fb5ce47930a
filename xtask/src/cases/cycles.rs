//! Examples of billing periods: where they begin, which are due, and what the first invoice covers.

use chrono::NaiveDate;
use weir_rules::calendar::Period;
use weir_rules::money::Money;
use weir_rules::schedule::{self, BilledCycle};
use weir_rules::unit_price::charge;

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

/// The first boundary on or after the start.
pub fn first_boundary(input: &Input<'_>) -> Result<Answer, Stop> {
    Ok(Answer::default().with("first_boundary", input.cycle()?.first_boundary()?))
}

/// Boundaries after the start.
pub fn sequence(input: &Input<'_>) -> Result<Answer, Stop> {
    let whole = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let (skip, count) = (input.maybe_count("skip")?.unwrap_or(0), input.count("count")?);
    let boundaries =
        schedule::boundaries(input.cycle()?, whole(skip), whole(count), input.flag("include_start", false)?)?;
    Ok(Answer::default().with("boundaries", Got::list(boundaries)))
}

/// The period of service a date lies in.
pub fn period_containing(input: &Input<'_>) -> Result<Answer, Stop> {
    let period = schedule::period_at(input.cycle()?, input.date("date")?)?;
    Ok(Answer::default()
        .with("period_start", period.start())
        .with("period_end", period.end())
        .with("days", period.days()))
}

/// The periods due by a day and their exact shares.
pub fn billed(input: &Input<'_>) -> Result<Answer, Stop> {
    let cycles = due(input, "target_date")?;
    Ok(Answer::default()
        .with("cycles_exact", Got::list(cycles.iter().map(|cycle| cycle.share)))
        .with("factors_9dp", Got::list(cycles.iter().map(|cycle| cycle.share.factor(9))))
        .with("sum_of_factors_each_at_9dp", schedule::factor_sum(&cycles, 9))
        .with("segments", segments(&cycles)))
}

/// How far everything is billed.
pub fn billed_through(input: &Input<'_>) -> Result<Answer, Stop> {
    let timing = match input.get("billing") {
        Some(_) => input.timing()?,
        None => weir_rules::calendar::Timing::InArrears,
    };
    let (end, target) = (input.maybe_date("end")?, input.date("target_date")?);
    let through = schedule::billed_through(input.cycle()?, end, target, timing)?;
    Ok(Answer::default().with("billed_through", through))
}

/// Dates that make no sense together, or alone.
pub fn invalid_dates(input: &Input<'_>) -> Result<Answer, Stop> {
    due(input, "target_date")?;
    Ok(Answer::default().with("valid", true))
}

/// What the first invoice charges.
pub fn first_invoice(input: &Input<'_>) -> Result<Answer, Stop> {
    let cycles = due(input, "invoice_generated_on")?;
    let unit = input.unit("price", "quantity")?;
    let amounts: Vec<Money> = cycles.iter().map(|cycle| charge(unit, cycle.share)).collect::<Result<_, _>>()?;
    let total = Money::sum(unit.currency, amounts.iter().copied())?;
    Ok(Answer::default().with("segments", segments(&cycles)).with("amounts", Got::list(amounts)).with("total", total))
}

fn due(input: &Input<'_>, target: &str) -> Result<Vec<BilledCycle>, Stop> {
    let (end, target) = (input.maybe_date("end")?, input.date(target)?);
    Ok(schedule::billed_cycles(input.cycle()?, end, target, input.timing()?)?)
}

fn segments(cycles: &[BilledCycle]) -> Got {
    let dates = |period: Period| -> [NaiveDate; 2] { [period.start(), period.end()] };
    Got::list(cycles.iter().map(|cycle| Got::list(dates(cycle.period))))
}
