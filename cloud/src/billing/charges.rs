//! Lines of one-time charges: each on the account's next invoice from its day on, or on one of its own at once.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::calendar::Period;
use weir_rules::line_net::LineNet;
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{self, Issued};

use super::account::{self, Draft, Once};
use super::error::RulesError;
use super::store::charges::{self as store, ChargeRow};
use super::store::contracts;
use super::store::facts::{self, AccountRow};
use super::{Error, LineKind, allocation, issue, payers, taxing};
use crate::db::TenantTx;
use crate::ids::{AccountId, ChargeId, InvoiceId};

/// Adds a line for every charge that waits and whose day has come.
pub(super) fn add(
    tx: &TenantTx,
    (account, as_of): (&AccountRow, NaiveDate),
    waiting: &[ChargeRow],
    lines: &mut Vec<Draft>,
) -> Result<(), Error> {
    for row in waiting.iter().filter(|row| row.on <= as_of) {
        lines.push(draft(tx, row, account::currency(account)?)?);
    }
    Ok(())
}

/// What so many cost, before tax, rounded once.
pub fn price_of(quantity: Decimal, unit_price: Money) -> Result<Money, Error> {
    let nothing = Decimal::ZERO;
    let net = LineNet {
        quantity,
        price: unit_price.amount(),
        base_quantity: Decimal::ONE,
        charges: nothing,
        allowances: nothing,
    };
    Ok(net.rounded(unit_price.currency())?)
}

fn draft(tx: &TenantTx, row: &ChargeRow, currency: Currency) -> Result<Draft, Error> {
    let unit_price = Money::new(row.unit_price, currency)?;
    let next = row.on.succ_opt().ok_or(RulesError::Range("day of a charge"))?;
    let day = Period::new(row.on, next)?;
    Ok(Draft {
        id: tx.new_id(),
        kind: LineKind::OneTime,
        paid_for: None,
        subscription: row.subscription,
        version: None,
        description: row.description.clone(),
        period: day,
        full: day,
        quantity: row.quantity,
        unit_price,
        gross: None,
        net: price_of(row.quantity, unit_price)?,
        reduction: None,
        traffic: None,
        credits: None,
        top_up: None,
        once: Some(Once::Charge(row.id)),
        rate: None,
        taxed_by: None,
        priced_by: None,
    })
}

/// Notes which charges, and which contracts left early, these lines bill.
pub(super) async fn record(tx: &mut TenantTx, lines: &[&Draft]) -> Result<(), Error> {
    let (mut charged, mut left) = (Vec::new(), Vec::new());
    for line in lines {
        match line.once {
            Some(Once::Charge(charge)) => charged.push((charge, line.id)),
            Some(Once::Contract(contract)) => left.push((contract, line.id)),
            None => {}
        }
    }
    if !left.is_empty() {
        contracts::insert_billed(tx, &left).await?;
    }
    if !charged.is_empty() {
        store::insert_billed(tx, &charged).await?;
    }
    Ok(())
}

/// Issues an invoice for one charge that waits, whatever its day; none, if it does not wait. The account is locked by the
/// caller.
pub async fn charge_now(tx: &mut TenantTx, account: AccountId, charge: ChargeId) -> Result<Option<InvoiceId>, Error> {
    let mut row = facts::lock_account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let currency = account::currency(&row)?;
    let Some(waiting) = store::waiting(tx, &[account.uuid()], Some(charge)).await?.pop() else { return Ok(None) };
    let line = draft(tx, &waiting, currency)?;
    let taxed = taxing::tax(tx, vec![(&row, Ok(vec![line]))]).await?.pop();
    let mut lines = taxed.map_or(Ok(Vec::new()), |(_, lines)| lines)?;
    if let Some(payer) = row.payer {
        let paid_for = payers::names(tx, &[&row]).await?.remove(&account);
        lines.iter_mut().for_each(|line| line.paid_for.clone_from(&paid_for));
        row = facts::lock_account(tx, payer).await?.ok_or(Error::AccountNotFound(payer))?;
    }
    let account = row.id;
    let invoice = issue::write(tx, &row, None, currency, &lines).await?;
    record(tx, &Vec::from_iter(&lines)).await?;
    let (net, tax) = (invoice.totals.net, invoice.totals.tax);
    let issued = Issued { revenue: net, deferred: Money::zero(currency), tax };
    issue::post(tx, &invoice, posting::issue_invoice(&account, &issued)?).await?;
    allocation::use_credit(tx, account, currency, invoice.issued_on).await?;
    Ok(Some(invoice.id))
}
