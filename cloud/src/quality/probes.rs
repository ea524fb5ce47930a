//! "Is it me or the network": a line is measured on its router because somebody asks, and what that comes to is kept.
//!
//! The question waits in the database until the gateway that has the router's session is roused and passes it on; the
//! answer comes back over the session. Nothing is changed on the router.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use weir_protocol::control::{CommandResult, command_result};
use weir_protocol::desired::Access;
use weir_protocol::quality::{Echoes, Probed, Way};

use super::Error;
use super::report::address;
use super::store::probes as store;
use super::verdict::{EchoesNow, Measured, Role, Verdict, WayNow, verdict};
use crate::app::App;
use crate::db::TenantTx;
use crate::fleet::sessions::Session;
use crate::http::paging::Page;
use crate::ids::{LineProbeId, SubscriptionId};
use crate::subscriptions::Status;
use crate::{audit, fleet, subscriptions};

/// Since this revision agents know the command.
const SINCE_REV: u32 = 5;
/// A router that has not answered by then does not.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(15);
/// An answer that comes later than this is none.
const ANSWERS_FOR: TimeDelta = TimeDelta::minutes(1);
/// A line is probed again no sooner.
const PAUSE: TimeDelta = TimeDelta::seconds(10);
/// Probes of one router in a minute.
const A_MINUTE: i64 = 30;
/// Longest reason kept of an agent that refuses.
const DETAIL_MAX: usize = 200;

/// How far a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// The router is being asked.
    Asked,
    /// The router is not connected.
    Away,
    /// The router's agent is too old to be asked.
    TooOld,
    /// The agent could not: `detail` says why.
    Refused,
    /// The router did not answer in time.
    NoAnswer,
    /// It was measured.
    Answered,
}

impl State {
    /// The name it is stored and shown under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Away => "away",
            Self::TooOld => "too_old",
            Self::Refused => "refused",
            Self::NoAnswer => "no_answer",
            Self::Answered => "answered",
        }
    }
}

/// A line measured because somebody asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LineProbe {
    /// Which.
    pub id: LineProbeId,
    /// Of which line.
    pub subscription_id: SubscriptionId,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// By whom.
    pub asked_by: String,
    /// How far it is.
    pub state: State,
    /// When it was over; null while the router is asked.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the agent refused, one sentence.
    pub detail: String,
    /// Where it is, as far as can be told; null while nothing is measured.
    pub verdict: Option<Verdict>,
    /// What was measured.
    #[schema(value_type = Option<Measured>)]
    pub measured: Option<Measured>,
}

