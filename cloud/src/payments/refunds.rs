//! Money given back: a row of its own, posted when it is gone. What the payment had settled is owed again.

use serde_json::{Value, json};
use weir_rules::money::{Currency, Money};
use weir_rules::posting;

use super::provider::{self, CLOCKS_DIFFER, KEYS_KEPT, Provider, Returned};
use super::store::refunds::{self as store, RefundRow};
use super::{AttemptStatus, Error, Method, NewRefund, Payment, Refund, jobs, service, settings, suspense};
use crate::app::App;
use crate::db::{self, Scope, TenantTx};
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::idempotency::Once;
use crate::ids::{PaymentId, RefundId};
use crate::ledger::{self, Source};
use crate::{audit, billing, dunning};

const REASON_MAX: usize = 200;

fn shown(row: RefundRow) -> Result<Refund, Error> {
    Ok(Refund {
        amount: Money::new(row.amount, Currency::from_code(&row.currency)?)?,
        id: row.id,
        number: row.number,
        payment_id: row.payment_id,
        kind: row.kind,
        reason: row.reason,
        status: AttemptStatus::from_name(&row.status),
        code: row.code,
        requested_by: row.requested_by,
        created_at: row.created_at,
    })
}

/// What was given back of a payment, or is about to be, oldest first.
pub async fn refunds(tx: &mut TenantTx, payment: PaymentId) -> Result<Vec<Refund>, Error> {
    service::payment(tx, payment).await?;
    store::of(tx, payment).await?.into_iter().map(shown).collect()
}

/// One refund.
pub async fn refund(tx: &mut TenantTx, id: RefundId) -> Result<Refund, Error> {
    shown(store::find(tx, id).await?.ok_or(Error::RefundNotFound(id))?)
}

/// Gives a payment back, wholly or in part, once for its key. Cash and transfers are given back by whoever asks; a card's
/// money by the provider.
pub async fn give_back(
    app: &App,
    scope: &Scope,
    key: Option<&str>,
    payment: PaymentId,
    new: &NewRefund,
) -> Result<Value, Error> {
    let once = Once::new(key, "refund payment", &(payment, new))?;
    let mut tx = app.db.begin(scope).await?;
    if let Some(reply) = once.reply(&mut tx).await? {
        return Ok(reply);
    }
    let id = write(app, &mut tx, payment, new).await?;
    let written = refund(&mut tx, id).await?;
    once.keep(&mut tx, &written).await?;
    tx.commit().await?;
    match look(app, scope, id).await {
        // It goes on by itself.
        Err(Error::Provider(error)) => tracing::warn!(refund = %id, %error, "a refund has no answer yet"),
        other => other?,
    }
    told(&refund(&mut app.db.read(scope).await?, id).await?)
}

fn told(refund: &Refund) -> Result<Value, Error> {
    Ok(serde_json::to_value(refund).map_err(|error| db::Error::from(sqlx::Error::Encode(error.into())))?)
}

async fn write(app: &App, tx: &mut TenantTx, payment: PaymentId, new: &NewRefund) -> Result<RefundId, Error> {
    let paid = service::payment(tx, payment).await?;
    billing::lock_account(tx, paid.account_id).await?;
    check(new)?;
    if new.amount.currency() != paid.amount.currency() {
        return Err(Error::CurrencyDiffers { account: paid.amount.currency(), payment: new.amount.currency() });
    }
    let left = left(tx, &paid).await?;
    if new.amount.checked_cmp(left)?.is_gt() {
        return Err(Error::RefundTooLarge(left));
    }
    let row = RefundRow {
        id: tx.new_id(),
        kind: "refund".into(),
        number: None,
        payment_id: payment,
        currency: new.amount.currency().code().to_owned(),
        amount: new.amount.amount(),
        reason: new.reason.trim().to_owned(),
        status: AttemptStatus::Created.name().to_owned(),
        reference: None,
        code: None,
        requested_by: tx.actor().to_string(),
        created_at: tx.at(),
    };
    store::insert(tx, &row).await?;
    let (id, detail) = (row.id, json!({ "payment": payment, "amount": new.amount, "reason": row.reason }));
    audit::record(tx, "refund payment", id, detail).await?;
    if paid.method == Method::Card {
        settings::gateway(app, tx).await?;
        let at = tx.at();
        crate::jobs::enqueue(tx, &jobs::LookAtRefund { refund: id }, at).await?;
    } else {
        done(tx, row).await?;
    }
    Ok(id)
}

