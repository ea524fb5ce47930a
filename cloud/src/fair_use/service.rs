//! How a line stands, and the sale of a top-up.

use serde_json::json;
use uuid::Uuid;
use weir_rules::calendar::local_date;

use super::metered;
use super::store;
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
        sharing_lines: None,
        own_used_bytes: None,
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
    if let Some(metered) = metered::of_line(tx, id).await? {
        metered.count(tx, told.as_ref(), &mut standing).await?;
    }
    Ok(standing)
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
    let metered = metered::of_line(tx, id).await?.ok_or(Error::WithoutAllowance(id))?;
    let top_up = TopUp {
        id: tx.new_id(),
        subscription_id: id,
        product_id: product.id,
        name: product.name,
        bytes: product.bytes,
        price: product.price,
        sold_on: local_date(tx.at(), metered.zone()?),
        sold_at: tx.at(),
        sold_by: tx.actor().to_string(),
        until_on: metered.piece(tx)?.days.end(),
        invoice_line_id: None,
    };
    store::insert_top_up(tx, &top_up, metered.version(), reference).await?;
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
