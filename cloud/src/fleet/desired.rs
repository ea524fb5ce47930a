//! Desired objects: derived from the business's tables, written in the transaction of the change that caused them.
//!
//! A derived object that equals the stored one writes nothing, so refreshing too often is harmless. The router's row is
//! locked before anything is read: whoever derives later sees what everybody before has changed, and nobody puts back what
//! was true before another's change.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use ipnet::IpNet;
use prost::Message;
use uuid::Uuid;
use weir_protocol::desired::identity::Who;
use weir_protocol::desired::{
    self, Access, CutPoints, Garden, Kind, Line, Node, PortBlock, Prefix, Router, UnknownHosts,
};
use weir_protocol::hash;
use weir_rules::access::{Hold, HoldEffect, HoldKind, access_at};
use weir_rules::calendar::{BillingDay, Cycle, local_date, start_of_day};
use weir_rules::identity::{self, Identity};

use super::pools::Derived;
use super::{Error, fair_use, pay_hosts, pools, store};
use crate::db::TenantTx;
use crate::ids::{AgentId, RouterId, SubscriptionId};
use crate::network::AccessPoint;
use crate::translation::{Ports, Search};
use crate::{network, subscribers, translation};

/// What a throttled line still gets, in both directions, bits per second.
const THROTTLED_BPS: u64 = 1_000_000;
/// Billing boundaries an agent knows ahead, per billing day and zone.
const CUT_POINTS_AHEAD: usize = 3;

/// Brings a line's port block and its object to what its subscription says now; the lines it shares an allowance with
/// follow, those on other routers soon after.
pub async fn refresh_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<(), Error> {
    if refresh(tx, id, Search::Pool, &mut Derived::default()).await? {
        pools::tell_other_routers(tx, id).await?;
    }
    Ok(())
}

/// The same of one of many lines, without those on other routers: one that waits for a port block is not looked for one,
/// which is done for all at once.
pub(super) async fn refresh_one_of_many(
    tx: &mut TenantTx,
    id: SubscriptionId,
    derived: &mut Derived,
) -> Result<(), Error> {
    refresh(tx, id, Search::Nothing, derived).await?;
    Ok(())
}

/// Whether whoever shares with the line on another router may have to be told.
async fn refresh(tx: &mut TenantTx, id: SubscriptionId, search: Search, derived: &mut Derived) -> Result<bool, Error> {
    let Some(router) = store::lock_router_of(tx, id).await? else { return Ok(false) };
    let Some(agent) = store::agent_of_router(tx, router).await? else {
        translation::settle(tx, router, id, search).await?;
        return Ok(true);
    };
    if !refresh_alone(tx, (router, agent), id, search, derived).await? {
        return Ok(false);
    }
    let mut as_before = None;
    for other in store::pools::beside(tx, id).await? {
        // All lines of a pool have the same allowances: where one has what it had, all have.
        let differs = as_before != Some(other.version)
            && refresh_alone(tx, (router, agent), other.id, Search::Nothing, derived).await?;
        if !differs {
            as_before = Some(other.version);
        }
    }
    Ok(true)
}

/// Whether those who share with it must be told.
async fn refresh_alone(
    tx: &mut TenantTx,
    (router, agent): (RouterId, AgentId),
    id: SubscriptionId,
    search: Search,
    derived: &mut Derived,
) -> Result<bool, Error> {
    let ports = translation::settle(tx, router, id, search).await?;
    let line = line(tx, agent, id, ports, derived).await?;
    let body = line.as_ref().map(Message::encode_to_vec);
    let Some(before) = put(tx, agent, Kind::Line, id.uuid(), body).await? else { return Ok(false) };
    let before = before.body.and_then(|body| Line::decode(body.as_slice()).ok());
    Ok(pools::concerns_others(before.as_ref(), line.as_ref()))
}

/// Brings a router's own objects to what its settings, its tenant's and its accounts' say now.
pub async fn refresh_router(tx: &mut TenantTx, id: RouterId) -> Result<(), Error> {
    network::lock_router(tx, id).await?;
    let Some(agent) = store::agent_of_router(tx, id).await? else { return Ok(()) };
    let router = router(tx, id).await?;
    put(tx, agent, Kind::Router, id.uuid(), router.map(|router| router.encode_to_vec())).await?;
    refresh_nodes(tx, agent, id).await?;
    let points = cut_points(tx, id).await?;
    put(tx, agent, Kind::CutPoints, id.uuid(), Some(points.encode_to_vec())).await?;
    Ok(())
}

/// Brings the nodes to what a router's access points are now; those that are gone go.
async fn refresh_nodes(tx: &mut TenantTx, agent: AgentId, id: RouterId) -> Result<(), Error> {
    let access_points = network::access_points_of(tx, id).await?;
    let there: BTreeSet<Uuid> = access_points.iter().map(|one| one.id.uuid()).collect();
    for gone in store::desired_ids(tx, agent, Kind::Node).await?.into_iter().filter(|id| !there.contains(id)) {
        put(tx, agent, Kind::Node, gone, None).await?;
    }
    for one in access_points {
        let id = one.id.uuid();
        put(tx, agent, Kind::Node, id, Some(node(one).encode_to_vec())).await?;
    }
    Ok(())
}

