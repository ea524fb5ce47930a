//! Goes on with an attempt that is not over: asks again with the same key, or fetches what became of it.

use chrono::TimeDelta;

use super::ask::send;
use super::{take, unsolicited};
use crate::app::App;
use crate::db::Scope;
use crate::ids::PaymentAttemptId;
use crate::payments::provider::{Provider, Refusal, Standing, State, Subject};
use crate::payments::settings::{self, STRIPE};
use crate::payments::store::attempts as store;
use crate::payments::{AttemptStatus, Decline, Error, methods, refunds};

/// Providers forget keys after a day; from then on an attempt without an answer is looked for, not repeated.
const KEYS_KEPT: TimeDelta = TimeDelta::hours(23);
/// How much earlier than an attempt its payment may seem to have begun, by another clock.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::days(1);

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
        (_, Some(reference)) => fetch(app, scope, id, reference).await,
        (_, None) => Ok(()),
    }
}

async fn fetch(app: &App, scope: &Scope, id: PaymentAttemptId, reference: &str) -> Result<(), Error> {
    let gateway = settings::gateway(app, &mut app.db.read(scope).await?).await?;
    let standing = gateway.fetch(reference).await?;
    take(app, scope, id, "fetched", Ok(standing)).await
}

/// Looks for an attempt by its key among everything the provider has since; what is not there never arrived.
async fn find(app: &App, scope: &Scope, id: PaymentAttemptId) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let row = store::find(&mut tx, id).await?.ok_or(Error::AttemptNotFound(id))?;
    let gateway = settings::gateway(app, &mut tx).await?;
    drop(tx);
    let since = row.created_at.min(app.clock.system_now()) - CLOCKS_DIFFER;
    let key = id.to_string();
    let found = gateway.list_since(since).await?.payments.into_iter().find(|one| one.key.as_ref() == Some(&key));
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
    let standing = gateway.cancel(reference).await?;
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
        Subject::Other => Ok(()),
    }
}
