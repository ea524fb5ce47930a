//! What a gateway reads and writes for a connected agent. Every write checks that the session still owns the agent.

use chrono::{DateTime, Utc};
use prost::Message;
use uuid::Uuid;
use weir_protocol::control::{Hello, StreamPosition, Verdict};
use weir_protocol::desired::{Access, Kind, Line};
use weir_protocol::state::{ApplyReport, Down, Object, ObjectKey, ObjectResult, Status};
use weir_protocol::{PROTO_REV, hash};

use super::jobs::RefreshMetered;
use super::{Error, clocks, clones, port_blocks, positions, store};
use crate::app::App;
use crate::db::{Actor, Scope, TenantTx};
use crate::ids::{AgentId, TenantId};
use crate::{jobs, translation};

/// Late records that come within so long are told of together, seconds.
const LATE_SECONDS: i64 = 10;
/// The first revision whose agents know what a line's identities are.
const IDENTITIES_SINCE_REV: u32 = 4;
/// The first revision whose agents know of which lineage a change is that names none, and take a part of a digest.
const BRIEF_SINCE_REV: u32 = 8;
/// What they are told of a digest, bytes.
const DIGEST_BRIEF: usize = 8;
/// The first revision whose agents know what it means that the cloud was restored.
const RESTORED_SINCE_REV: u32 = 9;
/// What an agent says of a line that goes once somebody confirms it.
const REMOVAL_HELD: &str = "removal-held";
/// Length of a tally's name.
const TALLY_BYTES: usize = 8;

/// A connected agent, and the session that may write for it.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Whose agent.
    pub tenant: TenantId,
    /// Which.
    pub agent: AgentId,
    /// The newest session; all others are fenced.
    pub id: i64,
    /// The revision of the messages that both sides speak.
    pub rev: u32,
}

/// Where an agent is connected.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The gateway's name.
    pub gateway: &'a str,
    /// What the connection goes over: `quic` or `tcp`.
    pub over: &'a str,
    /// The root of the certificate that was shown, where one was.
    pub root: Option<Uuid>,
}

impl<'a> From<&'a str> for At<'a> {
    fn from(gateway: &'a str) -> Self {
        Self { gateway, over: "quic", root: None }
    }
}

/// How a session begins.
pub struct Opened {
    /// The session.
    pub session: Session,
    /// Lineage of the desired state.
    pub lineage: Uuid,
    /// The generation the agent holds whole; `None` if it must be told everything.
    pub held: Option<u64>,
    /// Where each epoch the agent holds stands.
    pub streams: Vec<StreamPosition>,
    /// The database is of an earlier time than the agent may be, and nobody has said that what it wants is right: the agent,
    /// if it knows that word, takes nothing away from any line meanwhile.
    pub restored: bool,
}

impl Session {
    /// On behalf of its agent.
    pub(crate) fn scope(self) -> Scope {
        Scope { tenant: self.tenant, actor: Actor::Agent(self.agent) }
    }

    /// A transaction that no older session can have.
    pub async fn begin(self, app: &App) -> Result<TenantTx, Error> {
        let tx = app.db.begin(&self.scope()).await?;
        self.owning(tx).await
    }

    /// The same, with the agent's router locked: before the agent itself, as whoever changes what it should hold does.
    pub async fn begin_at_router(self, app: &App) -> Result<TenantTx, Error> {
        let mut tx = app.db.begin(&self.scope()).await?;
        store::lock_router_of_agent(&mut tx, self.agent).await?;
        self.owning(tx).await
    }

    async fn owning(self, mut tx: TenantTx) -> Result<TenantTx, Error> {
        match store::agents::owner(&mut tx, self.agent).await? {
            None => Err(Error::Revoked),
            Some(owner) if owner != Some(self.id) => Err(Error::Fenced),
            Some(_) => Ok(tx),
        }
    }
}

