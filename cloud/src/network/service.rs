//! The verbs of sites.

use serde_json::json;

use super::{Error, Site, SiteWish, store};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::SiteId;

const NAME_MAX: usize = 100;
const ADDRESS_MAX: usize = 500;

/// A page of sites, by name.
pub async fn sites(tx: &mut TenantTx, page: Page) -> Result<Vec<Site>, Error> {
    Ok(store::sites(tx, page).await?)
}

/// One site.
pub async fn site(tx: &mut TenantTx, id: SiteId) -> Result<Site, Error> {
    store::site(tx, id).await?.ok_or(Error::SiteNotFound(id))
}

/// Sites by id, name or address.
pub async fn find_sites(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<Site>, Error> {
    Ok(store::find_sites(tx, text.parse().ok(), &text.to_lowercase(), limit).await?)
}

/// Adds a site.
pub async fn add_site(tx: &mut TenantTx, wish: SiteWish) -> Result<Site, Error> {
    check(&wish)?;
    let site = Site { id: tx.new_id(), name: wish.name.trim().to_owned(), address: wish.address, created_at: tx.at() };
    store::insert_site(tx, &site).await?;
    audit::record(tx, "add site", site.id, json!({ "name": site.name })).await?;
    Ok(site)
}

/// Changes a site.
pub async fn change_site(tx: &mut TenantTx, id: SiteId, wish: SiteWish) -> Result<Site, Error> {
    check(&wish)?;
    let before = site(tx, id).await?;
    let after = Site { name: wish.name.trim().to_owned(), address: wish.address, ..before.clone() };
    store::update_site(tx, &after).await?;
    audit::record(tx, "change site", id, json!({ "before": before, "after": after })).await?;
    Ok(after)
}

/// Removes a site nothing refers to.
pub async fn remove_site(tx: &mut TenantTx, id: SiteId) -> Result<(), Error> {
    let site = site(tx, id).await?;
    store::delete_site(tx, id).await?;
    audit::record(tx, "remove site", id, json!({ "name": site.name })).await?;
    Ok(())
}

fn check(wish: &SiteWish) -> Result<(), Error> {
    let mut errors = Vec::new();
    check_name(&wish.name, &mut errors);
    if wish.address.chars().count() > ADDRESS_MAX {
        errors.push(FieldError::new("address", format!("must have at most {ADDRESS_MAX} characters")));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

pub(super) fn check_name(name: &str, errors: &mut Vec<FieldError>) {
    let name = name.trim();
    if name.is_empty() {
        errors.push(FieldError::new("name", "must not be empty"));
    } else if name.chars().count() > NAME_MAX {
        errors.push(FieldError::new("name", format!("must have at most {NAME_MAX} characters")));
    }
}
