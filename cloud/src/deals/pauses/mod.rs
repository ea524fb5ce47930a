//! Pauses of a subscription: planned, changed, ended, cancelled. What is billed meanwhile is `billing`'s; the line is closed
//! by a hold that begins and ends with its pause.

pub mod api;
pub mod jobs;
mod model;
mod store;

use chrono::{Datelike, Days};
use serde_json::json;
use weir_rules::money::{Currency, Money};

use super::{Error, locked, today};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{AccountId, LinePauseId, SubscriptionId};
use crate::subscriptions::{self, Status, Subscription};
use crate::{audit, catalog};

pub use model::{Pause, PauseEnd, PauseStatus, PauseWish};

const REASON_MAX: usize = 500;
/// How far back a pause may begin: longer ago is for a credit note, which says why.
const BACK_DAYS: u64 = 31;
/// Years a pause's days may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;
/// Lines that one job closes and opens.
const AT_ONCE: i64 = 500;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of a subscription's pauses, newest first: those to come, the one that runs, and those that were.
pub async fn pauses_of(tx: &mut TenantTx, of: SubscriptionId, page: Page) -> Result<Vec<Pause>, Error> {
    subscriptions::subscription(tx, of).await?;
    let rows = store::pauses(tx, None, Some(of), page).await?;
    Ok(rows.into_iter().map(store::PauseRow::shown).collect::<Result<_, _>>()?)
}

/// One pause.
pub async fn pause(tx: &mut TenantTx, id: LinePauseId) -> Result<Pause, Error> {
    let found = store::pauses(tx, Some(id), None, ONE).await?.pop().ok_or(Error::PauseNotFound(id))?;
    Ok(found.shown()?)
}

/// Plans a pause. One that begins today closes the line with the commit; what was billed for its days is given back.
pub async fn plan_pause(tx: &mut TenantTx, id: SubscriptionId, wish: PauseWish) -> Result<Pause, Error> {
    let (sold, currency) = locked(tx, id).await?;
    if sold.status == Status::Closed {
        return Err(subscriptions::Error::Closed(id).into());
    }
    check(tx, &sold, &wish, currency).await?;
    let days = (wish.from_on, wish.until_on);
    if let Some(of) = store::beside(tx, id, None, days).await? {
        return Err(Error::PauseBeside(of));
    }
    let new = Pause {
        id: tx.new_id(),
        subscription_id: id,
        from_on: wish.from_on,
        until_on: wish.until_on,
        price: wish.price,
        reason: wish.reason.trim().to_owned(),
        status: PauseStatus::Planned,
        planned_at: tx.at(),
        planned_by: tx.actor().to_string(),
        changed_at: tx.at(),
        changed_by: tx.actor().to_string(),
    };
    store::insert(tx, &new, currency.code()).await?;
    let planned = pause(tx, new.id).await?;
    audit::record(tx, "plan pause", id, json!(planned)).await?;
    tell(tx, EventKind::PausePlanned, &planned, sold.account_id).await?;
    turn(tx, &planned, sold.account_id).await?;
    Ok(planned)
}

/// Gives a pause another end. Today opens the line with the commit, as far as nothing else holds it.
pub async fn change_pause(tx: &mut TenantTx, id: LinePauseId, end: PauseEnd) -> Result<Pause, Error> {
    let (before, account) = open(tx, id).await?;
    let today = today(tx, account).await?;
    if let Some(until) = end.until_on {
        if !YEARS.contains(&until.year()) {
            return Err(year("until_on"));
        }
        if until < today {
            return Err(Error::field("until_on", "must not be in the past"));
        }
        if until <= before.from_on {
            let message = format!("must be after its first day, {}; cancel it instead", before.from_on);
            return Err(Error::field("until_on", message));
        }
    }
    if let Some(of) = store::beside(tx, before.subscription_id, Some(id), (before.from_on, end.until_on)).await? {
        return Err(Error::PauseBeside(of));
    }
    store::set_end(tx, id, end.until_on).await?;
    let changed = pause(tx, id).await?;
    audit::record(tx, "change pause", changed.subscription_id, json!({ "before": before, "after": changed })).await?;
    tell(tx, EventKind::PauseChanged, &changed, account).await?;
    turn(tx, &changed, account).await?;
    Ok(changed)
}

/// Ends a pause today; one that began today never was.
pub async fn resume(tx: &mut TenantTx, id: LinePauseId) -> Result<Pause, Error> {
    let (found, account) = open(tx, id).await?;
    let today = today(tx, account).await?;
    match found.status {
        PauseStatus::Running if found.from_on < today => change_pause(tx, id, PauseEnd { until_on: Some(today) }).await,
        PauseStatus::Running => cancel_pause(tx, id).await,
        _ => Err(Error::PauseNotBegun(id)),
    }
}

