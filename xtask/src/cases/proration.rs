//! Examples of parts of a period: what they cost, what a change or a stop gives back.

use chrono::NaiveDate;
use weir_rules::calendar::{Period, Timing};
use weir_rules::money::Money;
use weir_rules::proration;
use weir_rules::schedule::Share;
use weir_rules::tax_profile::TaxProfile;
use weir_rules::unit_price::{self, UnitPrice, charge};

use super::answer::{Answer, Got};
use super::input::Input;
use super::refusal::Stop;

/// The days of the part, and the period they are of.
pub fn part(input: &Input<'_>) -> Result<Share, Stop> {
    let full = input.full_period()?;
    let to = input.maybe_date("to")?.unwrap_or(full.end());
    Ok(Share::between(input.date("from")?, to, full)?)
}

/// The share of a period.
pub fn factor(input: &Input<'_>) -> Result<Answer, Stop> {
    let share = part(input)?;
    Ok(shown(Answer::default(), share))
}

/// The charge for a part of a period, of a fresh line or after a pause.
pub fn amount(input: &Input<'_>) -> Result<Answer, Stop> {
    let share = part(input)?;
    Ok(shown(
        Answer::default().with_all(&["amount", "charge"], charge(input.unit("price", "quantity")?, share)?),
        share,
    ))
}

fn shown(answer: Answer, share: Share) -> Answer {
    answer
        .with("factor_9dp", share.factor(9))
        .with_all(&["factor_exact", "exact", "fraction"], share)
        .with("days", share.days())
        .with_all(&["period_days", "days_in_period"], share.full_days())
}

/// The charge in months of a fixed length.
pub fn fixed_month(input: &Input<'_>) -> Result<Answer, Stop> {
    let (from, to, fixed) = (input.date("from")?, input.date("to")?, input.count("fixed_days_in_month")?);
    let (days, amount) = unit_price::charge_in_fixed_months(input.unit("price", "quantity")?, from, to, fixed)?;
    Ok(Answer::default().with("days", days).with("amount", amount))
}

/// A change of plan or quantity inside a period.
pub fn plan_change(input: &Input<'_>) -> Result<Answer, Stop> {
    let (old, new) = (input.unit("old_unit_price", "old_quantity")?, input.unit("new_unit_price", "new_quantity")?);
    let (full, on) = (input.full_period()?, input.date("change_date")?);
    if input.timing()? == Timing::InArrears {
        let (before, after) = unit_price::change_in_arrears(old, new, full, on)?;
        let net = before.checked_add(after)?;
        return Ok(segments(before, after, net)
            .with("credit", Money::zero(old.currency))
            .with_all(&["charge", "net"], net));
    }
    let mut change = unit_price::change_in_advance(old, new, full, on)?;
    if let Some(paid) = input.maybe_money("amount_paid", new.currency)? {
        let before = input.maybe_money("already_credited", new.currency)?.unwrap_or(Money::zero(new.currency));
        change = change.capped(paid, before)?;
    }
    Ok(Answer::default().with("credit", -change.credit).with("charge", change.charge).with("net", change.net))
}

/// A change of plan inside a period that is billed when it is over.
pub fn plan_change_in_arrears(input: &Input<'_>) -> Result<Answer, Stop> {
    let (old, new) = (input.unit("old_price", "old_quantity")?, input.unit("new_price", "new_quantity")?);
    let (before, after) = unit_price::change_in_arrears(old, new, input.full_period()?, input.date("change_date")?)?;
    Ok(segments(before, after, before.checked_add(after)?))
}

fn segments(before: Money, after: Money, total: Money) -> Answer {
    Answer::default()
        .with_all(&["old_plan_charge", "old_charge"], before)
        .with_all(&["new_plan_charge_at_period_end", "new_plan_charge", "new_charge"], after)
        .with("total", total)
}

/// What is given back for days without service.
pub fn unserved_credit(input: &Input<'_>) -> Result<Answer, Stop> {
    let unit = input.unit("price", "quantity")?;
    let full = input.full_period()?;
    let (from, to) = (input.date("from")?, input.maybe_date("to")?.unwrap_or(full.end()));
    let billed = charge(unit, Share::WHOLE)?;
    let credit = match Period::new(from, to) {
        Ok(unserved) => unit_price::credit_for(billed, full, unserved)?,
        Err(_) if from == to => Money::zero(unit.currency),
        Err(error) => return Err(error.into()),
    };
    Ok(Answer::default().with_all(&["credit", "amount"], credit))
}

/// A credit and what is left of its line.
pub fn credit_cap(input: &Input<'_>) -> Result<Answer, Stop> {
    let currency = input.currency()?;
    let amount = |key| input.money(key, currency);
    let before = input.maybe_money("already_credited", currency)?.unwrap_or(Money::zero(currency));
    let credit = proration::capped_credit(amount("potential_credit")?, amount("amount_paid")?, before)?;
    Ok(Answer::default().with("credit", credit))
}

/// A quantity at its unit price, for the whole period unless a part is named.
pub fn quantity(input: &Input<'_>) -> Result<Answer, Stop> {
    let share = if input.get("from").is_some() { part(input)? } else { Share::WHOLE };
    let UnitPrice { price, currency, .. } = input.unit("unit_price", "quantity")?;
    let unit = UnitPrice { price, quantity: input.number("quantity")?, currency };
    Ok(Answer::default().with_all(&["amount", "charge"], charge(unit, share)?))
}

/// A billed line cut in pieces.
pub fn pieces(input: &Input<'_>) -> Result<Answer, Stop> {
    let (full, cuts): (Period, Vec<NaiveDate>) = (input.full_period()?, input.dates("cuts")?);
    let currency = input.currency()?;
    let billed = charge(input.unit("price", "quantity")?, Share::WHOLE)?;
    let parts = proration::pieces(billed, full, &cuts)?;
    let sum = Money::sum(currency, parts.iter().copied())?;
    Ok(Answer::default().with("parts", Got::list(parts)).with("sum", sum))
}

/// The last part of a service billed in arrears, with its tax.
pub fn terminated(input: &Input<'_>) -> Result<Answer, Stop> {
    let net = charge(input.unit("price", "quantity")?, part(input)?)?;
    let rate = input.maybe_number("tax_rate_percent")?.unwrap_or_default();
    let tax = TaxProfile::default().tax_on(net, rate)?;
    Ok(Answer::default().with("net", net).with("tax", tax).with("total", net.checked_add(tax)?))
}