fn node(one: AccessPoint) -> Node {
    Node {
        name: one.name,
        parent: one.parent_id.map(|parent| parent.uuid().as_bytes().to_vec()).unwrap_or_default(),
        committed_down_bps: one.committed_down_bps.unsigned_abs(),
        committed_up_bps: one.committed_up_bps.unsigned_abs(),
        peak_down_bps: one.peak_down_bps.unsigned_abs(),
        peak_up_bps: one.peak_up_bps.unsigned_abs(),
    }
}

/// Derives every object of a router, for a fresh agent or after something that touches all of them.
pub async fn rebuild(tx: &mut TenantTx, id: RouterId) -> Result<(), Error> {
    refresh_router(tx, id).await?;
    translation::assign_waiting(tx, id).await?;
    let mut derived = Derived::default();
    for subscription in store::subscriptions_of_router(tx, id).await? {
        refresh_one_of_many(tx, subscription, &mut derived).await?;
    }
    Ok(())
}

/// Refreshes every router of the tenant, for example after its settings changed.
pub async fn refresh_all_routers(tx: &mut TenantTx) -> Result<(), Error> {
    for router in store::routers_with_agents(tx).await? {
        refresh_router(tx, router).await?;
    }
    Ok(())
}

/// Makes an object what it should be; what it was, if that is another.
async fn put(
    tx: &mut TenantTx,
    agent: AgentId,
    kind: Kind,
    id: Uuid,
    body: Option<Vec<u8>>,
) -> Result<Option<store::Holding>, Error> {
    if store::desired_body(tx, agent, kind, id).await? == body {
        return Ok(None);
    }
    let held = store::lock_holding(tx, agent, kind, id).await?;
    let digest = digest_after(&held, kind, id, body.as_deref());
    store::put_desired(tx, agent, (kind, id), body.as_deref(), digest.as_ref().map(|digest| &digest[..])).await?;
    tx.wake(agent);
    Ok(Some(held))
}

/// The digest of all an agent should hold, once one object is another; `None` if it was not reckoned before.
fn digest_after(held: &store::Holding, kind: Kind, id: Uuid, body: Option<&[u8]>) -> Option<hash::Hash> {
    let mut digest: hash::Hash = held.digest.as_deref()?.try_into().ok()?;
    let revision = held.revision.unsigned_abs();
    for (revision, body) in [(revision, held.body.as_deref()), (revision + 1, body)] {
        if let Some(body) = body {
            hash::fold(&mut digest, &hash::object(kind as u32, id.as_bytes(), revision, body));
        }
    }
    Some(digest)
}

async fn line(
    tx: &mut TenantTx,
    agent: AgentId,
    id: SubscriptionId,
    ports: Option<Ports>,
    derived: &mut Derived,
) -> Result<Option<Line>, Error> {
    let Some(sold) = store::sold_line(tx, id).await? else { return Ok(None) };
    let at = tx.at();
    let rows = store::holds_of(tx, id).await?;
    let of_another: Vec<_> = rows.iter().filter(|row| row.for_another).map(|row| row.id).collect();
    let holds: Vec<_> = rows.into_iter().filter_map(|row| hold(row, at)).collect();
    let decision = access_at(&holds, at);
    let prefixes = sold.prefixes.iter().filter_map(|text| text.parse().ok()).map(prefix).collect();
    let fair_use = fair_use::of_line(tx, agent, id, &sold, derived).await?;
    // What another owes is not theirs to see, nor to pay.
    let unpaid = |hold: &Hold<Uuid>| hold.kind == HoldKind::Unpaid && !of_another.contains(&hold.id);
    let unpaid = decision.hold.is_some_and(unpaid);
    let pay_url = if unpaid { subscribers::pay_address(tx, sold.account_id).await? } else { String::new() };
    Ok(Some(Line {
        handle: sold.handle.unsigned_abs(),
        prefixes,
        rate_down_bps: sold.rate_down_bps.unsigned_abs(),
        rate_up_bps: sold.rate_up_bps.unsigned_abs(),
        access: wire_access(decision.access).into(),
        throttled_down_bps: THROTTLED_BPS.min(sold.rate_down_bps.unsigned_abs()),
        throttled_up_bps: THROTTLED_BPS.min(sold.rate_up_bps.unsigned_abs()),
        hold_kind: decision.hold.map(|hold| hold.kind.name().to_owned()).unwrap_or_default(),
        fair_use: fair_use.map(Box::new),
        pay_url,
        identities: sold.identities.iter().filter_map(|text| identity::parse(text).ok()).map(who).collect(),
        node: sold.access_point_id.map(|id| id.uuid().as_bytes().to_vec()).unwrap_or_default(),
        burst_down_bytes: sold.burst_down_bytes.unsigned_abs(),
        burst_up_bytes: sold.burst_up_bytes.unsigned_abs(),
        public_ports: ports.map(port_block),
    }))
}