/// Cancels a pause that has not begun, or did so today.
pub async fn cancel_pause(tx: &mut TenantTx, id: LinePauseId) -> Result<Pause, Error> {
    let (found, account) = open(tx, id).await?;
    if found.from_on < today(tx, account).await? {
        return Err(Error::PauseBegun(id));
    }
    store::cancel(tx, id).await?;
    let cancelled = pause(tx, id).await?;
    audit::record(tx, "cancel pause", cancelled.subscription_id, json!(cancelled)).await?;
    tell(tx, EventKind::PauseCancelled, &cancelled, account).await?;
    turn(tx, &cancelled, account).await?;
    Ok(cancelled)
}

/// Pauses whose lines are to be closed or opened by now.
pub(crate) async fn turning(tx: &mut TenantTx) -> Result<Vec<LinePauseId>, Error> {
    Ok(store::turning(tx, AT_ONCE).await?)
}

/// Closes or opens the line of a pause if it is not as the pause says.
pub(crate) async fn keep(tx: &mut TenantTx, id: LinePauseId) -> Result<(), Error> {
    let of = pause(tx, id).await?.subscription_id;
    let (sold, _) = locked(tx, of).await?;
    let found = pause(tx, id).await?;
    turn(tx, &found, sold.account_id).await
}

async fn turn(tx: &mut TenantTx, found: &Pause, account: AccountId) -> Result<(), Error> {
    if found.status == PauseStatus::Running {
        if subscriptions::begin_pause(tx, found.subscription_id, found.id, found.reason.clone()).await? {
            tell(tx, EventKind::PauseBegan, found, account).await?;
        }
    } else if subscriptions::end_pause(tx, found.id).await? {
        tell(tx, EventKind::PauseEnded, found, account).await?;
    }
    Ok(())
}

/// A pause that can still be changed, with its account locked: no run bills it meanwhile.
async fn open(tx: &mut TenantTx, id: LinePauseId) -> Result<(Pause, AccountId), Error> {
    let of = pause(tx, id).await?.subscription_id;
    let (sold, _) = locked(tx, of).await?;
    let found = pause(tx, id).await?;
    match found.status {
        PauseStatus::Over | PauseStatus::Cancelled => Err(Error::PauseOver(id)),
        PauseStatus::Planned | PauseStatus::Running => Ok((found, sold.account_id)),
    }
}

async fn tell(tx: &mut TenantTx, kind: EventKind, pause: &Pause, account: AccountId) -> Result<(), Error> {
    let data = json!({ "pause": pause.id, "from_on": pause.from_on, "until_on": pause.until_on, "price": pause.price });
    events::publish(tx, kind, pause.subscription_id, Some(account), data).await?;
    Ok(())
}

fn year(field: &str) -> Error {
    Error::field(field, format!("must be in the years {} to {}", YEARS.start(), YEARS.end()))
}

async fn check(tx: &mut TenantTx, sold: &Subscription, wish: &PauseWish, currency: Currency) -> Result<(), Error> {
    for (field, day) in [("from_on", Some(wish.from_on)), ("until_on", wish.until_on)] {
        if day.is_some_and(|day| !YEARS.contains(&day.year())) {
            return Err(year(field));
        }
    }
    let today = today(tx, sold.account_id).await?;
    let plans = catalog::version(tx, sold.plan_version_id).await?.price;
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
    let earliest = today.checked_sub_days(Days::new(BACK_DAYS)).unwrap_or(today);
    if wish.from_on < sold.starts_on {
        refuse("from_on", format!("must be in the subscription, which starts on {}", sold.starts_on));
    } else if wish.from_on < earliest {
        refuse("from_on", format!("must be at most {BACK_DAYS} days ago, {earliest}"));
    } else if sold.ends_on.is_some_and(|end| wish.from_on >= end) {
        refuse("from_on", "must be before the subscription ends".into());
    }
    if wish.until_on.is_some_and(|until| until <= wish.from_on) {
        refuse("until_on", format!("must be after its first day, {}", wish.from_on));
    }
    match wish.price {
        Some(price) if price.currency() != currency => refuse("price", format!("must be in {}", currency.code())),
        Some(price) if !Money::is_positive(price) => refuse("price", "must be above zero".into()),
        Some(price) if price.amount() >= plans.amount => {
            refuse("price", format!("must be below the plan's price, {}", plans.amount));
        }
        _ => {}
    }
    if wish.reason.chars().count() > REASON_MAX {
        refuse("reason", format!("must have at most {REASON_MAX} characters"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
