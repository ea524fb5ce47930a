//! SQL of quarantined records.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AgentId, QuarantinedId, RouterId, SubscriptionId};
use crate::usage::ingest::Sound;
use crate::usage::quarantine::{Batch, Decision, Quarantined};

/// The router of an agent, if the agent has offered this epoch, and how many records of it nobody decided about.
pub async fn router_of(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
) -> Result<Option<(RouterId, i64)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT a.router_id AS "router_id: RouterId",
                  (SELECT count(*) FROM usage_quarantine q
                   WHERE q.tenant_id = a.tenant_id AND q.router_id = a.router_id AND q.decision IS NULL) AS "undecided!"
           FROM agents a JOIN usage_epochs e ON e.tenant_id = a.tenant_id AND e.agent_id = a.id
           WHERE a.id = $1 AND e.epoch = $2"#,
        agent.uuid(),
        epoch
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.router_id, row.undecided)))
}

/// When the newest backup began that is whole.
pub async fn newest_backup(tx: &mut TenantTx) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!("SELECT max(began_at) FROM platform.backups WHERE finished_at IS NOT NULL")
        .fetch_one(tx.conn())
        .await
}

/// When a record came that is kept already.
pub async fn received_at(
    tx: &mut TenantTx,
    router: RouterId,
    hash: &[u8],
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT received_at FROM usage_quarantine WHERE router_id = $1 AND hash = $2",
        router.uuid(),
        hash
    )
    .fetch_optional(tx.conn())
    .await
}

