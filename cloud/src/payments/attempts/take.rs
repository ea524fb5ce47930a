//! Writes down what a provider said of an attempt. Said again, or late, or in another order, it comes to the same rows.

use chrono::{Days, NaiveDate};
use weir_rules::money::Money;

use super::{AttemptRow, amount_of, step};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::events::{self, EventKind};
use crate::ids::PaymentAttemptId;
use crate::payments::provider::{Refusal, Saved, Standing, State, Waiting};
use crate::payments::service::{self, Came, Receipt};
use crate::payments::settings::STRIPE;
use crate::payments::store::attempts as store;
use crate::payments::store::suspense::SuspenseRow;
use crate::payments::{AttemptKind, AttemptStatus, Decline, Error, Method, methods, provider, suspense};
use crate::{billing, dunning};

/// Writes down an answer, or that there was none.
pub(in crate::payments) async fn take(
    app: &App,
    scope: &Scope,
    id: PaymentAttemptId,
    why: &str,
    answer: Result<Standing, provider::Error>,
) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    let account = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?.account_id;
    billing::lock_account(&mut tx, account).await?;
    store::lock(&mut tx, id).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    match answer {
        Ok(standing) => believe(&mut tx, row, why, standing).await?,
        Err(provider::Error::Amount(_)) => {
            fail(&mut tx, row, why, Refusal { decline: Decline::Hard, code: "amount_not_supported".into() }).await?;
        }
        Err(error) => doubt(&mut tx, row, &error).await?,
    }
    Ok(tx.commit().await?)
}

/// Nobody knows: only the first time is worth a line.
async fn doubt(tx: &mut TenantTx, mut row: AttemptRow, error: &provider::Error) -> Result<(), Error> {
    if row.status == AttemptStatus::Created.name() {
        row.status = AttemptStatus::Unknown.name().to_owned();
        store::update(tx, &row).await?;
        step(tx, &row, "no_answer", &error.to_string()).await?;
    }
    Ok(())
}

async fn believe(tx: &mut TenantTx, mut row: AttemptRow, why: &str, standing: Standing) -> Result<(), Error> {
    let before = (row.reference.clone(), row.intent.clone(), row.page_url.clone());
    let page = row.kind == AttemptKind::Page.name();
    // Behind a page a payment may be declined and tried again: only the page says that it is over.
    let behind_the_page = page && standing.reference == standing.intent;
    if !behind_the_page {
        row.reference = row.reference.or(standing.reference);
        row.page_url = standing.page_url.or(row.page_url);
    }
    row.intent = row.intent.or(standing.intent);
    let open = AttemptStatus::from_name(&row.status).is_open();
    match standing.state {
        State::Succeeded { amount, method } if row.status != AttemptStatus::Succeeded.name() => {
            succeed(tx, row, why, amount, method).await
        }
        State::Failed(refusal) if open && !behind_the_page => fail(tx, row, why, refusal).await,
        State::Cancelled if open && !behind_the_page => {
            settle(&mut row, AttemptStatus::Cancelled);
            store::update(tx, &row).await?;
            step(tx, &row, why, "").await
        }
        State::Pending(waiting) if open && !(behind_the_page && waiting == Waiting::Customer) => {
            let waits_for = if waiting == Waiting::Customer { "customer" } else { "provider" };
            let moved = row.status != AttemptStatus::Pending.name() || row.waits_for.as_deref() != Some(waits_for);
            row.status = AttemptStatus::Pending.name().to_owned();
            row.waits_for = Some(waits_for.to_owned());
            if moved {
                store::update(tx, &row).await?;
                return step(tx, &row, why, "").await;
            }
            named(tx, &row, before).await
        }
        _ => named(tx, &row, before).await,
    }
}

type Names = (Option<String>, Option<String>, Option<String>);

/// Keeps new names of an attempt that did not move.
async fn named(tx: &mut TenantTx, row: &AttemptRow, before: Names) -> Result<(), Error> {
    if before != (row.reference.clone(), row.intent.clone(), row.page_url.clone()) {
        store::update(tx, row).await?;
    }
    Ok(())
}

fn settle(row: &mut AttemptRow, status: AttemptStatus) {
    row.status = status.name().to_owned();
    row.waits_for = None;
    row.retry_on = None;
}

