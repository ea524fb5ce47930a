//! The verbs of payments.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use serde_json::{Value, json};
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{self, MoneyPlace};

use super::store::{self, PaymentRow};
use super::{AllocatedPart, Error, Method, NewPayment, Payment};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::idempotency::Once;
use crate::ids::{AccountId, BankEntryId, PaymentAttemptId, PaymentId, SuspenseId};
use crate::ledger::{self, Source};
use crate::{audit, billing, dunning};

const REFERENCE_MAX: usize = 200;
/// No payment was received before this year.
const FIRST_YEAR: i32 = 2000;

/// Records a payment once for its key and returns the reply, the same however often it is asked.
pub async fn record(tx: &mut TenantTx, key: Option<&str>, new: &NewPayment) -> Result<Value, Error> {
    let once = Once::new(key, "record payment", new)?;
    if let Some(reply) = once.reply(tx).await? {
        return Ok(reply);
    }
    let payment = record_new(tx, new).await?;
    Ok(once.keep(tx, &payment).await?)
}

async fn record_new(tx: &mut TenantTx, new: &NewPayment) -> Result<Payment, Error> {
    let closed = ledger::closed_through(tx).await?;
    check(new, billing::today(tx).await?, closed)?;
    let receipt = Receipt {
        account: new.account_id,
        method: new.method,
        amount: new.amount,
        received_on: new.received_on,
        reference: new.reference.clone(),
        came: Came::ToUs,
    };
    receive(tx, receipt).await
}

/// How money came to be here.
#[derive(Clone, Copy, Debug)]
pub(super) enum Came {
    /// Over the counter.
    ToUs,
    /// An attempt succeeded.
    ByAttempt(PaymentAttemptId),
    /// A bank statement has it.
    ToTheBank(BankEntryId),
    /// It waited for somebody to know whose it is.
    FromSuspense(SuspenseId),
}

/// Money that came for an account.
#[derive(Clone, Debug)]
pub(super) struct Receipt {
    pub account: AccountId,
    pub method: Method,
    pub amount: Money,
    pub received_on: NaiveDate,
    pub reference: String,
    pub came: Came,
}

/// Receives money: numbered, spread over open invoices, posted, lines restored. Whoever calls it has made sure, by the key
/// of its source, that it happens once.
pub(super) async fn receive(tx: &mut TenantTx, new: Receipt) -> Result<Payment, Error> {
    let currency = billing::lock_account(tx, new.account).await?;
    if currency != new.amount.currency() {
        return Err(Error::CurrencyDiffers { account: currency, payment: new.amount.currency() });
    }
    let id: PaymentId = tx.new_id();
    let number = billing::number(tx, "receipt", "RCP", new.received_on).await?;
    store::insert(tx, id, &number, &new).await?;
    let (_, surplus) = billing::allocate_payment(tx, new.account, id, new.amount).await?;
    let place = match (new.came, new.method) {
        (Came::FromSuspense(_), _) => MoneyPlace::Suspense,
        (_, method) => place_of(method),
    };
    let entry = posting::record_payment(&new.account, place, new.amount.checked_sub(surplus)?, surplus)?;
    let source = Source { kind: "payment", id: id.uuid(), posting: "record" };
    ledger::post(tx, &source, new.received_on, &format!("Payment {number}"), &entry).await?;
    let restored = dunning::check_account(tx, new.account).await?.released;
    let detail = json!({ "number": number, "amount": new.amount, "account": new.account });
    audit::record(tx, "record payment", id, detail).await?;
    let facts = json!({
        "number": number, "amount": new.amount, "method": new.method, "received_on": new.received_on,
        "surplus": surplus, "lines_restored": restored,
    });
    events::publish(tx, EventKind::PaymentReceived, id, Some(new.account), facts).await?;
    Ok(Payment { lines_restored: Some(restored), ..payment(tx, id).await? })
}

/// Where money of a method is.
pub(super) fn place_of(method: Method) -> MoneyPlace {
    match method {
        Method::Cash => MoneyPlace::Cash,
        Method::Card => MoneyPlace::Gateway,
        Method::BankTransfer => MoneyPlace::Bank,
    }
}

fn check(new: &NewPayment, today: NaiveDate, closed: Option<NaiveDate>) -> Result<(), Error> {
    let mut errors = Vec::new();
    if new.method != Method::Cash {
        let message =
            "is not recorded by hand: cards come through the payment provider, transfers with a bank statement";
        errors.push(FieldError::new("method", message));
    }
    if !new.amount.is_positive() {
        errors.push(FieldError::new("amount", "must be above zero"));
    }
    if new.received_on > today {
        errors.push(FieldError::new("received_on", format!("must not be after today, {today}")));
    }
    if let Some(closed) = closed.filter(|closed| new.received_on <= *closed) {
        errors.push(FieldError::new(
            "received_on",
            format!("must be after {closed}, through which the books are closed"),
        ));
    }
    if new.received_on.year() < FIRST_YEAR {
        errors.push(FieldError::new("received_on", format!("must not be before the year {FIRST_YEAR}")));
    }
    if new.reference.chars().count() > REFERENCE_MAX {
        errors.push(FieldError::new("reference", format!("must have at most {REFERENCE_MAX} characters")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// A page of payments, newest first; of one account if given.
pub async fn payments(tx: &mut TenantTx, page: Page, account: Option<AccountId>) -> Result<Vec<Payment>, Error> {
    let rows = store::payments(tx, None, account, page).await?;
    shown(tx, rows).await
}

/// One payment.
pub async fn payment(tx: &mut TenantTx, id: PaymentId) -> Result<Payment, Error> {
    let rows = store::payments(tx, Some(id), None, Page { after: None, limit: 1 }).await?;
    shown(tx, rows).await?.pop().ok_or(Error::NotFound(id))
}

async fn shown(tx: &mut TenantTx, rows: Vec<PaymentRow>) -> Result<Vec<Payment>, Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut parts: HashMap<PaymentId, Vec<store::PartRow>> = HashMap::new();
    for part in store::parts(tx, &ids).await? {
        parts.entry(part.payment).or_default().push(part);
    }
    let mut payments = Vec::new();
    for row in rows {
        let currency = Currency::from_code(&row.currency)?;
        let amount = Money::new(row.amount, currency)?;
        let refunded = Money::new(row.refunded, currency)?;
        let mut surplus = amount.checked_sub(refunded)?;
        let mut allocations = Vec::new();
        for part in parts.remove(&row.id).unwrap_or_default() {
            let amount = Money::new(part.amount, currency)?;
            surplus = surplus.checked_sub(amount)?;
            allocations.push(AllocatedPart { invoice_id: part.invoice, number: part.number, amount });
        }
        payments.push(Payment {
            id: row.id,
            number: row.number,
            account_id: row.account_id,
            method: Method::from_name(&row.method),
            amount,
            refunded,
            attempt_id: row.attempt_id,
            received_on: row.received_on,
            reference: row.reference,
            recorded_by: row.recorded_by,
            recorded_at: row.recorded_at,
            allocations,
            surplus,
            lines_restored: None,
        });
    }
    Ok(payments)
}
