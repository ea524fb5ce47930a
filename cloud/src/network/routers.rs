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
/// Most networks of public addresses of one router.
const PUBLIC_NETWORKS_MAX: usize = 32;
/// Ports of a line's block.
const PORTS_PER_LINE: std::ops::RangeInclusive<i32> = 128..=16_384;
/// Unless told.
const PORTS_PER_LINE_AT_FIRST: i32 = 1_024;

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
    if !router.public_networks.is_empty() {
        store::lock_public_networks(tx).await?;
        check_public_networks(tx, &router).await?;
    }
    store::insert_router(tx, &router).await?;
    audit::record(tx, "add router", router.id, json!(router)).await?;
    Ok(router)
}

/// Changes a router; answers what it was and what it is. Who calls this also refreshes what its agent should hold.
pub async fn change_router(tx: &mut TenantTx, id: RouterId, wish: RouterWish) -> Result<(Router, Router), Error> {
    let mut named = wish.public_networks.as_ref().is_some_and(|networks| !networks.is_empty());
    // Before the router's row, as whoever changes the ISP's own settings does.
    if named {
        store::lock_public_networks(tx).await?;
    }
    lock_router(tx, id).await?;
    let before = router(tx, id).await?;
    let after = made_of(wish, id, before.created_at, Some(&before))?;
    // What was taken before stays as it is, whatever is refused by now.
    named &= after.public_networks != before.public_networks;
    if named {
        check_public_networks(tx, &after).await?;
    }
    super::access_points::check_capacity(tx, &after).await?;
    store::update_router(tx, &after).await?;
    audit::record(tx, "change router", id, json!({ "before": before, "after": after })).await?;
    Ok((before, after))
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
    let was = |of: fn(&Router) -> &Vec<String>| before.map(of).cloned().unwrap_or_default();
    let router = Router {
        id,
        site_id: wish.site_id,
        name: wish.name.trim().to_owned(),
        lan_interface: wish.lan_interface,
        wan_interface: wish.wan_interface,
        nat: wish.nat,
        capacity_down_bps: wish.capacity_down_bps,
        capacity_up_bps: wish.capacity_up_bps,
        unknown_hosts: wish.unknown_hosts.or(before.map(|before| before.unknown_hosts)).unwrap_or_default(),
        own_networks: wish.own_networks.unwrap_or_else(|| was(|before| &before.own_networks)),
        untracked: wish.untracked.or(before.map(|before| before.untracked)).unwrap_or_default(),
        public_networks: wish.public_networks.unwrap_or_else(|| was(|before| &before.public_networks)),
        ports_per_line: wish
            .ports_per_line
            .or(before.map(|before| before.ports_per_line))
            .unwrap_or(PORTS_PER_LINE_AT_FIRST),
        metered: wish.metered.or(before.map(|before| before.metered)).unwrap_or_default(),
        created_at,
    };
    let (own_networks, public_networks) = check(&router, before)?;
    let texts = |networks: Vec<IpNet>| networks.iter().map(IpNet::to_string).collect();
    Ok(Router { own_networks: texts(own_networks), public_networks: texts(public_networks), ..router })
}

/// Whether a router can be; answers its own networks and its public ones. Networks that are as `before` may overlap as they did.
fn check(wish: &Router, before: Option<&Router>) -> Result<(Vec<IpNet>, Vec<IpNet>), Error> {
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
    let own_networks = networks("own_networks", &wish.own_networks, OWN_NETWORKS_MAX, &mut errors);
    let public_networks = networks("public_networks", &wish.public_networks, PUBLIC_NETWORKS_MAX, &mut errors);
    for (n, network) in public_networks.iter().enumerate() {
        if matches!(network, IpNet::V6(_)) {
            errors.push(FieldError::new(format!("public_networks.{n}"), "must be an IPv4 network"));
        }
    }
    let is_new = |networks: fn(&Router) -> &Vec<String>| before.is_none_or(|before| networks(before) != networks(wish));
    let changed = is_new(|router| &router.own_networks) || is_new(|router| &router.public_networks);
    for (n, network) in public_networks.iter().enumerate().filter(|_| changed) {
        if let Some(own) = own_networks.iter().find(|own| own.contains(network) || network.contains(*own)) {
            errors.push(FieldError::new(format!("public_networks.{n}"), format!("overlaps the own network {own}")));
        }
    }
    if let Err(error) = prefix::check_disjoint(&public_networks) {
        errors.push(FieldError::new("public_networks", error));
    }
    if !wish.nat && !wish.public_networks.is_empty() {
        errors.push(FieldError::new("public_networks", "cannot be without nat: there is nothing to translate"));
    }
    if !PORTS_PER_LINE.contains(&wish.ports_per_line) {
        let message = format!("must be between {} and {} ports", PORTS_PER_LINE.start(), PORTS_PER_LINE.end());
        errors.push(FieldError::new("ports_per_line", message));
    }
    if errors.is_empty() { Ok((own_networks, public_networks)) } else { Err(Error::Invalid(errors)) }
}

/// The networks a field names.
fn networks(field: &str, texts: &[String], max: usize, errors: &mut Vec<FieldError>) -> Vec<IpNet> {
    if texts.len() > max {
        errors.push(FieldError::new(field, format!("must name at most {max} networks")));
    }
    let mut networks = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        match prefix::parse(text) {
            Ok(network) => networks.push(network),
            Err(error) => errors.push(FieldError::new(format!("{field}.{n}"), error)),
        }
    }
    networks
}

/// Refuses public networks that are another router's, or where a line is.
async fn check_public_networks(tx: &mut TenantTx, wish: &Router) -> Result<(), Error> {
    let mut errors = Vec::new();
    let mut refuse = |n: i64, message| errors.push(FieldError::new(format!("public_networks.{n}"), message));
    if let Some((n, network, of)) = store::public_network_of_another(tx, wish).await? {
        refuse(n, format!("overlaps with {network} of router {of}"));
    }
    if let Some((n, prefix, line)) = store::public_network_of_line(tx, wish).await? {
        refuse(n, format!("overlaps a line: {prefix} of subscription {line}"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// Refuses a line's prefix in a public network of a router: what lines are translated to is no line's own. None is taken
/// before the transaction ends. Called before any router is locked.
pub async fn check_not_public(tx: &mut TenantTx, prefixes: &[IpNet]) -> Result<(), Error> {
    if prefixes.is_empty() {
        return Ok(());
    }
    store::hold_public_networks(tx).await?;
    let mut errors = Vec::new();
    for (n, prefix) in prefixes.iter().enumerate() {
        if let Some((network, of)) = store::public_network_with(tx, prefix).await? {
            let message = format!("overlaps the public network {network} of router {of}");
            errors.push(FieldError::new(format!("prefixes.{n}"), message));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
