//! What can be bought on top: offered, and no longer offered.

use serde_json::json;

use super::{Error, TopUpProduct, TopUpProductWish, store};
use crate::audit;
use crate::catalog;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::TopUpProductId;

const NAME_MAX: usize = 100;

/// A page of products, newest first.
pub async fn products(tx: &mut TenantTx, page: Page) -> Result<Vec<TopUpProduct>, Error> {
    Ok(store::products(tx, None, page).await?)
}

/// One product.
pub async fn product(tx: &mut TenantTx, id: TopUpProductId) -> Result<TopUpProduct, Error> {
    let page = Page { after: None, limit: 1 };
    store::products(tx, Some(id), page).await?.pop().ok_or(Error::ProductNotFound(id))
}

/// Offers a top-up.
pub async fn add_product(tx: &mut TenantTx, wish: TopUpProductWish) -> Result<TopUpProduct, Error> {
    let name = wish.name.trim().to_owned();
    let mut errors = Vec::new();
    if name.is_empty() || name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have 1 to {NAME_MAX} characters")));
    }
    catalog::check_volume("bytes", wish.bytes, &mut errors);
    catalog::check_price("price", &wish.price, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let (bytes, price) = (wish.bytes, wish.price);
    let made = TopUpProduct { id: tx.new_id(), name, bytes, price, created_at: tx.at(), retired_at: None };
    store::insert_product(tx, &made).await?;
    audit::record(tx, "make top-up", made.id, json!(made)).await?;
    Ok(made)
}

/// Stops offering a top-up; what was sold stays. Retiring twice is no error.
pub async fn retire_product(tx: &mut TenantTx, id: TopUpProductId) -> Result<TopUpProduct, Error> {
    product(tx, id).await?;
    store::retire_product(tx, id).await?;
    audit::record(tx, "retire top-up", id, json!({})).await?;
    product(tx, id).await
}
