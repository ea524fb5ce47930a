//! What routers wanted people to know: kept for a while, and read beside the router.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use weir_protocol::control;

use super::Error;
use super::sessions::Session;
use super::store::{agents, events as store};
use crate::app::App;
use crate::db::{Actor, Scope, TenantTx};
use crate::http::paging::Page;
use crate::ids::{AgentId, RouterId, TenantId};
use crate::network;

/// How long events are kept.
pub const KEPT: TimeDelta = TimeDelta::days(90);

/// Refusals of an agent's records that are kept of a day: more tell nobody more.
const REFUSALS_A_DAY: i64 = 200;
const ID_BYTES: usize = 16;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = RouterEventSeverity)]
pub enum Severity {
    /// Worth keeping.
    Info,
    /// Worth a look.
    Warning,
    /// Needs a person.
    Critical,
}

impl Severity {
    /// All there are, the least first.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    /// The name it has in the API, in the database and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// Something a router wanted people to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RouterEvent)]
pub struct Event {
    /// Which.
    pub id: Uuid,
    /// What it is, a stable name.
    #[schema(example = "counter-regression")]
    pub kind: String,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened, by the router's own clock.
    pub at: DateTime<Utc>,
    /// When it was told; later than it happened if the router was away.
    pub received_at: DateTime<Utc>,
    /// One plain sentence.
    pub text: String,
}

/// A page of what a router told, what was told last first; of one severity alone if that is asked for.
pub async fn of_router(
    tx: &mut TenantTx,
    router: RouterId,
    severity: Option<Severity>,
    page: Page,
) -> Result<Vec<Event>, Error> {
    network::router(tx, router).await?;
    Ok(store::of_router(tx, router, severity, page).await?)
}

/// What only the cloud says of a router.
const OF_THE_CLOUD: [&str; 9] = [
    "agent-misbehaved",
    "certificate-ended",
    "certificate-ending",
    "certificate-replaced",
    "clone-suspected",
    "usage-gap",
    "usage-gap-filled",
    "usage-refused",
    "usage-superseded",
];

/// Keeps what an agent wanted people to know, under an id that is none of those the cloud gives.
pub async fn told(app: &App, session: Session, event: &control::Event) -> Result<(), Error> {
    if event.id.len() != ID_BYTES || OF_THE_CLOUD.contains(&event.kind.as_str()) {
        return Ok(());
    }
    let id = id_of(&[b"told".as_slice(), &event.id].concat());
    let mut tx = session.begin(app).await?;
    agents::insert_event(&mut tx, session.agent, id, event).await?;
    Ok(tx.commit().await?)
}

fn id_of(name: &[u8]) -> Uuid {
    let mut id = [0; ID_BYTES];
    blake3::Hasher::new().update(name).finalize_xof().fill(&mut id);
    Uuid::from_bytes(id)
}

/// Keeps that a record of an agent was refused; of too many a day, not of each.
pub(crate) async fn refused(app: &App, session: Session, event: &control::Event) -> Result<(), Error> {
    let Ok(id) = Uuid::from_slice(&event.id) else { return Ok(()) };
    let mut tx = session.begin(app).await?;
    let since = tx.at() - TimeDelta::days(1);
    if store::count_since(&mut tx, session.agent, &event.kind, since).await? < REFUSALS_A_DAY {
        agents::insert_event(&mut tx, session.agent, id, event).await?;
    }
    Ok(tx.commit().await?)
}

/// Keeps that an agent did what no agent does: the first time a day for each kind of it.
pub async fn misbehaved(
    app: &App,
    (tenant, agent): (TenantId, AgentId),
    what: &str,
    text: String,
) -> Result<(), Error> {
    let mut tx = app.db.begin(&Scope { tenant, actor: Actor::Agent(agent) }).await?;
    // Of one that may not connect any more, nobody needs to hear.
    if agents::owner(&mut tx, agent).await?.is_none() {
        return Ok(());
    }
    first_of_day(&mut tx, agent, ("agent-misbehaved", what), control::Severity::Critical, text).await?;
    Ok(tx.commit().await?)
}

/// Keeps what may happen again and again: the first time a day for each kind of it.
pub(crate) async fn first_of_day(
    tx: &mut TenantTx,
    agent: AgentId,
    (kind, what): (&str, &str),
    severity: control::Severity,
    text: String,
) -> Result<(), Error> {
    let day = tx.at().date_naive();
    once(tx, agent, (kind, &format!("{what} {day}")), severity, text).await
}

/// Keeps what may be found again and again: once for each thing it is of.
pub(crate) async fn once(
    tx: &mut TenantTx,
    agent: AgentId,
    (kind, of): (&str, &str),
    severity: control::Severity,
    text: String,
) -> Result<(), Error> {
    let id = id_of(format!("{kind} {of}").as_bytes());
    let wall_ms = tx.at().timestamp_millis().unsigned_abs();
    let (kind, severity) = (kind.to_owned(), severity.into());
    let event = control::Event { kind, severity, wall_ms, text, ..control::Event::default() };
    Ok(agents::insert_event(tx, agent, id, &event).await?)
}