/// A hold that is there is in force, also when whoever placed it began after `at`.
fn hold(row: store::HoldRow, at: DateTime<Utc>) -> Option<Hold<Uuid>> {
    Some(Hold {
        id: row.id,
        kind: HoldKind::from_name(&row.kind)?,
        effect: HoldEffect::from_name(&row.effect)?,
        from: row.placed_at.min(at),
        until: row.until,
        released_at: row.released_at,
    })
}

fn wire_access(access: weir_rules::access::Access) -> Access {
    match access {
        weir_rules::access::Access::Open => Access::Open,
        weir_rules::access::Access::Throttled => Access::Throttled,
        weir_rules::access::Access::WalledGarden => Access::WalledGarden,
        weir_rules::access::Access::Closed => Access::Closed,
    }
}

fn wire_unknown_hosts(unknown_hosts: network::UnknownHosts) -> UnknownHosts {
    match unknown_hosts {
        network::UnknownHosts::LetThrough => UnknownHosts::LetThrough,
        network::UnknownHosts::Garden => UnknownHosts::Garden,
        network::UnknownHosts::Closed => UnknownHosts::Closed,
    }
}

fn who(identity: Identity) -> desired::Identity {
    let who = match identity {
        Identity::Mac(mac) => Who::Mac(mac.to_vec()),
        Identity::CircuitId(id) => Who::CircuitId(id),
        Identity::RemoteId(id) => Who::RemoteId(id),
        Identity::PppoeUser(name) => Who::PppoeUser(name),
        Identity::Duid(duid) => Who::Duid(duid),
    };
    desired::Identity { who: Some(who) }
}

fn port_block(ports: Ports) -> PortBlock {
    PortBlock { address: ports.address.octets().to_vec(), first_port: ports.first.into(), last_port: ports.last.into() }
}

fn prefix(net: IpNet) -> Prefix {
    let address = match net.network() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    Prefix { address, length: net.prefix_len().into() }
}

async fn router(tx: &mut TenantTx, id: RouterId) -> Result<Option<Router>, Error> {
    let Some(wired) = store::wiring(tx, id).await? else { return Ok(None) };
    let (addresses, names) = pay_hosts::of(&wired, tx.links().public_url());
    Ok(Some(Router {
        lan_interface: wired.lan_interface,
        wan_interface: wired.wan_interface,
        nat: wired.nat,
        capacity_down_bps: wired.capacity_down_bps.unwrap_or(0).unsigned_abs(),
        capacity_up_bps: wired.capacity_up_bps.unwrap_or(0).unsigned_abs(),
        garden: Some(Garden {
            isp_name: wired.isp_name,
            reachable: addresses.into_iter().map(|address| prefix(address.into())).collect(),
            reachable_names: names.into_iter().collect(),
            pay_url: wired.pay_url,
            contact: wired.contact,
            hue: u32::from(wired.hue.unsigned_abs()),
            language: wired.language,
            resolvers: Vec::new(),
        }),
        unknown_hosts: wire_unknown_hosts(wired.unknown_hosts).into(),
        own_networks: wired.own_networks.iter().filter_map(|text| text.parse().ok()).map(prefix).collect(),
        untracked: wired.untracked,
        public_networks: wired.public_networks.iter().filter_map(|text| text.parse().ok()).map(prefix).collect(),
        metered: wired.metered,
    }))
}

/// The next billing boundaries of the accounts this router serves: no record may straddle one.
async fn cut_points(tx: &mut TenantTx, id: RouterId) -> Result<CutPoints, Error> {
    let now = tx.at();
    let mut at_ms = BTreeSet::new();
    for (billing_day, zone) in store::billing_days_of_router(tx, id).await? {
        at_ms.extend(boundaries(now, billing_day, &zone).into_iter().flatten());
    }
    Ok(CutPoints { at_ms: at_ms.into_iter().collect() })
}

fn boundaries(now: DateTime<Utc>, billing_day: i16, zone: &str) -> Option<Vec<u64>> {
    let zone: Tz = zone.parse().ok()?;
    let day = BillingDay::new(u32::from(billing_day.unsigned_abs())).ok()?;
    let today = local_date(now, zone);
    let dates = Cycle::monthly(today, day, 1).and_then(|cycle| cycle.boundaries_after(today, CUT_POINTS_AHEAD)).ok()?;
    let instants = dates.into_iter().filter_map(|date| start_of_day(date, zone).ok());
    Some(instants.filter(|instant| *instant > now).map(|instant| instant.timestamp_millis().unsigned_abs()).collect())
}
