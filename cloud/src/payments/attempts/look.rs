//! Goes on with an attempt that is not over: asks again with the same key, or fetches what became of it.

use super::ask::send;
use super::{take, unsolicited};
use crate::app::App;
use crate::db::Scope;
use crate::ids::PaymentAttemptId;
use crate::payments::provider::{CLOCKS_DIFFER, KEYS_KEPT, Provider, Refusal, Standing, State, Subject};
use crate::payments::settings::{self, STRIPE};
use crate::payments::store::attempts as store;
use crate::payments::{AttemptStatus, Decline, Error, disputes, methods, refunds};

/// Finds out what became of an attempt. What is over is left alone.
pub async fn look(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let old = tx.at() - row.created_at > KEYS_KEPT;
    drop(tx);
    match (AttemptStatus::from_name(&row.status), &row.reference) {
        (AttemptStatus::Succeeded, _) => Ok(()),
        (AttemptStatus::Created | AttemptStatus::Unknown, None) if old => find(app, scope, id).await,
        (AttemptStatus::Created | AttemptStatus::Unknown, None) => send(app, scope, id).await,
        (_, Some(reference)) => fetch(app, scope, id, reference, row.kind == "page" && old).await,
        (_, None) => Ok(()),
    }
}

/// A page that is over by its age and unknown to the provider is another account's, from before the keys were changed.
async fn fetch(app: &App, scope: &Scope, id: PaymentAttemptId, reference: &str, over: bool) -> Result<(), Error> {
    let gateway = settings::gateway(app, &mut app.db.read(scope).await?).await?;
    let mut standing = gateway.fetch(reference).await?;
    if over && standing.state == State::Unknown {
        standing.state = State::Cancelled;
    }
    take(app, scope, id, "fetched", Ok(standing)).await
}

/// Looks for an attempt by its key among everything the provider has since; what is not there after a day never arrived.
pub(super) async fn find(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let gateway = settings::gateway(app, &mut tx).await?;
    let old = tx.at() - row.created_at > KEYS_KEPT;
    drop(tx);
    let since = row.created_at.min(app.clock.system_now()) - CLOCKS_DIFFER;
    let key = id.to_string();
    let found = gateway.list_since(since).await?.payments.into_iter().find(|one| one.key.as_ref() == Some(&key));
    if found.is_none() && !old {
        return Ok(());
    }
    let standing = found.unwrap_or(Standing {
        reference: None,
        intent: None,
        page_url: None,
        key: Some(key),
        payer: None,
        began_at: None,
        state: match row.kind.as_str() {
            "page" => State::Cancelled,
            _ => State::Failed(Refusal { decline: Decline::Soft, code: "never_arrived".into() }),
        },
    });
    take(app, scope, id, "fetched", Ok(standing)).await
}

/// Ends an open page. Whoever was quicker is seen in what the provider says then.
pub(in crate::payments) async fn cancel(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let gateway = settings::gateway(app, &mut tx).await?;
    drop(tx);
    let Some(reference) = &row.reference else { return look(app, scope, id).await };
    let mut standing = gateway.cancel(reference).await?;
    if standing.state == State::Unknown {
        standing.state = State::Cancelled;
    }
    take(app, scope, id, "fetched", Ok(standing)).await
}

/// Fetches what a message is about and writes down what is true of it.
pub(in crate::payments) async fn look_at_subject(app: &App, scope: &Scope, subject: Subject) -> Result<(), Error> {
    match subject {
        Subject::Payment(reference) => {
            let mut tx = app.db.read(scope).await?;
            if let Some(id) = store::named(&mut tx, STRIPE, &reference).await? {
                drop(tx);
                return look(app, scope, id).await;
            }
            let gateway = settings::gateway(app, &mut tx).await?;
            drop(tx);
            let standing = gateway.fetch(&reference).await?;
            unsolicited(app, scope, standing).await
        }
        Subject::SetUp(reference) => methods::take_set_up(app, scope, &reference).await.map(drop),
        Subject::Refund(reference) => {
            let gateway = settings::gateway(app, &mut app.db.read(scope).await?).await?;
            match gateway.fetch_refund(&reference).await? {
                Some(returned) => refunds::take_any(app, scope, returned).await,
                None => Ok(()),
            }
        }
        Subject::Dispute(reference) => {
            let gateway = settings::gateway(app, &mut app.db.read(scope).await?).await?;
            match gateway.fetch_dispute(&reference).await? {
                Some(dispute) => disputes::take(app, scope, dispute).await,
                None => Ok(()),
            }
        }
        Subject::Other => Ok(()),
    }
}