/// Opens a session; `None` if the agent is unknown or revoked.
pub async fn open<'a>(
    app: &App,
    tenant: TenantId,
    agent: AgentId,
    hello: &Hello,
    at: impl Into<At<'a>>,
) -> Result<Option<Opened>, Error> {
    let random: [u8; 8] = crate::secrets::random()?;
    let session = Session { tenant, agent, id: i64::from_le_bytes(random), rev: PROTO_REV.min(hello.proto_rev) };
    let mut tx = app.db.begin(&session.scope()).await?;
    let Some(taken) = store::agents::take_over(&mut tx, session, hello, at.into()).await? else { return Ok(None) };
    let lineage = taken.state_lineage;
    if hello.tally.len() == TALLY_BYTES && store::agents::set_tally(&mut tx, agent, &hello.tally).await? {
        let (now, reason) = (tx.at(), format!("tally {}", hex::encode(&hello.tally)));
        jobs::enqueue(&mut tx, &RefreshMetered { agent, reason }, now).await?;
    }
    let held = held(&mut tx, agent, lineage, hello).await?;
    let streams = positions::of(&mut tx, session, &hello.epochs).await?;
    let forked = streams.last().is_some_and(|current| current.verdict() == Verdict::Fork);
    clocks::note(&mut tx, agent, hello, taken.known.boot_id.as_ref() != Some(&hello.boot_id)).await?;
    clones::watch(&mut tx, agent, taken.known, &hello.boot_id, forked).await?;
    tx.commit().await?;
    let restored = taken.restored && session.rev >= RESTORED_SINCE_REV;
    Ok(Some(Opened { session, lineage, held, streams, restored }))
}

/// The generation an agent holds whole; `None` if it must be told everything: it is of another lineage, or says it holds
/// the newest generation and means other objects.
async fn held(tx: &mut TenantTx, agent: AgentId, lineage: Uuid, hello: &Hello) -> Result<Option<u64>, Error> {
    if hello.state_lineage != lineage.as_bytes() {
        return Ok(None);
    }
    let newest = store::agents::desired_gen(tx, agent).await?.unsigned_abs();
    if hello.state_gen == newest && hello.state_digest != digest(tx, agent).await? {
        tracing::warn!(%agent, generation = newest, "the agent lost a part of its desired state");
        return Ok(None);
    }
    Ok(Some(hello.state_gen))
}

/// What everything an agent should hold hashes to: reckoned once, and kept with each change from then on.
async fn digest(tx: &mut TenantTx, agent: AgentId) -> Result<Vec<u8>, Error> {
    if let Some(kept) = store::agents::desired_digest(tx, agent).await? {
        return Ok(kept);
    }
    let mut digest = hash::GENESIS;
    for object in store::agents::desired_since(tx, agent, 0).await?.iter().filter(|object| !object.removed) {
        let revision = object.revision.unsigned_abs();
        hash::fold(
            &mut digest,
            &hash::object(object.kind.unsigned_abs(), object.object_id.as_bytes(), revision, &object.body),
        );
    }
    store::agents::set_desired_digest(tx, agent, &digest).await?;
    Ok(digest.to_vec())
}

/// What an agent that holds `gen_held` of `lineage_held` must be told; `None` if it holds everything.
pub async fn changes(app: &App, session: Session, lineage: Uuid, gen_held: Option<u64>) -> Result<Option<Down>, Error> {
    let mut tx = session.begin(app).await?;
    let to = store::agents::desired_gen(&mut tx, session.agent).await?;
    if gen_held == Some(to.unsigned_abs()) {
        return Ok(None);
    }
    let mut digest_after = digest(&mut tx, session.agent).await?;
    let since = gen_held.map(|held| i64::try_from(held).unwrap_or(i64::MAX));
    let confirmed = store::agents::removals_confirmed(&mut tx, session.agent).await?;
    let (mut upserts, mut removes, mut more_went) = (Vec::new(), Vec::new(), false);
    for object in store::agents::desired_since(&mut tx, session.agent, since.unwrap_or(0)).await? {
        let (kind, id) = (object.kind.unsigned_abs(), object.object_id.as_bytes().to_vec());
        more_went |= object.generation > confirmed && (object.removed || is_held_line(kind, &object.body));
        if !object.removed {
            let revision = object.revision.unsigned_abs();
            let needs_rev = needs_rev(kind, &object.body);
            upserts.push(Object { kind, id, revision, body: object.body, needs_rev });
        } else if since.is_some() {
            removes.push(ObjectKey { kind, id });
        }
    }
    tx.commit().await?;
    let brief = gen_held.is_some() && session.rev >= BRIEF_SINCE_REV;
    digest_after.truncate(if brief { DIGEST_BRIEF } else { digest_after.len() });
    Ok(Some(Down {
        lineage: if brief { Vec::new() } else { lineage.as_bytes().to_vec() },
        from_gen: gen_held.unwrap_or(0),
        to_gen: to.unsigned_abs(),
        snapshot: gen_held.is_none(),
        upserts,
        removes,
        digest_after,
        // Never with everything, or with what took something away since: nobody has seen that yet.
        removals_confirmed: since.is_some_and(|since| confirmed > since) && !more_went,
    }))
}

