//! The verbs of payments.

use std::collections::HashMap;

use chrono::Datelike;
use serde_json::{Value, json};
use weir_rules::money::{Currency, Money};
use weir_rules::posting::{self, MoneyPlace};

use super::idempotency::Once;
use super::store::{self, PaymentRow};
use super::{AllocatedPart, Error, Method, NewPayment, Payment};
use crate::db::{self, TenantTx};
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{AccountId, PaymentId};
use crate::ledger::{self, Source};
use crate::{audit, billing, dunning};

const REFERENCE_MAX: usize = 200;
/// No payment was received before this year.
const FIRST_YEAR: i32 = 2000;
const CREATED: i16 = 201;

/// Records a payment once for its key and returns the reply, the same however often it is asked.
pub async fn record(tx: &mut TenantTx, key: Option<&str>, new: &NewPayment) -> Result<Value, Error> {
    let once = Once::new(key, "record payment", new)?;
    if let Some(reply) = once.reply(tx).await? {
        return Ok(reply);
    }
    let payment = record_new(tx, new).await?;
    let reply = serde_json::to_value(&payment).map_err(|error| db::Error::from(sqlx::Error::Encode(error.into())))?;
    once.keep(tx, CREATED, &reply).await?;
    Ok(reply)
}

async fn record_new(tx: &mut TenantTx, new: &NewPayment) -> Result<Payment, Error> {
    check(new, billing::today(tx).await?)?;
    let currency = billing::lock_account(tx, new.account_id).await?;
    if currency != new.amount.currency() {
        return Err(Error::CurrencyDiffers { account: currency, payment: new.amount.currency() });
    }
    let id: PaymentId = tx.new_id();
    let number = billing::number(tx, "receipt", "RCP", new.received_on).await?;
    store::insert(tx, id, &number, new).await?;
    let (parts, surplus) = billing::allocate_payment(tx, new.account_id, id, new.amount).await?;
    let place = match new.method {
        Method::Cash => MoneyPlace::Cash,
    };
    let entry = posting::record_payment(&new.account_id, place, new.amount.checked_sub(surplus)?, surplus)?;
    let source = Source { kind: "payment", id: id.uuid(), posting: "record" };
    ledger::post(tx, &source, new.received_on, &format!("Payment {number}"), &entry).await?;
    let restored = dunning::check_account(tx, new.account_id).await?.released;
    audit::record(
        tx,
        "record payment",
        id,
        json!({ "number": number, "amount": new.amount, "account": new.account_id }),
    )
    .await?;
    let data = json!({ "number": number, "amount": new.amount, "method": new.method, "lines_restored": restored });
    events::publish(tx, EventKind::PaymentReceived, id, Some(new.account_id), data).await?;
    Ok(Payment {
        id,
        number,
        account_id: new.account_id,
        method: new.method,
        amount: new.amount,
        received_on: new.received_on,
        reference: new.reference.clone(),
        recorded_by: tx.actor().to_string(),
        recorded_at: tx.at(),
        allocations: parts
            .into_iter()
            .map(|(item, amount)| AllocatedPart { invoice_id: item.id, number: item.number, amount })
            .collect(),
        surplus,
        lines_restored: Some(restored),
    })
}

fn check(new: &NewPayment, today: chrono::NaiveDate) -> Result<(), Error> {
    let mut errors = Vec::new();
    if !new.amount.is_positive() {
        errors.push(FieldError::new("amount", "must be above zero"));
    }
    if new.received_on > today {
        errors.push(FieldError::new("received_on", format!("must not be after today, {today}")));
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
    let rows = store::page(tx, page, account).await?;
    shown(tx, rows).await
}

/// One payment.
pub async fn payment(tx: &mut TenantTx, id: PaymentId) -> Result<Payment, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::NotFound(id))?;
    shown(tx, vec![row]).await?.pop().ok_or(Error::NotFound(id))
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
        let mut surplus = amount;
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
            method: Method::Cash,
            amount,
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
