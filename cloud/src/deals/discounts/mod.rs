//! Discounts of a subscription: granted, shown, ended. What is billed already never changes by either.

pub mod api;
mod model;
mod store;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::money::Currency;

use super::{Error, locked};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{DiscountId, SubscriptionId};
use crate::subscriptions::{self, Status, Subscription};
use crate::{audit, billing, subscribers};

pub use model::{Discount, DiscountEnd, DiscountStatus, DiscountWish};

const NAME_MAX: usize = 100;
const PERIODS: std::ops::RangeInclusive<u16> = 1..=120;
/// Discounts of a subscription that hold or are to come.
const MANY: i64 = 16;
/// Years a discount's days may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of a subscription's discounts, newest first.
pub async fn discounts(tx: &mut TenantTx, of: SubscriptionId, page: Page) -> Result<Vec<Discount>, Error> {
    subscriptions::subscription(tx, of).await?;
    let rows = store::discounts(tx, None, Some(of), page).await?;
    Ok(rows.into_iter().map(store::DiscountRow::shown).collect::<Result<_, _>>()?)
}

/// One discount.
pub async fn discount(tx: &mut TenantTx, id: DiscountId) -> Result<Discount, Error> {
    let found = store::discounts(tx, Some(id), None, ONE).await?.pop().ok_or(Error::DiscountNotFound(id))?;
    Ok(found.shown()?)
}

/// Grants a discount. It reduces what is charged from now on for the days it holds.
pub async fn grant(tx: &mut TenantTx, id: SubscriptionId, wish: DiscountWish) -> Result<Discount, Error> {
    let (sold, currency) = locked(tx, id).await?;
    if sold.status == Status::Closed {
        return Err(subscriptions::Error::Closed(id).into());
    }
    let name = wish.name.trim().to_owned();
    let errors = check(&name, &wish, currency);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let (from_on, until_on) = days(tx, &sold, &wish).await?;
    if let Some(of) = store::named(tx, id, &name, (from_on, until_on)).await? {
        return Err(Error::DiscountGranted { of, name });
    }
    if store::not_over(tx, id, from_on).await? >= MANY {
        return Err(Error::field("name", format!("must be one of at most {MANY} that hold or are to come")));
    }
    let new = Discount {
        id: tx.new_id(),
        subscription_id: id,
        name,
        percent: wish.percent,
        amount: wish.amount,
        most: wish.most,
        from_on,
        until_on,
        ended_on: None,
        status: DiscountStatus::Coming,
        granted_at: tx.at(),
        granted_by: tx.actor().to_string(),
        ended_by: None,
    };
    store::insert(tx, &new, currency.code()).await?;
    let granted = discount(tx, new.id).await?;
    audit::record(tx, "grant discount", id, json!(granted)).await?;
    Ok(granted)
}

/// Ends a discount before its time. Days that are billed keep it.
pub async fn end_discount(tx: &mut TenantTx, id: DiscountId, wish: DiscountEnd) -> Result<Discount, Error> {
    let of = discount(tx, id).await?.subscription_id;
    let (sold, _) = locked(tx, of).await?;
    let found = discount(tx, id).await?;
    if found.status == DiscountStatus::Over {
        return Err(Error::DiscountOver(id));
    }
    let zone = subscribers::account(tx, sold.account_id).await?.time_zone;
    let today = local_date(tx.at(), zone.parse().unwrap_or(chrono_tz::UTC));
    let on = wish.ended_on.unwrap_or(today);
    if on < today {
        return Err(Error::field("ended_on", "must not be in the past"));
    }
    if found.to().is_some_and(|to| on >= to) {
        return Err(Error::field("ended_on", "must be before the day it ends anyway"));
    }
    // What was to come never holds.
    store::end(tx, id, on.max(found.from_on)).await?;
    let ended = discount(tx, id).await?;
    audit::record(tx, "end discount", of, json!(ended)).await?;
    Ok(ended)
}

fn check(name: &str, wish: &DiscountWish, currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
    if name.is_empty() {
        refuse("name", "must not be empty".into());
    } else if name.chars().count() > NAME_MAX {
        refuse("name", format!("must have at most {NAME_MAX} characters"));
    }
    match (wish.percent, wish.amount) {
        (None, None) => refuse("percent", "must be given, or an amount".into()),
        (Some(_), Some(_)) => refuse("amount", "must not be beside a percent".into()),
        (Some(percent), None)
            if percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED || percent.normalize().scale() > 4 =>
        {
            refuse("percent", "must be above 0 and at most 100, with at most 4 decimals".into());
        }
        _ => {}
    }
    if wish.percent.is_none() && wish.most.is_some() {
        refuse("most", "must be beside a percent".into());
    }
    for (field, money) in [("amount", wish.amount), ("most", wish.most)] {
        match money {
            Some(money) if money.currency() != currency => {
                refuse(field, format!("must be in {}", currency.code()));
            }
            Some(money) if !money.is_positive() => refuse(field, "must be above zero".into()),
            _ => {}
        }
    }
    if wish.until_on.is_some() && wish.periods.is_some() {
        refuse("periods", "must not be beside an end".into());
    }
    if wish.periods.is_some_and(|periods| !PERIODS.contains(&periods)) {
        refuse("periods", format!("must be from {} to {}", PERIODS.start(), PERIODS.end()));
    }
    for (field, day) in [("from_on", wish.from_on), ("until_on", wish.until_on)] {
        if day.is_some_and(|day| !YEARS.contains(&day.year())) {
            refuse(field, format!("must be in the years {} to {}", YEARS.start(), YEARS.end()));
        }
    }
    errors
}

/// From when to when a discount holds.
async fn days(
    tx: &mut TenantTx,
    sold: &Subscription,
    wish: &DiscountWish,
) -> Result<(NaiveDate, Option<NaiveDate>), Error> {
    let first = billing::billed_until(tx, sold.id).await?.unwrap_or(sold.starts_on).max(sold.starts_on);
    let from = wish.from_on.unwrap_or(first);
    if from < first {
        return Err(Error::field("from_on", format!("must not be before {first}, the first day that is not billed")));
    }
    let until = match wish.periods {
        Some(periods) => billing::after_periods(tx, sold.account_id, sold.id, (from, periods.into())).await?,
        None => wish.until_on,
    };
    if until.is_some_and(|until| until <= from) {
        return Err(Error::field("until_on", format!("must be after its first day, {from}")));
    }
    if sold.ends_on.is_some_and(|end| from >= end) {
        return Err(Error::field("from_on", "must be before the subscription ends"));
    }
    Ok((from, until))
}