/// The revision an agent must have to know what an object says. Who is known by identities alone is nobody to an agent that
/// knows none: it says so, instead of holding a line without addresses. What one does not know of fair use it passes over: rather a
/// line without its boost than one that keeps a hold it was released from.
fn needs_rev(kind: u32, body: &[u8]) -> u32 {
    if Kind::from_u32(kind) != Some(Kind::Line) {
        return 0;
    }
    let Ok(line) = Line::decode(body) else { return 0 };
    if line.prefixes.is_empty() && !line.identities.is_empty() { IDENTITIES_SINCE_REV } else { 0 }
}

/// Whether an object is a line that may not do everything.
fn is_held_line(kind: u32, body: &[u8]) -> bool {
    let line = Kind::from_u32(kind).filter(|kind| *kind == Kind::Line).and_then(|_| Line::decode(body).ok());
    line.is_some_and(|line| line.access() > Access::Open)
}

/// Notes how far a generation came.
pub async fn acknowledge(app: &App, session: Session, generation: u64, persisted: bool) -> Result<(), Error> {
    let mut tx = session.begin(app).await?;
    store::agents::set_acknowledged(&mut tx, session.agent, in_database(generation), persisted).await?;
    Ok(tx.commit().await?)
}

fn in_database(generation: u64) -> i64 {
    i64::try_from(generation).unwrap_or(i64::MAX)
}

/// Notes what an agent read back from its kernel, and how far the generation came where the report says so.
pub async fn report(app: &App, session: Session, report: &ApplyReport) -> Result<(), Error> {
    let mut tx = session.begin(app).await?;
    let mut unknown_held = 0;
    for result in &report.results {
        if let Ok(id) = Uuid::from_slice(&result.id) {
            let (status, access) = (status_name(result), access_name(result));
            let known = store::agents::put_applied(&mut tx, session.agent, id, result, status, access).await?;
            unknown_held += i32::from(!known && result.code == REMOVAL_HELD);
        }
    }
    if report.complete {
        store::held::set_unknown(&mut tx, session.agent, unknown_held).await?;
    }
    let generation = in_database(report.generation);
    if let Some(persisted) = report.persisted {
        store::agents::set_acknowledged(&mut tx, session.agent, generation, persisted).await?;
    }
    store::agents::set_applied_gen(&mut tx, session.agent, generation).await?;
    let translates = translation::awaits_reports(&mut tx, session.agent).await?;
    tx.commit().await?;
    if translates { port_blocks::report(app, session, report).await } else { Ok(()) }
}

fn status_name(result: &ObjectResult) -> &'static str {
    match result.status() {
        Status::Pending => "pending",
        Status::Applied => "applied",
        Status::Failed => "failed",
        Status::Rejected => "rejected",
        Status::Unsupported => "unsupported",
        Status::Removed => "removed",
    }
}

fn access_name(result: &ObjectResult) -> Option<&'static str> {
    match result.observed.as_ref()?.access() {
        Access::Unspecified => None,
        Access::Open => Some("open"),
        Access::Throttled => Some("throttled"),
        Access::WalledGarden => Some("walled_garden"),
        Access::Closed => Some("closed"),
    }
}

/// Notes that an agent's session ended.
pub async fn ended(app: &App, session: Session) -> Result<(), Error> {
    let mut tx = session.begin(app).await?;
    store::agents::set_ended(&mut tx, session.agent).await?;
    Ok(tx.commit().await?)
}

/// The router an agent runs on.
pub async fn router(app: &App, session: Session) -> Result<crate::ids::RouterId, Error> {
    let mut tx = session.begin(app).await?;
    Ok(super::agent(&mut tx, session.agent).await?.router_id)
}

/// Whether records of this tally are such as the agent counts itself; others change what it must be told.
pub async fn counts_in(tx: &mut TenantTx, agent: AgentId, tally: Option<&[u8]>) -> Result<bool, Error> {
    Ok(store::agents::tally(tx, agent).await?.as_deref() == tally)
}

/// Has the agent told anew what it does not count itself: once for all records that come within a while, after them.
pub async fn refresh_metered(tx: &mut TenantTx, agent: AgentId) -> Result<(), Error> {
    let while_of = tx.at().timestamp() / LATE_SECONDS;
    let reason = format!("late records {while_of}");
    let after = DateTime::from_timestamp((while_of + 2) * LATE_SECONDS, 0).unwrap_or(tx.at());
    Ok(jobs::enqueue(tx, &RefreshMetered { agent, reason }, after).await?)
}

/// An instant an agent told that a database can hold; none for 0.
pub fn instant(at_ms: u64) -> Option<DateTime<Utc>> {
    const YEAR_3000_MS: u64 = 32_503_680_000_000;
    let told = Some(at_ms).filter(|at_ms| (1..YEAR_3000_MS).contains(at_ms))?;
    i64::try_from(told).ok().and_then(DateTime::from_timestamp_millis)
}
