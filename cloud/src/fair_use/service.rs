//! How a line stands, and the sale of a top-up.

use rust_decimal::prelude::ToPrimitive;
use serde_json::json;
use uuid::Uuid;
use weir_rules::calendar::{BillingDay, Cycle, local_date, start_of_day};
use weir_rules::proration::prorated_allowance;
use weir_rules::usage::{Piece, piece_before, pieces};

use super::store::{self, Metered, Told};
use super::{Error, Rule, Standing, TopUp, TopUpWish};
use crate::catalog::Amount;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::ids::SubscriptionId;
use crate::subscriptions::Subscription;
use crate::{audit, fleet, subscribers, subscriptions};

const REFERENCE_MAX: usize = 100;

/// How a line stands with its fair use.
pub async fn standing(tx: &mut TenantTx, id: SubscriptionId) -> Result<Standing, Error> {
    subscriptions::subscription(tx, id).await?;
    let told = store::told(tx, id).await?;
    let mut standing = Standing {
        from: None,
        to: None,
        used_bytes: 0,
        allowance_bytes: None,
        carried_bytes: 0,
        top_up_bytes: 0,
        remaining_bytes: None,
        rule: told.as_ref().map(|told| Rule::from_name(&told.rule)),
        step: told.as_ref().map_or(0, |told| told.step),
        since_at: told.as_ref().and_then(|told| told.since_at),
        next_at: told.as_ref().and_then(|told| told.next_at),
        reported_at: told.as_ref().map(|told| told.reported_at),
        turns: store::turns(tx, id).await?,
        top_ups: store::top_ups(tx, id).await?,
    };
    if let Some(metered) = store::metered(tx, id).await? {
        count(tx, id, &metered, told.as_ref(), &mut standing).await?;
    }
    Ok(standing)
}

async fn count(
    tx: &mut TenantTx,
    id: SubscriptionId,
    metered: &Metered,
    told: Option<&Told>,
    standing: &mut Standing,
) -> Result<(), Error> {
    let piece = piece(tx, metered)?;
    let Piece { days, .. } = piece;
    let zone = zone(metered)?;
    let between = (start_of_day(days.start(), zone).map_err(facts)?, start_of_day(days.end(), zone).map_err(facts)?);
    let counted = store::used(tx, id, between, metered).await?.to_i64().unwrap_or(i64::MAX);
    // The router counts by the second, its records come by the interval.
    let told = told.filter(|told| told.start_at == Some(between.0)).map_or(0, |told| told.used_bytes);
    let included = included(metered, piece)?;
    standing.carried_bytes = carried(tx, id, metered, piece).await?;
    let bought = standing.top_ups.iter().filter(|top_up| days.contains(top_up.sold_on));
    standing.top_up_bytes = bought.map(|top_up| top_up.bytes).fold(0, i64::saturating_add);
    (standing.from, standing.to) = (Some(days.start()), Some(days.end()));
    standing.used_bytes = counted.max(told);
    standing.allowance_bytes = Some(included);
    let limit = included.saturating_add(standing.carried_bytes).saturating_add(standing.top_up_bytes);
    let left = limit.saturating_sub(standing.used_bytes);
    standing.remaining_bytes = Some(left.max(0));
    Ok(())
}

/// What was left of the period before and is carried over, as the router sees it: of its allowance alone.
async fn carried(tx: &mut TenantTx, id: SubscriptionId, metered: &Metered, current: Piece) -> Result<i64, Error> {
    let Some(most) = metered.carry_over_bytes else { return Ok(0) };
    let Some(before) = piece_before(cycle(metered)?, metered.from, current).map_err(facts)? else { return Ok(0) };
    let zone = zone(metered)?;
    let instant = |day| start_of_day(day, zone).map_err(facts);
    let between = (instant(before.days.start())?, instant(before.days.end())?);
    let used = store::used(tx, id, between, metered).await?.to_i64().unwrap_or(i64::MAX);
    Ok(included(metered, before)?.saturating_sub(used).clamp(0, most))
}