/// Has a line measured; the probe says at once when its router is away.
pub async fn ask(tx: &mut TenantTx, id: SubscriptionId) -> Result<LineProbe, Error> {
    let line = subscriptions::subscription(tx, id).await?;
    if line.status == Status::Closed {
        return Err(Error::LineClosed(id));
    }
    // One after the other, so that none is counted twice or not at all; not behind what else is done to the router.
    store::lock(tx, line.router_id).await?;
    let now = tx.at();
    if let Some(last) = store::last_asked(tx, id).await?.filter(|last| now - *last < PAUSE) {
        return Err(Error::TooSoon((last + PAUSE - now).num_seconds().max(1).unsigned_abs()));
    }
    if store::asked_since(tx, line.router_id, now - TimeDelta::minutes(1)).await? >= A_MINUTE {
        return Err(Error::TooSoon(60));
    }
    let agent = match fleet::agent_of(tx, line.router_id).await {
        Ok(agent) => Some(agent),
        Err(fleet::Error::WithoutAgent(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let connected = agent.as_ref().is_some_and(|agent| agent.connected);
    let probe = LineProbe {
        id: tx.new_id(),
        subscription_id: id,
        asked_at: now,
        asked_by: tx.actor().to_string(),
        state: if connected { State::Asked } else { State::Away },
        ended_at: (!connected).then_some(now),
        detail: String::new(),
        verdict: (!connected).then_some(Verdict::RouterAway),
        measured: None,
    };
    let agent = agent.map(|agent| agent.id);
    store::insert(tx, &probe, line.router_id, agent).await?;
    audit::record(tx, "probe line", id, json!({ "probe": probe.id })).await?;
    if let Some(agent) = agent.filter(|_| connected) {
        tx.wake(agent);
    } else {
        count(State::Away);
    }
    Ok(probe)
}

/// One probe.
pub async fn probe(tx: &mut TenantTx, id: LineProbeId) -> Result<LineProbe, Error> {
    let now = tx.at();
    Ok(late(now, store::probe(tx, id).await?.ok_or(Error::ProbeNotFound(id))?))
}

/// A page of a line's probes, the newest first.
pub async fn probes(tx: &mut TenantTx, id: SubscriptionId, page: Page) -> Result<Vec<LineProbe>, Error> {
    subscriptions::subscription(tx, id).await?;
    let now = tx.at();
    Ok(store::probes(tx, id, page).await?.into_iter().map(|probe| late(now, probe)).collect())
}

/// What nobody answered for too long is not answered any more.
fn late(now: DateTime<Utc>, mut probe: LineProbe) -> LineProbe {
    let due = probe.asked_at + PATIENCE;
    if probe.state == State::Asked && now >= due {
        (probe.state, probe.ended_at) = (State::NoAnswer, Some(due));
    }
    probe
}

/// Lines a session's router is to probe now, each once. An agent that does not know how is not asked.
pub async fn due(tx: &mut TenantTx, session: Session) -> Result<Vec<(LineProbeId, SubscriptionId)>, Error> {
    let since = tx.at() - PATIENCE;
    if session.rev < SINCE_REV {
        for _ in 0..store::give_up(tx, session.agent, since, State::TooOld).await? {
            count(State::TooOld);
        }
        return Ok(Vec::new());
    }
    Ok(store::take(tx, session.agent, since).await?)
}

/// Keeps what an agent answered to a probe of its own; again, or to another's, it is nothing.
pub async fn answered(app: &App, session: Session, result: &CommandResult) -> Result<(), Error> {
    let Ok(id) = uuid::Uuid::from_slice(&result.id) else { return Ok(()) };
    let id = LineProbeId::from(id);
    let mut tx = session.begin(app).await?;
    let since = tx.at() - ANSWERS_FOR;
    let Some(line) = store::waiting(&mut tx, id, session.agent, since).await? else { return Ok(()) };
    let state = match &result.outcome {
        Some(command_result::Outcome::Probed(probed)) => {
            let line = subscriptions::subscription(&mut tx, line).await?;
            let measured = read(probed, (line.rate_down_bps, line.rate_up_bps));
            store::end(&mut tx, id, State::Answered, "", Some(verdict(&measured)), Some(&measured)).await?;
            State::Answered
        }
        Some(command_result::Outcome::Refused(refused)) => {
            let detail: String = refused.text.chars().take(DETAIL_MAX).collect();
            store::end(&mut tx, id, State::Refused, &detail, None, None).await?;
            State::Refused
        }
        Some(command_result::Outcome::Diagnosed(_) | command_result::Outcome::Unknown(_)) | None => return Ok(()),
    };
    tx.commit().await?;
    count(state);
    Ok(())
}

fn count(state: State) {
    metrics::counter!("weir_line_probes_total", "outcome" => state.name()).increment(1);
}

/// What an agent measured, as it is kept.
fn read(probed: &Probed, (sold_down_bps, sold_up_bps): (i64, i64)) -> Measured {
    let access = match probed.access() {
        Access::Unspecified | Access::Open => "open",
        Access::Throttled => "throttled",
        Access::WalledGarden => "walled_garden",
        Access::Closed => "closed",
    };
    let rate = |bps: u64| i64::try_from(bps).unwrap_or(i64::MAX);
    Measured {
        span_ms: probed.span_ms,
        access: access.to_owned(),
        rate_down_bps: rate(probed.rate_down_bps),
        rate_up_bps: rate(probed.rate_up_bps),
        sold_down_bps,
        sold_up_bps,
        down: way(probed.down.as_ref()),
        up: way(probed.up.as_ref()),
        echoes: probed.echoes.iter().take(HOSTS_MAX).filter_map(echoes).collect(),
    }
}

/// Hosts one probe may name.
const HOSTS_MAX: usize = 8;

fn way(way: Option<&Way>) -> WayNow {
    way.map_or(WayNow::default(), |way| WayNow {
        delay_us: way.delay_us,
        delay_max_us: way.delay_max_us,
        full_permille: way.full_permille.min(1000),
        used_permille: way.used_permille.min(1000),
        dropped_packets: way.dropped_packets,
        marked_packets: way.marked_packets,
    })
}

fn echoes(echoes: &Echoes) -> Option<EchoesNow> {
    use weir_protocol::quality::Role as Told;
    let role = match echoes.role() {
        Told::Subscriber => Role::Subscriber,
        Told::Gateway => Role::Gateway,
        Told::Anchor => Role::Anchor,
    };
    (echoes.answered <= echoes.asked).then_some(EchoesNow {
        role,
        address: address(&echoes.address)?.to_string(),
        asked: echoes.asked,
        answered: echoes.answered,
        rtt_p50_us: echoes.rtt_p50_us,
        rtt_p95_us: echoes.rtt_p95_us,
    })
}
