//! SQL of probes.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AgentId, LineProbeId, RouterId, SubscriptionId};
use crate::quality::probes::{LineProbe, State};
use crate::quality::verdict::{Measured, Verdict};

struct ProbeRow {
    id: LineProbeId,
    subscription_id: SubscriptionId,
    asked_at: DateTime<Utc>,
    asked_by: String,
    state: State,
    ended_at: Option<DateTime<Utc>>,
    detail: String,
    verdict: Option<Verdict>,
    measured: Option<Json<Measured>>,
}

impl From<ProbeRow> for LineProbe {
    fn from(row: ProbeRow) -> Self {
        let ProbeRow { id, subscription_id, asked_at, asked_by, state, ended_at, detail, verdict, measured } = row;
        let measured = measured.map(|Json(measured)| measured);
        Self { id, subscription_id, asked_at, asked_by, state, ended_at, detail, verdict, measured }
    }
}

/// Serialises who asks about a router's lines, and nothing else.
pub async fn lock(tx: &mut TenantTx, router: RouterId) -> Result<(), sqlx::Error> {
    let name = format!("line-probes {router}");
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

/// When a line was last asked about.
pub async fn last_asked(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT max(asked_at) FROM line_probes WHERE subscription_id = $1", id.uuid())
        .fetch_one(tx.conn())
        .await
}

/// How often a router's lines were asked about since then.
pub async fn asked_since(tx: &mut TenantTx, router: RouterId, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    let asked = sqlx::query_scalar!(
        "SELECT count(*) FROM line_probes WHERE router_id = $1 AND asked_at > $2",
        router.uuid(),
        since
    );
    Ok(asked.fetch_one(tx.conn()).await?.unwrap_or(0))
}

pub async fn insert(
    tx: &mut TenantTx,
    probe: &LineProbe,
    router: RouterId,
    agent: Option<AgentId>,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO line_probes (tenant_id, id, subscription_id, router_id, agent_id, asked_at, asked_by, state, ended_at, verdict)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        probe.id.uuid(),
        probe.subscription_id.uuid(),
        router.uuid(),
        agent.map(AgentId::uuid),
        probe.asked_at,
        probe.asked_by,
        probe.state.name(),
        probe.ended_at,
        probe.verdict.map(Verdict::name)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn probe(tx: &mut TenantTx, id: LineProbeId) -> Result<Option<LineProbe>, sqlx::Error> {
    let row = sqlx::query_as!(
        ProbeRow,
        r#"SELECT id AS "id: _", subscription_id AS "subscription_id: _", asked_at, asked_by, state AS "state: _", ended_at, detail,
                  verdict AS "verdict: _", measured AS "measured: _"
           FROM line_probes WHERE id = $1"#,
        id.uuid()
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(Into::into))
}

pub async fn probes(tx: &mut TenantTx, id: SubscriptionId, page: Page) -> Result<Vec<LineProbe>, sqlx::Error> {
    let rows = sqlx::query_as!(
        ProbeRow,
        r#"SELECT id AS "id: _", subscription_id AS "subscription_id: _", asked_at, asked_by, state AS "state: _", ended_at, detail,
                  verdict AS "verdict: _", measured AS "measured: _"
           FROM line_probes WHERE subscription_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        id.uuid(),
        page.after,
        page.fetch()
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(Into::into).collect())
}

/// What an agent is to probe and was not told of yet; it counts as told.
pub async fn take(
    tx: &mut TenantTx,
    agent: AgentId,
    since: DateTime<Utc>,
) -> Result<Vec<(LineProbeId, SubscriptionId)>, sqlx::Error> {
    let now = tx.at();
    let rows = sqlx::query!(
        r#"UPDATE line_probes SET sent_at = $3 WHERE agent_id = $1 AND state = 'asked' AND sent_at IS NULL AND asked_at > $2
           RETURNING id AS "id: LineProbeId", subscription_id AS "line: SubscriptionId""#,
        agent.uuid(),
        since,
        now
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(|row| (row.id, row.line)).collect())
}

/// Ends what an agent was asked for since then; answers how many.
pub async fn give_up(
    tx: &mut TenantTx,
    agent: AgentId,
    since: DateTime<Utc>,
    state: State,
) -> Result<u64, sqlx::Error> {
    let now = tx.at();
    let ended = sqlx::query!(
        "UPDATE line_probes SET state = $2, ended_at = $3 WHERE agent_id = $1 AND state = 'asked' AND asked_at > $4",
        agent.uuid(),
        state.name(),
        now,
        since
    );
    Ok(ended.execute(tx.conn()).await?.rows_affected())
}

/// The line of a probe an agent was asked for since then.
pub async fn waiting(
    tx: &mut TenantTx,
    id: LineProbeId,
    agent: AgentId,
    since: DateTime<Utc>,
) -> Result<Option<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT subscription_id AS "line: SubscriptionId" FROM line_probes
           WHERE id = $1 AND agent_id = $2 AND state = 'asked' AND asked_at > $3 FOR UPDATE"#,
        id.uuid(),
        agent.uuid(),
        since
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn end(
    tx: &mut TenantTx,
    id: LineProbeId,
    state: State,
    detail: &str,
    verdict: Option<Verdict>,
    measured: Option<&Measured>,
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE line_probes SET state = $2, ended_at = $3, detail = $4, verdict = $5, measured = $6 WHERE id = $1",
        id.uuid(),
        state.name(),
        now,
        detail,
        verdict.map(Verdict::name),
        measured.map(Json) as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn forget(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM line_probes WHERE asked_at < $1", before).execute(tx.conn()).await?;
    Ok(())
}
