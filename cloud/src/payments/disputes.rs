//! Disputes: a payer's bank takes a payment back. The books follow the money, both ways; nothing is charged by itself to a card
//! whose holder says it was not them.

use serde_json::json;

use super::provider::{Dispute, Disputed, Provider};
use super::store::refunds::{self as store, RefundRow};
use super::{AttemptStatus, Error, refunds, service, settings, suspense};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::{audit, billing};

/// How long a dispute may take to be decided.
const DECIDED_WITHIN: chrono::TimeDelta = chrono::TimeDelta::days(180);

/// Writes down what is true of a dispute. Said again, or late, it comes to the same rows.
pub(super) async fn take(app: &App, scope: &Scope, dispute: Disputed) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    let known = store::named(&mut tx, &dispute.reference).await?;
    match (known, dispute.stands) {
        (None, Dispute::Taken) => taken(&mut tx, &dispute).await?,
        (Some(id), Dispute::Won) => {
            let row = store::find(&mut tx, id).await?.ok_or(Error::RefundNotFound(id))?;
            let paid = service::payment(&mut tx, row.payment_id).await?;
            let amount = weir_rules::money::Money::new(row.amount, paid.amount.currency())?;
            suspense::came_back(&mut tx, &paid, amount, (&dispute.reference, "dispute_won")).await?;
        }
        // Nothing has moved, or what has is written down.
        (_, Dispute::Asked) | (Some(_), Dispute::Taken) | (None, Dispute::Won) => return Ok(()),
    }
    Ok(tx.commit().await?)
}

async fn taken(tx: &mut TenantTx, dispute: &Disputed) -> Result<(), Error> {
    let found = match &dispute.intent {
        Some(intent) => super::store::of_intent(tx, intent).await?,
        None => None,
    };
    let Some(payment) = found else {
        tracing::error!(reference = dispute.reference, "a payment we do not have is disputed");
        return Ok(());
    };
    let account = service::payment(tx, payment).await?.account_id;
    billing::lock_account(tx, account).await?;
    // Whoever held the account may have written it down.
    if store::named(tx, &dispute.reference).await?.is_some() {
        return Ok(());
    }
    let paid = service::payment(tx, payment).await?;
    let left = refunds::left(tx, &paid).await?;
    // In the currency the provider settles in, it is the whole of what is left.
    let same = dispute.amount.currency() == left.currency();
    let amount = if same { dispute.amount.checked_min(left)? } else { left };
    if !amount.is_positive() {
        tracing::error!(reference = dispute.reference, %payment, "nothing is left of a disputed payment");
        return Ok(());
    }
    let row = RefundRow {
        id: tx.new_id(),
        kind: "dispute".into(),
        number: None,
        payment_id: payment,
        currency: amount.currency().code().to_owned(),
        amount: amount.amount(),
        reason: dispute.reason.clone(),
        status: AttemptStatus::Created.name().to_owned(),
        reference: Some(dispute.reference.clone()),
        code: None,
        requested_by: tx.actor().to_string(),
        created_at: tx.at(),
    };
    store::insert(tx, &row).await?;
    let detail = json!({ "payment": payment, "account": account, "amount": amount, "reason": dispute.reason, "reference": dispute.reference });
    audit::record(tx, "dispute payment", row.id, detail).await?;
    refunds::done(tx, row).await?;
    super::store::methods::set_autopay(tx, account, None).await?;
    audit::record(tx, "change autopay", account, json!({ "autopay": false, "because": "dispute" })).await?;
    Ok(())
}

/// Looks what became of those that may still be won.
pub(super) async fn look(app: &App, scope: &Scope) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let since = tx.at() - DECIDED_WITHIN;
    let open = store::disputes(&mut tx, since).await?;
    let gateway = settings::gateway(app, &mut tx).await?;
    drop(tx);
    for reference in open {
        if let Some(dispute) = gateway.fetch_dispute(&reference).await? {
            take(app, scope, dispute).await?;
        }
    }
    Ok(())
}
