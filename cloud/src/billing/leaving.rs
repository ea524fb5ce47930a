//! What leaving before the end of a contract costs: a line on the account's next invoice once the line is no longer served.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Period};
use weir_rules::contract::{Contract, TerminationFee, term};
use weir_rules::money::{Currency, Money};

use super::account::{self, Draft, Facts, Once};
use super::error::RulesError;
use super::store::contracts::{self as store, ContractRow};
use super::store::facts::{self, TermRow};
use super::{Error, LineKind};
use crate::db::TenantTx;
use crate::ids::{AccountId, ContractId};

/// Adds the fee of every contract that was left early by `until`.
pub(super) fn charge(tx: &TenantTx, facts: &Facts<'_>, until: NaiveDate, lines: &mut Vec<Draft>) -> Result<(), Error> {
    for row in &facts.contracts {
        let Some(on) = row.ends_on.filter(|on| *on <= until) else { continue };
        let Some(fee) = fee(row, facts.terms, facts.currency, on)? else { continue };
        let next = on.succ_opt().ok_or(RulesError::Range("day of leaving"))?;
        let day = Period::new(on, next)?;
        lines.push(Draft {
            id: tx.new_id(),
            kind: LineKind::EarlyTermination,
            subscription: Some(facts.subscription),
            version: None,
            description: facts.terms.last().map(|term| term.plan.clone()).unwrap_or_default(),
            period: day,
            full: day,
            quantity: Decimal::ONE,
            unit_price: fee,
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

/// What it costs if the last day of service is the one before `on`; months left cost what the plan does by then.
fn fee(row: &ContractRow, terms: &[TermRow], currency: Currency, on: NaiveDate) -> Result<Option<Money>, Error> {
    let money = |amount: Option<Decimal>| Money::new(amount.unwrap_or_default(), currency);
    let held = terms.iter().rev().find(|term| term.from < on).or(terms.first());
    let fee = match row.fee.as_str() {
        "fixed" => TerminationFee::Fixed(money(row.amount)?),
        "declining" => TerminationFee::Declining(money(row.amount)?),
        "remaining" => TerminationFee::RemainingPeriods {
            price: held.map_or_else(|| Ok(Money::zero(currency)), |term| a_month(term, currency))?,
            percent: row.percent.unwrap_or_default(),
        },
        _ => TerminationFee::None,
    };
    let contract = Contract {
        term: Period::new(row.from, row.to)?,
        fee,
        most: row.most.map(|most| Money::new(most, currency)).transpose()?,
        cooling_off_days: row.cooling_off_days.unsigned_abs(),
    };
    Ok(contract.early_termination_fee(months(row.from)?, on)?)
}

/// What the price of a plan comes to for a month.
fn a_month(term: &TermRow, currency: Currency) -> Result<Money, Error> {
    Ok(account::rhythm_of(term)?.every.price_a_month(Money::new(term.price, currency)?)?)
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

/// What leaving a contract on a day would cost, before tax; nothing, if it no longer binds.
pub async fn leaving_fee(
    tx: &mut TenantTx,
    account: AccountId,
    contract: ContractId,
    on: NaiveDate,
) -> Result<Option<Money>, Error> {
    let row = facts::account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let Some(binding) = store::binding(tx, &[account.uuid()], Some(contract)).await?.pop() else { return Ok(None) };
    let mut terms = facts::terms(tx, &[account.uuid()]).await?;
    terms.retain(|term| term.subscription == binding.subscription);
    fee(&binding, &terms, account::currency(&row)?, on)
}
