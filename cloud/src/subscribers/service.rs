//! The verbs: add and change subscribers, open accounts, add locations.

use std::collections::HashMap;

use chrono_tz::Tz;
use serde_json::json;
use weir_rules::money::Currency;

use super::{Account, AccountWish, Error, Holder, Location, LocationWish, Subscriber, SubscriberWish, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{AccountId, ServiceLocationId, SubscriberId};
use crate::tenants::{LANGUAGES, numbering};
use crate::{audit, tenants};

const TEXT_MAX: usize = 200;

/// A page of subscribers, newest first; with `search`, those whose name begins so.
pub async fn subscribers(tx: &mut TenantTx, search: Option<&str>, page: Page) -> Result<Vec<Subscriber>, Error> {
    let prefix = search.map(normalise).filter(|search| !search.is_empty());
    Ok(store::subscribers(tx, prefix.as_deref(), page).await?)
}

/// One subscriber.
pub async fn subscriber(tx: &mut TenantTx, id: SubscriberId) -> Result<Subscriber, Error> {
    store::subscriber(tx, id).await?.ok_or(Error::SubscriberNotFound(id))
}

/// Adds a subscriber.
pub async fn add_subscriber(tx: &mut TenantTx, wish: SubscriberWish) -> Result<Subscriber, Error> {
    check_subscriber(&wish)?;
    let language = match wish.language {
        Some(language) => language,
        None => tenants::tenant(tx).await?.language,
    };
    let (id, created_at) = (tx.new_id(), tx.at());
    let subscriber = Subscriber {
        id,
        name: wish.name.trim().to_owned(),
        email: wish.email,
        phone: wish.phone,
        language,
        created_at,
    };
    store::insert_subscriber(tx, &subscriber, &normalise(&subscriber.name)).await?;
    audit::record(tx, "add subscriber", id, json!({})).await?;
    events::publish(tx, EventKind::SubscriberAdded, id, None, json!({})).await?;
    Ok(subscriber)
}

/// Changes a subscriber.
pub async fn change_subscriber(tx: &mut TenantTx, id: SubscriberId, wish: SubscriberWish) -> Result<Subscriber, Error> {
    check_subscriber(&wish)?;
    let before = subscriber(tx, id).await?;
    let after = Subscriber {
        name: wish.name.trim().to_owned(),
        email: wish.email,
        phone: wish.phone,
        language: wish.language.unwrap_or(before.language),
        ..before
    };
    store::update_subscriber(tx, &after, &normalise(&after.name)).await?;
    // What changed of a person is personal: the audit log says that it changed, not what it was.
    audit::record(tx, "change subscriber", id, json!({})).await?;
    Ok(after)
}

/// A page of accounts, newest first; of one subscriber if given.
pub async fn accounts(tx: &mut TenantTx, of: Option<SubscriberId>, page: Page) -> Result<Vec<Account>, Error> {
    Ok(store::accounts(tx, of, page).await?)
}

/// Where an account is paid: the page the ISP names, or the account's own.
pub async fn pay_address(tx: &mut TenantTx, account: AccountId) -> Result<String, Error> {
    let named = tenants::tenant(tx).await?.pay_url;
    Ok(if named.is_empty() { tx.links().pay(tx.tenant(), account) } else { named })
}

/// One account.
pub async fn account(tx: &mut TenantTx, id: AccountId) -> Result<Account, Error> {
    store::account(tx, id).await?.ok_or(Error::AccountNotFound(id))
}

/// The account of this number, in whatever case it is written.
pub async fn account_numbered(tx: &mut TenantTx, number: &str) -> Result<Option<AccountId>, Error> {
    Ok(store::account_numbered(tx, &number.trim().to_uppercase()).await?)
}

/// Whose these accounts are; those that are nobody's are left out.
pub async fn holders(tx: &mut TenantTx, ids: &[AccountId]) -> Result<HashMap<AccountId, Holder>, Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(store::holders(tx, &ids).await?.into_iter().collect())
}

/// Opens an account.
pub async fn add_account(tx: &mut TenantTx, wish: AccountWish) -> Result<Account, Error> {
    check_account(&wish)?;
    subscriber(tx, wish.subscriber_id).await?;
    let tenant = tenants::tenant(tx).await?;
    let number = format!("ACC-{:06}", numbering::next(tx, "account", 0).await?);
    let account = Account {
        id: tx.new_id(),
        number,
        subscriber_id: wish.subscriber_id,
        currency: wish.currency.unwrap_or(tenant.currency),
        time_zone: wish.time_zone.unwrap_or(tenant.time_zone),
        billing_day: wish.billing_day.unwrap_or(1),
        payer_id: None,
        paid_since: None,
        created_at: tx.at(),
    };
    store::insert_account(tx, &account).await?;
    audit::record(tx, "open account", account.id, json!(account)).await?;
    Ok(account)
}

