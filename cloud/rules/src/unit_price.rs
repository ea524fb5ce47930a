//! What a quantity costs at a unit price, for a whole period or a part: multiplied first, divided once, rounded once.
//!
//! Unit prices have as many decimals as they need; only the line is at the currency's scale. Credits are what was billed less
//! what was earned, so a cent that rounding moves stays on the line. Start with [`charge`].

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use crate::calendar::{CalendarError, Period};
use crate::money::{Currency, Money, MoneyError};
use crate::proration::{PlanChange, ProrationError};
use crate::schedule::Share;

/// A price for one, how many, and the currency of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnitPrice {
    /// For one and a full period, in major units.
    pub price: Decimal,
    /// How many, zero or more.
    pub quantity: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// The charge for a share of a period: 29.95 for 7 is 209.65, 249.95 for 27 of 30 days is 224.96.
pub fn charge(unit: UnitPrice, share: Share) -> Result<Money, ProrationError> {
    if unit.quantity < Decimal::ZERO {
        return Err(ProrationError::NegativeQuantity(unit.quantity));
    }
    let amount = unit
        .price
        .checked_mul(unit.quantity)
        .and_then(|amount| amount.checked_mul(share.days().into()))
        .and_then(|amount| amount.checked_div(share.full_days().into()))
        .ok_or(MoneyError::TooLarge(unit.currency))?;
    Ok(Money::rounded(amount, unit.currency)?)
}

/// The charge for the days of `part` of the period `full`.
pub fn charge_for(unit: UnitPrice, part: Period, full: Period) -> Result<Money, ProrationError> {
    charge(unit, Share::of(part, full).ok_or(ProrationError::OutsidePeriod { part, full })?)
}

/// What is given back of a billed line for days without service: billed less what the other days earned.
///
/// 249.95 from 30 June to 31 July without 10 to 20 July gives 80.63 back. Days outside the line count for nothing.
pub fn credit_for(billed: Money, line: Period, unserved: Period) -> Result<Money, ProrationError> {
    let Some(unserved) = line.intersection(unserved) else { return Ok(Money::zero(billed.currency())) };
    let served = Share::of(unserved, line).and_then(Share::rest);
    let unit = UnitPrice { price: billed.amount(), quantity: Decimal::ONE, currency: billed.currency() };
    let earned = served.map_or(Ok(Money::zero(billed.currency())), |served| charge(unit, served))?;
    Ok(billed.checked_sub(earned)?)
}

/// A change of price or quantity inside a period that was billed in advance; the day of the change belongs to the new price.
///
/// The credit is zero or below, the charge zero or above. On the last boundary there is nothing left to change.
pub fn change_in_advance(
    old: UnitPrice,
    new: UnitPrice,
    full: Period,
    on: NaiveDate,
) -> Result<PlanChange, ProrationError> {
    let nothing = Money::zero(new.currency);
    if on == full.end() {
        return Ok(PlanChange { credit: nothing, charge: nothing, net: nothing });
    }
    let rest = inside(full, on)?;
    let credit = -credit_for(charge(old, Share::WHOLE)?, full, rest)?;
    let charge = charge_for(new, rest, full)?;
    Ok(PlanChange { credit, charge, net: credit.checked_add(charge)? })
}

/// The two lines of a period billed in arrears in which a price changed, the old one first.
pub fn change_in_arrears(
    old: UnitPrice,
    new: UnitPrice,
    full: Period,
    on: NaiveDate,
) -> Result<(Money, Money), ProrationError> {
    if on == full.end() {
        return Ok((charge(old, Share::WHOLE)?, Money::zero(new.currency)));
    }
    let rest = inside(full, on)?;
    let before = Period::new(full.start(), on).ok();
    let old_charge = before.map_or(Ok(Money::zero(old.currency)), |before| charge_for(old, before, full))?;
    Ok((old_charge, charge_for(new, rest, full)?))
}

fn inside(full: Period, on: NaiveDate) -> Result<Period, ProrationError> {
    if !full.contains(on) {
        return Err(ProrationError::DayOutsidePeriod { on, period: full });
    }
    Ok(Period::new(on, full.end())?)
}

/// Days from one date to another when every month has the same number of them: from 23 May to 15 June are 22 of 30.
///
/// Within a month it is the difference of the days, never more than a month has.
pub fn days_in_fixed_months(from: NaiveDate, to: NaiveDate, days_in_month: u32) -> i64 {
    let months = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month0());
    let crossed = months(to) - months(from);
    let days = i64::from(to.day()) - i64::from(from.day());
    if crossed == 0 { days.min(i64::from(days_in_month)) } else { crossed * i64::from(days_in_month) + days }
}

/// The charge for days counted in months of a fixed length, and these days: 19.95 for 8 of 30 is 5.32.
pub fn charge_in_fixed_months(
    unit: UnitPrice,
    from: NaiveDate,
    to: NaiveDate,
    days_in_month: u32,
) -> Result<(i64, Money), ProrationError> {
    if days_in_month == 0 || to < from {
        return Err(CalendarError::EmptyPeriod { start: from, end: to }.into());
    }
    let days = days_in_fixed_months(from, to, days_in_month);
    let amount = unit
        .price
        .checked_mul(unit.quantity)
        .and_then(|amount| amount.checked_mul(days.into()))
        .and_then(|amount| amount.checked_div(days_in_month.into()))
        .ok_or(MoneyError::TooLarge(unit.currency))?;
    Ok((days, Money::rounded(amount, unit.currency)?))
}

#[cfg(test)]
#[path = "unit_price_tests.rs"]
mod tests;
