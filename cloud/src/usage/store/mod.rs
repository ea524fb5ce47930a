//! SQL of records and segments.

pub mod quarantine;
pub mod unmerged;

use chrono::{DateTime, NaiveDate, Utc};
use weir_protocol::hash::Hash;
use weir_protocol::usage::LineUsage;

use super::ingest::Sound;
use super::{Day, Measured};
use crate::db::TenantTx;
use crate::fleet::positions::Trim;
use crate::ids::{AgentId, SubscriptionId};

pub struct RecordRow {
    pub hash: Vec<u8>,
    pub end_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
}

/// A record, whichever agent of the same router told it.
pub async fn record(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    seq: u64,
) -> Result<Option<RecordRow>, sqlx::Error> {
    sqlx::query_as!(
        RecordRow,
        "SELECT r.hash, r.end_at, r.received_at FROM agents own
         JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
         JOIN usage_records r ON r.tenant_id = a.tenant_id AND r.agent_id = a.id
         WHERE own.id = $1 AND r.epoch = $2 AND r.seq = $3",
        agent.uuid(),
        epoch,
        seq.cast_signed()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The number of the next record an epoch of an agent would have if records came without gaps.
pub async fn next_seq(tx: &mut TenantTx, agent: AgentId, epoch: &[u8]) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(seq), 0) + 1 AS "next!" FROM usage_records WHERE agent_id = $1 AND epoch = $2"#,
        agent.uuid(),
        epoch
    )
    .fetch_one(tx.conn())
    .await
}

/// What each line moved in the records of an epoch up to one, whichever agent of the same router told them.
pub async fn sums(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    last_seq: i64,
) -> Result<Vec<LineUsage>, sqlx::Error> {
    let sums = sqlx::query!(
        r#"SELECT u.handle AS "handle!", sum(u.down_bytes)::bigint AS "down_bytes!", sum(u.up_bytes)::bigint AS "up_bytes!",
                  sum(u.down_packets)::bigint AS "down_packets!", sum(u.up_packets)::bigint AS "up_packets!"
           FROM agents own
           JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
           JOIN line_usage u ON u.tenant_id = a.tenant_id AND u.agent_id = a.id
           WHERE own.id = $1 AND u.epoch = $2 AND u.seq <= $3
             -- Asked once more, as what is known before the join is: the view looks at these agents' records alone.
             AND u.agent_id = ANY(ARRAY(SELECT a.id FROM agents own JOIN agents a ON a.tenant_id = own.tenant_id AND a.router_id = own.router_id
                                        WHERE own.id = $1))
           GROUP BY u.handle ORDER BY u.handle"#,
        agent.uuid(),
        epoch,
        last_seq
    )
    .fetch_all(tx.conn())
    .await?;
    let lines = sums.into_iter().map(|sum| LineUsage {
        handle: sum.handle.cast_unsigned(),
        down_bytes: sum.down_bytes.cast_unsigned(),
        up_bytes: sum.up_bytes.cast_unsigned(),
        down_packets: sum.down_packets.cast_unsigned(),
        up_packets: sum.up_packets.cast_unsigned(),
        ..LineUsage::default()
    });
    Ok(lines.collect())
}

