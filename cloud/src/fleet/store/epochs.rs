//! SQL of epochs: where the cloud stands in each agent's usage log.

use chrono::{DateTime, Utc};
use weir_protocol::hash;

use crate::db::TenantTx;
use crate::fleet::positions::Gap;
use crate::ids::AgentId;

pub struct Epoch {
    pub applied_seq: i64,
    pub applied_hash: Vec<u8>,
    pub trim: Trim,
    /// When the newest backup began that is whole.
    pub newest_backup: Option<DateTime<Utc>>,
    pub superseded: bool,
}

/// How far an agent may delete its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// The last record it may delete.
    pub seq: i64,
    /// The beginning of the backup this was reckoned for, if there was one.
    pub reckoned_for: Option<DateTime<Utc>>,
}

/// An agent's epoch, locked.
pub async fn lock(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<Option<Epoch>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT applied_seq, applied_hash, trim_seq, trimmed_for, superseded_at IS NOT NULL AS "superseded!",
                  (SELECT max(began_at) FROM platform.backups WHERE finished_at IS NOT NULL) AS newest_backup
           FROM usage_epochs WHERE agent_id = $1 AND epoch = $2 FOR UPDATE"#,
        agent.uuid(),
        epoch
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Epoch {
        applied_seq: row.applied_seq,
        applied_hash: row.applied_hash,
        trim: Trim { seq: row.trim_seq, reckoned_for: row.trimmed_for },
        newest_backup: row.newest_backup,
        superseded: row.superseded,
    }))
}

/// The last record of an agent's epoch that is here.
pub async fn applied(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!("SELECT applied_seq FROM usage_epochs WHERE agent_id = $1 AND epoch = $2", agent.uuid(), epoch)
        .fetch_optional(tx.conn())
        .await
}

/// The last record of an epoch that was here before an instant, if there is one after `from_seq`; whichever agent of the
/// router told it.
pub async fn last_before(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    from_seq: i64,
    before: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT max(r.seq) FROM agents own
         JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
         JOIN usage_records r ON r.tenant_id = a.tenant_id AND r.agent_id = a.id
         WHERE own.id = $1 AND r.epoch = $2 AND r.seq > $3 AND r.received_at < $4",
        agent.uuid(),
        epoch,
        from_seq,
        before
    )
    .fetch_one(tx.conn())
    .await
}

/// Has the agent delete up to a record from now on.
pub async fn set_trim(tx: &mut TenantTx, agent: AgentId, epoch: &[u8], trim: Trim) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE usage_epochs SET trim_seq = $3, trimmed_for = $4 WHERE agent_id = $1 AND epoch = $2",
        agent.uuid(),
        epoch,
        trim.seq,
        trim.reckoned_for
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// How many epochs of an agent were new since then, without those of this very transaction.
pub async fn opened_since(tx: &mut TenantTx, agent: AgentId, since: DateTime<Utc>) -> Result<i64, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM usage_epochs WHERE agent_id = $1 AND opened_at > $2 AND opened_at < $3"#,
        agent.uuid(),
        since,
        now
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO usage_epochs (tenant_id, agent_id, epoch, applied_hash, opened_at) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        agent.uuid(),
        epoch,
        &hash::GENESIS[..],
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The agent an epoch was offered by before, and whether that served the same router; of several the one of which nothing
/// more is taken, or that came farthest.
pub async fn offered_before(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
) -> Result<Option<(AgentId, bool)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT e.agent_id AS "agent_id: AgentId", before.router_id = own.router_id AS "same_router!"
           FROM usage_epochs e
           JOIN agents before ON before.tenant_id = e.tenant_id AND before.id = e.agent_id
           JOIN agents own ON own.id = $1
           WHERE e.epoch = $2 AND e.agent_id <> $1
           ORDER BY e.superseded_at NULLS LAST, e.applied_seq DESC LIMIT 1"#,
        agent.uuid(),
        epoch
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.agent_id, row.same_router)))
}

