//! Methods a provider keeps for accounts, and which of them pays by itself.

use super::provider::{Provider, Saved, SetUp};
use super::settings::{self, STRIPE};
use super::store::methods::{self as store, MethodRow};
use super::{Error, PaymentMethod, jobs};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::{AccountId, PaymentMethodId};
use crate::{audit, subscribers};

fn shown(row: MethodRow) -> PaymentMethod {
    PaymentMethod {
        id: row.id,
        account_id: row.account_id,
        brand: row.brand,
        last4: row.last4,
        exp_month: row.exp_month,
        exp_year: row.exp_year,
        autopay: row.autopay,
        saved_at: row.saved_at,
    }
}

/// The methods kept for an account, the one that pays by itself first.
pub async fn methods(tx: &mut TenantTx, account: AccountId) -> Result<Vec<PaymentMethod>, Error> {
    subscribers::account(tx, account).await?;
    Ok(store::of(tx, account).await?.into_iter().map(shown).collect())
}

/// One kept method.
pub async fn method(tx: &mut TenantTx, id: PaymentMethodId) -> Result<PaymentMethod, Error> {
    store::find(tx, id).await?.map(shown).ok_or(Error::MethodNotFound(id))
}

/// Keeps a method; a new one pays by itself from now on.
pub(super) async fn keep(tx: &mut TenantTx, account: AccountId, saved: &Saved) -> Result<(), Error> {
    let id: PaymentMethodId = tx.new_id();
    if !store::insert(tx, id, STRIPE, account, saved).await? {
        return Ok(());
    }
    store::set_autopay(tx, account, Some(id)).await?;
    let detail = serde_json::json!({ "account": account, "brand": saved.brand, "last4": saved.last4 });
    audit::record(tx, "keep payment method", id, detail).await?;
    // What the last card could not pay is tried with the new one.
    let at = tx.at();
    crate::jobs::enqueue(tx, &jobs::ChargeAccount { account }, at).await?;
    Ok(())
}

/// Says whether a method pays invoices by itself.
pub async fn set_autopay(tx: &mut TenantTx, id: PaymentMethodId, pays: bool) -> Result<PaymentMethod, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::MethodNotFound(id))?;
    if row.autopay != pays {
        store::set_autopay(tx, row.account_id, pays.then_some(id)).await?;
        audit::record(tx, "change autopay", id, serde_json::json!({ "account": row.account_id, "autopay": pays }))
            .await?;
    }
    method(tx, id).await
}

/// Forgets a method, here and at the provider.
pub async fn remove_method(app: &App, scope: &Scope, id: PaymentMethodId) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::MethodNotFound(id))?;
    let gateway = settings::gateway(app, &mut tx).await?;
    store::remove(&mut tx, id).await?;
    audit::record(&mut tx, "remove payment method", id, serde_json::json!({ "account": row.account_id })).await?;
    tx.commit().await?;
    if let Err(error) = gateway.forget(&row.reference).await {
        // It is charged by nobody but us, and we have forgotten it.
        tracing::warn!(method = %id, %error, "the provider may still keep a removed method");
    }
    Ok(())
}

/// What the provider calls an account; made known to it first if need be.
pub(super) async fn payer(
    app: &App,
    scope: &Scope,
    gateway: &impl Provider,
    account: AccountId,
) -> Result<String, Error> {
    let mut tx = app.db.read(scope).await?;
    if let Some(known) = store::payer(&mut tx, STRIPE, account).await? {
        return Ok(known);
    }
    let subscriber = subscribers::account(&mut tx, account).await?.subscriber_id;
    let subscriber = subscribers::subscriber(&mut tx, subscriber).await?;
    drop(tx);
    let key = format!("payer {account}");
    let email = subscriber.email.unwrap_or_default();
    let reference = gateway.payer(&key, &subscriber.name, &email).await?;
    let mut tx = app.db.begin(scope).await?;
    store::insert_payer(&mut tx, STRIPE, account, &reference).await?;
    let kept = store::payer(&mut tx, STRIPE, account).await?;
    tx.commit().await?;
    Ok(kept.unwrap_or(reference))
}

/// Opens a page on which an account's holder leaves a card without paying.
pub async fn set_up_page(app: &App, scope: &Scope, account: AccountId) -> Result<String, Error> {
    let mut tx = app.db.read(scope).await?;
    subscribers::account(&mut tx, account).await?;
    let gateway = settings::open_gateway(app, &mut tx).await?;
    drop(tx);
    let payer = payer(app, scope, &gateway, account).await?;
    let key = format!("set up {account} {}", crate::ids::new_id::<PaymentMethodId>(app.clock.now()));
    let page = gateway.set_up(&key, &payer, &app.links.pay(scope.tenant, account)).await?;
    page.page_url.ok_or_else(|| super::provider::Error::Unreadable("a page without an address".into()).into())
}

/// Looks what became of such a page, and keeps what was left there; says whether anything was.
pub async fn take_set_up(app: &App, scope: &Scope, reference: &str) -> Result<bool, Error> {
    let mut tx = app.db.read(scope).await?;
    let gateway = settings::gateway(app, &mut tx).await?;
    drop(tx);
    let Some(SetUp { payer: Some(payer), saved: Some(saved), .. }) = gateway.set_up_standing(reference).await? else {
        return Ok(false);
    };
    let mut tx = app.db.begin(scope).await?;
    let Some(account) = store::account_of(&mut tx, STRIPE, &payer).await? else { return Ok(false) };
    keep(&mut tx, account, &saved).await?;
    tx.commit().await?;
    Ok(true)
}
