//! SQL of what is known by the hour.

use chrono::{DateTime, Utc};
use weir_protocol::quality::LineQuality;

use crate::db::TenantTx;
use crate::ids::{AgentId, RouterId, SubscriptionId};
use crate::quality::report::{Told, Uplink};
use crate::quality::{LineHour, Range, UplinkHour};

/// No time in a queue and no echo takes longer, microseconds.
const TIME_MAX_US: u32 = 60_000_000;

/// Adds how much of its hour a report speaks of; a report in several parts does so once.
pub async fn add_span(tx: &mut TenantTx, agent: AgentId, told: &Told) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO quality_hours AS q (tenant_id, router_id, hour_at, told_ms, span_ms)
         SELECT $1, a.router_id, $3, $4, $5 FROM agents a WHERE a.id = $2
         ON CONFLICT (tenant_id, router_id, hour_at)
             DO UPDATE SET told_ms = excluded.told_ms, span_ms = q.span_ms + excluded.span_ms WHERE q.told_ms < excluded.told_ms",
        tenant,
        agent.uuid(),
        told.hour_at,
        told.told_ms,
        told.span_ms
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds lines to their hours, all in one statement; a handle no line of the router has is nobody's.
pub async fn add_lines(tx: &mut TenantTx, agent: AgentId, told: &Told) -> Result<(), sqlx::Error> {
    let column = |of: &dyn Fn(&LineQuality) -> u64| -> Vec<i64> {
        told.lines.iter().map(|line| of(line).min(1 << 48).cast_signed()).collect()
    };
    let time = |us: u32| u64::from(us.min(TIME_MAX_US));
    let span = told.span_ms.unsigned_abs();
    let share = |permille: u32| u64::from(permille.min(1000)) * span / 1000;
    let handles: Vec<i32> = told.lines.iter().map(|line| line.handle.cast_signed()).collect();
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO line_quality AS q (tenant_id, router_id, subscription_id, hour_at, told_ms, down_delay_sum, up_delay_sum,
                                        down_delay_max_us, up_delay_max_us, down_full_ms, up_full_ms, down_used_ms, up_used_ms,
                                        down_dropped_packets, up_dropped_packets, down_marked_packets, up_marked_packets,
                                        asked, answered, rtt_p50_sum, rtt_p95_us)
         SELECT $1, a.router_id, s.id, $3, $4, c.d1, c.u1, c.d2, c.u2, c.d3, c.u3, c.d4, c.u4, c.d5, c.u5, c.d6, c.u6, c.asked, c.answered, c.p50, c.p95
         FROM unnest($5::int[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
                     $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
                     $20::bigint[], $21::bigint[])
              AS c (handle, d1, u1, d2, u2, d3, u3, d4, u4, d5, u5, d6, u6, asked, answered, p50, p95)
         JOIN agents a ON a.id = $2
         JOIN subscriptions s ON s.tenant_id = a.tenant_id AND s.router_id = a.router_id AND s.handle = c.handle
         ORDER BY s.id
         ON CONFLICT (tenant_id, subscription_id, hour_at) DO UPDATE SET
             told_ms = excluded.told_ms,
             down_delay_sum = q.down_delay_sum + excluded.down_delay_sum,
             up_delay_sum = q.up_delay_sum + excluded.up_delay_sum,
             down_delay_max_us = greatest(q.down_delay_max_us, excluded.down_delay_max_us),
             up_delay_max_us = greatest(q.up_delay_max_us, excluded.up_delay_max_us),
             down_full_ms = q.down_full_ms + excluded.down_full_ms,
             up_full_ms = q.up_full_ms + excluded.up_full_ms,
             down_used_ms = q.down_used_ms + excluded.down_used_ms,
             up_used_ms = q.up_used_ms + excluded.up_used_ms,
             down_dropped_packets = q.down_dropped_packets + excluded.down_dropped_packets,
             up_dropped_packets = q.up_dropped_packets + excluded.up_dropped_packets,
             down_marked_packets = q.down_marked_packets + excluded.down_marked_packets,
             up_marked_packets = q.up_marked_packets + excluded.up_marked_packets,
             asked = q.asked + excluded.asked,
             answered = q.answered + excluded.answered,
             rtt_p50_sum = q.rtt_p50_sum + excluded.rtt_p50_sum,
             rtt_p95_us = greatest(q.rtt_p95_us, excluded.rtt_p95_us)
         WHERE q.told_ms < excluded.told_ms AND q.router_id = excluded.router_id",
        tenant,
        agent.uuid(),
        told.hour_at,
        told.told_ms,
        &handles,
        &column(&|line| time(line.down.delay_us) * span),
        &column(&|line| time(line.up.delay_us) * span),
        &column(&|line| time(line.down.delay_max_us)),
        &column(&|line| time(line.up.delay_max_us)),
        &column(&|line| share(line.down.full_permille)),
        &column(&|line| share(line.up.full_permille)),
        &column(&|line| share(line.down.used_permille)),
        &column(&|line| share(line.up.used_permille)),
        &column(&|line| line.down.dropped_packets),
        &column(&|line| line.up.dropped_packets),
        &column(&|line| line.down.marked_packets),
        &column(&|line| line.up.marked_packets),
        &column(&|line| line.asked.into()),
        &column(&|line| line.answered.into()),
        &column(&|line| time(line.rtt_p50_us) * u64::from(line.answered)),
        &column(&|line| time(line.rtt_p95_us))
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds what a host of the uplink answered.
pub async fn add_uplink(tx: &mut TenantTx, agent: AgentId, told: &Told, uplink: &Uplink) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let echoes = &uplink.echoes;
    let answered = i64::from(echoes.answered);
    sqlx::query!(
        "INSERT INTO uplink_quality AS q (tenant_id, router_id, hour_at, role, address, told_ms, asked, answered, rtt_p50_sum, rtt_p95_us)
         SELECT $1, a.router_id, $3, $4, $5, $6, $7, $8, $9, $10 FROM agents a WHERE a.id = $2
         ON CONFLICT (tenant_id, router_id, hour_at, role, address) DO UPDATE SET
             told_ms = excluded.told_ms,
             asked = q.asked + excluded.asked,
             answered = q.answered + excluded.answered,
             rtt_p50_sum = q.rtt_p50_sum + excluded.rtt_p50_sum,
             rtt_p95_us = greatest(q.rtt_p95_us, excluded.rtt_p95_us)
         WHERE q.told_ms < excluded.told_ms",
        tenant,
        agent.uuid(),
        told.hour_at,
        uplink.role,
        uplink.address,
        told.told_ms,
        i64::from(echoes.asked),
        answered,
        i64::from(echoes.rtt_p50_us.min(TIME_MAX_US)) * answered,
        i64::from(echoes.rtt_p95_us.min(TIME_MAX_US))
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn line_hours(tx: &mut TenantTx, id: SubscriptionId, within: Range) -> Result<Vec<LineHour>, sqlx::Error> {
    sqlx::query_as!(
        LineHour,
        r#"SELECT q.hour_at, h.span_ms, q.down_delay_sum / h.span_ms AS "down_delay_us!", q.up_delay_sum / h.span_ms AS "up_delay_us!",
                  q.down_delay_max_us, q.up_delay_max_us,
                  least(q.down_full_ms * 1000 / h.span_ms, 1000) AS "down_full_permille!",
                  least(q.up_full_ms * 1000 / h.span_ms, 1000) AS "up_full_permille!",
                  least(q.down_used_ms * 1000 / h.span_ms, 1000) AS "down_used_permille!",
                  least(q.up_used_ms * 1000 / h.span_ms, 1000) AS "up_used_permille!",
                  q.down_dropped_packets, q.up_dropped_packets, q.down_marked_packets, q.up_marked_packets, q.asked, q.answered,
                  q.rtt_p50_sum / greatest(q.answered, 1) AS "rtt_p50_us!", q.rtt_p95_us
           FROM line_quality q JOIN quality_hours h USING (tenant_id, router_id, hour_at)
           WHERE q.subscription_id = $1 AND q.hour_at >= $2 AND q.hour_at < $3 ORDER BY q.hour_at"#,
        id.uuid(),
        within.start,
        within.end
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn uplink_hours(tx: &mut TenantTx, id: RouterId, within: Range) -> Result<Vec<UplinkHour>, sqlx::Error> {
    sqlx::query_as!(
        UplinkHour,
        r#"SELECT hour_at, role, address, asked, answered, rtt_p50_sum / greatest(answered, 1) AS "rtt_p50_us!", rtt_p95_us
           FROM uplink_quality WHERE router_id = $1 AND hour_at >= $2 AND hour_at < $3 ORDER BY hour_at, role DESC, address"#,
        id.uuid(),
        within.start,
        within.end
    )
    .fetch_all(tx.conn())
    .await
}

/// Forgets hours; what is known of lines and uplinks goes with them.
pub async fn forget(tx: &mut TenantTx, before: DateTime<Utc>) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM quality_hours WHERE hour_at < $1", before).execute(tx.conn()).await?;
    Ok(())
}
