//! What can be bought for a line, volumes and boosts: offered, and no longer offered.

use serde_json::json;

use super::store::products::{self as rows, ProductRow};
use super::{BoostProduct, BoostProductWish, Error, TopUpProduct, TopUpProductWish};
use crate::audit;
use crate::catalog::{self, Amount};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{BoostProductId, TopUpProductId};

const NAME_MAX: usize = 100;
/// The shortest and the longest time a boost runs.
const MINUTES: std::ops::RangeInclusive<i32> = 15..=31 * 24 * 60;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of top-ups, newest first.
pub async fn products(tx: &mut TenantTx, page: Page) -> Result<Vec<TopUpProduct>, Error> {
    Ok(rows::products(tx, false, None, page).await?.into_iter().map(Into::into).collect())
}

/// One top-up.
pub async fn product(tx: &mut TenantTx, id: TopUpProductId) -> Result<TopUpProduct, Error> {
    let found = rows::products(tx, false, Some(id.uuid()), ONE).await?.pop();
    found.map(Into::into).ok_or(Error::ProductNotFound(id))
}

/// Offers a top-up.
pub async fn add_product(tx: &mut TenantTx, wish: TopUpProductWish) -> Result<TopUpProduct, Error> {
    let mut errors = Vec::new();
    let row = named(tx, &wish.name, &wish.price, &mut errors);
    catalog::check_volume("bytes", wish.bytes, &mut errors);
    catalog::check_price("price", &wish.price, &mut errors);
    sound(errors)?;
    let id: TopUpProductId = tx.new_id();
    rows::insert(tx, ProductRow { id: id.uuid(), bytes: Some(wish.bytes), ..row }).await?;
    let made = product(tx, id).await?;
    audit::record(tx, "make top-up", made.id, json!(made)).await?;
    Ok(made)
}

/// Stops offering a top-up; what was sold stays. Retiring twice is no error.
pub async fn retire_product(tx: &mut TenantTx, id: TopUpProductId) -> Result<TopUpProduct, Error> {
    product(tx, id).await?;
    rows::retire(tx, id.uuid()).await?;
    audit::record(tx, "retire top-up", id, json!({})).await?;
    product(tx, id).await
}

/// A page of boosts on offer and retired ones, newest first.
pub async fn boost_products(tx: &mut TenantTx, page: Page) -> Result<Vec<BoostProduct>, Error> {
    Ok(rows::products(tx, true, None, page).await?.into_iter().map(Into::into).collect())
}

/// One boost on offer, or a retired one.
pub async fn boost_product(tx: &mut TenantTx, id: BoostProductId) -> Result<BoostProduct, Error> {
    let found = rows::products(tx, true, Some(id.uuid()), ONE).await?.pop();
    found.map(Into::into).ok_or(Error::BoostProductNotFound(id))
}

/// Offers a boost.
pub async fn add_boost_product(tx: &mut TenantTx, wish: BoostProductWish) -> Result<BoostProduct, Error> {
    let mut errors = Vec::new();
    let row = named(tx, &wish.name, &wish.price, &mut errors);
    let BoostProductWish { rate_down_bps, rate_up_bps, minutes, .. } = wish;
    catalog::check_rate("rate_down_bps", rate_down_bps, &mut errors);
    catalog::check_rate("rate_up_bps", rate_up_bps, &mut errors);
    if rate_down_bps.is_none() && rate_up_bps.is_none() {
        errors.push(FieldError::new("rate_down_bps", "must be given, or rate_up_bps"));
    }
    if !MINUTES.contains(&minutes) {
        let (least, most) = MINUTES.into_inner();
        errors.push(FieldError::new("minutes", format!("must be from {least} to {most}, found {minutes}")));
    }
    catalog::check_price("price", &wish.price, &mut errors);
    sound(errors)?;
    let id: BoostProductId = tx.new_id();
    rows::insert(tx, ProductRow { id: id.uuid(), rate_down_bps, rate_up_bps, minutes: Some(minutes), ..row }).await?;
    let made = boost_product(tx, id).await?;
    audit::record(tx, "make boost", made.id, json!(made)).await?;
    Ok(made)
}

/// Stops offering a boost; what was sold stays. Retiring twice is no error.
pub async fn retire_boost_product(tx: &mut TenantTx, id: BoostProductId) -> Result<BoostProduct, Error> {
    boost_product(tx, id).await?;
    rows::retire(tx, id.uuid()).await?;
    audit::record(tx, "retire boost", id, json!({})).await?;
    boost_product(tx, id).await
}

/// What every product has, its name checked; neither a volume nor a boost yet.
fn named(tx: &TenantTx, name: &str, price: &Amount, errors: &mut Vec<FieldError>) -> ProductRow {
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have 1 to {NAME_MAX} characters")));
    }
    ProductRow {
        id: uuid::Uuid::nil(),
        name,
        bytes: None,
        rate_down_bps: None,
        rate_up_bps: None,
        minutes: None,
        price: price.amount,
        currency: price.currency.clone(),
        created_at: tx.at(),
        retired_at: None,
    }
}

fn sound(errors: Vec<FieldError>) -> Result<(), Error> {
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
