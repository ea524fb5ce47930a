//! Traffic by plan, site and area, busy hours, used allowances.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::analytics::Traffic;
use crate::db::TenantTx;
use crate::ids::{RouterId, SubscriptionId};

/// Traffic of segments that ended since `since`, the most first. `split` is `plan`, `site` or `area`.
pub async fn traffic(
    tx: &mut TenantTx,
    split: &str,
    since: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Vec<Traffic>, sqlx::Error> {
    sqlx::query_as!(
        Traffic,
        r#"WITH used AS (
               SELECT subscription_id, sum(down_bytes) AS down, sum(up_bytes) AS up FROM usage_segments
               WHERE end_at > $2 AND subscription_id IS NOT NULL GROUP BY subscription_id)
           SELECT coalesce(CASE $1 WHEN 'plan' THEN plan.name WHEN 'site' THEN site.name ELSE l.city END, '') AS "name!",
                  count(*) AS "lines!", sum(u.down) AS "down_bytes!", sum(u.up) AS "up_bytes!"
           FROM used u
           JOIN subscriptions s ON s.id = u.subscription_id
           JOIN service_locations l ON l.id = s.service_location_id
           JOIN routers r ON r.id = s.router_id
           JOIN sites site ON site.id = r.site_id
           LEFT JOIN LATERAL (SELECT p.name FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                              JOIN plans p ON p.id = v.plan_id WHERE t.subscription_id = s.id AND lower(t.valid) <= $3
                              ORDER BY lower(t.valid) DESC LIMIT 1) plan ON true
           GROUP BY 1 ORDER BY sum(u.down) + sum(u.up) DESC"#,
        split,
        since,
        today
    )
    .fetch_all(tx.conn())
    .await
}

pub struct HourRow {
    pub router: RouterId,
    pub name: String,
    pub at: DateTime<Utc>,
    pub down_bytes: Decimal,
    pub up_bytes: Decimal,
    pub sold_down_bps: Decimal,
}

/// Each router's busiest hour since `since`. A segment counts in the hour in which it ended.
pub async fn busy_hours(
    tx: &mut TenantTx,
    since: DateTime<Utc>,
    today: NaiveDate,
) -> Result<Vec<HourRow>, sqlx::Error> {
    sqlx::query_as!(
        HourRow,
        r#"WITH hours AS (
               SELECT s.router_id, date_trunc('hour', u.end_at - interval '1 microsecond') AS at,
                      sum(u.down_bytes) AS down, sum(u.up_bytes) AS up
               FROM usage_segments u JOIN subscriptions s ON s.id = u.subscription_id
               WHERE u.end_at > $1 GROUP BY 1, 2),
           busiest AS (SELECT DISTINCT ON (router_id) router_id, at, down, up FROM hours ORDER BY router_id, down + up DESC, at)
           SELECT r.id AS "router: _", r.name, b.at AS "at!", b.down AS "down_bytes!", b.up AS "up_bytes!",
                  coalesce((SELECT sum(v.rate_down_bps) FROM subscriptions s
                            JOIN subscription_terms t ON t.subscription_id = s.id AND t.valid @> $2::date
                            JOIN plan_versions v ON v.id = t.plan_version_id WHERE s.router_id = r.id), 0) AS "sold_down_bps!"
           FROM busiest b JOIN routers r ON r.id = b.router_id ORDER BY b.down + b.up DESC"#,
        since,
        today
    )
    .fetch_all(tx.conn())
    .await
}

pub struct ExhaustedRow {
    pub line: SubscriptionId,
    pub subscriber: String,
    pub area: String,
    pub plan: String,
    pub used_bytes: Decimal,
    pub allowance_bytes: i64,
}

/// Lines that have used their allowance since their account's billing day, by area; the area given, if one is. Of lines that
/// share one, the oldest stands for all, and what counts is what each moved on the days it shared.
pub async fn exhausted(
    tx: &mut TenantTx,
    today: NaiveDate,
    area: Option<&str>,
) -> Result<Vec<ExhaustedRow>, sqlx::Error> {
    sqlx::query_as!(
        ExhaustedRow,
        r#"WITH lines AS (
               SELECT s.id, s.account_id, v.id AS version, v.allowance_shared, b.name AS subscriber, l.city AS area, p.name AS plan,
                      v.allowance_bytes, a.time_zone,
                      CASE WHEN anchor.this <= $1 THEN anchor.this ELSE anchor.last END AS since
               FROM subscriptions s
               JOIN accounts a ON a.id = s.account_id
               JOIN subscribers b ON b.id = a.subscriber_id
               JOIN service_locations l ON l.id = s.service_location_id
               JOIN subscription_terms t ON t.subscription_id = s.id AND t.valid @> $1::date
               JOIN plan_versions v ON v.id = t.plan_version_id AND v.allowance_bytes IS NOT NULL
               JOIN plans p ON p.id = v.plan_id
               CROSS JOIN LATERAL (SELECT date_trunc('month', $1::timestamp) AS month) m
               CROSS JOIN LATERAL (SELECT
                   m.month::date + least(a.billing_day, extract(day FROM m.month + interval '1 month' - interval '1 day')::int) - 1 AS this,
                   (m.month - interval '1 month')::date + least(a.billing_day, extract(day FROM m.month - interval '1 day')::int) - 1 AS last) anchor
               WHERE NOT v.allowance_shared OR NOT EXISTS (
                   SELECT FROM subscriptions o JOIN subscription_terms ot ON ot.subscription_id = o.id AND ot.valid @> $1::date
                   WHERE o.account_id = s.account_id AND ot.plan_version_id = v.id AND o.id < s.id))
           SELECT lines.id AS "line: _", subscriber, area, plan, used.bytes AS "used_bytes!", allowance_bytes AS "allowance_bytes!"
           FROM lines
           CROSS JOIN LATERAL (
               SELECT sum(u.down_bytes::numeric + u.up_bytes) AS bytes
               FROM (SELECT lines.id WHERE NOT allowance_shared
                     UNION ALL SELECT s.id FROM subscriptions s WHERE allowance_shared AND s.account_id = lines.account_id) whose
               JOIN usage_segments u ON u.subscription_id = whose.id AND u.end_at > (since::timestamp AT TIME ZONE time_zone)
               WHERE NOT allowance_shared OR EXISTS (
                   SELECT FROM subscription_terms t WHERE t.subscription_id = whose.id AND t.plan_version_id = version
                     AND t.valid @> ((u.end_at - interval '1 microsecond') AT TIME ZONE time_zone)::date)) used
           WHERE used.bytes >= allowance_bytes AND ($2::text IS NULL OR area = $2)
           ORDER BY area, used.bytes / greatest(allowance_bytes, 1) DESC, lines.id"#,
        today,
        area
    )
    .fetch_all(tx.conn())
    .await
}
