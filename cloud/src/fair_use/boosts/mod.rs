//! Boosts on a line: sold, shown, cancelled.

pub mod api;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use serde_json::json;
use weir_rules::calendar::local_date;

use super::service::{payable, referenced};
use super::store::boosts::{self as rows, Days, SoldAt, Which};
use super::{Boost, BoostProduct, BoostStatus, BoostWish, Error};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{BoostId, SubscriptionId};
use crate::{audit, fleet, subscriptions};

/// How far ahead a boost may begin.
const AHEAD: TimeDelta = TimeDelta::days(31);
/// Boosts of a line that run or are to come, at most.
const MANY: i64 = 16;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of a line's boosts, newest first.
pub async fn boosts(tx: &mut TenantTx, id: SubscriptionId, page: Page) -> Result<Vec<Boost>, Error> {
    subscriptions::subscription(tx, id).await?;
    Ok(rows::boosts(tx, Which { line: Some(id), ..Which::default() }, page).await?)
}

/// One boost.
pub async fn boost(tx: &mut TenantTx, id: BoostId) -> Result<Boost, Error> {
    let which = Which { id: Some(id), ..Which::default() };
    rows::boosts(tx, which, ONE).await?.pop().ok_or(Error::BoostNotFound(id))
}

/// Sells a boost on a line. The router learns of it with the commit; the account is charged with its next invoice. The same
/// sale sent again, by its reference, is the same sale.
pub async fn sell_boost(tx: &mut TenantTx, id: SubscriptionId, wish: BoostWish) -> Result<Boost, Error> {
    let reference = wish.reference.trim();
    let line = referenced(tx, id, reference, wish.product_id.uuid()).await?;
    let wished_at = wish.from_at.map(|from_at| from_at.trunc_subsecs(3));
    let which = Which { line: Some(id), reference: Some(reference), ..Which::default() };
    if let Some(before) = rows::boosts(tx, which, ONE).await?.pop() {
        let same = wished_at.unwrap_or(before.sold_at) == before.from_at;
        return if same { Ok(before) } else { Err(Error::ReferenceReused(reference.to_owned())) };
    }
    let product = super::boost_product(tx, wish.product_id).await?;
    payable(tx, &line, product.retired_at.map(|_| product.id), &product.price).await?;
    wished_at.map_or(Ok(()), |from_at| check_begin(tx, from_at))?;
    let from_at = wished_at.unwrap_or(tx.at());
    let sold = rows::sold_at(tx, id, from_at).await?.ok_or(Error::OutOfService(id))?;
    check_use(tx, id, &product, &sold).await?;
    let until_at = from_at + TimeDelta::minutes(product.minutes.into());
    rows::sold_at(tx, id, until_at - TimeDelta::milliseconds(1)).await?.ok_or(Error::OutOfService(id))?;
    if let Some(until_at) = rows::beside(tx, id, &product, from_at, until_at).await? {
        return Err(Error::Beside(id, until_at));
    }
    let zone = sold.time_zone.parse::<chrono_tz::Tz>().map_err(|error| Error::Facts(error.to_string()))?;
    let last_on = local_date(until_at, zone);
    let until_on = last_on.succ_opt().ok_or_else(|| Error::Facts(format!("no day follows {last_on}")))?;
    let boost = Boost {
        id: tx.new_id(),
        subscription_id: id,
        product_id: product.id,
        name: product.name,
        rate_down_bps: product.rate_down_bps,
        rate_up_bps: product.rate_up_bps,
        from_at,
        until_at,
        status: if from_at <= tx.at() { BoostStatus::Running } else { BoostStatus::Coming },
        price: product.price,
        sold_at: tx.at(),
        sold_by: tx.actor().to_string(),
        cancelled_at: None,
        invoice_line_id: None,
    };
    let days = Days { sold_on: local_date(tx.at(), zone), until_on };
    rows::insert(tx, &boost, sold.version, days, reference).await?;
    fleet::desired::refresh_line(tx, id).await?;
    audit::record(tx, "sell boost", id, json!(boost)).await?;
    events::publish(tx, EventKind::BoostSold, id, Some(line.account_id), json!({ "boost": boost })).await?;
    Ok(boost)
}

/// Stops a boost that runs or is to come, at once. What it costs stays as it is: nothing is given back by itself. Cancelling
/// twice is no error.
pub async fn cancel_boost(tx: &mut TenantTx, id: BoostId) -> Result<Boost, Error> {
    let found = boost(tx, id).await?;
    let line = subscriptions::subscription(tx, found.subscription_id).await?;
    super::store::lock_line(tx, line.id).await?;
    match boost(tx, id).await?.status {
        BoostStatus::Coming | BoostStatus::Running => {}
        BoostStatus::Over => return Err(Error::BoostOver(id)),
        BoostStatus::Cancelled => return boost(tx, id).await,
    }
    rows::cancel(tx, id.uuid()).await?;
    fleet::desired::refresh_line(tx, line.id).await?;
    let cancelled = boost(tx, id).await?;
    audit::record(tx, "cancel boost", line.id, json!(cancelled)).await?;
    let facts = json!({ "boost": cancelled });
    events::publish(tx, EventKind::BoostCancelled, line.id, Some(line.account_id), facts).await?;
    Ok(cancelled)
}

fn check_begin(tx: &TenantTx, from_at: DateTime<Utc>) -> Result<(), Error> {
    let message = match from_at - tx.at() {
        ahead if ahead < TimeDelta::zero() => "must not be in the past",
        ahead if ahead > AHEAD => "must be at most 31 days ahead",
        _ => return Ok(()),
    };
    Err(Error::Invalid(vec![FieldError::new("from_at", message)]))
}

/// Refuses a boost that would make the line no faster than its plan does, and one too many.
async fn check_use(tx: &mut TenantTx, id: SubscriptionId, product: &BoostProduct, sold: &SoldAt) -> Result<(), Error> {
    let message = match rows::ahead(tx, id).await? {
        _ if !product.is_faster(sold.rate_down_bps, sold.rate_up_bps) => {
            "is not faster than the line's plan".to_owned()
        }
        MANY.. => format!("would be one too many: {MANY} boosts of the line run or are to come"),
        _ => return Ok(()),
    };
    Err(Error::Invalid(vec![FieldError::new("product_id", message)]))
}
