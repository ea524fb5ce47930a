//! SQL of lines that share an allowance.

use chrono::{DateTime, NaiveDate, Utc};

use super::TopUpRow;
use crate::db::TenantTx;
use crate::fleet::pools::{Moved, Pool};
use crate::ids::{AccountId, AgentId, PlanVersionId, SubscriptionId};

pub async fn of_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<Pool>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Pool,
        r#"SELECT s.account_id AS "account: _", v.id AS "version: _", lower(h.held) AS "from!", upper(h.held) AS "to?"
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE a.time_zone)::date AS on) today
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id AND t.valid @> today.on
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.allowance_shared
           CROSS JOIN LATERAL (SELECT unnest(range_agg(ot.valid)) AS held FROM subscriptions o
                               JOIN subscription_terms ot ON ot.tenant_id = o.tenant_id AND ot.subscription_id = o.id
                               WHERE o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND ot.plan_version_id = v.id) h
           WHERE s.id = $1 AND h.held @> today.on"#,
        id.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// How many lines share today.
pub async fn lines(tx: &mut TenantTx, pool: &Pool) -> Result<i64, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($3::timestamptz AT TIME ZONE a.time_zone)::date
           WHERE s.account_id = $1 AND t.plan_version_id = $2"#,
        pool.account.uuid(),
        pool.version.uuid(),
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// What was moved in `(from, to]` outside the free windows of whatever plan a line had by then.
///
/// A line counts for the days it was sold the pool's version; its router's tally holds other days of it, too.
pub async fn moved(
    tx: &mut TenantTx,
    pool: &Pool,
    line: SubscriptionId,
    between: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Moved, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Moved,
        r#"WITH here AS (
               SELECT s.router_id, g.tally, a.time_zone, ($6::timestamptz AT TIME ZONE a.time_zone)::date AS today
               FROM subscriptions s
               JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
               LEFT JOIN agents g ON g.tenant_id = s.tenant_id AND g.router_id = s.router_id AND g.revoked_at IS NULL
               WHERE s.id = $3),
           lines AS (
               SELECT s.id, s.tenant_id, here.time_zone,
                      CASE WHEN s.router_id = here.router_id AND bool_or(t.valid @> here.today) THEN here.tally END AS tally
               FROM here CROSS JOIN subscriptions s
               JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
               WHERE s.account_id = $1 AND t.plan_version_id = $2
               GROUP BY s.id, s.tenant_id, s.router_id, here.router_id, here.tally, here.time_zone)
           SELECT coalesce(sum(u.down_bytes::numeric + u.up_bytes) FILTER (WHERE t.plan_version_id = $2), 0) AS "shared_bytes!",
                  coalesce(sum(u.down_bytes::numeric + u.up_bytes) FILTER (WHERE t.plan_version_id = $2 AND l.id = $3), 0) AS "own_bytes!",
                  coalesce(sum(u.down_bytes::numeric + u.up_bytes) FILTER (WHERE r.tally = l.tally), 0) AS "tallied_bytes!"
           FROM lines l
           JOIN line_usage u ON u.tenant_id = l.tenant_id AND u.subscription_id = l.id
           JOIN usage_records r ON r.tenant_id = u.tenant_id AND r.agent_id = u.agent_id AND r.epoch = u.epoch AND r.seq = u.seq
           LEFT JOIN subscription_terms t ON t.tenant_id = l.tenant_id AND t.subscription_id = l.id
                AND t.valid @> ((u.end_at - interval '1 microsecond') AT TIME ZONE l.time_zone)::date
           LEFT JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
           -- Asked once more, as what is known before the join is: the view looks at these lines' routers alone.
           WHERE u.subscription_id = ANY(ARRAY(SELECT id FROM lines))
             AND u.end_at > $4 AND u.end_at <= $5 AND NOT is_free_time(u.end_at, l.time_zone, coalesce(v.windows, '[]'))"#,
        pool.account.uuid(),
        pool.version.uuid(),
        line.uuid(),
        between.0,
        between.1,
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// What was bought on top on any line while it was sold the pool's version, from a day on.
pub async fn top_ups(tx: &mut TenantTx, pool: &Pool, from: NaiveDate) -> Result<Vec<TopUpRow>, sqlx::Error> {
    sqlx::query_as!(
        TopUpRow,
        r#"SELECT p.sold_on, p.bytes AS "bytes!" FROM top_ups p
           JOIN subscriptions s ON s.tenant_id = p.tenant_id AND s.id = p.subscription_id
           WHERE s.account_id = $1 AND p.plan_version_id = $2 AND p.bytes IS NOT NULL AND p.sold_on >= $3 ORDER BY p.id"#,
        pool.account.uuid(),
        pool.version.uuid(),
        from
    )
    .fetch_all(tx.conn())
    .await
}