/// What of a payment was not given back and is not about to be.
pub(super) async fn left(tx: &mut TenantTx, paid: &Payment) -> Result<Money, Error> {
    let mut left = paid.amount;
    for before in store::of(tx, paid.id).await?.into_iter().filter(|row| row.status != AttemptStatus::Failed.name()) {
        left = left.checked_sub(Money::new(before.amount, left.currency())?)?;
    }
    Ok(left)
}

fn check(new: &NewRefund) -> Result<(), Error> {
    let mut errors = Vec::new();
    if !new.amount.is_positive() {
        errors.push(FieldError::new("amount", "must be above zero"));
    }
    if new.reason.trim().is_empty() {
        errors.push(FieldError::new("reason", "must not be empty"));
    }
    if new.reason.chars().count() > REASON_MAX {
        errors.push(FieldError::new("reason", format!("must have at most {REASON_MAX} characters")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// Goes on with a refund that is not over: asks with its key, or fetches.
pub(super) async fn look(app: &App, scope: &Scope, id: RefundId) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::RefundNotFound(id))?;
    if !AttemptStatus::from_name(&row.status).is_open() {
        return Ok(());
    }
    let paid = service::payment(&mut tx, row.payment_id).await?;
    let gateway = settings::gateway(app, &mut tx).await?;
    let old = tx.at() - row.created_at > KEYS_KEPT;
    drop(tx);
    let answer = match &row.reference {
        Some(reference) => match gateway.fetch_refund(reference).await {
            Ok(Some(returned)) => Ok(returned),
            Ok(None) => return Ok(()),
            Err(error) => Err(error),
        },
        None if old => find(app, &gateway, &row).await,
        None => {
            let amount = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
            gateway.refund(&id.to_string(), &paid.reference, amount).await
        }
    };
    match answer {
        Ok(returned) => take(app, scope, id, returned).await,
        Err(error) => {
            let mut tx = app.db.begin(scope).await?;
            let mut row = lock(&mut tx, id).await?;
            if row.status == AttemptStatus::Created.name() {
                row.status = AttemptStatus::Unknown.name().to_owned();
                store::update(&mut tx, &row).await?;
                tx.commit().await?;
            }
            Err(error.into())
        }
    }
}

/// Looks for a refund by its key among everything the provider has since; what is not there never arrived.
async fn find(app: &App, gateway: &impl Provider, row: &RefundRow) -> Result<Returned, provider::Error> {
    let since = row.created_at.min(app.clock.system_now()) - CLOCKS_DIFFER;
    let key = Some(row.id.to_string());
    let found = gateway.list_since(since).await?.refunds.into_iter().find(|one| one.key == key);
    Ok(found.unwrap_or(Returned {
        reference: None,
        key,
        intent: None,
        amount: None,
        began_at: None,
        done: Some(Err("never_arrived".into())),
    }))
}

/// The refund as it is now, held by the lock of its account.
async fn lock(tx: &mut TenantTx, id: RefundId) -> Result<RefundRow, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::RefundNotFound(id))?;
    let account = service::payment(tx, row.payment_id).await?.account_id;
    billing::lock_account(tx, account).await?;
    store::find(tx, id).await?.ok_or(Error::RefundNotFound(id))
}

