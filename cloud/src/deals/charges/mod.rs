//! One-time charges of an account: added, shown, billed at once, removed while no invoice has them.

pub mod api;
mod model;
mod store;

use chrono::Datelike;
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::money::Currency;

use self::store::{ChargeRow, Which};
use super::Error;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, ChargeId};
use crate::{audit, billing, subscribers, subscriptions};

pub use model::{Charge, ChargeStatus, ChargeWish};

const DESCRIPTION_MAX: usize = 200;
const REFERENCE_MAX: usize = 100;
const QUANTITY_MAX: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
/// Years a charge's day may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of an account's charges, newest first; only those no invoice has yet, if asked.
pub async fn charges(tx: &mut TenantTx, of: AccountId, waiting: bool, page: Page) -> Result<Vec<Charge>, Error> {
    subscribers::account(tx, of).await?;
    let which = Which { account: Some(of), waiting, ..Which::default() };
    store::charges(tx, which, page).await?.into_iter().map(ChargeRow::shown).collect()
}

/// One charge.
pub async fn charge(tx: &mut TenantTx, id: ChargeId) -> Result<Charge, Error> {
    let found = store::charges(tx, Which { id: Some(id), ..Which::default() }, ONE).await?.pop();
    found.ok_or(Error::ChargeNotFound(id))?.shown()
}

/// Adds a charge. The account's next invoice takes it, from its day on. The same one sent again, by its reference, is the same
/// charge.
pub async fn add_charge(tx: &mut TenantTx, of: AccountId, wish: ChargeWish) -> Result<Charge, Error> {
    let account = subscribers::account(tx, of).await?;
    let currency = billing::lock_account(tx, of).await?;
    let mut errors = check(&wish, currency);
    if let Some(about) = wish.subscription_id
        && subscriptions::subscription(tx, about).await?.account_id != of
    {
        errors.push(FieldError::new("subscription_id", "is no subscription of this account"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    let quantity = wish.quantity.unwrap_or(Decimal::ONE).normalize();
    let new = Charge {
        id: tx.new_id(),
        account_id: of,
        subscription_id: wish.subscription_id,
        description: wish.description.trim().to_owned(),
        quantity,
        unit_price: wish.unit_price,
        net: billing::price_of(quantity, wish.unit_price)?,
        charged_on: wish.charged_on.unwrap_or(today),
        status: ChargeStatus::Waiting,
        invoice_id: None,
        added_at: tx.at(),
        added_by: tx.actor().to_string(),
        removed_by: None,
    };
    if !new.net.is_positive() {
        return Err(Error::field("quantity", "must come to something"));
    }
    let reference = wish.reference.trim();
    let before = Which { account: Some(of), reference: Some(reference), ..Which::default() };
    if let Some(before) = store::charges(tx, before, ONE).await?.pop() {
        let before = before.shown()?;
        let facts = |one: &Charge| (one.subscription_id, one.description.clone(), one.quantity, one.unit_price);
        let other_day = wish.charged_on.is_some_and(|on| on != before.charged_on);
        return match facts(&before) == facts(&new) && !other_day {
            true => Ok(before),
            false => Err(Error::ChargeReferenceReused(reference.to_owned())),
        };
    }
    store::insert(tx, &new, reference).await?;
    audit::record(tx, "add charge", of, json!(new)).await?;
    Ok(new)
}

/// Removes a charge that no invoice has.
pub async fn remove_charge(tx: &mut TenantTx, id: ChargeId) -> Result<Charge, Error> {
    let of = waiting(tx, id).await?;
    store::remove(tx, id).await?;
    let removed = charge(tx, id).await?;
    audit::record(tx, "remove charge", of, json!(removed)).await?;
    Ok(removed)
}

/// Bills a charge at once, on an invoice of its own, whatever its day.
pub async fn bill_charge(tx: &mut TenantTx, id: ChargeId) -> Result<Charge, Error> {
    let of = waiting(tx, id).await?;
    billing::charge_now(tx, of, id).await?.ok_or(Error::ChargeBilled(id))?;
    let billed = charge(tx, id).await?;
    audit::record(tx, "bill charge", of, json!(billed)).await?;
    Ok(billed)
}

/// Whose a charge is that waits; the account is locked, so that no run takes it meanwhile.
async fn waiting(tx: &mut TenantTx, id: ChargeId) -> Result<AccountId, Error> {
    let of = charge(tx, id).await?.account_id;
    billing::lock_account(tx, of).await?;
    match charge(tx, id).await?.status {
        ChargeStatus::Waiting => Ok(of),
        ChargeStatus::Billed => Err(Error::ChargeBilled(id)),
        ChargeStatus::Removed => Err(Error::ChargeRemoved(id)),
    }
}

fn check(wish: &ChargeWish, currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
    let description = wish.description.trim();
    if description.is_empty() {
        refuse("description", "must not be empty".into());
    } else if description.chars().count() > DESCRIPTION_MAX {
        refuse("description", format!("must have at most {DESCRIPTION_MAX} characters"));
    }
    if let Some(quantity) = wish.quantity
        && (quantity <= Decimal::ZERO || quantity > QUANTITY_MAX || quantity.normalize().scale() > 3)
    {
        refuse("quantity", format!("must be above 0 and at most {QUANTITY_MAX}, with at most 3 decimals"));
    }
    if wish.unit_price.currency() != currency {
        refuse("unit_price", format!("must be in {}", currency.code()));
    } else if !wish.unit_price.is_positive() {
        refuse("unit_price", "must be above zero".into());
    }
    if wish.charged_on.is_some_and(|day| !YEARS.contains(&day.year())) {
        refuse("charged_on", format!("must be in the years {} to {}", YEARS.start(), YEARS.end()));
    }
    let reference = wish.reference.trim();
    if reference.is_empty() || reference.chars().count() > REFERENCE_MAX {
        refuse("reference", format!("must have 1 to {REFERENCE_MAX} characters"));
    }
    errors
}