/// What the plan includes in these days.
fn included(metered: &Metered, Piece { days, full }: Piece) -> Result<i64, Error> {
    let bytes = prorated_allowance(metered.allowance_bytes.unsigned_abs(), days, full).map_err(facts)?;
    Ok(i64::try_from(bytes).unwrap_or(i64::MAX))
}

fn cycle(metered: &Metered) -> Result<Cycle, Error> {
    let billing_day = BillingDay::new(u32::from(metered.billing_day.unsigned_abs())).map_err(facts)?;
    Cycle::monthly(metered.starts_on, billing_day, 1).map_err(facts)
}

/// The days the allowance of today is for.
fn piece(tx: &TenantTx, metered: &Metered) -> Result<Piece, Error> {
    let today = local_date(tx.at(), zone(metered)?);
    let cycle = cycle(metered)?;
    let found = pieces(cycle, metered.from, metered.to, today, 1).map_err(facts)?;
    found.into_iter().next().ok_or_else(|| facts("no period contains today"))
}

fn zone(metered: &Metered) -> Result<chrono_tz::Tz, Error> {
    metered.time_zone.parse().map_err(facts)
}

fn facts(error: impl std::fmt::Display) -> Error {
    Error::Facts(error.to_string())
}

/// Sells a top-up on a line. The router learns of it with the commit; the account is charged with its next invoice. The
/// same sale sent again, by its reference, is the same sale.
pub async fn sell(tx: &mut TenantTx, id: SubscriptionId, wish: TopUpWish) -> Result<TopUp, Error> {
    let reference = wish.reference.trim();
    let sold = referenced(tx, id, reference, wish.product_id.uuid()).await?;
    if let Some(before) = store::top_up_of(tx, id, reference).await? {
        return Ok(before);
    }
    let product = super::product(tx, wish.product_id).await?;
    payable(tx, &sold, product.retired_at.map(|_| product.id), &product.price).await?;
    let metered = store::metered(tx, id).await?.ok_or(Error::WithoutAllowance(id))?;
    let top_up = TopUp {
        id: tx.new_id(),
        subscription_id: id,
        product_id: product.id,
        name: product.name,
        bytes: product.bytes,
        price: product.price,
        sold_on: local_date(tx.at(), zone(&metered)?),
        sold_at: tx.at(),
        sold_by: tx.actor().to_string(),
        until_on: piece(tx, &metered)?.days.end(),
        invoice_line_id: None,
    };
    store::insert_top_up(tx, &top_up, metered.version, reference).await?;
    fleet::desired::refresh_line(tx, id).await?;
    audit::record(tx, "sell top-up", id, json!(top_up)).await?;
    events::publish(tx, EventKind::TopUpSold, id, Some(sold.account_id), json!({ "top_up": top_up })).await?;
    Ok(top_up)
}

/// The line of a sale, locked until the transaction's end. Its reference is new, or names a sale of the same product.
pub(super) async fn referenced(
    tx: &mut TenantTx,
    id: SubscriptionId,
    reference: &str,
    product: Uuid,
) -> Result<Subscription, Error> {
    if reference.is_empty() || reference.chars().count() > REFERENCE_MAX {
        let message = format!("must have 1 to {REFERENCE_MAX} characters");
        return Err(Error::Invalid(vec![FieldError::new("reference", message)]));
    }
    let sold = subscriptions::subscription(tx, id).await?;
    store::lock_line(tx, id).await?;
    let before = store::product_under(tx, id, reference).await?;
    if before.is_some_and(|before| before != product) {
        return Err(Error::ReferenceReused(reference.to_owned()));
    }
    Ok(sold)
}

/// Refuses what is retired, and what the line's account cannot pay.
pub(super) async fn payable(
    tx: &mut TenantTx,
    sold: &Subscription,
    retired: Option<impl ToString>,
    price: &Amount,
) -> Result<(), Error> {
    if let Some(product) = retired {
        return Err(Error::Retired(product.to_string()));
    }
    let account = subscribers::account(tx, sold.account_id).await?;
    if price.currency != account.currency {
        return Err(Error::CurrencyDiffers { product: price.currency.clone(), account: account.currency });
    }
    Ok(())
}