/// The money is there. What was paid is posted: as a payment if it is what was asked for, else in suspense.
async fn succeed(
    tx: &mut TenantTx,
    mut row: AttemptRow,
    why: &str,
    amount: Money,
    method: Option<Saved>,
) -> Result<(), Error> {
    settle(&mut row, AttemptStatus::Succeeded);
    row.decline = None;
    row.code = None;
    store::update(tx, &row).await?;
    step(tx, &row, why, &amount.to_string()).await?;
    let today = billing::today(tx).await?;
    let name = row.intent.clone().or_else(|| row.reference.clone()).unwrap_or_else(|| row.id.to_string());
    if amount == amount_of(&row)? {
        let receipt = Receipt {
            account: row.account_id,
            method: Method::Card,
            amount,
            received_on: today,
            reference: name,
            came: Came::ByAttempt(row.id),
        };
        service::receive(tx, receipt).await?;
    } else {
        let about = format!("{} asked for {}", row.id, amount_of(&row)?);
        suspense::hold(tx, &gateway_sum(tx, &name, Some(row.account_id), amount, about, "amount_differs", today))
            .await?;
    }
    match method.filter(|_| row.keeps_method) {
        Some(method) => methods::keep(tx, row.account_id, &method).await,
        None => Ok(()),
    }
}

fn gateway_sum(
    tx: &TenantTx,
    reference: &str,
    account: Option<crate::ids::AccountId>,
    amount: Money,
    about: String,
    why: &str,
    on: NaiveDate,
) -> SuspenseRow {
    SuspenseRow {
        id: tx.new_id(),
        place: "gateway".into(),
        bank_entry_id: None,
        reference: Some(reference.to_owned()),
        intent: None,
        account_id: account,
        currency: amount.currency().code().to_owned(),
        amount: amount.amount(),
        received_on: on,
        payer: String::new(),
        about,
        why: why.to_owned(),
    }
}

/// Refused for good. A charge that may pass another day is tried again then.
async fn fail(tx: &mut TenantTx, mut row: AttemptRow, why: &str, refusal: Refusal) -> Result<(), Error> {
    if !AttemptStatus::from_name(&row.status).is_open() {
        return Ok(());
    }
    settle(&mut row, AttemptStatus::Failed);
    row.decline = Some(refusal.decline.name().to_owned());
    row.code = Some(refusal.code.clone());
    if row.kind == AttemptKind::Charge.name() {
        row.retry_on = retry_on(tx, &row, refusal.decline).await?;
    }
    store::update(tx, &row).await?;
    step(tx, &row, why, &refusal.code).await?;
    let facts = serde_json::json!({
        "amount": amount_of(&row)?, "decline": refusal.decline, "code": refusal.code, "retry_on": row.retry_on,
        "automatic": row.kind == AttemptKind::Charge.name(),
    });
    events::publish(tx, EventKind::PaymentFailed, row.id, Some(row.account_id), facts).await?;
    Ok(())
}

/// The day the policy has for the next try; its days count from the first decline, this is the one after `retries` others.
async fn retry_on(tx: &mut TenantTx, row: &AttemptRow, decline: Decline) -> Result<Option<NaiveDate>, Error> {
    let retries = dunning::policy(tx).await?.policy.retries;
    let days = match decline {
        Decline::Soft => retries.soft,
        Decline::Hard => retries.hard,
        Decline::NeedsCustomer => retries.needs_customer,
    };
    let declines = usize::try_from(row.retries).unwrap_or(usize::MAX);
    let Some(day) = days.get(declines) else { return Ok(None) };
    let before = declines.checked_sub(1).and_then(|last| days.get(last)).copied().unwrap_or(0);
    let today = billing::today(tx).await?;
    Ok(today.checked_add_days(Days::new(u64::from(day.saturating_sub(before)))))
}

/// A payment the provider has and we have no name for: an attempt whose answer was lost, or money nobody asked for.
pub(in crate::payments) async fn unsolicited(app: &App, scope: &Scope, standing: Standing) -> Result<(), Error> {
    let asked: Option<PaymentAttemptId> = standing.key.as_deref().and_then(|key| key.parse().ok());
    if let Some(id) = asked {
        let ours = store::find(&mut app.db.read(scope).await?, id).await?;
        if ours.is_some() {
            return take(app, scope, id, "fetched", Ok(standing)).await;
        }
    }
    let State::Succeeded { amount, .. } = standing.state else { return Ok(()) };
    let Some(reference) = standing.intent.or(standing.reference) else { return Ok(()) };
    let mut tx = app.db.begin(scope).await?;
    // Named since, by whoever else looked.
    if store::named(&mut tx, STRIPE, &reference).await?.is_some() {
        return Ok(());
    }
    let account = match &standing.payer {
        Some(payer) => crate::payments::store::methods::account_of(&mut tx, STRIPE, payer).await?,
        None => None,
    };
    let today = billing::today(&mut tx).await?;
    let sum = gateway_sum(&tx, &reference, account, amount, reference.clone(), "unsolicited", today);
    suspense::hold(&mut tx, &sum).await?;
    Ok(tx.commit().await?)
}
