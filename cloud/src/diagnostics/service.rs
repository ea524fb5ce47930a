//! Asking a router, ending that, and what it answered.

use chrono::TimeDelta;
use serde_json::json;

use super::model::{Diagnosis, State, Tool};
use super::wishes::{CaptureWish, Checked, DiagnosisWish};
use super::{Error, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{DiagnosisId, RouterId, SubscriptionId};
use crate::{audit, fleet, network, subscriptions};

/// What one router is asked in a minute, and what all routers of an ISP are.
const A_MINUTE: i64 = 12;
const A_MINUTE_IN_ALL: i64 = 60;
/// What one router does at once.
const AT_ONCE: i64 = 2;
/// Longest output that is shown, bytes.
const SHOWN_MAX: i64 = 1024 * 1024;

/// Asks a router; the diagnosis says at once when the router is away.
pub async fn ask(tx: &mut TenantTx, router: RouterId, wish: &DiagnosisWish) -> Result<Diagnosis, Error> {
    network::router(tx, router).await?;
    let (target, server) = wish.check().map_err(Error::Invalid)?;
    if let Some(line) = wish.subscription_id {
        of_router(tx, line, router).await?;
    }
    let (seconds, packets) = wish.tool.limits();
    let asked = Asked {
        tool: wish.tool,
        line: wish.subscription_id,
        target,
        server,
        checked: Checked { reason: String::new(), seconds, packets, snap_bytes: 0 },
    };
    begin(tx, router, asked).await
}

/// Has packets of a line taken on its router.
pub async fn capture(tx: &mut TenantTx, router: RouterId, wish: &CaptureWish) -> Result<Diagnosis, Error> {
    network::router(tx, router).await?;
    let checked = wish.check().map_err(Error::Invalid)?;
    of_router(tx, wish.subscription_id, router).await?;
    let (target, server) = (String::new(), String::new());
    begin(tx, router, Asked { tool: Tool::Capture, line: Some(wish.subscription_id), target, server, checked }).await
}

/// What a router is asked.
struct Asked {
    tool: Tool,
    line: Option<SubscriptionId>,
    target: String,
    server: String,
    checked: Checked,
}

async fn of_router(tx: &mut TenantTx, line: SubscriptionId, router: RouterId) -> Result<(), Error> {
    match subscriptions::subscription(tx, line).await {
        Ok(line) if line.router_id == router => Ok(()),
        Ok(_) | Err(subscriptions::Error::NotFound(_)) => {
            Err(Error::Invalid(vec![FieldError::new("subscription_id", "is no line of this router")]))
        }
        Err(error) => Err(error.into()),
    }
}

async fn begin(tx: &mut TenantTx, router: RouterId, asked: Asked) -> Result<Diagnosis, Error> {
    // One after the other, so that none is counted twice or not at all.
    store::lock(tx).await?;
    let now = tx.at();
    let lately = store::lately(tx, router, now - TimeDelta::minutes(1)).await?;
    if lately.of_router >= A_MINUTE || lately.in_all >= A_MINUTE_IN_ALL || lately.open >= AT_ONCE {
        return Err(Error::TooMany(if lately.of_router < A_MINUTE && lately.in_all < A_MINUTE_IN_ALL {
            10
        } else {
            60
        }));
    }
    let agent = match fleet::agent_of(tx, router).await {
        Ok(agent) => Some(agent),
        Err(fleet::Error::WithoutAgent(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let connected = agent.as_ref().is_some_and(|agent| agent.connected);
    let Checked { reason, seconds, packets, snap_bytes } = asked.checked;
    let diagnosis = Diagnosis {
        id: tx.new_id(),
        router_id: router,
        subscription_id: asked.line,
        tool: asked.tool,
        target: asked.target,
        server: asked.server,
        reason,
        seconds,
        packets,
        snap_bytes,
        asked_at: now,
        asked_by: tx.actor().to_string(),
        sent_at: None,
        state: if connected { State::Asked } else { State::Away },
        ended_at: (!connected).then_some(now),
        detail: String::new(),
        cut_short: false,
        parts: None,
        bytes: 0,
    };
    let agent = agent.map(|agent| agent.id);
    store::insert(tx, &diagnosis, agent).await?;
    record(tx, &diagnosis).await?;
    if let Some(agent) = agent.filter(|_| connected) {
        tx.wake(agent);
    } else {
        count(asked.tool, State::Away);
    }
    Ok(diagnosis)
}

async fn record(tx: &mut TenantTx, diagnosis: &Diagnosis) -> Result<(), Error> {
    let tool = diagnosis.tool.name();
    match (diagnosis.tool, diagnosis.subscription_id) {
        (Tool::Capture, Some(line)) => {
            let detail = json!({ "diagnosis": diagnosis.id, "router": diagnosis.router_id, "reason": diagnosis.reason,
                "seconds": diagnosis.seconds, "packets": diagnosis.packets, "snap_bytes": diagnosis.snap_bytes });
            audit::record(tx, "capture packets", line, detail).await?;
        }
        (_, line) => {
            let detail = json!({ "diagnosis": diagnosis.id, "tool": tool, "target": diagnosis.target,
                "server": diagnosis.server, "line": line });
            audit::record(tx, "diagnose router", diagnosis.router_id, detail).await?;
        }
    }
    Ok(())
}

/// One diagnosis.
pub async fn diagnosis(tx: &mut TenantTx, id: DiagnosisId) -> Result<Diagnosis, Error> {
    let now = tx.at();
    Ok(store::diagnosis(tx, id).await?.ok_or(Error::NotFound(id))?.late(now))
}

/// A page of a router's diagnoses, the newest first.
pub async fn diagnoses(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Diagnosis>, Error> {
    network::router(tx, router).await?;
    let now = tx.at();
    Ok(store::diagnoses(tx, router, page).await?.into_iter().map(|one| one.late(now)).collect())
}

/// What was told so far, as text; nothing of a capture.
pub async fn output(tx: &mut TenantTx, diagnosis: &Diagnosis) -> Result<String, Error> {
    if diagnosis.tool == Tool::Capture {
        return Ok(String::new());
    }
    let bytes = store::parts(tx, diagnosis.id, SHOWN_MAX).await?.concat();
    // Texts of other machines: nothing in them moves anybody's cursor.
    let plain = |letter: &char| !letter.is_control() || matches!(letter, '\n' | '\t');
    Ok(String::from_utf8_lossy(&bytes).chars().filter(plain).collect())
}

/// The packets of a capture, as a pcap file; who fetched them is written into the audit log.
pub async fn capture_file(tx: &mut TenantTx, id: DiagnosisId) -> Result<Vec<u8>, Error> {
    let diagnosis = diagnosis(tx, id).await?;
    let line = diagnosis.subscription_id.filter(|_| diagnosis.tool == Tool::Capture && !diagnosis.state.is_open());
    let parts = store::parts(tx, id, SHOWN_MAX).await?;
    let Some(line) = line.filter(|_| !parts.is_empty()) else { return Err(Error::CaptureNotFound(id)) };
    audit::record(tx, "fetch packets", line, json!({ "diagnosis": id })).await?;
    Ok(parts.concat())
}

/// Ends a diagnosis; what was told until now stays.
pub async fn cancel(tx: &mut TenantTx, id: DiagnosisId) -> Result<Diagnosis, Error> {
    let now = tx.at();
    let before = store::locked(tx, id).await?.ok_or(Error::NotFound(id))?.late(now);
    if !before.state.is_open() {
        return Err(Error::Over(id));
    }
    let agent = store::cancel(tx, id).await?;
    audit::record(tx, "cancel diagnosis", before.router_id, json!({ "diagnosis": id })).await?;
    if let Some(agent) = agent {
        tx.wake(agent);
    }
    count(before.tool, State::Cancelled);
    diagnosis(tx, id).await
}

pub(super) fn count(tool: Tool, state: State) {
    metrics::counter!("weir_diagnoses_total", "tool" => tool.name(), "outcome" => state.name()).increment(1);
}