/// Has an agent go on where another of its router stands: nothing more comes of that one.
pub async fn adopt(tx: &mut TenantTx, agent: AgentId, from: AgentId, epoch: &[u8]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO usage_epochs (tenant_id, agent_id, epoch, applied_seq, applied_hash, trim_seq, opened_at, applied_at,
                                   ordinal, superseded_at)
         SELECT tenant_id, $1, epoch, applied_seq, applied_hash, trim_seq, opened_at, applied_at, ordinal, superseded_at
         FROM usage_epochs WHERE agent_id = $2 AND epoch = $3",
        agent.uuid(),
        from.uuid(),
        epoch
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether there are records of an epoch of the agent's router that is newer than this one and not among these.
pub async fn is_behind(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    offered: &[Vec<u8>],
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM usage_epochs this
               JOIN agents own ON own.tenant_id = this.tenant_id AND own.id = this.agent_id
               JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
               JOIN usage_epochs newer ON newer.tenant_id = a.tenant_id AND newer.agent_id = a.id
               WHERE this.agent_id = $1 AND this.epoch = $2 AND newer.ordinal > this.ordinal AND newer.applied_seq > 0
                 AND newer.epoch <> ALL($3)) AS "behind!""#,
        agent.uuid(),
        epoch,
        offered
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn supersede(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE usage_epochs SET superseded_at = $3 WHERE agent_id = $1 AND epoch = $2",
        agent.uuid(),
        epoch,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes records that are missing and will not come, and whether what they came to is in the record after them.
pub async fn note_gap(tx: &mut TenantTx, agent: AgentId, gap: Gap<'_>, filled: bool) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO usage_gaps (tenant_id, agent_id, epoch, first_seq, last_seq, noted_at, filled)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant,
        agent.uuid(),
        gap.epoch,
        gap.first_seq,
        gap.last_seq,
        now,
        filled
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Goes on after a record that is not here and has this hash.
pub async fn pass_over(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    last_seq: i64,
    hash: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE usage_epochs SET applied_seq = $3, applied_hash = $4, trim_seq = $3 WHERE agent_id = $1 AND epoch = $2",
        agent.uuid(),
        epoch,
        last_seq,
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct EpochRow {
    pub epoch: Vec<u8>,
    pub applied_seq: i64,
    pub trim_seq: i64,
    pub records: i64,
    pub missing: i64,
    pub merged: i64,
    pub opened_at: DateTime<Utc>,
    pub applied_at: Option<DateTime<Utc>>,
    pub superseded_at: Option<DateTime<Utc>>,
}

/// An agent's epochs, oldest first, with what its router's agents told of them.
pub async fn of_agent(tx: &mut TenantTx, agent: AgentId) -> Result<Vec<EpochRow>, sqlx::Error> {
    sqlx::query_as!(
        EpochRow,
        r#"SELECT e.epoch, e.applied_seq, e.trim_seq, e.opened_at, e.applied_at, e.superseded_at,
                  (SELECT count(*) FROM agents a
                   JOIN usage_records r ON r.tenant_id = a.tenant_id AND r.agent_id = a.id
                   WHERE a.router_id = own.router_id AND r.epoch = e.epoch AND r.seq <= e.applied_seq) AS "records!",
                  (SELECT coalesce(sum(g.last_seq - g.first_seq + 1), 0)::bigint FROM agents a
                   JOIN usage_gaps g ON g.tenant_id = a.tenant_id AND g.agent_id = a.id
                   WHERE a.router_id = own.router_id AND g.epoch = e.epoch AND g.last_seq <= e.applied_seq AND NOT g.filled)
                      AS "missing!",
                  (SELECT coalesce(sum(g.last_seq - g.first_seq + 1), 0)::bigint FROM agents a
                   JOIN usage_gaps g ON g.tenant_id = a.tenant_id AND g.agent_id = a.id
                   WHERE a.router_id = own.router_id AND g.epoch = e.epoch AND g.last_seq <= e.applied_seq AND g.filled)
                      AS "merged!"
           FROM usage_epochs e
           JOIN agents own ON own.tenant_id = e.tenant_id AND own.id = e.agent_id
           WHERE e.agent_id = $1 ORDER BY e.ordinal"#,
        agent.uuid()
    )
    .fetch_all(tx.conn())
    .await
}
