//! Invoices that pay themselves: what is due is charged to the kept method, and tried again where that may help.

use chrono::NaiveDate;
use weir_rules::calendar::local_date;
use weir_rules::money::Money;

use super::attempts::{self, NewCharge};
use super::store::attempts::{self as store, AttemptRow};
use super::store::methods as kept;
use super::{AttemptKind, AttemptStatus, Error, settings};
use crate::app::App;
use crate::billing::{self, OpenItem};
use crate::db::{Scope, TenantTx};
use crate::ids::{AccountId, PaymentAttemptId};
use crate::tenants;

/// Charges every account that pays by itself and owes something due, each in a transaction of its own.
pub(super) async fn charge_due(app: &App, scope: &Scope) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let today = billing::today(&mut tx).await?;
    let accounts = kept::to_charge(&mut tx, today, None).await?;
    drop(tx);
    let mut failed = None;
    for account in accounts {
        // One account that cannot be charged keeps nobody else from being charged.
        if let Err(error) = charge_account(app, scope, account).await {
            tracing::error!(%account, %error, "an account cannot be charged");
            failed = Some(error);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Charges what an account owes and is due, unless that was tried, or is on its way.
pub(super) async fn charge_account(app: &App, scope: &Scope, account: AccountId) -> Result<(), Error> {
    if let Some(page) = page_in_the_way(app, scope, account).await? {
        attempts::cancel(app, scope, page).await?;
    }
    let mut tx = app.db.begin(scope).await?;
    match settings::open_gateway(app, &mut tx).await {
        Err(Error::NotSetUp) => return Ok(()),
        other => other?,
    };
    let Some((amount, retries)) = to_charge(&mut tx, account).await? else { return Ok(()) };
    let Some(method) = kept::of(&mut tx, account).await?.into_iter().find(|method| method.autopay) else {
        return Ok(());
    };
    attempts::write_charge(&mut tx, &NewCharge { account, method: method.id, amount, retries }).await?;
    Ok(tx.commit().await?)
}

/// A page nobody has paid on yet, while something is due to be charged.
async fn page_in_the_way(app: &App, scope: &Scope, account: AccountId) -> Result<Option<PaymentAttemptId>, Error> {
    let mut tx = app.db.read(scope).await?;
    let today = billing::today(&mut tx).await?;
    let Some(id) = store::open_of(&mut tx, account).await? else { return Ok(None) };
    let row = store::find(&mut tx, id).await?;
    let waits =
        row.is_some_and(|row| row.kind == AttemptKind::Page.name() && row.waits_for.as_deref() == Some("customer"));
    if !waits || kept::to_charge(&mut tx, today, Some(&[account])).await?.is_empty() {
        return Ok(None);
    }
    Ok(plan(&mut tx, account).await?.map(|_| id))
}

/// How much to charge and how often it was declined before; the account is held locked.
async fn to_charge(tx: &mut TenantTx, account: AccountId) -> Result<Option<(Money, i16)>, Error> {
    billing::lock_account(tx, account).await?;
    if store::open_of(tx, account).await?.is_some() {
        return Ok(None);
    }
    let Some((amount, retries, last)) = plan(tx, account).await? else { return Ok(None) };
    // A try that was planned is this one.
    if let Some(mut last) = last.filter(|last| last.retry_on.is_some()) {
        last.retry_on = None;
        store::update(tx, &last).await?;
    }
    Ok(Some((amount, retries)))
}

/// What is due, if it is due to be charged now.
async fn plan(tx: &mut TenantTx, account: AccountId) -> Result<Option<(Money, i16, Option<AttemptRow>)>, Error> {
    let today = billing::today(tx).await?;
    let standing = billing::standing(tx, account).await?;
    let items = billing::open_items(tx, account, standing.open.currency()).await?;
    let due: Vec<_> = items.into_iter().filter(|item| item.due_on <= today).collect();
    let Some(method) = kept::of(tx, account).await?.into_iter().find(|method| method.autopay) else { return Ok(None) };
    let last = match store::last_charge(tx, method.id).await? {
        Some(id) => store::find(tx, id).await?,
        None => None,
    };
    let zone = tenants::tenant(tx).await?.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let then = last.as_ref().map(|last| local_date(last.created_at, zone));
    let Some(retries) = retries(last.as_ref().zip(then), &due, today) else { return Ok(None) };
    let amount = Money::sum(standing.open.currency(), due.iter().map(|item| item.open))?;
    Ok(amount.is_positive().then_some((amount, retries, last)))
}

/// Whether to charge, as the number of declines before: a first time for what fell due since the last charge, again on
/// the day that was planned, and otherwise never.
fn retries(last: Option<(&AttemptRow, NaiveDate)>, due: &[OpenItem], today: NaiveDate) -> Option<i16> {
    let Some((last, then)) = last else { return Some(0) };
    if last.retry_on.is_some_and(|day| day <= today) && last.status == AttemptStatus::Failed.name() {
        return Some(last.retries.saturating_add(1));
    }
    // Ids sort by when they were made.
    due.iter().any(|item| item.due_on > then || item.id.uuid() > last.id.uuid()).then_some(0)
}
