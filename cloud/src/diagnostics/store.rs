//! SQL of diagnoses.

use chrono::{DateTime, Utc};

use super::model::{Diagnosis, State, Tool};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AgentId, DiagnosisId, RouterId, SubscriptionId};

/// How much was asked lately.
pub struct Lately {
    /// Of the router.
    pub of_router: i64,
    /// Of all routers.
    pub in_all: i64,
    /// Of the router, and not over.
    pub open: i64,
}

/// What a gateway is to pass on.
pub struct Waiting {
    pub id: DiagnosisId,
    pub state: State,
    pub tool: Tool,
    pub subscription_id: Option<SubscriptionId>,
    pub target: String,
    pub server: String,
    pub seconds: i32,
    pub packets: i32,
    pub snap_bytes: i32,
}

/// A diagnosis that is not over.
pub struct Running {
    pub id: DiagnosisId,
    pub tool: Tool,
    pub bytes: i32,
}

/// Serialises who asks of an ISP's routers, and nothing else.
pub async fn lock(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    let name = format!("diagnoses {}", tx.tenant());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

/// How much was asked since then, and what of a router's is not over: what should have ended long ago is.
pub async fn lately(tx: &mut TenantTx, router: RouterId, since: DateTime<Utc>) -> Result<Lately, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Lately,
        r#"SELECT count(*) FILTER (WHERE router_id = $1 AND asked_at > $2) AS "of_router!",
                  count(*) FILTER (WHERE asked_at > $2) AS "in_all!",
                  count(*) FILTER (WHERE router_id = $1
                      AND ((state = 'asked' AND asked_at > $3::timestamptz - interval '15 seconds')
                        OR (state = 'running' AND sent_at + make_interval(secs => seconds + 45) > $3))) AS "open!"
           FROM diagnoses WHERE asked_at > $2::timestamptz - interval '2 minutes'"#,
        router.uuid(),
        since,
        now
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, one: &Diagnosis, agent: Option<AgentId>) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO diagnoses (tenant_id, id, router_id, agent_id, subscription_id, tool, target, server, reason, seconds, packets,
                                snap_bytes, asked_at, asked_by, waits, state, ended_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        tenant,
        one.id.uuid(),
        one.router_id.uuid(),
        agent.map(AgentId::uuid),
        one.subscription_id.map(SubscriptionId::uuid),
        one.tool.name(),
        one.target,
        one.server,
        one.reason,
        one.seconds,
        one.packets,
        one.snap_bytes,
        one.asked_at,
        one.asked_by,
        one.state == State::Asked,
        one.state.name(),
        one.ended_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn diagnosis(tx: &mut TenantTx, id: DiagnosisId) -> Result<Option<Diagnosis>, sqlx::Error> {
    sqlx::query_as!(
        Diagnosis,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", subscription_id AS "subscription_id: _", tool AS "tool: _", target,
                  server, reason, seconds, packets, snap_bytes, asked_at, asked_by, sent_at, state AS "state: _", ended_at, detail,
                  cut_short, parts, bytes
           FROM diagnoses WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The same, for whoever changes it.
pub async fn locked(tx: &mut TenantTx, id: DiagnosisId) -> Result<Option<Diagnosis>, sqlx::Error> {
    sqlx::query!("SELECT id FROM diagnoses WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    diagnosis(tx, id).await
}

pub async fn diagnoses(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Diagnosis>, sqlx::Error> {
    sqlx::query_as!(
        Diagnosis,
        r#"SELECT id AS "id: _", router_id AS "router_id: _", subscription_id AS "subscription_id: _", tool AS "tool: _", target,
                  server, reason, seconds, packets, snap_bytes, asked_at, asked_by, sent_at, state AS "state: _", ended_at, detail,
                  cut_short, parts, bytes
           FROM diagnoses WHERE router_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        router.uuid(),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// What an agent is to be told and was not yet: what was asked since then, and what nobody wants to know any more. It counts
/// as told.
pub async fn take(tx: &mut TenantTx, agent: AgentId, since: DateTime<Utc>) -> Result<Vec<Waiting>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Waiting,
        r#"UPDATE diagnoses SET waits = false, sent_at = coalesce(sent_at, $3),
                  state = CASE state WHEN 'asked' THEN 'running' ELSE state END
           WHERE agent_id = $1 AND waits AND (state <> 'asked' OR asked_at > $2)
           RETURNING id AS "id: _", state AS "state!: _", tool AS "tool: _", subscription_id AS "subscription_id: _", target, server,
                     seconds, packets, snap_bytes"#,
        agent.uuid(),
        since,
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// Ends what an agent that does not know how was asked; answers with what.
pub async fn give_up(tx: &mut TenantTx, agent: AgentId) -> Result<Vec<Tool>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"UPDATE diagnoses SET waits = false, state = 'too_old', ended_at = $2
           WHERE agent_id = $1 AND waits AND state = 'asked' RETURNING tool AS "tool: Tool""#,
        agent.uuid(),
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// A diagnosis an agent was told of and that is not over.
pub async fn running(tx: &mut TenantTx, id: DiagnosisId, agent: AgentId) -> Result<Option<Running>, sqlx::Error> {
    sqlx::query_as!(
        Running,
        r#"SELECT id AS "id: _", tool AS "tool: _", bytes FROM diagnoses
           WHERE id = $1 AND agent_id = $2 AND state = 'running' FOR UPDATE"#,
        id.uuid(),
        agent.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Keeps a part; whether it was not there.
pub async fn keep(tx: &mut TenantTx, id: DiagnosisId, number: i32, data: &[u8]) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let kept = sqlx::query!(
        "INSERT INTO diagnosis_parts (tenant_id, diagnosis_id, number, data) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant,
        id.uuid(),
        number,
        data
    );
    let new = kept.execute(tx.conn()).await?.rows_affected() == 1;
    if new {
        let grown =
            sqlx::query!("UPDATE diagnoses SET bytes = bytes + octet_length($2::bytea) WHERE id = $1", id.uuid(), data);
        grown.execute(tx.conn()).await?;
    }
    Ok(new)
}

/// What was told, in order, up to so many bytes.
pub async fn parts(tx: &mut TenantTx, id: DiagnosisId, most: i64) -> Result<Vec<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT data AS "data!" FROM (
               SELECT number, data, sum(octet_length(data)) OVER (ORDER BY number) AS until FROM diagnosis_parts WHERE diagnosis_id = $1
           ) told WHERE until <= $2 ORDER BY number"#,
        id.uuid(),
        most
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn end(
    tx: &mut TenantTx,
    id: DiagnosisId,
    state: State,
    detail: &str,
    (cut_short, parts): (bool, Option<i32>),
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE diagnoses SET state = $2, ended_at = $3, detail = $4, cut_short = $5, parts = $6, waits = false WHERE id = $1",
        id.uuid(),
        state.name(),
        now,
        detail,
        cut_short,
        parts
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends one because nobody wants to know any more; answers who is to be told, if it was told of it.
pub async fn cancel(tx: &mut TenantTx, id: DiagnosisId) -> Result<Option<AgentId>, sqlx::Error> {
    let now = tx.at();
    let row = sqlx::query!(
        r#"UPDATE diagnoses SET state = 'cancelled', ended_at = $2, waits = sent_at IS NOT NULL WHERE id = $1
           RETURNING waits, agent_id AS "agent: AgentId""#,
        id.uuid(),
        now
    );
    let row = row.fetch_one(tx.conn()).await?;
    Ok(row.agent.filter(|_| row.waits))
}

/// Forgets packets that were asked for before then.
pub async fn forget_packets(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM diagnosis_parts p USING diagnoses d
         WHERE d.tenant_id = p.tenant_id AND d.id = p.diagnosis_id AND d.tool = 'capture' AND d.asked_at < $1",
        before
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!("UPDATE diagnoses SET bytes = 0 WHERE tool = 'capture' AND bytes > 0 AND asked_at < $1", before)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn forget(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM diagnoses WHERE asked_at < $1", before).execute(tx.conn()).await?;
    Ok(())
}