/// Keeps a record that is not kept yet.
pub async fn insert(
    tx: &mut TenantTx,
    (router, agent): (RouterId, AgentId),
    sound: &Sound,
    body: &[u8],
) -> Result<(), sqlx::Error> {
    let (tenant, now, id) = (tx.tenant().uuid(), tx.at(), tx.new_id::<QuarantinedId>());
    let sum = |part: fn(&weir_protocol::usage::LineUsage) -> u64| {
        sound.lines.iter().fold(0u64, |sum, line| sum.saturating_add(part(line))).min(i64::MAX as u64).cast_signed()
    };
    sqlx::query!(
        "INSERT INTO usage_quarantine (tenant_id, id, router_id, agent_id, epoch, seq, hash, start_at, end_at, lines,
                                       down_bytes, up_bytes, body, received_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant,
        id.uuid(),
        router.uuid(),
        agent.uuid(),
        sound.record.epoch,
        sound.record.seq.cast_signed(),
        &sound.hash[..],
        sound.start_at,
        sound.end_at,
        i32::try_from(sound.lines.len()).unwrap_or(i32::MAX),
        sum(|line| line.down_bytes),
        sum(|line| line.up_bytes),
        body,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A page of a router's quarantined records, the newest first.
pub async fn of_router(tx: &mut TenantTx, router: RouterId, page: Page) -> Result<Vec<Quarantined>, sqlx::Error> {
    sqlx::query_as!(
        Quarantined,
        r#"SELECT id AS "id: QuarantinedId", encode(epoch, 'hex') AS "epoch!", seq, start_at, end_at, lines, down_bytes, up_bytes, received_at,
                  decision AS "decision: Decision", decided_at, counted_at
           FROM usage_quarantine WHERE router_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        router.uuid(),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// What nobody decided about yet, by epoch, each under its newest record; up to one record of its epoch if that is named.
pub async fn undecided(
    tx: &mut TenantTx,
    router: RouterId,
    with: Option<QuarantinedId>,
) -> Result<Vec<Batch>, sqlx::Error> {
    sqlx::query_as!(
        Batch,
        r#"SELECT (array_agg(id ORDER BY id DESC))[1] AS "id!: QuarantinedId", encode(epoch, 'hex') AS "epoch!", count(*) AS "records!", min(start_at) AS "start_at!", max(end_at) AS "end_at!",
                  least(sum(down_bytes), 9223372036854775807)::bigint AS "down_bytes!",
                  least(sum(up_bytes), 9223372036854775807)::bigint AS "up_bytes!"
           FROM usage_quarantine
           WHERE router_id = $1 AND decision IS NULL
             AND ($2::uuid IS NULL OR id <= $2 AND epoch = (SELECT epoch FROM usage_quarantine WHERE id = $2 AND decision IS NULL))
           GROUP BY epoch ORDER BY min(received_at)"#,
        router.uuid(),
        with.map(QuarantinedId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

pub struct Kept {
    pub id: QuarantinedId,
    pub agent_id: AgentId,
    pub epoch: Vec<u8>,
    pub body: Vec<u8>,
    pub received_at: DateTime<Utc>,
}

/// The router of a record.
pub async fn router(tx: &mut TenantTx, id: QuarantinedId) -> Result<Option<RouterId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT router_id AS "router: RouterId" FROM usage_quarantine WHERE id = $1"#, id.uuid())
        .fetch_optional(tx.conn())
        .await
}

/// Decides about what nobody decided about of a record's epoch, up to that record; answers how many there were.
pub async fn decide(tx: &mut TenantTx, id: QuarantinedId, decision: Decision) -> Result<u64, sqlx::Error> {
    let now = tx.at();
    let decided = sqlx::query!(
        "UPDATE usage_quarantine q SET decision = $2, decided_at = $3
         FROM usage_quarantine named
         WHERE named.id = $1 AND named.decision IS NULL
           AND q.router_id = named.router_id AND q.epoch = named.epoch AND q.id <= named.id AND q.decision IS NULL",
        id.uuid(),
        decision.name(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(decided.rows_affected())
}

/// Some of what is to be billed of the router of a record and is not counted yet, in the order it was counted there; locked.
pub async fn uncounted(tx: &mut TenantTx, with: QuarantinedId, at_most: i64) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"SELECT id AS "id: QuarantinedId", agent_id AS "agent_id: AgentId", epoch, body, received_at
           FROM usage_quarantine
           WHERE router_id = (SELECT router_id FROM usage_quarantine WHERE id = $1)
             AND decision = 'billed' AND counted_at IS NULL
           ORDER BY epoch, seq, id LIMIT $2 FOR UPDATE"#,
        with.uuid(),
        at_most
    )
    .fetch_all(tx.conn())
    .await
}

/// Notes that a record is counted.
pub async fn set_counted(tx: &mut TenantTx, id: QuarantinedId) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE usage_quarantine SET counted_at = $2 WHERE id = $1", id.uuid(), now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// What waits with a record of its epoch, in the order it came, after one of them.
pub async fn waiting(
    tx: &mut TenantTx,
    with: QuarantinedId,
    after: Option<QuarantinedId>,
    at_most: i64,
) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"SELECT q.id AS "id: QuarantinedId", q.agent_id AS "agent_id: AgentId", q.epoch, q.body, q.received_at
           FROM usage_quarantine named
           JOIN usage_quarantine q ON q.tenant_id = named.tenant_id AND q.router_id = named.router_id AND q.epoch = named.epoch
           WHERE named.id = $1 AND q.id <= $1 AND q.decision IS NULL AND ($2::uuid IS NULL OR q.id > $2)
           ORDER BY q.id LIMIT $3"#,
        with.uuid(),
        after.map(QuarantinedId::uuid),
        at_most
    )
    .fetch_all(tx.conn())
    .await
}

/// The line that has each handle of a router, and when it was sold.
pub async fn sold(
    tx: &mut TenantTx,
    router: RouterId,
) -> Result<BTreeMap<u32, (SubscriptionId, DateTime<Utc>)>, sqlx::Error> {
    let lines = sqlx::query!(
        r#"SELECT handle, id AS "id: SubscriptionId", created_at FROM subscriptions WHERE router_id = $1"#,
        router.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(lines.into_iter().map(|line| (line.handle.unsigned_abs(), (line.id, line.created_at))).collect())
}
