//! SQL of what was billed and what happened: inputs for dry runs.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_plugin_host::call::{Attributes, UsageLine};
use weir_rules::calendar::start_of_day;

use crate::db::TenantTx;
use crate::ids::{EventId, InvoiceId, InvoiceLineId, SubscriptionId};

/// A usage line as it was billed.
pub struct BilledLine {
    pub invoice_id: InvoiceId,
    pub invoice_number: String,
    /// What was asked for a block.
    pub unit_price: Decimal,
    /// What a plugin would be asked.
    pub line: UsageLine,
}

struct LineRow {
    id: InvoiceLineId,
    invoice_id: InvoiceId,
    number: String,
    subscription: SubscriptionId,
    plan: String,
    from: NaiveDate,
    to: NaiveDate,
    zone: String,
    used: i64,
    included: i64,
    block: i64,
    blocks: Decimal,
    unit_price: Decimal,
    list_price: Decimal,
}

/// The newest usage lines that asked for something.
pub async fn lines(tx: &mut TenantTx, currency: &str, limit: i64) -> Result<Vec<BilledLine>, sqlx::Error> {
    let rows = sqlx::query_as!(
        LineRow,
        r#"SELECT l.id AS "id: _", l.invoice_id AS "invoice_id: _", i.number AS "number!", l.subscription_id AS "subscription!: _",
                  l.description AS plan, lower(l.period) AS "from!", upper(l.period) AS "to!", a.time_zone AS zone,
                  coalesce(l.down_bytes, 0) + coalesce(l.up_bytes, 0) - coalesce(l.free_bytes, 0) AS "used!", coalesce(l.included_bytes, 0) AS "included!",
                  v.overage_block_bytes AS "block!", l.quantity AS blocks, l.unit_price, v.overage_block_price AS "list_price!"
           FROM invoice_lines l
           JOIN invoices i ON i.id = l.invoice_id
           JOIN accounts a ON a.id = i.account_id
           JOIN plan_versions v ON v.id = l.plan_version_id
           WHERE l.kind = 'usage' AND NOT l.late AND l.quantity > 0 AND i.currency = $1
             AND v.overage_block_bytes IS NOT NULL AND v.overage_block_price IS NOT NULL
           ORDER BY l.id DESC LIMIT $2"#,
        currency,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut hours = by_hour(tx, &ids).await?;
    Ok(rows.into_iter().map(|row| billed(&mut hours, row)).collect())
}

/// Bytes behind lines, by the local hour they were counted in.
async fn by_hour(tx: &mut TenantTx, lines: &[uuid::Uuid]) -> Result<HashMap<InvoiceLineId, Vec<u64>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT b.invoice_line_id AS "line: InvoiceLineId",
                  extract(hour FROM (s.end_at - interval '1 microsecond') AT TIME ZONE a.time_zone)::int AS "hour!",
                  sum(s.down_bytes + s.up_bytes)::bigint AS "bytes!"
           FROM billed_segments b
           JOIN usage_segments s ON s.agent_id = b.agent_id AND s.epoch = b.epoch AND s.seq = b.seq AND s.handle = b.handle
           JOIN subscriptions o ON o.id = s.subscription_id
           JOIN accounts a ON a.id = o.account_id
           WHERE b.invoice_line_id = ANY($1) GROUP BY 1, 2"#,
        lines
    )
    .fetch_all(tx.conn())
    .await?;
    let mut hours: HashMap<InvoiceLineId, Vec<u64>> = HashMap::new();
    for row in rows {
        let of_line = hours.entry(row.line).or_insert_with(|| vec![0; 24]);
        if let Some(hour) = usize::try_from(row.hour).ok().and_then(|hour| of_line.get_mut(hour)) {
            *hour = row.bytes.unsigned_abs();
        }
    }
    Ok(hours)
}

fn billed(hours: &mut HashMap<InvoiceLineId, Vec<u64>>, row: LineRow) -> BilledLine {
    let zone = row.zone.parse().unwrap_or(chrono_tz::Tz::UTC);
    let instant = |day: NaiveDate| start_of_day(day, zone).map_or(0, |at| at.timestamp_millis().unsigned_abs());
    let (used, included) = (row.used.unsigned_abs(), row.included.unsigned_abs());
    BilledLine {
        invoice_id: row.invoice_id,
        invoice_number: row.number,
        unit_price: row.unit_price,
        line: UsageLine {
            subscription: row.subscription.uuid(),
            plan: row.plan,
            period_start: instant(row.from),
            period_end: instant(row.to),
            used_bytes: used,
            included_bytes: included,
            over_bytes: used.saturating_sub(included),
            block_bytes: row.block.unsigned_abs(),
            blocks: row.blocks.to_u64().unwrap_or(0),
            unit_price: row.list_price,
            by_hour: hours.remove(&row.id).unwrap_or_else(|| vec![0; 24]),
            attributes: Attributes::new(),
        },
    }
}

/// The newest events a plugin would be told of.
pub async fn events(tx: &mut TenantTx, kinds: &[String], limit: i64) -> Result<Vec<EventId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: _" FROM events
           WHERE (cardinality($1::text[]) = 0 OR kind = ANY($1)) AND kind NOT LIKE 'plugin.%' ORDER BY id DESC LIMIT $2"#,
        kinds,
        limit
    )
    .fetch_all(tx.conn())
    .await
}
