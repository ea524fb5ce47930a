//! Attempts to be paid through a provider: written down, then asked, then believed only when fetched or answered.
//!
//! [`ask`] writes down and asks; [`look`] goes on with whatever is not over; [`take`] writes what the provider said. All
//! three may be repeated and cut short anywhere: the attempt's id is the provider's idempotency key.

mod ask;
mod look;
mod take;

pub(super) use ask::{NewCharge, write_charge};
pub use ask::{request_page, wanted};
pub use look::look;
pub(super) use look::{cancel, look_at_subject};
pub(super) use take::{take, unsolicited};

use weir_rules::money::{Currency, Money};

use super::store::attempts::{self as store, AttemptRow};
use super::{Attempt, AttemptKind, AttemptStatus, AttemptStep, Decline, Error};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, AttemptStepId, PaymentAttemptId};

fn shown(row: AttemptRow) -> Result<Attempt, Error> {
    let waits = row.waits_for.as_deref() == Some("customer");
    Ok(Attempt {
        amount: amount_of(&row)?,
        id: row.id,
        account_id: row.account_id,
        kind: if row.kind == "page" { AttemptKind::Page } else { AttemptKind::Charge },
        method_id: row.method_id,
        status: AttemptStatus::from_name(&row.status),
        page_url: row.page_url.filter(|_| waits),
        waits_for: row.waits_for,
        reference: row.intent.or(row.reference),
        decline: row.decline.as_deref().map(Decline::from_name),
        code: row.code,
        retry_on: row.retry_on,
        payment_id: row.payment_id,
        requested_by: row.requested_by,
        created_at: row.created_at,
        steps: Vec::new(),
    })
}

fn amount_of(row: &AttemptRow) -> Result<Money, Error> {
    Ok(Money::new(row.amount, Currency::from_code(&row.currency)?)?)
}

/// A page of attempts, newest first; of one account if given.
pub async fn attempts(tx: &mut TenantTx, page: Page, account: Option<AccountId>) -> Result<Vec<Attempt>, Error> {
    store::page(tx, page, account).await?.into_iter().map(shown).collect()
}

/// One attempt with what happened to it.
pub async fn attempt(tx: &mut TenantTx, id: PaymentAttemptId) -> Result<Attempt, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let steps = store::steps(tx, id).await?.into_iter().map(|step| AttemptStep {
        at: step.at,
        status: AttemptStatus::from_name(&step.status),
        why: step.why,
        detail: step.detail,
    });
    let steps = steps.collect();
    Ok(Attempt { steps, ..shown(row)? })
}

/// The attempt of an account that is not over.
pub async fn open_attempt(tx: &mut TenantTx, account: AccountId) -> Result<Option<Attempt>, Error> {
    match store::open_of(tx, account).await? {
        Some(id) => Ok(Some(attempt(tx, id).await?)),
        None => Ok(None),
    }
}

/// What is on its way for an account and not received yet. An open page nobody paid on is not on its way.
pub async fn pending(tx: &mut TenantTx, account: AccountId) -> Result<Option<Money>, Error> {
    let on_its_way = store::on_its_way(tx, account).await?;
    on_its_way.map(|(currency, amount)| Ok(Money::new(amount, Currency::from_code(&currency)?)?)).transpose()
}

async fn step(tx: &mut TenantTx, row: &AttemptRow, why: &str, detail: &str) -> Result<(), Error> {
    let id: AttemptStepId = tx.new_id();
    let detail: String = detail.chars().take(500).collect();
    Ok(store::insert_step(tx, id.uuid(), row.id, &row.status, why, &detail).await?)
}
