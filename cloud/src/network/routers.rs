//! The verbs of routers.

use ipnet::IpNet;
use serde_json::json;
use weir_rules::prefix;

use super::{Error, Router, RouterWish, store};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::RouterId;

/// Longest name of a Linux network interface.
const INTERFACE_MAX: usize = 15;
/// Most networks of the ISP's own behind one router.
const OWN_NETWORKS_MAX: usize = 64;

/// A page of routers, by name.
pub async fn routers(tx: &mut TenantTx, page: Page) -> Result<Vec<Router>, Error> {
    Ok(store::routers(tx, page).await?)
}

/// One router.
pub async fn router(tx: &mut TenantTx, id: RouterId) -> Result<Router, Error> {
    store::router(tx, id).await?.ok_or(Error::RouterNotFound(id))
}

/// Serialises changes of what a router's lines have and may: their addresses and their desired state.
pub async fn lock_router(tx: &mut TenantTx, id: RouterId) -> Result<(), Error> {
    Ok(store::lock_router(tx, id).await?)
}

/// Routers by id or name.
pub async fn find_routers(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<Router>, Error> {
    Ok(store::find_routers(tx, text.parse().ok(), &text.to_lowercase(), limit).await?)
}

/// Adds a router; it does nothing until an agent is enrolled for it.
pub async fn add_router(tx: &mut TenantTx, wish: RouterWish) -> Result<Router, Error> {
    let (id, created_at) = (tx.new_id(), tx.at());
    let router = made_of(wish, id, created_at, None)?;
    store::insert_router(tx, &router).await?;
    audit::record(tx, "add router", router.id, json!(router)).await?;
    Ok(router)
}

/// Changes a router. Who calls this also refreshes what its agent should hold.
pub async fn change_router(tx: &mut TenantTx, id: RouterId, wish: RouterWish) -> Result<Router, Error> {
    lock_router(tx, id).await?;
    let before = router(tx, id).await?;
    let after = made_of(wish, id, before.created_at, Some(&before))?;
    super::access_points::check_capacity(tx, &after).await?;
    store::update_router(tx, &after).await?;
    audit::record(tx, "change router", id, json!({ "before": before, "after": after })).await?;
    Ok(after)
}

/// Removes a router that never had an agent or a line.
pub async fn remove_router(tx: &mut TenantTx, id: RouterId) -> Result<(), Error> {
    let router = router(tx, id).await?;
    store::delete_router(tx, id).await?;
    audit::record(tx, "remove router", id, json!(router)).await?;
    Ok(())
}

/// The router that is wished for, if it can be; what a client does not speak of is as `before`.
fn made_of(
    wish: RouterWish,
    id: RouterId,
    created_at: chrono::DateTime<chrono::Utc>,
    before: Option<&Router>,
) -> Result<Router, Error> {
    let before = before.map(|before| (before.unknown_hosts, before.own_networks.clone(), before.untracked));
    let (unknown_hosts, own_networks, untracked) = before.unwrap_or_default();
    let router = Router {
        id,
        site_id: wish.site_id,
        name: wish.name.trim().to_owned(),
        lan_interface: wish.lan_interface,
        wan_interface: wish.wan_interface,
        nat: wish.nat,
        capacity_down_bps: wish.capacity_down_bps,
        capacity_up_bps: wish.capacity_up_bps,
        unknown_hosts: wish.unknown_hosts.unwrap_or(unknown_hosts),
        own_networks: wish.own_networks.unwrap_or(own_networks),
        untracked: wish.untracked.unwrap_or(untracked),
        created_at,
    };
    let own_networks = check(&router)?.iter().map(IpNet::to_string).collect();
    Ok(Router { own_networks, ..router })
}

/// Whether a router can be; answers its own networks.
fn check(wish: &Router) -> Result<Vec<IpNet>, Error> {
    let mut errors = Vec::new();
    super::service::check_name(&wish.name, &mut errors);
    for (field, name) in [("lan_interface", &wish.lan_interface), ("wan_interface", &wish.wan_interface)] {
        if name.is_empty()
            || name.len() > INTERFACE_MAX
            || name.contains(['/', ' ', ':'])
            || !name.is_ascii()
            || matches!(name.as_str(), "." | "..")
        {
            errors.push(FieldError::new(
                field,
                format!("{name:?} is not the name of a network interface: 1 to {INTERFACE_MAX} letters"),
            ));
        }
    }
    if wish.lan_interface == wish.wan_interface {
        errors.push(FieldError::new("wan_interface", "must differ from lan_interface"));
    }
    for (field, capacity) in [("capacity_down_bps", wish.capacity_down_bps), ("capacity_up_bps", wish.capacity_up_bps)]
    {
        if capacity.is_some_and(|capacity| capacity <= 0) {
            errors.push(FieldError::new(field, "must be above zero, or absent for no limit"));
        }
    }
    if wish.nat && wish.untracked {
        errors.push(FieldError::new("untracked", "cannot be with nat: it needs the state of every connection"));
    }
    if wish.own_networks.len() > OWN_NETWORKS_MAX {
        errors.push(FieldError::new("own_networks", format!("must name at most {OWN_NETWORKS_MAX} prefixes")));
    }
    let mut own_networks = Vec::new();
    for (n, text) in wish.own_networks.iter().enumerate() {
        match prefix::parse(text) {
            Ok(network) => own_networks.push(network),
            Err(error) => errors.push(FieldError::new(format!("own_networks.{n}"), error)),
        }
    }
    if errors.is_empty() { Ok(own_networks) } else { Err(Error::Invalid(errors)) }
}