/// The handle the next line of an agent's router is given: all of its lines have had those below, none another.
pub async fn next_handle(tx: &mut TenantTx, agent: AgentId) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT r.next_handle FROM agents a JOIN routers r ON r.tenant_id = a.tenant_id AND r.id = a.router_id WHERE a.id = $1",
        agent.uuid()
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn insert_record(tx: &mut TenantTx, agent: AgentId, sound: &Sound, body: &[u8]) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO usage_records (tenant_id, agent_id, epoch, seq, hash, start_at, end_at, seal_reason, body, received_at, tally)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        tenant,
        agent.uuid(),
        sound.record.epoch,
        sound.record.seq.cast_signed(),
        &sound.hash[..],
        sound.start_at,
        sound.end_at,
        sound.reason,
        body,
        now,
        sound.tally()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn advance(
    tx: &mut TenantTx,
    agent: AgentId,
    epoch: &[u8],
    (seq, hash): (u64, &Hash),
    trim: Trim,
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE usage_epochs SET applied_seq = $3, applied_hash = $4, applied_at = $5, trim_seq = $6, trimmed_for = $7
         WHERE agent_id = $1 AND epoch = $2",
        agent.uuid(),
        epoch,
        seq.cast_signed(),
        &hash[..],
        now,
        trim.seq,
        trim.reckoned_for
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A line's usage by local day of its account, from a day on and before another; a segment belongs to the day it ends in.
pub async fn days(
    tx: &mut TenantTx,
    id: SubscriptionId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Vec<Day>, sqlx::Error> {
    // A segment that ends at midnight is the day before's.
    sqlx::query_as!(
        Day,
        r#"SELECT d.on AS "on!", least(sum(d.down_bytes), 9223372036854775807)::bigint AS "down_bytes!",
                  least(sum(d.up_bytes), 9223372036854775807)::bigint AS "up_bytes!",
                  least(sum(d.v6), 9223372036854775807)::bigint AS v6_bytes,
                  least(sum(d.down_bytes::numeric + d.up_bytes) FILTER (WHERE d.v6 IS NOT NULL), 9223372036854775807)::bigint AS v6_of_bytes,
                  least(sum(d.dropped), 9223372036854775807)::bigint AS dropped_packets,
                  least(sum(d.packets + d.dropped), 9223372036854775807)::bigint AS dropped_of_packets
           FROM (SELECT ((u.end_at - interval '1 microsecond') AT TIME ZONE a.time_zone)::date AS on, u.down_bytes, u.up_bytes,
                        u.down_v6_bytes::numeric + u.up_v6_bytes AS v6, u.down_packets::numeric + u.up_packets AS packets,
                        u.down_dropped_packets::numeric + u.up_dropped_packets AS dropped
                 FROM line_usage u
                 JOIN subscriptions s ON s.tenant_id = u.tenant_id AND s.id = u.subscription_id
                 JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
                 WHERE u.subscription_id = $1) d
           WHERE ($2::date IS NULL OR d.on >= $2) AND ($3::date IS NULL OR d.on < $3)
           GROUP BY d.on ORDER BY d.on"#,
        id.uuid(),
        from,
        to
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn measured(tx: &mut TenantTx, id: SubscriptionId, since: DateTime<Utc>) -> Result<Measured, sqlx::Error> {
    sqlx::query_as!(
        Measured,
        r#"SELECT (sum(m.v6) * 10000 / nullif(sum(m.bytes) FILTER (WHERE m.v6 IS NOT NULL), 0))::bigint AS v6_share,
                  (sum(m.dropped) * 10000 / nullif(sum(m.packets + m.dropped), 0))::bigint AS dropped_share
           FROM (SELECT down_v6_bytes::numeric + up_v6_bytes AS v6, down_bytes::numeric + up_bytes AS bytes,
                        down_packets::numeric + up_packets AS packets,
                        down_dropped_packets::numeric + up_dropped_packets AS dropped
                 FROM line_usage WHERE subscription_id = $1 AND end_at > $2) m"#,
        id.uuid(),
        since
    )
    .fetch_one(tx.conn())
    .await
}

pub struct Unattributed {
    pub agent_id: AgentId,
    pub handle: i32,
    pub down_bytes: i64,
    pub up_bytes: i64,
}

pub async fn unattributed(tx: &mut TenantTx) -> Result<Vec<Unattributed>, sqlx::Error> {
    sqlx::query_as!(
        Unattributed,
        r#"SELECT agent_id AS "agent_id: _", handle, least(sum(down_bytes), 9223372036854775807)::bigint AS "down_bytes!",
                  least(sum(up_bytes), 9223372036854775807)::bigint AS "up_bytes!"
           FROM usage_segments WHERE subscription_id IS NULL GROUP BY agent_id, handle ORDER BY agent_id, handle"#
    )
    .fetch_all(tx.conn())
    .await
}
