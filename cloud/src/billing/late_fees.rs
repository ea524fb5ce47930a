//! Late fees as documents: an invoice of one line, outside the scope of tax, and the credit note that gives it back.

use rust_decimal::Decimal;
use weir_rules::calendar::Period;
use weir_rules::money::Money;
use weir_rules::posting;
use weir_rules::tax::{TaxCategory, TaxRate};

use super::account::Draft;
use super::error::RulesError;
use super::store::{facts, invoices};
use super::{Error, LineKind, allocation, issue, runs};
use crate::db::TenantTx;
use crate::ids::{AccountId, AllocationId, InvoiceId, InvoiceLineId};

/// Issues an invoice for a late fee above zero; `about` is the number of the invoice that was not paid. The account is locked
/// by the caller.
pub async fn charge_late_fee(
    tx: &mut TenantTx,
    account: AccountId,
    about: &str,
    fee: Money,
) -> Result<InvoiceId, Error> {
    document(tx, account, about, fee, None).await
}

/// Gives a late fee back with a credit note that settles what is open of it first. The account is locked by the caller.
pub async fn waive_late_fee(tx: &mut TenantTx, account: AccountId, fee: InvoiceId) -> Result<InvoiceId, Error> {
    let charged = super::invoice(tx, fee).await?;
    let line = charged.lines.first().filter(|line| line.kind == LineKind::LateFee);
    let line = line.ok_or(Error::InvoiceNotFound(fee))?;
    let credit = document(tx, account, &charged.summary.number, -charged.summary.gross, Some(line.id)).await?;
    if charged.summary.open.is_positive() {
        let id = tx.new_id::<AllocationId>().uuid();
        invoices::insert_allocation(tx, id, fee, None, Some(credit), charged.summary.open.amount()).await?;
    }
    let on = runs::today(tx).await?;
    allocation::use_credit(tx, account, charged.summary.gross.currency(), on).await?;
    Ok(credit)
}

async fn document(
    tx: &mut TenantTx,
    account: AccountId,
    about: &str,
    amount: Money,
    credits: Option<InvoiceLineId>,
) -> Result<InvoiceId, Error> {
    let row = facts::lock_account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let today = runs::today(tx).await?;
    let tomorrow = today.succ_opt().ok_or(RulesError::Range("the day"))?;
    let period = Period::new(today, tomorrow)?;
    let line = Draft {
        id: tx.new_id(),
        kind: LineKind::LateFee,
        subscription: None,
        version: None,
        description: about.to_owned(),
        period,
        full: period,
        quantity: Decimal::ONE,
        unit_price: amount,
        net: amount,
        traffic: None,
        credits,
        top_up: None,
        priced_by: None,
        rate: Some(TaxRate::new(TaxCategory::OutOfScope, Decimal::ZERO)?),
    };
    let invoice = issue::write(tx, &row, None, amount.currency(), &[line]).await?;
    issue::post(tx, &invoice, [posting::late_fee(&account, amount)?]).await?;
    if amount.is_positive() {
        allocation::use_credit(tx, account, amount.currency(), invoice.issued_on).await?;
    }
    Ok(invoice.id)
}
