//! What leaving before the end of a contract costs: a line on the account's next invoice once the line is no longer served.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Period};
use weir_rules::charges::Terms;
use weir_rules::contract::{Contract, TerminationFee, term};
use weir_rules::introductory;
use weir_rules::money::Money;

use super::account::{self, Draft, Facts, Once};
use super::error::RulesError;
use super::store::contracts::{self as store, ContractRow};
use super::store::facts;
use super::{Error, LineKind};
use crate::db::TenantTx;
use crate::ids::{AccountId, ContractId};

/// Adds the fee of every contract that was left early by `until`.
pub(super) fn charge(tx: &TenantTx, facts: &Facts<'_>, until: NaiveDate, lines: &mut Vec<Draft>) -> Result<(), Error> {
    for row in &facts.contracts {
        let Some(on) = row.ends_on.filter(|on| *on <= until) else { continue };
        let Some(fee) = fee(row, facts, on)? else { continue };
        let tax_included = facts.terms.get(held(facts, on)).is_some_and(|term| term.tax_included);
        let next = on.succ_opt().ok_or(RulesError::Range("day of leaving"))?;
        let day = Period::new(on, next)?;
        lines.push(Draft {
            id: tx.new_id(),
            kind: LineKind::EarlyTermination,
            paid_for: None,
            subscription: Some(facts.subscription),
            version: None,
            description: facts.terms.last().map(|term| term.plan.clone()).unwrap_or_default(),
            period: day,
            full: day,
            quantity: Decimal::ONE,
            unit_price: fee,
            gross: tax_included.then_some(fee),
            net: fee,
            reduction: None,
            traffic: None,
            credits: None,
            top_up: None,
            once: Some(Once::Contract(row.id)),
            rate: None,
            taxed_by: None,
            priced_by: None,
        });
    }
    Ok(())
}

/// What it costs if the last day of service is the one before `on`; months left cost what the plan would have cost in them.
fn fee(row: &ContractRow, facts: &Facts<'_>, on: NaiveDate) -> Result<Option<Money>, Error> {
    let money = |amount: Option<Decimal>| Money::new(amount.unwrap_or_default(), facts.currency);
    let most = row.most.map(|most| Money::new(most, facts.currency)).transpose()?;
    let cooling_off_days = row.cooling_off_days.unsigned_abs();
    let fee = match row.fee.as_str() {
        "fixed" => TerminationFee::Fixed(money(row.amount)?),
        "declining" => TerminationFee::Declining(money(row.amount)?),
        "remaining" if (on - row.from).num_days() >= i64::from(cooling_off_days) => {
            let left = months_left(row, facts, on)?;
            let fee = most.map_or(Ok(left), |most| left.checked_min(most))?;
            return Ok(Some(fee).filter(|fee| fee.is_positive()));
        }
        _ => TerminationFee::None,
    };
    let contract = Contract { term: Period::new(row.from, row.to)?, fee, most, cooling_off_days };
    Ok(contract.early_termination_fee(months(row.from)?, on)?)
}

/// The term in force on the last day before `on`.
fn held(facts: &Facts<'_>, on: NaiveDate) -> usize {
    facts.terms.iter().rposition(|term| term.from < on).unwrap_or(0)
}

/// The agreed percent of what the months of a contract from a day on would have cost.
fn months_left(row: &ContractRow, facts: &Facts<'_>, on: NaiveDate) -> Result<Money, Error> {
    let mut all = Money::zero(facts.currency);
    let held = held(facts, on);
    let Some(term) = facts.terms.get(held) else { return Ok(all) };
    let price = Money::new(term.price, facts.currency)?;
    let open = Terms { version: term.version, price, quantity: Decimal::ONE, from: term.from, to: None };
    let prices = if held == 0 { introductory::served(facts.cycle, &open, &facts.phases)? } else { vec![open] };
    let every = account::rhythm_of(term)?.every;
    for (index, one) in prices.into_iter().enumerate() {
        let from = if index == 0 { row.from } else { one.from.max(row.from) };
        let Ok(days) = Period::new(from, one.to.unwrap_or(row.to).min(row.to)) else { continue };
        let price = every.price_a_month(one.price)?;
        let fee = TerminationFee::RemainingPeriods { price, percent: row.percent.unwrap_or_default() };
        let part = Contract { term: days, fee, most: None, cooling_off_days: 0 };
        if let Some(fee) = part.early_termination_fee(months(row.from)?, on.max(days.start()))? {
            all = all.checked_add(fee)?;
        }
    }
    Ok(all)
}

/// The months of a contract, from its first day on.
fn months(from: NaiveDate) -> Result<Cycle, Error> {
    Ok(Cycle::monthly(from, BillingDay::of(from), 1)?)
}

/// The days that so many months from a day on are.
pub fn contract_term(from: NaiveDate, count: usize) -> Result<(NaiveDate, NaiveDate), Error> {
    let days = term(months(from)?, count)?;
    Ok((days.start(), days.end()))
}

/// What leaving a contract on a day would cost, with tax if the plan's prices include it; nothing, if it no longer binds.
pub async fn leaving_fee(
    tx: &mut TenantTx,
    account: AccountId,
    contract: ContractId,
    on: NaiveDate,
) -> Result<Option<Money>, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let Some(binding) = store::binding(tx, &[account.uuid()], Some(contract)).await?.pop() else { return Ok(None) };
    let terms = facts::terms(tx, &[account.uuid()]).await?;
    let all = account::by_subscription(&row, (&terms, &[]), &[], account::Deals::default())?;
    match all.iter().find(|facts| facts.subscription == binding.subscription) {
        Some(facts) => fee(&binding, facts, on),
        None => Ok(None),
    }
}
