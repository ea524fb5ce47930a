//! SQL of agents, tokens and what agents report.

use chrono::{DateTime, Utc};
use uuid::Uuid;
use weir_protocol::control::{Event, Hello, Severity};
use weir_protocol::hash;
use weir_protocol::state::ObjectResult;

use crate::db::{PlatformTx, TenantTx};
use crate::fleet::authority::AgentCertificate;
use crate::fleet::clones::Known;
use crate::fleet::sessions::{At, Session};
use crate::ids::{AgentId, EnrollmentTokenId, RouterId, TenantId};

pub async fn insert_token(
    tx: &mut TenantTx,
    id: EnrollmentTokenId,
    router: RouterId,
    digest: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO platform.enrollment_tokens (id, tenant_id, router_id, secret_digest, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        tenant,
        router.uuid(),
        digest,
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct StoredToken {
    pub tenant: TenantId,
    pub router: RouterId,
    pub secret_digest: Vec<u8>,
    pub expires_at: DateTime<Utc>,
}

pub struct Used {
    pub by_key: Vec<u8>,
    pub agent: AgentId,
}

pub async fn token(tx: &mut PlatformTx, id: Uuid) -> Result<Option<StoredToken>, sqlx::Error> {
    sqlx::query_as!(
        StoredToken,
        r#"SELECT tenant_id AS "tenant: _", router_id AS "router: _", secret_digest, expires_at FROM platform.enrollment_tokens WHERE id = $1"#,
        id
    )
    .fetch_optional(tx.conn())
    .await
}

/// Locks a token and tells who used it.
pub async fn lock_token(tx: &mut TenantTx, id: Uuid) -> Result<Option<Used>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT used_by_key, agent_id AS "agent_id: AgentId" FROM platform.enrollment_tokens WHERE id = $1 FOR UPDATE"#,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.and_then(|row| Some(Used { by_key: row.used_by_key?, agent: row.agent_id? })))
}

pub async fn use_token(tx: &mut TenantTx, id: Uuid, key: &[u8], agent: AgentId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE platform.enrollment_tokens SET used_at = $2, used_by_key = $3, agent_id = $4 WHERE id = $1",
        id,
        now,
        key,
        agent.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Revokes a router's agent; tells which it was.
pub async fn revoke_of_router(tx: &mut TenantTx, router: RouterId) -> Result<Option<AgentId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"UPDATE agents SET revoked_at = $2, session_id = NULL WHERE router_id = $1 AND revoked_at IS NULL RETURNING id AS "id: AgentId""#,
        router.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// Forgets what a router's agent learned of addresses: nobody tells any more when it is over.
pub async fn forget_learned(tx: &mut TenantTx, router: RouterId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM learned_prefixes l USING subscriptions s
         WHERE s.tenant_id = l.tenant_id AND s.id = l.subscription_id AND s.router_id = $1",
        router.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_agent(
    tx: &mut TenantTx,
    id: AgentId,
    router: RouterId,
    certificate: &AgentCertificate,
    hostname: &str,
    lineage: Uuid,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO agents (tenant_id, id, router_id, key_sha256, certificate, certificate_until, hostname, enrolled_at, state_lineage, authority_id)
         VALUES ($1, $2, $3, $4, $5, $6, left($7, 253), $8, $9, $10)",
        tenant,
        id.uuid(),
        router.uuid(),
        certificate.key_sha256,
        &certificate.der[..],
        certificate.until,
        hostname,
        now,
        lineage,
        certificate.root
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a session that takes over finds.
pub struct TakenOver {
    pub state_lineage: Uuid,
    /// The database is of an earlier time than its routers, and nobody has said that what it wants is right.
    pub restored: bool,
    pub known: Known,
}

/// Makes a session the owner of its agent; `None` if there is no such agent or it was revoked.
pub async fn take_over(
    tx: &mut TenantTx,
    session: Session,
    hello: &Hello,
    at: At<'_>,
) -> Result<Option<TakenOver>, sqlx::Error> {
    let now = tx.at();
    let row = sqlx::query!(
        r#"UPDATE agents SET session_id = $2, gateway = $3, connected_at = $4, disconnected_at = NULL, last_seen_at = $4,
                  version = left($5, 64), kernel = left($6, 128), capabilities = $7,
                  trust_digest = CASE WHEN length($8::bytea) = 8 THEN $8 END, transport = $9,
                  shown_authority_id = $10
           WHERE id = $1 AND revoked_at IS NULL
           RETURNING state_lineage, boot_id, boot_before, clone_signs, clone_signs_since,
                     EXISTS (SELECT FROM tenants t WHERE t.tenant_id = agents.tenant_id AND t.restored_at IS NOT NULL) AS "restored!""#,
        session.agent.uuid(),
        session.id,
        at.gateway,
        now,
        hello.agent_version,
        hello.kernel,
        &hello.capabilities,
        hello.trust_digest,
        at.over,
        at.root
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| TakenOver {
        state_lineage: row.state_lineage,
        restored: row.restored,
        known: Known {
            boot_id: row.boot_id,
            boot_before: row.boot_before,
            signs: row.clone_signs,
            signs_since: row.clone_signs_since,
        },
    }))
}

/// When two machines were last seen to speak as an agent.
pub async fn clone_suspected_at(tx: &mut TenantTx, agent: AgentId) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT clone_suspected_at FROM agents WHERE id = $1", agent.uuid()).fetch_one(tx.conn()).await
}

/// Notes which tally an agent counts in; says whether it is another than before.
pub async fn set_tally(tx: &mut TenantTx, agent: AgentId, tally: &[u8]) -> Result<bool, sqlx::Error> {
    let changed =
        sqlx::query!("UPDATE agents SET tally = $2 WHERE id = $1 AND tally IS DISTINCT FROM $2", agent.uuid(), tally)
            .execute(tx.conn())
            .await?;
    Ok(changed.rows_affected() == 1)
}

/// The tally an agent counts in.
pub async fn tally(tx: &mut TenantTx, agent: AgentId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT tally FROM agents WHERE id = $1", agent.uuid()).fetch_one(tx.conn()).await
}

/// The session that owns an agent, its row locked until the transaction ends; `None` if the agent was revoked.
pub async fn owner(tx: &mut TenantTx, agent: AgentId) -> Result<Option<Option<i64>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT session_id FROM agents WHERE id = $1 AND revoked_at IS NULL FOR UPDATE", agent.uuid())
        .fetch_optional(tx.conn())
        .await
}

pub async fn desired_gen(tx: &mut TenantTx, agent: AgentId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT desired_gen FROM agents WHERE id = $1", agent.uuid()).fetch_one(tx.conn()).await
}

/// Up to which generation somebody confirmed what the agent holds back.
pub async fn removals_confirmed(tx: &mut TenantTx, agent: AgentId) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!("SELECT removals_confirmed_gen FROM agents WHERE id = $1", agent.uuid())
        .fetch_one(tx.conn())
        .await
}

