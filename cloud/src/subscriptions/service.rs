//! The verbs: sell, change the plan, end.

use std::collections::HashMap;

use chrono::NaiveDate;
use ipnet::IpNet;
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::identity::Identity;
use weir_rules::prefix;

use super::store::identities as own;
use super::{Behind, ChangePlan, Counts, End, Error, Status, Subscription, SubscriptionWish, identities, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::{AccessPointId, AccountId, RouterId, SubscriptionId};
use crate::{audit, catalog, fleet, network, subscribers};

/// Addresses a line may have.
const PREFIXES_MAX: usize = 16;
/// Years a subscription's days may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

/// A page of subscriptions, newest first; of one account if given.
pub async fn subscriptions(tx: &mut TenantTx, of: Option<AccountId>, page: Page) -> Result<Vec<Subscription>, Error> {
    Ok(store::subscriptions(tx, None, of, page).await?)
}

/// One subscription.
pub async fn subscription(tx: &mut TenantTx, id: SubscriptionId) -> Result<Subscription, Error> {
    let page = Page { after: None, limit: 1 };
    store::subscriptions(tx, Some(&[id.uuid()]), None, page).await?.pop().ok_or(Error::NotFound(id))
}

/// The names of the subscribers whose lines these are; those that are nobody's are left out.
pub async fn names(tx: &mut TenantTx, ids: &[SubscriptionId]) -> Result<HashMap<SubscriptionId, String>, Error> {
    let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    Ok(store::names(tx, &ids).await?.into_iter().collect())
}

/// Subscriptions by id, by an address or prefix of their lines, given or learned, by whom they are known as, or by their
/// subscriber's name.
pub async fn find(tx: &mut TenantTx, text: &str, limit: u32) -> Result<Vec<Subscription>, Error> {
    let addresses = addresses(text);
    let name = if addresses.is_some() { String::new() } else { subscribers::normalise(text) };
    let (values, user) = identities::asked(text);
    let who = store::Who { values: &values, user: &user };
    let found = store::find(tx, text.parse().ok(), addresses, &name, who, i64::from(limit)).await?;
    Ok(store::subscriptions(tx, Some(&found), None, Page { after: None, limit }).await?)
}

/// An IP address or prefix, whatever bits of a host it has.
pub fn addresses(text: &str) -> Option<IpNet> {
    let whole = || text.parse::<std::net::IpAddr>().ok().map(IpNet::from);
    text.parse::<IpNet>().ok().map(|net| net.trunc()).or_else(whole)
}

/// How many there are.
pub async fn counts(tx: &mut TenantTx) -> Result<Counts, Error> {
    Ok(store::counts(tx).await?)
}

/// What all plans in force today cost a month, before tax, by currency.
pub async fn recurring(tx: &mut TenantTx) -> Result<Vec<(String, Decimal)>, Error> {
    Ok(store::recurring(tx).await?)
}

/// Sells a plan to an account at a location. The router learns of it with the commit.
pub async fn sell(tx: &mut TenantTx, wish: SubscriptionWish) -> Result<Subscription, Error> {
    sell_to(tx, wish, true).await
}

/// As [`sell`]; `welcome` says whether the subscriber is written to as somebody new is.
pub async fn sell_to(tx: &mut TenantTx, wish: SubscriptionWish, welcome: bool) -> Result<Subscription, Error> {
    check_day("starts_on", wish.starts_on)?;
    let (prefixes, who) = read_addresses(&wish)?;
    let account = subscribers::account(tx, wish.account_id).await?;
    let location = subscribers::location(tx, wish.service_location_id).await?;
    if location.subscriber_id != account.subscriber_id {
        return Err(Error::LocationOfAnother { location: location.id, account: account.id });
    }
    version_on_sale(tx, &wish.plan_version_id, &account.currency).await?;
    network::router(tx, wish.router_id).await?;
    network::check_not_public(tx, &prefixes).await?;
    // The handle's row lock also serialises who takes addresses on this router, and keeps its access points.
    let handle = store::take_handle(tx, wish.router_id).await?;
    check_behind(tx, wish.router_id, wish.access_point_id).await?;
    let id: SubscriptionId = tx.new_id();
    // Whenever it is said to have begun, it has its addresses from now on.
    let zone = account.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let from = wish.starts_on.max(local_date(tx.at(), zone));
    check_free(tx, id, wish.router_id, &prefixes, (from, None)).await?;
    identities::check_free(tx, id, wish.router_id, &who, (from, None)).await?;
    store::insert(tx, id, &wish, handle).await?;
    store::insert_term(tx, id, wish.plan_version_id, wish.starts_on, None).await?;
    for prefix in &prefixes {
        store::insert_prefix(tx, id, wish.router_id, prefix, from).await?;
    }
    for identity in &who {
        own::give(tx, id, wish.router_id, identity, (from, None)).await?;
    }
    fleet::desired::refresh_line(tx, id).await?;
    fleet::desired::refresh_router(tx, wish.router_id).await?;
    let sold = subscription(tx, id).await?;
    audit::record(tx, "sell subscription", id, json!(sold)).await?;
    let data = json!({ "plan_version": wish.plan_version_id, "starts_on": wish.starts_on, "welcome": welcome });
    events::publish(tx, EventKind::SubscriptionSold, id, Some(account.id), data).await?;
    Ok(sold)
}

/// Moves a subscription to another plan version from a day on.
pub async fn change_plan(tx: &mut TenantTx, id: SubscriptionId, wish: ChangePlan) -> Result<Subscription, Error> {
    store::lock(tx, id).await?;
    let before = not_over(tx, id).await?;
    let account = subscribers::account(tx, before.account_id).await?;
    version_on_sale(tx, &wish.plan_version_id, &account.currency).await?;
    let day = wish.effective_on;
    check_day("effective_on", day)?;
    if day < before.starts_on || before.ends_on.is_some_and(|end| day >= end) {
        return Err(Error::OutsideTerm(day));
    }
    if store::has_term_from(tx, id, day, before.starts_on).await? {
        return Err(Error::PlanChangeConflicts(day));
    }
    store::close_terms(tx, id, day).await?;
    store::insert_term(tx, id, wish.plan_version_id, day, before.ends_on).await?;
    fleet::desired::refresh_line(tx, id).await?;
    let after = subscription(tx, id).await?;
    let detail = json!({ "from": before.plan_version_id, "to": wish.plan_version_id, "effective_on": day });
    audit::record(tx, "change plan", id, detail.clone()).await?;
    events::publish(tx, EventKind::PlanChanged, id, Some(account.id), detail).await?;
    Ok(after)
}

/// Places a line behind an access point of its router, or behind none; the router learns of it with the commit.
pub async fn place_behind(tx: &mut TenantTx, id: SubscriptionId, wish: Behind) -> Result<Subscription, Error> {
    store::lock(tx, id).await?;
    let before = not_over(tx, id).await?;
    let router = before.router_id;
    // The access point must not go meanwhile.
    network::lock_router(tx, router).await?;
    check_behind(tx, router, wish.access_point_id).await?;
    store::place_behind(tx, id, wish.access_point_id).await?;
    fleet::desired::refresh_line(tx, id).await?;
    let detail = json!({ "from": before.access_point_id, "to": wish.access_point_id });
    audit::record(tx, "place subscription", id, detail).await?;
    subscription(tx, id).await
}

/// Refuses what is no access point of the router.
async fn check_behind(tx: &mut TenantTx, router: RouterId, wanted: Option<AccessPointId>) -> Result<(), Error> {
    let Some(wanted) = wanted else { return Ok(()) };
    if network::access_point(tx, wanted).await?.router_id == router {
        return Ok(());
    }
    Err(Error::Invalid(vec![FieldError::new("access_point_id", "is no access point of this router")]))
}

/// Ends a subscription: the day given is the first no longer served. A later day than before lets the last plan go on.
pub async fn end(tx: &mut TenantTx, id: SubscriptionId, wish: End) -> Result<Subscription, Error> {
    check_day("ends_on", wish.ends_on)?;
    store::lock(tx, id).await?;
    let before = not_over(tx, id).await?;
    if wish.ends_on <= before.starts_on {
        return Err(Error::OutsideTerm(wish.ends_on));
    }
    if let Some(end) = before.ends_on.filter(|end| *end < wish.ends_on) {
        network::lock_router(tx, before.router_id).await?;
        let prefixes: Vec<_> = before.prefixes.iter().filter_map(|text| text.parse().ok()).collect();
        let days = (end, Some(wish.ends_on));
        check_free(tx, id, before.router_id, &prefixes, days).await?;
        let who = identities::known(&before.identities);
        identities::check_free(tx, id, before.router_id, &who, days).await?;
    }
    store::set_end(tx, id, wish.ends_on).await?;
    own::set_end(tx, id, wish.ends_on).await?;
    match before.ends_on {
        Some(end) if end < wish.ends_on => store::extend_last_term(tx, id, end, wish.ends_on).await?,
        Some(_) | None => store::close_terms(tx, id, wish.ends_on).await?,
    }
    fleet::desired::refresh_line(tx, id).await?;
    audit::record(tx, "end subscription", id, json!({ "ends_on": wish.ends_on })).await?;
    let data = json!({ "ends_on": wish.ends_on });
    events::publish(tx, EventKind::SubscriptionEnded, id, Some(before.account_id), data).await?;
    subscription(tx, id).await
}

/// Refuses addresses that another line of the router has on any of these days.
async fn check_free(
    tx: &mut TenantTx,
    id: SubscriptionId,
    router: RouterId,
    prefixes: &[IpNet],
    days: (NaiveDate, Option<NaiveDate>),
) -> Result<(), Error> {
    for wanted in prefixes {
        if let Some((taken, of)) = store::overlapping(tx, router, wanted, days, id).await? {
            return Err(Error::PrefixOverlaps { wanted: *wanted, taken, of, router });
        }
    }
    Ok(())
}

/// The subscription, unless it is over: what is over can no longer change.
pub(super) async fn not_over(tx: &mut TenantTx, id: SubscriptionId) -> Result<Subscription, Error> {
    let found = subscription(tx, id).await?;
    if found.status == Status::Closed { Err(Error::Closed(id)) } else { Ok(found) }
}

async fn version_on_sale(tx: &mut TenantTx, id: &crate::ids::PlanVersionId, currency: &str) -> Result<(), Error> {
    let version = catalog::version(tx, *id).await?;
    let plan = catalog::plan(tx, version.plan_id).await?;
    if plan.retired_at.is_some() {
        return Err(catalog::Error::Retired(plan.id).into());
    }
    if version.price.currency != currency {
        return Err(Error::CurrencyDiffers { plan: version.price.currency, account: currency.to_owned() });
    }
    Ok(())
}

fn check_day(field: &str, day: NaiveDate) -> Result<(), Error> {
    use chrono::Datelike;
    if YEARS.contains(&day.year()) {
        return Ok(());
    }
    let message = format!("must be in the years {} to {}", YEARS.start(), YEARS.end());
    Err(Error::Invalid(vec![FieldError::new(field, message)]))
}

/// What a line is to be known by: at least one prefix or identity.
fn read_addresses(wish: &SubscriptionWish) -> Result<(Vec<IpNet>, Vec<Identity>), Error> {
    let (identities, mut errors) = identities::read(&wish.identities);
    if wish.prefixes.len() > PREFIXES_MAX || (wish.prefixes.is_empty() && wish.identities.is_empty()) {
        errors.push(FieldError::new(
            "prefixes",
            format!("must name 1 to {PREFIXES_MAX} prefixes, or none beside identities"),
        ));
    }
    let mut prefixes = Vec::new();
    for (n, text) in wish.prefixes.iter().enumerate() {
        match prefix::parse(text) {
            Ok(prefix) => prefixes.push(prefix),
            Err(error) => errors.push(FieldError::new(format!("prefixes.{n}"), error)),
        }
    }
    if let Err(error) = prefix::check_disjoint(&prefixes) {
        errors.push(FieldError::new("prefixes", error));
    }
    if errors.is_empty() { Ok((prefixes, identities)) } else { Err(Error::Invalid(errors)) }
}
