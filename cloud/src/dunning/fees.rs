//! Late fees: charged once for an invoice and step, given back by a credit note.

use serde_json::json;
use weir_rules::dunning::{Action, Fee};

use super::standing::Known;
use super::store::fees::{self as store, NewFee};
use super::{Error, LateFee, WaiveWish, cases, check, news};
use crate::db::TenantTx;
use crate::ids::{DunningCaseId, InvoiceId, LateFeeId};
use crate::{audit, billing};

/// Issues the fee's invoice; where the caps left nothing, only notes that there was none.
pub(super) async fn charge(
    tx: &mut TenantTx,
    policy_version: i32,
    known: &Known,
    case: DunningCaseId,
    (action, fee): (&Action<InvoiceId>, &Fee<InvoiceId>),
) -> Result<(), Error> {
    let about = known.numbers.get(&fee.invoice).map_or("", String::as_str);
    let fee_invoice = match fee.amount.is_positive() {
        true => Some(billing::charge_late_fee(tx, known.account, about, fee.amount).await?),
        false => None,
    };
    let id: LateFeeId = tx.new_id();
    let new = NewFee {
        account: known.account,
        case,
        invoice: fee.invoice,
        step: action.step,
        policy_version,
        amount: fee.amount,
        fee_invoice,
        charged_on: known.today,
    };
    store::insert(tx, id, &new).await?;
    let detail =
        json!({ "invoice": fee.invoice, "step": action.step, "amount": fee.amount, "fee_invoice": fee_invoice });
    audit::record(tx, "charge late fee", id, detail).await?;
    if let Some(fee_invoice) = fee_invoice {
        let more = [("fee", json!(fee.amount)), ("late_fee", json!(id)), ("fee_invoice", json!(fee_invoice))];
        news::step(tx, known, case, action, &more).await?;
    }
    Ok(())
}

/// Gives a late fee back. It is not charged again, and no longer counts for the caps.
pub async fn waive(tx: &mut TenantTx, id: LateFeeId, wish: &WaiveWish) -> Result<LateFee, Error> {
    cases::check_text("reason", &wish.reason)?;
    let found = async |tx: &mut TenantTx| store::fees(tx, None, Some(id)).await;
    let fee = found(tx).await?.pop().ok_or(Error::LateFeeNotFound(id))?;
    billing::lock_account(tx, fee.account).await?;
    // Only now: whoever held the account may have given it back.
    let fee = found(tx).await?.pop().ok_or(Error::LateFeeNotFound(id))?;
    let charged = fee.fee_invoice.ok_or(Error::LateFeeNotFound(id))?;
    if fee.credit.is_some() {
        return Err(Error::LateFeeWaived(id));
    }
    let credit = billing::waive_late_fee(tx, charged, wish.reason.trim()).await?;
    store::insert_waiver(tx, id, credit, wish.reason.trim()).await?;
    let detail = json!({ "fee_invoice": charged, "credit": credit, "reason": wish.reason.trim() });
    audit::record(tx, "waive late fee", id, detail).await?;
    check::check_account(tx, fee.account).await?;
    let waived = found(tx).await?.pop().ok_or(Error::LateFeeNotFound(id))?;
    cases::fee(waived)
}