async fn take(app: &App, scope: &Scope, id: RefundId, returned: Returned) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    let mut row = lock(&mut tx, id).await?;
    if row.status == AttemptStatus::Succeeded.name() && matches!(returned.done, Some(Err(_))) {
        return came_back(tx, row).await;
    }
    if !AttemptStatus::from_name(&row.status).is_open() {
        return Ok(());
    }
    row.reference = row.reference.or(returned.reference);
    match returned.done {
        Some(Ok(())) => done(&mut tx, row).await?,
        Some(Err(code)) => {
            row.status = AttemptStatus::Failed.name().to_owned();
            row.code = Some(code);
            store::update(&mut tx, &row).await?;
        }
        None if row.status == AttemptStatus::Pending.name() => return Ok(()),
        None => {
            row.status = AttemptStatus::Pending.name().to_owned();
            store::update(&mut tx, &row).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// A refund that was done and that the payer's bank sent back: the money is here again, and theirs.
async fn came_back(mut tx: TenantTx, row: RefundRow) -> Result<(), Error> {
    let Some(reference) = row.reference else { return Ok(()) };
    let paid = service::payment(&mut tx, row.payment_id).await?;
    let amount = Money::new(row.amount, paid.amount.currency())?;
    suspense::came_back(&mut tx, &paid, amount, (&reference, "refund_failed")).await?;
    Ok(tx.commit().await?)
}

/// The money is gone: numbered, taken back from invoices and credit, posted.
pub(super) async fn done(tx: &mut TenantTx, mut row: RefundRow) -> Result<(), Error> {
    let today = billing::today(tx).await?;
    let paid = service::payment(tx, row.payment_id).await?;
    let amount = Money::new(row.amount, paid.amount.currency())?;
    let disputed = row.kind == "dispute";
    let number = match disputed {
        true => billing::number(tx, "dispute", "DSP", today).await?,
        false => billing::number(tx, "refund", "RFD", today).await?,
    };
    row.number = Some(number.clone());
    row.status = AttemptStatus::Succeeded.name().to_owned();
    store::update(tx, &row).await?;
    // What the payment has left over goes first, then what it settled last.
    let credit = paid.surplus.checked_min(amount)?;
    let mut rest = amount.checked_sub(credit)?;
    for part in super::store::settled(tx, row.payment_id).await? {
        let part_back = Money::new(part.amount, amount.currency())?.checked_min(rest)?;
        if part_back.is_positive() {
            billing::take_back(tx, row.id, row.payment_id, part.invoice, part_back).await?;
            rest = rest.checked_sub(part_back)?;
        }
    }
    if rest.is_positive() {
        return Err(Error::RefundTooLarge(amount.checked_sub(rest)?));
    }
    let place = service::place_of(paid.method);
    let entry = posting::refund_payment(&paid.account_id, place, amount.checked_sub(credit)?, credit)?;
    let posting = if disputed { "dispute" } else { "refund" };
    let source = Source { kind: "refund", id: row.id.uuid(), posting };
    let text = if disputed { "Dispute" } else { "Refund" };
    ledger::post(tx, &source, today, &format!("{text} {number}"), &entry).await?;
    // What is owed again is settled by the credit there is, such as the note whose money this was.
    billing::use_credit(tx, paid.account_id, amount.currency(), today).await?;
    dunning::check_account(tx, paid.account_id).await?;
    let facts = json!({ "number": number, "amount": amount, "payment": paid.number, "reason": row.reason });
    let kind = if disputed { EventKind::PaymentDisputed } else { EventKind::PaymentRefunded };
    events::publish(tx, kind, row.id, Some(paid.account_id), facts).await?;
    Ok(())
}

/// A refund the provider has: one of ours, or one made at the provider, which is written down as found.
pub(super) async fn take_any(app: &App, scope: &Scope, returned: Returned) -> Result<(), Error> {
    let Some(reference) = returned.reference.clone() else { return Ok(()) };
    let mut tx = app.db.begin(scope).await?;
    let asked: Option<RefundId> = returned.key.as_deref().and_then(|key| key.parse().ok());
    if let Some(id) = store::named(&mut tx, &reference).await?.or(asked)
        && store::find(&mut tx, id).await?.is_some()
    {
        drop(tx);
        return take(app, scope, id, returned).await;
    }
    let (Some(intent), Some(amount)) = (returned.intent.as_deref(), returned.amount) else { return Ok(()) };
    let Some(payment) = super::store::of_intent(&mut tx, intent).await? else {
        if let (Some(item), Some(Ok(()))) = (super::store::suspense::of_intent(&mut tx, intent).await?, &returned.done)
        {
            suspense::went_back(&mut tx, item, &reference, amount).await?;
            return Ok(tx.commit().await?);
        }
        tracing::warn!(reference, intent, "the provider gave back a payment we do not have");
        return Ok(());
    };
    let account = service::payment(&mut tx, payment).await?.account_id;
    billing::lock_account(&mut tx, account).await?;
    if store::named(&mut tx, &reference).await?.is_some() {
        return Ok(());
    }
    let paid = service::payment(&mut tx, payment).await?;
    let amount = amount.checked_min(left(&mut tx, &paid).await?)?;
    if !amount.is_positive() {
        tracing::error!(reference, intent, "the provider gave back more than was left of a payment");
        return Ok(());
    }
    let row = RefundRow {
        id: tx.new_id(),
        kind: "refund".into(),
        number: None,
        payment_id: payment,
        currency: amount.currency().code().to_owned(),
        amount: amount.amount(),
        reason: "made at the provider".into(),
        status: AttemptStatus::Created.name().to_owned(),
        reference: Some(reference),
        code: None,
        requested_by: tx.actor().to_string(),
        created_at: tx.at(),
    };
    store::insert(&mut tx, &row).await?;
    audit::record(&mut tx, "refund payment", row.id, json!({ "payment": payment, "amount": amount })).await?;
    let id = row.id;
    tx.commit().await?;
    take(app, scope, id, returned).await
}