/// What all objects of an agent hash to together; `None` if that was not reckoned yet.
pub async fn desired_digest(tx: &mut TenantTx, agent: AgentId) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT desired_digest FROM agents WHERE id = $1", agent.uuid()).fetch_one(tx.conn()).await
}

pub async fn set_desired_digest(tx: &mut TenantTx, agent: AgentId, digest: &hash::Hash) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE agents SET desired_digest = $2 WHERE id = $1", agent.uuid(), &digest[..])
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Makes a generation of the confirmation alone.
pub async fn confirm_removals(tx: &mut TenantTx, agent: AgentId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE agents SET desired_gen = desired_gen + 1, removals_confirmed_gen = desired_gen + 1 WHERE id = $1",
        agent.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct DesiredRow {
    pub kind: i32,
    pub object_id: Uuid,
    pub revision: i64,
    pub generation: i64,
    pub body: Vec<u8>,
    pub removed: bool,
}

pub async fn desired_since(tx: &mut TenantTx, agent: AgentId, generation: i64) -> Result<Vec<DesiredRow>, sqlx::Error> {
    sqlx::query_as!(
        DesiredRow,
        "SELECT kind, object_id, revision, generation, body, removed FROM desired_objects
         WHERE agent_id = $1 AND generation > $2 ORDER BY generation",
        agent.uuid(),
        generation
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn set_acknowledged(
    tx: &mut TenantTx,
    agent: AgentId,
    generation: i64,
    persisted: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE agents SET received_gen = $2, persisted_gen = CASE WHEN $3 THEN $2 ELSE persisted_gen END WHERE id = $1",
        agent.uuid(),
        generation,
        persisted
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_applied_gen(tx: &mut TenantTx, agent: AgentId, generation: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE agents SET applied_gen = $2 WHERE id = $1", agent.uuid(), generation)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Keeps what became of an object; says whether it is one the agent was told.
pub async fn put_applied(
    tx: &mut TenantTx,
    agent: AgentId,
    id: Uuid,
    result: &ObjectResult,
    status: &str,
    access: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let bps = |rate: u64| i64::try_from(rate).unwrap_or(i64::MAX);
    let observed = result.observed.as_ref();
    // Of what it was never told, an agent can tell nothing.
    let kept = sqlx::query!(
        "INSERT INTO applied_objects (tenant_id, agent_id, kind, object_id, revision, status, code, detail, rate_down_bps, rate_up_bps, access, reported_at)
         SELECT $1, $2, $3, $4, $5, $6, left($7, 64), left($8, 256), $9, $10, $11, $12
         WHERE EXISTS (SELECT FROM desired_objects d WHERE d.tenant_id = $1 AND d.agent_id = $2 AND d.kind = $3 AND d.object_id = $4)
         ON CONFLICT (tenant_id, agent_id, kind, object_id) DO UPDATE
         SET revision = excluded.revision, status = excluded.status, code = excluded.code, detail = excluded.detail,
             rate_down_bps = excluded.rate_down_bps, rate_up_bps = excluded.rate_up_bps, access = excluded.access, reported_at = excluded.reported_at",
        tenant,
        agent.uuid(),
        result.kind.cast_signed(),
        id,
        i64::try_from(result.revision).unwrap_or(i64::MAX),
        status,
        result.code,
        result.detail,
        observed.map(|line| bps(line.rate_down_bps)),
        observed.map(|line| bps(line.rate_up_bps)),
        access,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(kept.rows_affected() > 0)
}

pub async fn set_ended(tx: &mut TenantTx, agent: AgentId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE agents SET last_seen_at = $2, disconnected_at = $2 WHERE id = $1", agent.uuid(), now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert_event(tx: &mut TenantTx, agent: AgentId, id: Uuid, event: &Event) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let severity = match event.severity() {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    let at = i64::try_from(event.wall_ms).ok().and_then(DateTime::from_timestamp_millis).unwrap_or(now);
    sqlx::query!(
        "INSERT INTO agent_events (tenant_id, agent_id, id, kind, severity, at, text, received_at)
         VALUES ($1, $2, $3, left($4, 64), $5, $6, left($7, 1000), $8) ON CONFLICT (tenant_id, agent_id, id) DO NOTHING",
        tenant,
        agent.uuid(),
        id,
        event.kind,
        severity,
        at,
        event.text,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct AgentRow {
    pub id: AgentId,
    pub router_id: RouterId,
    pub hostname: String,
    pub version: String,
    pub kernel: String,
    pub capabilities: Vec<String>,
    pub enrolled_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub connected_at: Option<DateTime<Utc>>,
    pub disconnected_at: Option<DateTime<Utc>>,
    pub last_seen_at: Option<DateTime<Utc>>,
    pub desired_gen: i64,
    pub persisted_gen: i64,
    pub applied_gen: i64,
    pub unclaimed_leases: Option<i32>,
    pub certificate_until: DateTime<Utc>,
    pub certificate_renewed_at: Option<DateTime<Utc>>,
    pub transport: Option<String>,
    pub metered: bool,
}

pub async fn agents(
    tx: &mut TenantTx,
    id: Option<AgentId>,
    router: Option<RouterId>,
    page: crate::http::paging::Page,
) -> Result<Vec<AgentRow>, sqlx::Error> {
    sqlx::query_as!(
        AgentRow,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", hostname, version, kernel, capabilities, enrolled_at, revoked_at,
                  connected_at, disconnected_at, last_seen_at, desired_gen, persisted_gen, applied_gen, unclaimed_leases,
                  certificate_until, certificate_renewed_at, transport,
                  (SELECT r.metered FROM routers r WHERE r.id = agents.router_id) AS "metered!"
           FROM agents WHERE ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR (router_id = $2 AND revoked_at IS NULL))
             AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        id.map(AgentId::uuid),
        router.map(RouterId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct AppliedRow {
    pub object_id: Uuid,
    pub desired: Option<Vec<u8>>,
    pub status: Option<String>,
    pub code: Option<String>,
    pub detail: Option<String>,
    pub rate_down_bps: Option<i64>,
    pub rate_up_bps: Option<i64>,
    pub access: Option<String>,
    pub reported_at: Option<DateTime<Utc>>,
}

/// Desired beside applied, for every line of an agent.
pub async fn lines(tx: &mut TenantTx, agent: AgentId) -> Result<Vec<AppliedRow>, sqlx::Error> {
    sqlx::query_as!(
        AppliedRow,
        r#"SELECT coalesce(d.object_id, a.object_id) AS "object_id!", d.body AS "desired?",
                  a.status AS "status?", a.code AS "code?", a.detail AS "detail?", a.rate_down_bps, a.rate_up_bps, a.access, a.reported_at AS "reported_at?"
           FROM (SELECT * FROM desired_objects WHERE agent_id = $1 AND kind = 2 AND NOT removed) d
           FULL JOIN (SELECT * FROM applied_objects WHERE agent_id = $1 AND kind = 2 AND status <> 'removed') a
             ON a.tenant_id = d.tenant_id AND a.object_id = d.object_id
           ORDER BY 1"#,
        agent.uuid()
    )
    .fetch_all(tx.conn())
    .await
}
