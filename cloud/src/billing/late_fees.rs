//! Late fees as documents: an invoice of one line, outside the scope of tax, and the credit note that gives it back.

use rust_decimal::Decimal;
use weir_rules::calendar::Period;
use weir_rules::money::Money;
use weir_rules::posting;
use weir_rules::tax::{TaxCategory, TaxRate};

use super::account::Draft;
use super::error::RulesError;
use super::store::facts;
use super::{CreditNoteWish, Error, LineKind, allocation, credit_notes, issue, runs};
use crate::db::TenantTx;
use crate::ids::{AccountId, CreditNoteId, InvoiceId};

/// Issues an invoice for a late fee above zero; `about` is the number of the invoice that was not paid. The account is locked
/// by the caller.
pub async fn charge_late_fee(
    tx: &mut TenantTx,
    account: AccountId,
    about: &str,
    fee: Money,
) -> Result<InvoiceId, Error> {
    let row = facts::lock_account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let today = runs::today(tx).await?;
    let tomorrow = today.succ_opt().ok_or(RulesError::Range("the day"))?;
    let period = Period::new(today, tomorrow)?;
    let line = Draft {
        id: tx.new_id(),
        kind: LineKind::LateFee,
        paid_for: None,
        subscription: None,
        version: None,
        description: about.to_owned(),
        period,
        full: period,
        quantity: Decimal::ONE,
        unit_price: fee,
        gross: None,
        net: fee,
        reduction: None,
        traffic: None,
        credits: None,
        top_up: None,
        once: None,
        priced_by: None,
        taxed_by: None,
        rate: Some(TaxRate::new(TaxCategory::OutOfScope, Decimal::ZERO)?),
    };
    let invoice = issue::write(tx, &row, None, fee.currency(), &[line]).await?;
    issue::post(tx, &invoice, [posting::late_fee(&account, fee)?]).await?;
    allocation::use_credit(tx, account, fee.currency(), invoice.issued_on).await?;
    Ok(invoice.id)
}

/// Gives a late fee back with a credit note that settles what is open of it first. The account is locked by the caller.
pub async fn waive_late_fee(tx: &mut TenantTx, fee: InvoiceId, reason: &str) -> Result<CreditNoteId, Error> {
    let wish = CreditNoteWish { lines: None, reason: reason.to_owned(), left: None };
    Ok(credit_notes::issue_credit_note(tx, fee, &wish).await?.summary.id)
}
