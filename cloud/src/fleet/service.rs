//! The verbs: show agents and enforcement, revoke, confirm.

use chrono::{DateTime, TimeDelta, Utc};
use prost::Message;
use serde_json::json;
use weir_protocol::desired::Line;

use super::held::{self, ONE};
use super::model::{Agent, EnforcedLine, Enforcement, Epoch, LineState};
use super::store::agents::{self as rows, AgentRow, AppliedRow};
use super::store::epochs::{self, EpochRow};
use super::{Error, clones, drift, store};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AgentId, RouterId};
use crate::{audit, network};

/// A session noted longer ago than three of its notes ended with its gateway, which could not say so.
const SEEN_WITHIN: TimeDelta = TimeDelta::seconds(90);
/// So many times as long where its uplink is metered: it says so many times less often that it is there.
const METERED_LONGER: i32 = 3;

/// A page of agents, newest first, revoked ones too.
pub async fn agents(tx: &mut TenantTx, page: Page) -> Result<Vec<Agent>, Error> {
    let now = tx.at();
    Ok(rows::agents(tx, None, None, page).await?.into_iter().map(|row| shown(now, row, Vec::new())).collect())
}

/// One agent with its usage log.
pub async fn agent(tx: &mut TenantTx, id: AgentId) -> Result<Agent, Error> {
    let row = rows::agents(tx, Some(id), None, ONE).await?.pop().ok_or(Error::AgentNotFound(id))?;
    let epochs = epochs::of_agent(tx, id).await?;
    Ok(shown(tx.at(), row, epochs))
}

/// What a router should hold beside what it holds.
pub async fn enforcement(tx: &mut TenantTx, router: RouterId) -> Result<Enforcement, Error> {
    network::router(tx, router).await?;
    let agent = agent_of(tx, router).await?;
    let lines: Vec<_> = rows::lines(tx, agent.id).await?.into_iter().map(line).collect();
    let held = held::of_router(tx, router).await?;
    let held = |of: fn(&held::Held) -> i64| held.as_ref().map_or(0, of);
    let clone_suspected_at = rows::clone_suspected_at(tx, agent.id).await?;
    Ok(Enforcement {
        removals_held: held(|held| held.removals),
        suspensions_held: held(|held| held.suspensions),
        reductions_held: held(|held| held.reductions),
        settings_held: held(|held| held.settings),
        clone_suspected_at: clone_suspected_at.filter(|at| tx.at() - *at <= clones::SHOWN),
        agent_id: agent.id,
        connected: agent.connected,
        transport: agent.transport,
        last_seen_at: agent.last_seen_at,
        desired_gen: agent.desired_gen,
        persisted_gen: agent.persisted_gen,
        applied_gen: agent.applied_gen,
        unclaimed_leases: agent.unclaimed_leases,
        certificate_until: agent.certificate_until,
        certificate_renewed_at: agent.certificate_renewed_at,
        lines,
    })
}

/// A router's agent, without its usage log.
pub async fn agent_of(tx: &mut TenantTx, router: RouterId) -> Result<Agent, Error> {
    let row = rows::agents(tx, None, Some(router), ONE).await?.pop().ok_or(Error::WithoutAgent(router))?;
    Ok(shown(tx.at(), row, Vec::new()))
}

/// Revokes a router's agent: it keeps enforcing what it holds, and may no longer connect.
pub async fn revoke(tx: &mut TenantTx, router: RouterId) -> Result<(), Error> {
    network::router(tx, router).await?;
    network::lock_router(tx, router).await?;
    let agent = store::agents::revoke_of_router(tx, router).await?.ok_or(Error::WithoutAgent(router))?;
    store::agents::forget_learned(tx, router).await?;
    audit::record(tx, "revoke agent", router, json!({ "agent": agent })).await?;
    tx.wake(agent);
    Ok(())
}

/// Confirms what a router's agent holds back, for its number or because the database is restored.
pub async fn confirm_removals(tx: &mut TenantTx, router: RouterId) -> Result<(), Error> {
    network::lock_router(tx, router).await?;
    let agent = agent_of(tx, router).await?.id;
    let held = held::of_router(tx, router).await?.filter(|held| held.all() > 0);
    let held = held.ok_or(Error::NoRemovalsHeld(router))?;
    rows::confirm_removals(tx, agent).await?;
    let detail = json!({ "agent": agent, "lines": held.removals, "suspensions": held.suspensions,
        "reductions": held.reductions, "settings": held.settings });
    audit::record(tx, "confirm removals", router, detail).await?;
    tx.wake(agent);
    Ok(())
}

fn shown(now: DateTime<Utc>, row: AgentRow, epochs: Vec<EpochRow>) -> Agent {
    let open = row.revoked_at.is_none() && row.connected_at.is_some() && row.disconnected_at.is_none();
    let within = SEEN_WITHIN * if row.metered { METERED_LONGER } else { 1 };
    let connected = open && row.last_seen_at.is_some_and(|at| now - at <= within);
    let epochs = epochs
        .into_iter()
        .map(|row| Epoch {
            epoch: hex::encode(row.epoch),
            applied_seq: row.applied_seq,
            trim_seq: row.trim_seq,
            records: row.records,
            missing: row.missing,
            merged: row.merged,
            opened_at: row.opened_at,
            applied_at: row.applied_at,
            superseded_at: row.superseded_at,
        })
        .collect();
    Agent {
        id: row.id,
        router_id: row.router_id,
        hostname: row.hostname,
        version: row.version,
        kernel: row.kernel,
        capabilities: row.capabilities,
        enrolled_at: row.enrolled_at,
        revoked_at: row.revoked_at,
        connected,
        transport: row.transport,
        last_seen_at: row.last_seen_at,
        desired_gen: row.desired_gen,
        persisted_gen: row.persisted_gen,
        applied_gen: row.applied_gen,
        unclaimed_leases: row.unclaimed_leases,
        certificate_until: row.certificate_until,
        certificate_renewed_at: row.certificate_renewed_at,
        epochs,
    }
}

fn line(row: AppliedRow) -> EnforcedLine {
    let line = row.desired.as_deref().and_then(|body| Line::decode(body).ok());
    let observed = row.rate_down_bps.zip(row.rate_up_bps).zip(row.access).map(|((down, up), access)| LineState {
        rate_down_bps: down,
        rate_up_bps: up,
        access,
    });
    EnforcedLine {
        subscription_id: row.object_id.into(),
        drift: drift::of(line.as_ref(), observed.as_ref()),
        desired: line.as_ref().map(drift::desired_state),
        observed,
        status: row.status,
        code: row.code.unwrap_or_default(),
        detail: row.detail.unwrap_or_default(),
        reported_at: row.reported_at,
    }
}