/// A line that shares what its version includes.
pub struct Sharing {
    pub id: SubscriptionId,
    pub version: PlanVersionId,
}

/// Other lines of a line's account that share today, on the same router, pool by pool.
pub async fn beside(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Sharing>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Sharing,
        r#"SELECT o.id AS "id: _", v.id AS "version: _" FROM subscriptions s
           JOIN subscriptions o ON o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND o.router_id = s.router_id AND o.id <> s.id
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = o.tenant_id AND t.subscription_id = o.id
                AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.allowance_shared
           WHERE s.id = $1 ORDER BY v.id, o.id"#,
        id.uuid(),
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// A line's account, if others of its lines share today, on other routers.
pub async fn on_other_routers(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<AccountId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT s.account_id AS "id: AccountId" FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           WHERE s.id = $1 AND EXISTS (
               SELECT FROM subscriptions o
               JOIN subscription_terms t ON t.tenant_id = o.tenant_id AND t.subscription_id = o.id
                    AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
               JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.allowance_shared
               WHERE o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND o.router_id <> s.router_id)"#,
        id.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// One line of every pool of an account on every router.
pub async fn one_a_router(tx: &mut TenantTx, account: AccountId) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT DISTINCT ON (s.router_id, v.id) s.id AS "id: SubscriptionId" FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.allowance_shared
           WHERE s.account_id = $1 ORDER BY s.router_id, v.id, s.id"#,
        account.uuid(),
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// The accounts of a record's lines that share, where it says what a router does not know yet: lines on other routers share,
/// too, or the line came into the pool or left it after it moved this.
pub async fn news_of(tx: &mut TenantTx, agent: AgentId, epoch: &[u8], seq: i64) -> Result<Vec<AccountId>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_scalar!(
        r#"SELECT DISTINCT s.account_id AS "id: AccountId" FROM line_usage u
           JOIN subscriptions s ON s.tenant_id = u.tenant_id AND s.id = u.subscription_id
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           CROSS JOIN LATERAL (SELECT ($4::timestamptz AT TIME ZONE a.time_zone)::date AS on) today
           LEFT JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ((u.end_at - interval '1 microsecond') AT TIME ZONE a.time_zone)::date
           LEFT JOIN subscription_terms n ON n.tenant_id = s.tenant_id AND n.subscription_id = s.id AND n.valid @> today.on
           WHERE u.agent_id = $1 AND u.epoch = $2 AND u.seq = $3
             AND EXISTS (SELECT FROM plan_versions WHERE allowance_shared)
             AND EXISTS (SELECT FROM plan_versions v WHERE v.id IN (t.plan_version_id, n.plan_version_id) AND v.allowance_shared)
             AND (t.plan_version_id IS DISTINCT FROM n.plan_version_id OR EXISTS (
                 SELECT FROM subscriptions o
                 JOIN subscription_terms ot ON ot.tenant_id = o.tenant_id AND ot.subscription_id = o.id AND ot.valid @> today.on
                 WHERE o.tenant_id = s.tenant_id AND o.account_id = s.account_id AND o.router_id <> s.router_id
                   AND ot.plan_version_id = t.plan_version_id))
           ORDER BY 1"#,
        agent.uuid(),
        epoch,
        seq,
        now
    )
    .fetch_all(tx.conn())
    .await
}
