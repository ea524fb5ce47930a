//! Compares what we believe with what the provider has: whatever was lost on the way is found here.

use chrono::{DurationRound, TimeDelta};
use serde::Serialize;
use utoipa::ToSchema;

use super::attempts::{look, unsolicited};
use super::provider::{Provider, Standing, State};
use super::settings::STRIPE;
use super::store::{attempts, providers, refunds as refund_rows};
use super::{Error, disputes, refunds, settings};
use crate::app::App;
use crate::db::Scope;

/// Lists overlap: what the provider showed late is seen the next time.
const OVERLAP: TimeDelta = TimeDelta::hours(2);

/// What a comparison looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reconciled {
    /// Attempts and refunds that were not over.
    pub looked: u32,
    /// Of them, those the provider gave no answer about.
    pub unanswered: u32,
    /// Payments, refunds and disputes the provider listed.
    pub listed: u32,
}

/// Looks at everything that is not over, then at everything the provider has since the last time.
pub async fn reconcile(app: &App, scope: &Scope) -> Result<Reconciled, Error> {
    let mut tx = app.db.read(scope).await?;
    let Some(row) = providers::find(&mut tx, STRIPE).await? else { return Ok(Reconciled::default()) };
    let gateway = settings::gateway(app, &mut tx).await?;
    let (open, open_refunds) = (attempts::open(&mut tx).await?, refund_rows::open(&mut tx).await?);
    drop(tx);
    let mut told = Reconciled::default();
    let mut count = |outcome: Result<(), Error>| {
        told.looked += 1;
        match outcome {
            Err(Error::Provider(error)) => {
                tracing::warn!(%error, "the payment provider gives no answer");
                told.unanswered += 1;
                Ok(())
            }
            other => other,
        }
    };
    for id in open {
        count(look(app, scope, id).await)?;
    }
    for id in open_refunds {
        count(refunds::look(app, scope, id).await)?;
    }
    // To the hour: the cursor is kept where it is as long as lists overlap anyway.
    let began = app.clock.system_now();
    let began = began.duration_trunc(TimeDelta::hours(1)).unwrap_or(began);
    let listing = gateway.list_since(row.listed_until - OVERLAP).await?;
    told.listed =
        u32::try_from(listing.payments.len() + listing.refunds.len() + listing.disputes.len()).unwrap_or(u32::MAX);
    for standing in news(app, scope, listing.payments).await? {
        unsolicited(app, scope, standing).await?;
    }
    for returned in listing.refunds {
        refunds::take_any(app, scope, returned).await?;
    }
    for dispute in listing.disputes {
        disputes::take(app, scope, dispute).await?;
    }
    disputes::look(app, scope).await?;
    let mut tx = app.db.begin(scope).await?;
    providers::listed_until(&mut tx, STRIPE, began).await?;
    tx.commit().await?;
    Ok(told)
}

/// What of a list is not written down yet. Lists overlap, so they hold mostly what is.
async fn news(app: &App, scope: &Scope, listed: Vec<Standing>) -> Result<Vec<Standing>, Error> {
    let intents: Vec<_> = listed.iter().filter_map(|standing| standing.intent.clone()).collect();
    let ended = attempts::ended(&mut app.db.read(scope).await?, STRIPE, &intents).await?;
    let is_news = |standing: &Standing| match standing.intent.as_ref().and_then(|intent| ended.get(intent)) {
        Some(succeeded) => !succeeded && matches!(standing.state, State::Succeeded { .. }),
        None => true,
    };
    Ok(listed.into_iter().filter(is_news).collect())
}
