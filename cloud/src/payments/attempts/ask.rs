//! Writes an attempt down, commits, and only then asks the provider.

use chrono::TimeDelta;
use weir_rules::money::Money;

use super::{AttemptRow, amount_of, attempt, cancel, look, step, take};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::{AccountId, PaymentAttemptId, PaymentMethodId};
use crate::payments::jobs::LookAtAttempt;
use crate::payments::provider::{Charge, PageWish, Provider, Standing};
use crate::payments::settings::{self, STRIPE};
use crate::payments::store::attempts::{self as store, NewAttempt};
use crate::payments::store::methods as kept;
use crate::payments::{Attempt, AttemptKind, AttemptStatus, Error, methods, provider};
use crate::{billing, jobs, subscribers, tenants};

/// A page is good for a day at the provider; one this old is replaced.
const PAGE_KEPT: TimeDelta = TimeDelta::hours(20);
/// When a page's answer is looked for, should we end before we have it.
const SECOND_LOOK: TimeDelta = TimeDelta::minutes(2);

/// A charge about to be written down.
pub(in crate::payments) struct NewCharge {
    pub account: AccountId,
    pub method: PaymentMethodId,
    pub amount: Money,
    pub retries: i16,
}

/// Writes a charge down; the job queued with it asks.
pub(in crate::payments) async fn write_charge(tx: &mut TenantTx, new: &NewCharge) -> Result<PaymentAttemptId, Error> {
    let at = tx.at();
    let written = NewAttempt {
        id: tx.new_id(),
        account: new.account,
        provider: STRIPE,
        kind: AttemptKind::Charge.name(),
        method: Some(new.method),
        currency: new.amount.currency().code(),
        amount: new.amount.amount(),
        keeps_method: false,
        retries: new.retries,
    };
    write(tx, &written).await?;
    jobs::enqueue(tx, &LookAtAttempt { attempt: written.id }, at).await?;
    Ok(written.id)
}

async fn write(tx: &mut TenantTx, new: &NewAttempt<'_>) -> Result<(), Error> {
    store::insert(tx, new).await?;
    let row = store::find(tx, new.id).await?.ok_or(Error::AttemptNotFound(new.id))?;
    step(tx, &row, "asked", "").await?;
    let detail = serde_json::json!({ "account": new.account, "amount": amount_of(&row)?, "kind": new.kind });
    crate::audit::record(tx, "ask for payment", new.id, detail).await?;
    Ok(())
}

/// What an account is asked for: what it owes, and what a proforma asks for ahead.
pub async fn wanted(tx: &mut TenantTx, account: AccountId) -> Result<Money, Error> {
    let open = billing::standing(tx, account).await?.open;
    let ahead = billing::asked_ahead(tx, account).await?;
    Ok(ahead.map_or(Ok(open), |proforma| open.checked_add(proforma.left))?)
}

/// A page of the provider's on which an account pays all it is asked for. Asked again it is the same page while nothing changed.
pub async fn request_page(app: &App, scope: &Scope, account: AccountId, keep: bool) -> Result<Attempt, Error> {
    if let Some(stale) = stale_page(app, scope, account, keep).await? {
        cancel(app, scope, stale).await?;
    }
    let mut tx = app.db.begin(scope).await?;
    billing::lock_account(&mut tx, account).await?;
    let wanted = wanted(&mut tx, account).await?;
    if let Some(id) = store::open_of(&mut tx, account).await? {
        let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
        if !is_page_to_pay_on(&row) {
            return Err(Error::UnderWay(id));
        }
        drop(tx);
        return go_on(app, scope, id).await;
    }
    if !wanted.is_positive() {
        return Err(Error::NothingToPay(account));
    }
    settings::open_gateway(app, &mut tx).await?;
    let written = NewAttempt {
        id: tx.new_id(),
        account,
        provider: STRIPE,
        kind: AttemptKind::Page.name(),
        method: None,
        currency: wanted.currency().code(),
        amount: wanted.amount(),
        keeps_method: keep,
        retries: 0,
    };
    write(&mut tx, &written).await?;
    let later = tx.at() + SECOND_LOOK;
    jobs::enqueue(&mut tx, &LookAtAttempt { attempt: written.id }, later).await?;
    tx.commit().await?;
    go_on(app, scope, written.id).await
}

