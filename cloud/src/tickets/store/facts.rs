//! SQL of what is known of lines and routers.

use chrono::{DateTime, Utc};
use prost::Message;
use weir_protocol::usage::{LineUsage, Record};
use weir_rules::support::answer::Rates;

use crate::db::TenantTx;
use crate::ids::{AgentId, RouterId, SubscriptionId, TicketId};

/// What a line moved.
pub struct Traffic {
    pub now: Option<Rates>,
    pub p95: Option<Rates>,
    pub last_at: Option<DateTime<Utc>>,
}

fn rates(down: Option<i64>, up: Option<i64>) -> Option<Rates> {
    let bps = |rate: i64| u64::try_from(rate).unwrap_or(0);
    Some(Rates { down_bps: bps(down?), up_bps: bps(up?) })
}

/// The newest report since `fresh`, and the rates that one hour in twenty since `since` went beyond.
pub async fn traffic(
    tx: &mut TenantTx,
    line: SubscriptionId,
    fresh: DateTime<Utc>,
    since: DateTime<Utc>,
) -> Result<Traffic, sqlx::Error> {
    let row = sqlx::query!(
        r#"WITH told AS (
               SELECT end_at, (down_bytes * 8 / extract(epoch FROM end_at - start_at))::bigint AS down_bps,
                      (up_bytes * 8 / extract(epoch FROM end_at - start_at))::bigint AS up_bps
               FROM line_usage WHERE subscription_id = $1 AND end_at > $3 AND end_at > start_at)
           SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY down_bps) AS p95_down,
                  percentile_disc(0.95) WITHIN GROUP (ORDER BY up_bps) AS p95_up,
                  (array_agg(down_bps ORDER BY end_at DESC) FILTER (WHERE end_at > $2))[1] AS down,
                  (array_agg(up_bps ORDER BY end_at DESC) FILTER (WHERE end_at > $2))[1] AS up,
                  (SELECT max(end_at) FROM line_usage WHERE subscription_id = $1 AND down_bytes + up_bytes > 0) AS last_at
           FROM told"#,
        line.uuid(),
        fresh,
        since
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Traffic { now: rates(row.down, row.up), p95: rates(row.p95_down, row.p95_up), last_at: row.last_at })
}

/// What all lines of an agent moved in its newest report since `fresh`.
pub async fn router_rates(
    tx: &mut TenantTx,
    agent: AgentId,
    fresh: DateTime<Utc>,
) -> Result<Option<Rates>, sqlx::Error> {
    let newest = sqlx::query!(
        r#"SELECT r.body, extract(epoch FROM r.end_at - r.start_at)::bigint AS "seconds!"
           FROM (SELECT epoch, applied_seq FROM usage_epochs WHERE agent_id = $1 ORDER BY applied_at DESC NULLS LAST LIMIT 1) newest
           JOIN usage_records r ON r.agent_id = $1 AND r.epoch = newest.epoch AND r.seq = newest.applied_seq
           WHERE r.end_at > $2 AND r.seal_reason <> 'gap_filled'"#,
        agent.uuid(),
        fresh
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(newest) = newest.filter(|newest| newest.seconds > 0) else { return Ok(None) };
    let lines = Record::decode(&*newest.body).ok().and_then(|record| record.lines().ok()).unwrap_or_default();
    let bps = |bytes: fn(&LineUsage) -> u64| {
        let bytes = lines.iter().map(bytes).fold(0, u64::saturating_add);
        bytes.saturating_mul(8) / newest.seconds.unsigned_abs()
    };
    Ok(Some(Rates { down_bps: bps(|line| line.down_bytes), up_bps: bps(|line| line.up_bytes) }))
}

/// The oldest ticket not solved about a problem of many at this router: its number, and since when.
pub async fn outage(
    tx: &mut TenantTx,
    router: RouterId,
    but: Option<TicketId>,
) -> Result<Option<(String, DateTime<Utc>)>, sqlx::Error> {
    let row = sqlx::query!(
        "SELECT number, opened_at FROM tickets
         WHERE router_id = $1 AND impact IN ('several_lines', 'site') AND status IN ('new', 'open', 'waiting')
           AND ($2::uuid IS NULL OR id <> $2)
         ORDER BY opened_at, id LIMIT 1",
        router.uuid(),
        but.map(TicketId::uuid)
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.number, row.opened_at)))
}
