//! Judges accounts and acts on the verdict.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use weir_rules::calendar::local_date;
use weir_rules::dunning::{DunningDecision, DunningRules, Outstanding, Standing, decide};
use weir_rules::money::{Currency, Money};

use super::store::{self, StandingRow};
use super::{Error, holds};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::events::Event;
use crate::ids::{AccountId, SubscriptionId};
use crate::{billing, tenants};

/// What a check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checked {
    /// Lines put into the walled garden.
    pub placed: u32,
    /// Lines let out of it.
    pub released: u32,
}

/// Judges every account that owes or is held, one transaction each.
pub async fn check(app: &App, scope: &Scope) -> Result<Checked, Error> {
    let mut tx = app.db.read(scope).await?;
    let accounts = store::to_judge(&mut tx, None).await?;
    drop(tx);
    let (mut checked, mut failed) = (Checked::default(), None);
    for row in accounts {
        match check_one(app, scope, row.account).await {
            Ok(one) => {
                checked.placed += one.placed;
                checked.released += one.released;
            }
            // One account that cannot be judged keeps nobody else from being judged.
            Err(error) => {
                tracing::error!(account = %row.account, %error, "an account cannot be judged");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(checked), Err)
}

/// Judges the account whose debt or lines an event has changed.
pub async fn listen(app: &App, scope: &Scope, event: &Event) -> Result<(), Error> {
    if let Some(account) = event.account_id {
        check_one(app, scope, account).await?;
    }
    Ok(())
}

async fn check_one(app: &App, scope: &Scope, account: AccountId) -> Result<Checked, Error> {
    let mut tx = app.db.begin(scope).await?;
    let checked = check_account(&mut tx, account).await?;
    tx.commit().await?;
    Ok(checked)
}

/// The lines of an account whose `unpaid` hold was lifted by what was recorded at `at`.
pub async fn released_at(
    tx: &mut TenantTx,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<SubscriptionId>, Error> {
    Ok(store::released_at(tx, account, at).await?.into_iter().map(|(_, line)| line).collect())
}

/// Judges one account, holding it locked so that no payment slips between verdict and hold.
pub async fn check_account(tx: &mut TenantTx, account: AccountId) -> Result<Checked, Error> {
    billing::lock_account(tx, account).await?;
    match store::to_judge(tx, Some(account)).await?.pop() {
        Some(row) => judge(tx, &row).await,
        None => Ok(Checked::default()),
    }
}

async fn judge(tx: &mut TenantTx, row: &StandingRow) -> Result<Checked, Error> {
    let currency = Currency::from_code(&row.currency)?;
    let zone = row.time_zone.parse().map_err(|_| Error::Setting("the account's time zone"))?;
    let grace_days =
        u32::try_from(tenants::tenant(tx).await?.grace_days).map_err(|_| Error::Setting("the days of grace"))?;
    let rules = DunningRules { grace_days, minimum_balance: Money::zero(currency) };
    let items = billing::open_items(tx, row.account, currency).await?;
    let outstanding: Vec<_> = items.iter().map(|item| Outstanding { due_on: item.due_on, open: item.open }).collect();
    let standing = Standing { outstanding: &outstanding, held: row.held, promised_on: None };
    Ok(match decide(&rules, &standing, local_date(tx.at(), zone))? {
        DunningDecision::Place { balance, due_since } => {
            let reason = format!("{balance} unpaid since {due_since}");
            Checked { placed: holds::place(tx, row.account, &reason).await?, released: 0 }
        }
        DunningDecision::Release => Checked { placed: 0, released: holds::release(tx, row.account).await? },
        DunningDecision::Keep => Checked::default(),
    })
}