/// A page of service locations, newest first; of one subscriber if given.
pub async fn locations(tx: &mut TenantTx, of: Option<SubscriberId>, page: Page) -> Result<Vec<Location>, Error> {
    Ok(store::locations(tx, of, page).await?)
}

/// One service location.
pub async fn location(tx: &mut TenantTx, id: ServiceLocationId) -> Result<Location, Error> {
    store::location(tx, id).await?.ok_or(Error::LocationNotFound(id))
}

/// Adds a service location.
pub async fn add_location(tx: &mut TenantTx, wish: LocationWish) -> Result<Location, Error> {
    check_location(&wish)?;
    subscriber(tx, wish.subscriber_id).await?;
    let location = Location {
        id: tx.new_id(),
        subscriber_id: wish.subscriber_id,
        site_id: wish.site_id,
        line1: wish.line1.trim().to_owned(),
        line2: wish.line2,
        city: wish.city.trim().to_owned(),
        postcode: wish.postcode,
        region: wish.region.trim().to_owned(),
        country: wish.country,
        created_at: tx.at(),
    };
    store::insert_location(tx, &location).await?;
    audit::record(tx, "add service location", location.id, json!({})).await?;
    Ok(location)
}

/// A name as it is searched by: lower case, single spaces.
pub fn normalise(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn check_subscriber(wish: &SubscriberWish) -> Result<(), Error> {
    let mut errors = Vec::new();
    check_text("name", &wish.name, &mut errors);
    if let Some(email) = wish
        .email
        .as_deref()
        .filter(|email| !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()))
    {
        errors.push(FieldError::new("email", format!("{email:?} is not an e-mail address")));
    }
    for (field, text) in [("email", &wish.email), ("phone", &wish.phone)] {
        check_length(field, text.as_deref().unwrap_or_default(), &mut errors);
    }
    if let Some(language) = wish.language.as_deref().filter(|language| !LANGUAGES.contains(language)) {
        errors
            .push(FieldError::new("language", format!("must be one of {}, found {language:?}", LANGUAGES.join(", "))));
    }
    invalid_if_any(errors)
}

fn check_account(wish: &AccountWish) -> Result<(), Error> {
    let mut errors = Vec::new();
    if let Some(Err(error)) = wish.currency.as_deref().map(Currency::from_code) {
        errors.push(FieldError::new("currency", error));
    }
    if let Some(zone) = wish.time_zone.as_deref().filter(|zone| zone.parse::<Tz>().is_err()) {
        errors.push(FieldError::new("time_zone", format!("{zone:?} is not an IANA time zone")));
    }
    if wish.billing_day.is_some_and(|day| !(1..=31).contains(&day)) {
        errors.push(FieldError::new("billing_day", "must be between 1 and 31"));
    }
    invalid_if_any(errors)
}

fn check_location(wish: &LocationWish) -> Result<(), Error> {
    let mut errors = Vec::new();
    check_text("line1", &wish.line1, &mut errors);
    check_text("city", &wish.city, &mut errors);
    check_length("line2", &wish.line2, &mut errors);
    check_length("postcode", &wish.postcode, &mut errors);
    check_length("region", &wish.region, &mut errors);
    if wish.country.len() != 2 || !wish.country.chars().all(|letter| letter.is_ascii_uppercase()) {
        errors.push(FieldError::new(
            "country",
            format!("{:?} is not an ISO 3166-1 code of two capital letters", wish.country),
        ));
    }
    invalid_if_any(errors)
}

fn check_text(field: &str, text: &str, errors: &mut Vec<FieldError>) {
    if text.trim().is_empty() {
        errors.push(FieldError::new(field, "must not be empty"));
    }
    check_length(field, text, errors);
}

fn check_length(field: &str, text: &str, errors: &mut Vec<FieldError>) {
    if text.chars().count() > TEXT_MAX {
        errors.push(FieldError::new(field, format!("must have at most {TEXT_MAX} characters")));
    }
}

fn invalid_if_any(errors: Vec<FieldError>) -> Result<(), Error> {
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