/// Asks if it was not asked, and returns the attempt if the payer can pay on its page.
async fn go_on(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<Attempt, Error> {
    send(app, scope, id).await?;
    let mut tx = app.db.read(scope).await?;
    let attempt = attempt(&mut tx, id).await?;
    match (&attempt.page_url, attempt.status) {
        (Some(_), AttemptStatus::Pending) => Ok(attempt),
        (None, AttemptStatus::Failed) => {
            let code = attempt.code.unwrap_or_default();
            Err(provider::Error::Failed { status: 400, message: code }.into())
        }
        _ => Err(Error::UnderWay(id)),
    }
}

/// An open page that asks for something else than is owed now, or is about to end.
async fn stale_page(
    app: &App,
    scope: &Scope,
    account: AccountId,
    keep: bool,
) -> Result<Option<PaymentAttemptId>, Error> {
    let mut tx = app.db.read(scope).await?;
    let wanted = wanted(&mut tx, account).await?;
    let Some(id) = store::open_of(&mut tx, account).await? else { return Ok(None) };
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let as_wished = amount_of(&row)? == wanted && row.keeps_method == keep && tx.at() - row.created_at < PAGE_KEPT;
    Ok((is_page_to_pay_on(&row) && row.reference.is_some() && !as_wished).then_some(id))
}

fn is_page_to_pay_on(row: &AttemptRow) -> bool {
    row.kind == AttemptKind::Page.name() && row.waits_for.as_deref() != Some("provider")
}

/// Asks the provider, once for the attempt's key, and writes down what it says.
pub(super) async fn send(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<(), Error> {
    let row = match claim(app, scope, id).await? {
        Next::Ask(row) => row,
        Next::Find => return look::find(app, scope, id).await,
        Next::Nothing => return Ok(()),
    };
    let gateway = settings::gateway(app, &mut app.db.read(scope).await?).await?;
    let answer = match methods::payer(app, scope, &gateway, row.account_id).await {
        Ok(payer) => call(app, scope, &gateway, &row, payer).await?,
        Err(Error::Provider(error)) => Err(error),
        Err(error) => return Err(error),
    };
    let failed = answer.as_ref().err().cloned();
    take(app, scope, id, "answered", answer).await?;
    match failed {
        // That is an answer: it was taken as a refusal.
        None | Some(provider::Error::Amount(_)) => Ok(()),
        Some(error) => Err(error.into()),
    }
}

/// What is to be done about an attempt without a name.
enum Next {
    Ask(Box<AttemptRow>),
    /// It may have been done, and must not be done any more.
    Find,
    Nothing,
}

/// Notes that the provider is asked, before it is. A charge for what was paid otherwise meanwhile is not asked for: nobody
/// pays twice because a provider was slow.
async fn claim(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<Next, Error> {
    let mut tx = app.db.begin(scope).await?;
    let account = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?.account_id;
    billing::lock_account(&mut tx, account).await?;
    store::lock(&mut tx, id).await?;
    let mut row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    if !matches!(AttemptStatus::from_name(&row.status), AttemptStatus::Created | AttemptStatus::Unknown) {
        return Ok(Next::Nothing);
    }
    let owed = row.method_id.is_none() || billing::standing(&mut tx, account).await?.open.amount() >= row.amount;
    match (owed, row.sent_at) {
        (true, Some(_)) => return Ok(Next::Ask(Box::new(row))),
        (false, Some(_)) => return Ok(Next::Find),
        (true, None) => store::sent(&mut tx, id).await?,
        (false, None) => {
            row.status = AttemptStatus::Cancelled.name().to_owned();
            store::update(&mut tx, &row).await?;
            step(&mut tx, &row, "no_longer_owed", "").await?;
        }
    }
    tx.commit().await?;
    Ok(if owed { Next::Ask(Box::new(row)) } else { Next::Nothing })
}

async fn call(
    app: &App,
    scope: &Scope,
    gateway: &impl Provider,
    row: &AttemptRow,
    payer: String,
) -> Result<Result<Standing, provider::Error>, Error> {
    let mut tx = app.db.read(scope).await?;
    let account = subscribers::account(&mut tx, row.account_id).await?;
    let holder = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let isp = tenants::tenant(&mut tx).await?;
    let (key, amount, about) = (row.id.to_string(), amount_of(row)?, format!("{} {}", isp.name, account.number));
    let method = match row.method_id {
        Some(id) => Some(kept::find(&mut tx, id).await?.ok_or(Error::MethodNotFound(id))?.reference),
        None => None,
    };
    drop(tx);
    Ok(match method {
        Some(method) => gateway.charge(&Charge { key, payer, method, amount, about }).await,
        None => {
            let return_url = app.links.pay(scope.tenant, row.account_id);
            let keep = row.keeps_method;
            gateway.request(&PageWish { key, payer, amount, about, keep, return_url, language: holder.language }).await
        }
    })
}
