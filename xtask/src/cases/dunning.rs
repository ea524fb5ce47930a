//! Examples of collecting what is owed: days, states, attempts, fees.

use chrono::{DateTime, NaiveDateTime};
use rust_decimal::Decimal;
use weir_rules::calendar::CalendarError;
use weir_rules::collection::{self, FeeBasis, OverdueState};
use weir_rules::dunning::FeeRule;
use weir_rules::invoice;
use weir_rules::money::{Currency, Money};
use weir_rules::schedule::days_after;

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

fn counts(input: &Input<'_>, key: &str) -> Result<Vec<u32>, Stop> {
    let count = |number: Decimal| {
        let number = number.normalize();
        let whole = if number.scale() == 0 { u32::try_from(number.mantissa()).ok() } else { None };
        whole.ok_or_else(|| Stop::Malformed(format!("{key:?} has {number}, which is no number of days")))
    };
    input.numbers(key)?.into_iter().map(count).collect()
}

/// The days a failed payment is tried again.
pub fn retries(input: &Input<'_>) -> Result<Answer, Stop> {
    let retries = collection::retry_days(input.date("first_failure")?, &counts(input, "retry_after_days")?)?;
    Ok(Answer::default().with("last_retry", retries.last().copied()).with("retries", Got::list(retries)))
}

/// The state an account is in.
pub fn overdue(input: &Input<'_>) -> Result<Answer, Stop> {
    let state = |row: Input<'_>| -> Result<OverdueState, Stop> {
        Ok(OverdueState {
            name: row.text("name")?.to_owned(),
            days: row.count("days")?,
            blocks_service: row.flag("blocks_service", false)?,
        })
    };
    let states: Vec<OverdueState> = input.objects("states")?.into_iter().map(state).collect::<Result<_, _>>()?;
    let (earliest, today) = (input.maybe_date("earliest_unpaid_invoice")?, input.date("today")?);
    let found = collection::overdue_state(&states, earliest, today);
    let clear = input.maybe_text("clear_state")?.unwrap_or("CLEAR");
    Ok(Answer::default()
        .with("state", found.map_or(clear, |state| &state.name).to_owned())
        .with_all(&["service_blocked", "blocked"], found.is_some_and(|state| state.blocks_service))
        .with_all(&["days_overdue", "age_days"], earliest.map_or(0, |day| collection::overdue_age(day, today))))
}

/// The last day to pay, and the first late one.
pub fn due_date(input: &Input<'_>) -> Result<Answer, Stop> {
    let due = invoice::due_on(input.date("issued")?, input.count("net_terms_days")?)?;
    Ok(Answer::default().with("due", due).with("overdue_from", days_after(due, 1)?))
}

/// Whether balances are enough to act.
pub fn threshold(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let threshold = input.money("threshold", currency)?;
    let balances = input.moneys("overdue_balances", currency)?;
    let triggers: Result<Vec<bool>, _> =
        balances.into_iter().map(|balance| collection::reaches(threshold, balance)).collect();
    Ok(Answer::default().with("triggers", Got::list(triggers?)))
}

/// Which evaluations make an attempt.
pub fn attempts(input: &Input<'_>) -> Result<Answer, Stop> {
    let moment = |value: &serde_json::Value| {
        let text = value.as_str().unwrap_or_default();
        let local = text.parse::<NaiveDateTime>().ok();
        let local = local.or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.naive_utc()));
        local.ok_or_else(|| Stop::Malformed(format!("\"evaluated_at\" has no time {value}")))
    };
    let moments: Vec<NaiveDateTime> = input.list("evaluated_at")?.iter().map(moment).collect::<Result<_, _>>()?;
    let made = collection::attempts_made(&moments, input.count("max_attempts")?, input.count("days_between_attempts")?);
    Ok(Answer::default().with("attempted", Got::list(made)))
}

/// The last day of grace.
pub fn grace(input: &Input<'_>) -> Result<Answer, Stop> {
    let ends = collection::grace_ends(input.date("due")?, input.count("grace_days")?)?;
    let next: Result<_, CalendarError> = days_after(ends, 1);
    Ok(Answer::default().with("grace_ends", ends).with_all(&["late_from", "delinquent_from"], next?))
}

fn fee_rule(input: &Input<'_>, currency: Currency) -> Result<FeeRule, Stop> {
    Ok(FeeRule {
        flat: input.maybe_money("flat", currency)?.unwrap_or(Money::zero(currency)),
        percent: input.maybe_number("percent")?.unwrap_or_default(),
        min: input.maybe_money("minimum", currency)?,
        max: input.maybe_money("maximum", currency)?,
    })
}

/// A fee on what is owed.
pub fn late_fee(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let fee = collection::late_fee(&fee_rule(input, currency)?, input.money("basis", currency)?)?;
    Ok(Answer::default().with("fee", fee))
}

/// The fee that stands on some days.
pub fn late_fee_grace(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let rule = fee_rule(input, currency)?;
    let paid = input.maybe_money("paid", currency)?.unwrap_or(Money::zero(currency));
    let invoiced = input.money("invoiced", currency)?;
    let basis = match input.maybe_text("based_on")?.or(input.maybe_text("basis")?) {
        None | Some("balance_pending" | "balance" | "owed") => FeeBasis::Owed,
        Some("bill_amount" | "invoiced") => FeeBasis::Invoiced,
        Some(other) => {
            return Err(Stop::Malformed(format!("\"based_on\" is not balance_pending or bill_amount: {other:?}")));
        }
    };
    let owed = basis.amount(invoiced, paid)?;
    let (billed, grace) = (input.date("bill_generated")?, input.count("grace_days")?);
    let fees: Result<Vec<Money>, _> = input
        .dates("check_dates")?
        .into_iter()
        .map(|today| collection::late_fee_on(&rule, owed, billed, grace, today))
        .collect();
    Ok(Answer::default()
        .with("fee_due_on_check", Got::list(fees?))
        .with("grace_ends", collection::grace_ends(billed, grace)?))
}
