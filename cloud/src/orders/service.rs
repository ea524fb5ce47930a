//! The verbs: place, approve, decline.

use chrono::TimeDelta;
use serde_json::json;

use super::{Decline, Error, Order, OrderFilter, OrderStatus, OrderWish, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::OrderId;
use crate::subscribers::{AccountWish, LocationWish, SubscriberWish};
use crate::tenants::LANGUAGES;
use crate::{audit, catalog, subscribers, tenants};

const TEXT_MAX: usize = 200;
const LONG_MAX: usize = 500;
/// Orders a day with one e-mail address.
const OF_EMAIL_MAX: i64 = 3;
/// Orders a day from one network address.
const OF_ORIGIN_MAX: i64 = 10;

/// A page of orders, newest first.
pub async fn orders(tx: &mut TenantTx, filter: OrderFilter, page: Page) -> Result<Vec<Order>, Error> {
    Ok(store::orders(tx, None, filter, page).await?)
}

/// How many wait for staff.
pub async fn waiting(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::waiting(tx).await?)
}

/// One order.
pub async fn order(tx: &mut TenantTx, id: OrderId) -> Result<Order, Error> {
    let found = store::orders(tx, Some(id), OrderFilter::default(), Page { after: None, limit: 1 }).await?;
    found.into_iter().next().ok_or(Error::NotFound(id))
}

/// Places an order. The same one placed again while it waits is that one.
pub async fn place(tx: &mut TenantTx, wish: OrderWish) -> Result<Order, Error> {
    let wish = trimmed(wish);
    check(&wish)?;
    let currency = tenants::tenant(tx).await?.currency;
    let offered = catalog::offered(tx, &currency).await?;
    if !offered.iter().any(|(_, version)| version.id == wish.plan_version_id) {
        return Err(Error::Invalid(vec![FieldError::new("plan_version_id", "is not offered")]));
    }
    store::lock_email(tx, &wish.email).await?;
    if let Some(same) = store::same(tx, &wish).await? {
        return order(tx, same).await;
    }
    let since = tx.at() - TimeDelta::days(1);
    let (of_email, of_origin) = store::placed_since(tx, &wish, since).await?;
    if of_email >= OF_EMAIL_MAX || of_origin >= OF_ORIGIN_MAX {
        return Err(Error::TooMany);
    }
    let id: OrderId = tx.new_id();
    store::insert(tx, id, &wish).await?;
    audit::record(tx, "place order", id, json!({ "plan_version": wish.plan_version_id })).await?;
    events::publish(tx, EventKind::OrderPlaced, id, None, json!({ "plan_version": wish.plan_version_id })).await?;
    order(tx, id).await
}

/// Makes a subscriber with an account and a service location of whoever placed it; what is sold to them comes next.
pub async fn approve(tx: &mut TenantTx, id: OrderId) -> Result<Order, Error> {
    let order = undecided(tx, id).await?;
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let wish = SubscriberWish {
        name: order.name,
        email: given(&order.email),
        phone: given(&order.phone),
        language: Some(order.language),
    };
    let subscriber = subscribers::add_subscriber(tx, wish).await?;
    let wish = AccountWish { subscriber_id: subscriber.id, currency: None, time_zone: None, billing_day: None };
    let account = subscribers::add_account(tx, wish).await?;
    let place = order.place;
    let wish = LocationWish {
        subscriber_id: subscriber.id,
        site_id: None,
        line1: place.line1,
        line2: place.line2,
        city: place.city,
        postcode: place.postcode,
        region: String::new(),
        country: place.country,
    };
    subscribers::add_location(tx, wish).await?;
    store::decide(tx, id, OrderStatus::Approved, None, Some(subscriber.id)).await?;
    audit::record(tx, "approve order", id, json!({ "subscriber": subscriber.id })).await?;
    let data = json!({ "subscriber": subscriber.id, "plan_version": order.plan_version_id });
    events::publish(tx, EventKind::OrderApproved, id, Some(account.id), data).await?;
    self::order(tx, id).await
}

/// Says no, and why.
pub async fn decline(tx: &mut TenantTx, id: OrderId, wish: Decline) -> Result<Order, Error> {
    let reason = wish.reason.trim();
    let mut errors = Vec::new();
    check_text("reason", reason, LONG_MAX, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    undecided(tx, id).await?;
    store::decide(tx, id, OrderStatus::Declined, Some(reason), None).await?;
    audit::record(tx, "decline order", id, json!({ "reason": reason })).await?;
    events::publish(tx, EventKind::OrderDeclined, id, None, json!({ "reason": reason })).await?;
    order(tx, id).await
}

/// The order, locked, unless it is decided: an order is decided once.
async fn undecided(tx: &mut TenantTx, id: OrderId) -> Result<Order, Error> {
    store::lock(tx, id).await?;
    let order = order(tx, id).await?;
    if order.status == OrderStatus::Placed { Ok(order) } else { Err(Error::Decided(id)) }
}

fn trimmed(mut wish: OrderWish) -> OrderWish {
    let place = &mut wish.place;
    let texts = [&mut wish.name, &mut wish.phone, &mut wish.note, &mut place.line1, &mut place.line2, &mut place.city];
    for text in texts.into_iter().chain([&mut place.postcode]) {
        *text = text.trim().to_owned();
    }
    wish.email = wish.email.trim().to_lowercase();
    wish
}

fn check(wish: &OrderWish) -> Result<(), Error> {
    let (mut errors, place) = (Vec::new(), &wish.place);
    check_text("name", &wish.name, TEXT_MAX, &mut errors);
    check_text("line1", &place.line1, TEXT_MAX, &mut errors);
    check_text("city", &place.city, TEXT_MAX, &mut errors);
    let optional = [("phone", &wish.phone, TEXT_MAX), ("line2", &place.line2, TEXT_MAX)];
    for (field, text, most) in
        optional.into_iter().chain([("postcode", &place.postcode, TEXT_MAX), ("note", &wish.note, LONG_MAX)])
    {
        check_length(field, text, most, &mut errors);
    }
    let well_formed = wish.email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !well_formed || wish.email.chars().count() > TEXT_MAX || wish.email.contains(char::is_whitespace) {
        errors.push(FieldError::new("email", format!("must be an e-mail address, found {:?}", wish.email)));
    }
    if place.country.len() != 2 || !place.country.chars().all(|letter| letter.is_ascii_uppercase()) {
        let message = format!("{:?} is not an ISO 3166-1 code of two capital letters", place.country);
        errors.push(FieldError::new("country", message));
    }
    if !LANGUAGES.contains(&wish.language.as_str()) {
        errors.push(FieldError::new("language", format!("must be one of {}", LANGUAGES.join(", "))));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

fn check_text(field: &str, text: &str, most: usize, errors: &mut Vec<FieldError>) {
    if text.is_empty() {
        errors.push(FieldError::new(field, "must not be empty"));
    }
    check_length(field, text, most, errors);
}

fn check_length(field: &str, text: &str, most: usize, errors: &mut Vec<FieldError>) {
    if text.chars().count() > most {
        errors.push(FieldError::new(field, format!("must have at most {most} characters")));
    }
}
