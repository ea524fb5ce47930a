//! Signs that a subscriber may leave.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::db::TenantTx;
use crate::ids::SubscriberId;

const USAGE_DAYS: i64 = 30;
const HELD_DAYS: i64 = 90;
const DOWNGRADED_DAYS: u64 = 60;

pub struct SignsRow {
    pub subscriber: SubscriberId,
    pub name: String,
    pub overdue: bool,
    pub held: bool,
    pub usage_fell: bool,
    pub downgraded: bool,
}

/// The signs of every subscriber in service who shows one.
pub async fn signs(tx: &mut TenantTx, now: DateTime<Utc>, today: NaiveDate) -> Result<Vec<SignsRow>, sqlx::Error> {
    let downgraded_since = today - Days::new(DOWNGRADED_DAYS);
    sqlx::query_as!(
        SignsRow,
        r#"WITH served AS (
               SELECT s.id, a.id AS account, a.subscriber_id FROM subscriptions s JOIN accounts a ON a.id = s.account_id
               WHERE s.starts_on <= $1 AND (s.ends_on IS NULL OR s.ends_on > $1)),
           signs AS (
               SELECT subscriber_id,
                 bool_or(EXISTS (SELECT FROM invoices i WHERE i.account_id = served.account AND i.status = 'issued' AND i.due_on < $1
                     AND i.gross > (SELECT coalesce(sum(x.amount), 0) FROM allocations x WHERE x.invoice_id = i.id))) AS overdue,
                 bool_or(EXISTS (SELECT FROM holds h WHERE h.subscription_id = served.id AND h.kind = 'unpaid'
                     AND (h.released_at IS NULL OR h.released_at > $2))) AS held,
                 bool_or(EXISTS (SELECT FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                     JOIN subscription_terms earlier ON earlier.subscription_id = t.subscription_id AND upper(earlier.valid) = lower(t.valid)
                     JOIN plan_versions w ON w.id = earlier.plan_version_id
                     WHERE t.subscription_id = served.id AND lower(t.valid) BETWEEN $3 AND $1 AND price_a_month(v.price, v.period_months, v.period_days) < price_a_month(w.price, w.period_months, w.period_days))) AS downgraded,
                 coalesce(sum((SELECT sum(u.down_bytes::numeric + u.up_bytes) FROM usage_segments u
                     WHERE u.subscription_id = served.id AND u.end_at > $4)), 0) AS recent,
                 coalesce(sum((SELECT sum(u.down_bytes::numeric + u.up_bytes) FROM usage_segments u
                     WHERE u.subscription_id = served.id AND u.end_at > $5 AND u.end_at <= $4)), 0) AS earlier
               FROM served GROUP BY subscriber_id)
           SELECT b.id AS "subscriber: _", b.name, overdue AS "overdue!", held AS "held!", downgraded AS "downgraded!",
                  recent * 2 < earlier AS "usage_fell!"
           FROM signs JOIN subscribers b ON b.id = signs.subscriber_id
           WHERE overdue OR held OR downgraded OR recent * 2 < earlier ORDER BY b.id"#,
        today,
        now - TimeDelta::days(HELD_DAYS),
        downgraded_since,
        now - TimeDelta::days(USAGE_DAYS),
        now - TimeDelta::days(2 * USAGE_DAYS)
    )
    .fetch_all(tx.conn())
    .await
}
