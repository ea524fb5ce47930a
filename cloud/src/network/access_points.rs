//! The verbs of access points. Who calls one also refreshes what the router's agent should hold.

use std::collections::BTreeMap;

use serde_json::json;

use super::store::access_points as store;
use super::{AccessPoint, AccessPointChange, AccessPointWish, Error, Router};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccessPointId, RouterId, SubscriptionId};

/// Access points in a row, at most: what every agent can hold.
pub const DEPTH_MAX: usize = 4;
/// No port carries more, bits per second.
const RATE_MAX: i64 = 1_000_000_000_000;

/// A page of access points, by name.
pub async fn access_points(tx: &mut TenantTx, page: Page) -> Result<Vec<AccessPoint>, Error> {
    Ok(store::access_points(tx, page).await?)
}

/// All access points of a router, by name.
pub async fn access_points_of(tx: &mut TenantTx, router: RouterId) -> Result<Vec<AccessPoint>, Error> {
    Ok(store::of_router(tx, router).await?)
}

/// One access point.
pub async fn access_point(tx: &mut TenantTx, id: AccessPointId) -> Result<AccessPoint, Error> {
    store::access_point(tx, id).await?.ok_or(Error::AccessPointNotFound(id))
}

/// Access points by id or name.
pub async fn find_access_points(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<AccessPoint>, Error> {
    Ok(store::find(tx, text.parse().ok(), &text.to_lowercase(), limit).await?)
}

/// The subscriptions behind an access point itself.
pub async fn lines_behind(tx: &mut TenantTx, id: AccessPointId) -> Result<Vec<SubscriptionId>, Error> {
    Ok(store::lines_behind(tx, id).await?)
}

/// Adds an access point below a router or another access point of it.
pub async fn add_access_point(tx: &mut TenantTx, wish: AccessPointWish) -> Result<AccessPoint, Error> {
    super::lock_router(tx, wish.router_id).await?;
    let router = super::router(tx, wish.router_id).await?;
    let (id, created_at) = (tx.new_id(), tx.at());
    let AccessPointWish { router_id, parent_id, name, .. } = wish;
    let added = AccessPoint {
        id,
        router_id,
        parent_id,
        name: name.trim().to_owned(),
        committed_down_bps: wish.committed_down_bps,
        committed_up_bps: wish.committed_up_bps,
        peak_down_bps: wish.peak_down_bps,
        peak_up_bps: wish.peak_up_bps,
        created_at,
    };
    check(tx, &router, &added).await?;
    store::insert(tx, &added).await?;
    audit::record(tx, "add access point", id, json!(added)).await?;
    Ok(added)
}

/// Changes an access point, or what it hangs on.
pub async fn change_access_point(
    tx: &mut TenantTx,
    id: AccessPointId,
    change: AccessPointChange,
) -> Result<AccessPoint, Error> {
    let router_id = access_point(tx, id).await?.router_id;
    super::lock_router(tx, router_id).await?;
    let before = access_point(tx, id).await?;
    let router = super::router(tx, router_id).await?;
    let after = AccessPoint {
        parent_id: change.parent_id,
        name: change.name.trim().to_owned(),
        committed_down_bps: change.committed_down_bps,
        committed_up_bps: change.committed_up_bps,
        peak_down_bps: change.peak_down_bps,
        peak_up_bps: change.peak_up_bps,
        ..before.clone()
    };
    check(tx, &router, &after).await?;
    store::update(tx, &after).await?;
    audit::record(tx, "change access point", id, json!({ "before": before, "after": after })).await?;
    Ok(after)
}

/// Removes an access point; what hung on it hangs on what it hung on. Tells which subscriptions those are.
pub async fn remove_access_point(
    tx: &mut TenantTx,
    id: AccessPointId,
) -> Result<(AccessPoint, Vec<SubscriptionId>), Error> {
    let router_id = access_point(tx, id).await?.router_id;
    // In the order everybody locks them: lines first.
    store::lock_lines_behind(tx, id).await?;
    super::lock_router(tx, router_id).await?;
    let gone = access_point(tx, id).await?;
    let lines = store::lines_behind(tx, id).await?;
    store::hang_higher(tx, &gone).await?;
    store::delete(tx, id).await?;
    audit::record(tx, "remove access point", id, json!({ "removed": gone, "lines": lines.len() })).await?;
    Ok((gone, lines))
}

/// Refuses a capacity that the access points on a router's ports are promised more of.
pub(super) async fn check_capacity(tx: &mut TenantTx, router: &Router) -> Result<(), Error> {
    let all = store::of_router(tx, router.id).await?;
    let mut errors = Vec::new();
    for (field, capacity, committed) in [
        ("capacity_down_bps", router.capacity_down_bps, committed_on(&all, None, |one| one.committed_down_bps)),
        ("capacity_up_bps", router.capacity_up_bps, committed_on(&all, None, |one| one.committed_up_bps)),
    ] {
        if capacity.is_some_and(|capacity| capacity < committed) {
            let told = format!("is less than access points are committed to: they have {committed}");
            errors.push(FieldError::new(field, told));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

async fn check(tx: &mut TenantTx, router: &Router, wanted: &AccessPoint) -> Result<(), Error> {
    let mut errors = Vec::new();
    super::service::check_name(&wanted.name, &mut errors);
    for (field, rate) in [("peak_down_bps", wanted.peak_down_bps), ("peak_up_bps", wanted.peak_up_bps)] {
        if rate <= 0 {
            errors.push(FieldError::new(field, "must be above zero"));
        } else if rate > RATE_MAX {
            errors.push(FieldError::new(field, format!("must be at most {RATE_MAX}")));
        }
    }
    let mut all = store::of_router(tx, router.id).await?;
    all.retain(|one| one.id != wanted.id);
    all.push(wanted.clone());
    check_place(&all, wanted, &mut errors);
    check_committed(&all, router, wanted, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// Whether it hangs on one of the same router, not on itself, and nothing hangs too deep.
fn check_place(all: &[AccessPoint], wanted: &AccessPoint, errors: &mut Vec<FieldError>) {
    let parents: BTreeMap<AccessPointId, Option<AccessPointId>> =
        all.iter().map(|one| (one.id, one.parent_id)).collect();
    if wanted.parent_id.is_some_and(|parent| !parents.contains_key(&parent)) {
        return errors.push(FieldError::new("parent_id", "is no access point of this router"));
    }
    let row = |id: AccessPointId| std::iter::successors(Some(id), |id| parents.get(id).copied().flatten());
    if row(wanted.id).skip(1).take(parents.len()).any(|above| above == wanted.id) {
        return errors.push(FieldError::new("parent_id", "hangs on this one already"));
    }
    if all.iter().any(|one| row(one.id).count() > DEPTH_MAX) {
        errors.push(FieldError::new("parent_id", format!("would make more than {DEPTH_MAX} access points in a row")));
    }
}

/// A rate of an access point.
type Rate = fn(&AccessPoint) -> i64;

/// Whether what it is committed to is there, and enough of it for what hangs on it.
fn check_committed(all: &[AccessPoint], router: &Router, wanted: &AccessPoint, errors: &mut Vec<FieldError>) {
    let parent = wanted.parent_id.and_then(|parent| all.iter().find(|one| one.id == parent));
    let (down, up): (Rate, Rate) = (|one| one.committed_down_bps, |one| one.committed_up_bps);
    let sides = [
        ("committed_down_bps", down, wanted.peak_down_bps, router.capacity_down_bps),
        ("committed_up_bps", up, wanted.peak_up_bps, router.capacity_up_bps),
    ];
    for (field, committed, peak, capacity) in sides {
        let own = committed(wanted);
        if own < 0 {
            errors.push(FieldError::new(field, "must not be below zero"));
            continue;
        }
        if own > peak {
            errors.push(FieldError::new(field, "must not be above the peak"));
        }
        let there = parent.map_or(capacity, |parent| Some(committed(parent)));
        let beside = committed_on(all, wanted.parent_id, committed).saturating_sub(own);
        if let Some(left) = there.map(|there| there.saturating_sub(beside)).filter(|left| own > *left) {
            errors.push(FieldError::new(field, format!("is more than what it hangs on has left: {}", left.max(0))));
        }
        let below = committed_on(all, Some(wanted.id), committed);
        if below > own {
            errors.push(FieldError::new(field, format!("is less than what hangs on it is committed to: {below}")));
        }
    }
}

/// What all that hang on the same are committed to together.
fn committed_on(all: &[AccessPoint], parent: Option<AccessPointId>, committed: Rate) -> i64 {
    all.iter().filter(|one| one.parent_id == parent).fold(0, |sum, one| sum.saturating_add(committed(one)))
}
