//! SQL of what lines moved in records that are not merged into segments yet.

use weir_protocol::usage::LineUsage;

use crate::db::TenantTx;
use crate::ids::AgentId;
use crate::usage::ingest::Sound;

/// One row a record, a line's share in the same place of each column.
pub async fn insert(tx: &mut TenantTx, agent: AgentId, sound: &Sound) -> Result<(), sqlx::Error> {
    let column = |count: fn(&LineUsage) -> u64| -> Vec<i64> {
        sound.lines.iter().map(|line| count(line).cast_signed()).collect()
    };
    let measured = |count: fn(&LineUsage) -> Option<u64>| -> Option<Vec<Option<i64>>> {
        let column: Vec<_> = sound.lines.iter().map(|line| count(line).map(u64::cast_signed)).collect();
        column.iter().any(Option::is_some).then_some(column)
    };
    let handles: Vec<i32> = sound.lines.iter().map(|line| line.handle.cast_signed()).collect();
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO unmerged_usage (tenant_id, agent_id, epoch, seq, start_at, end_at, handles, down_bytes, up_bytes, down_packets, up_packets,
                                     down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        tenant,
        agent.uuid(),
        sound.record.epoch,
        sound.record.seq.cast_signed(),
        sound.start_at,
        sound.end_at,
        &handles,
        &column(|line| line.down_bytes),
        &column(|line| line.up_bytes),
        &column(|line| line.down_packets),
        &column(|line| line.up_packets),
        measured(|line| line.v6_bytes.map(|v6| v6.down.min(line.down_bytes))) as Option<Vec<Option<i64>>>,
        measured(|line| line.v6_bytes.map(|v6| v6.up.min(line.up_bytes))) as Option<Vec<Option<i64>>>,
        measured(|line| line.dropped_packets.map(|dropped| dropped.down)) as Option<Vec<Option<i64>>>,
        measured(|line| line.dropped_packets.map(|dropped| dropped.up)) as Option<Vec<Option<i64>>>
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes segments of all that waits of an agent. Records are merged that ended in the same hour of every zone its lines are
/// in, all or none of them in free time whatever the plan, are part of the same count of the agent, and measured the same: no question asked
/// about segments is answered differently by the records themselves. What is no line's is kept without a subscription.
pub async fn merge(tx: &mut TenantTx, agent: AgentId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "WITH taken AS (DELETE FROM unmerged_usage WHERE agent_id = $1 RETURNING *),
              zones AS (SELECT DISTINCT c.time_zone FROM agents a
                        JOIN subscriptions s ON s.tenant_id = a.tenant_id AND s.router_id = a.router_id
                        JOIN accounts c ON c.tenant_id = s.tenant_id AND c.id = s.account_id
                        WHERE a.id = $1 AND EXISTS (SELECT FROM taken)),
              windows AS (SELECT DISTINCT z.time_zone, v.windows FROM zones z CROSS JOIN plan_versions v WHERE v.windows <> '[]'),
              alike AS (SELECT t.*, dense_rank() OVER (ORDER BY t.epoch, r.tally, t.down_v6_bytes IS NULL, t.down_dropped_packets IS NULL, date_trunc('hour', t.end_at - interval '1 microsecond'),
                            ARRAY(SELECT date_trunc('hour', (t.end_at - interval '1 microsecond') AT TIME ZONE z.time_zone)
                                  FROM zones z ORDER BY z.time_zone),
                            ARRAY(SELECT is_free_time(t.end_at, w.time_zone, w.windows) FROM windows w ORDER BY w.time_zone, w.windows)) AS hour
                        FROM taken t
                        JOIN usage_records r ON r.tenant_id = t.tenant_id AND r.agent_id = t.agent_id AND r.epoch = t.epoch AND r.seq = t.seq),
              merged AS (SELECT t.tenant_id, t.epoch, l.handle, min(t.seq) AS first_seq, max(t.seq) AS seq,
                                min(t.start_at) AS start_at, max(t.end_at) AS end_at,
                                sum(l.down_bytes)::bigint AS down_bytes, sum(l.up_bytes)::bigint AS up_bytes,
                                sum(l.down_packets)::bigint AS down_packets, sum(l.up_packets)::bigint AS up_packets,
                                CASE WHEN count(l.down_v6) = count(*) THEN sum(l.down_v6)::bigint END AS down_v6,
                                CASE WHEN count(l.up_v6) = count(*) THEN sum(l.up_v6)::bigint END AS up_v6,
                                CASE WHEN count(l.down_dropped) = count(*) THEN sum(l.down_dropped)::bigint END AS down_dropped,
                                CASE WHEN count(l.up_dropped) = count(*) THEN sum(l.up_dropped)::bigint END AS up_dropped
                         FROM alike t
                         CROSS JOIN LATERAL unnest(t.handles, t.down_bytes, t.up_bytes, t.down_packets, t.up_packets,
                                                   t.down_v6_bytes, t.up_v6_bytes, t.down_dropped_packets, t.up_dropped_packets)
                             AS l (handle, down_bytes, up_bytes, down_packets, up_packets, down_v6, up_v6, down_dropped, up_dropped)
                         GROUP BY t.tenant_id, t.epoch, t.hour, l.handle)
         INSERT INTO usage_segments (tenant_id, agent_id, epoch, seq, first_seq, handle, subscription_id, start_at, end_at,
                                     down_bytes, up_bytes, down_packets, up_packets,
                                     down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets)
         SELECT m.tenant_id, a.id, m.epoch, m.seq, m.first_seq, m.handle, s.id, m.start_at, m.end_at,
                m.down_bytes, m.up_bytes, m.down_packets, m.up_packets, m.down_v6, m.up_v6, m.down_dropped, m.up_dropped
         FROM merged m
         JOIN agents a ON a.tenant_id = m.tenant_id AND a.id = $1
         LEFT JOIN subscriptions s ON s.tenant_id = a.tenant_id AND s.router_id = a.router_id AND s.handle = m.handle",
        agent.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Agents of which a record waits.
pub async fn agents(tx: &mut TenantTx) -> Result<Vec<AgentId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT DISTINCT agent_id AS "id: AgentId" FROM unmerged_usage ORDER BY 1"#)
        .fetch_all(tx.conn())
        .await
}
