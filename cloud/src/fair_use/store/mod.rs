//! SQL of top-ups and of what routers told. Products: [`products`]; boosts: [`boosts`].

pub mod boosts;
pub mod products;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::report;
use super::{Rule, TopUp, Turn};
use crate::catalog::Amount;
use crate::db::TenantTx;
use crate::fleet::pools::Pool;
use crate::ids::{AccountId, AgentId, InvoiceLineId, PlanVersionId, SubscriptionId, TopUpId, TopUpProductId};

/// Changes of rules a page shows.
const TURNS: i64 = 20;
/// Top-ups a page shows; those of the period in force are always among them.
const TOP_UPS: i64 = 100;

/// What meters a line today.
pub struct Metered {
    pub version: PlanVersionId,
    pub allowance_bytes: i64,
    pub carry_over_bytes: Option<i64>,
    pub allowance_shared: bool,
    pub windows: serde_json::Value,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    pub starts_on: NaiveDate,
    pub billing_day: i16,
    pub time_zone: String,
}

pub async fn metered(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<Metered>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Metered,
        r#"SELECT v.id AS "version: _", v.allowance_bytes AS "allowance_bytes!", v.carry_over_bytes, v.allowance_shared, v.windows, lower(t.valid) AS "from!", upper(t.valid) AS "to?",
                  s.starts_on, a.billing_day, a.time_zone
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
           WHERE s.id = $1 AND v.allowance_bytes IS NOT NULL"#,
        id.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await
}

/// What a line used in `(from, to]` outside free windows, as far as records came.
pub async fn used(
    tx: &mut TenantTx,
    id: SubscriptionId,
    between: (DateTime<Utc>, DateTime<Utc>),
    metered: &Metered,
) -> Result<Decimal, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(u.down_bytes::numeric + u.up_bytes), 0) AS "bytes!" FROM line_usage u
           WHERE u.subscription_id = $1 AND u.end_at > $2 AND u.end_at <= $3 AND NOT is_free_time(u.end_at, $4, $5)"#,
        id.uuid(),
        between.0,
        between.1,
        metered.time_zone,
        metered.windows
    )
    .fetch_one(tx.conn())
    .await
}

/// How a line stands, as it was told last.
pub struct Told {
    pub start_at: Option<DateTime<Utc>>,
    pub used_bytes: i64,
    pub rule: String,
    pub step: i32,
    pub since_at: Option<DateTime<Utc>>,
    pub next_at: Option<DateTime<Utc>>,
    pub reported_at: DateTime<Utc>,
}

pub async fn told(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<Told>, sqlx::Error> {
    sqlx::query_as!(
        Told,
        "SELECT lower(period) AS start_at, used_bytes, rule, step, since_at, next_at, reported_at FROM fair_use_standings WHERE subscription_id = $1",
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn turns(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Turn>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT rule, at, used_bytes, step FROM fair_use_turns WHERE subscription_id = $1 ORDER BY at DESC, rule LIMIT $2",
        id.uuid(),
        TURNS
    )
    .fetch_all(tx.conn())
    .await?;
    let turns = rows.into_iter().map(|row| Turn {
        rule: Rule::from_name(&row.rule),
        at: row.at,
        used_bytes: row.used_bytes,
        step: row.step,
    });
    Ok(turns.collect())
}

struct TopUpRow {
    id: TopUpId,
    subscription_id: SubscriptionId,
    product_id: TopUpProductId,
    name: String,
    bytes: i64,
    price: Decimal,
    currency: String,
    sold_on: NaiveDate,
    sold_at: DateTime<Utc>,
    sold_by: String,
    until_on: NaiveDate,
    invoice_line_id: Option<InvoiceLineId>,
}

impl From<TopUpRow> for TopUp {
    fn from(row: TopUpRow) -> Self {
        Self {
            id: row.id,
            subscription_id: row.subscription_id,
            product_id: row.product_id,
            name: row.name,
            bytes: row.bytes,
            price: Amount { amount: row.price, currency: row.currency },
            sold_on: row.sold_on,
            sold_at: row.sold_at,
            sold_by: row.sold_by,
            until_on: row.until_on,
            invoice_line_id: row.invoice_line_id,
        }
    }
}

/// A line's top-ups, newest first.
pub async fn top_ups(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<TopUp>, sqlx::Error> {
    let rows = sqlx::query_as!(
        TopUpRow,
        r#"SELECT t.id AS "id: _", t.subscription_id AS "subscription_id: _", t.product_id AS "product_id: _", t.name, t.bytes AS "bytes!", t.price, t.currency,
                  t.sold_on, t.sold_at, t.sold_by, t.until_on, b.invoice_line_id AS "invoice_line_id?: _"
           FROM top_ups t LEFT JOIN billed_top_ups b ON b.tenant_id = t.tenant_id AND b.top_up_id = t.id
           WHERE t.subscription_id = $1 AND t.bytes IS NOT NULL ORDER BY t.id DESC LIMIT $2"#,
        id.uuid(),
        TOP_UPS
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The top-up of a line that was sold under a reference.
pub async fn top_up_of(tx: &mut TenantTx, id: SubscriptionId, reference: &str) -> Result<Option<TopUp>, sqlx::Error> {
    let row = sqlx::query_as!(
        TopUpRow,
        r#"SELECT t.id AS "id: _", t.subscription_id AS "subscription_id: _", t.product_id AS "product_id: _", t.name, t.bytes AS "bytes!", t.price, t.currency,
                  t.sold_on, t.sold_at, t.sold_by, t.until_on, b.invoice_line_id AS "invoice_line_id?: _"
           FROM top_ups t LEFT JOIN billed_top_ups b ON b.tenant_id = t.tenant_id AND b.top_up_id = t.id
           WHERE t.subscription_id = $1 AND t.bytes IS NOT NULL AND t.reference = $2"#,
        id.uuid(),
        reference
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// What was sold on a line under a reference, a top-up or a boost: its product.
pub async fn product_under(
    tx: &mut TenantTx,
    id: SubscriptionId,
    reference: &str,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT product_id FROM top_ups WHERE subscription_id = $1 AND reference = $2",
        id.uuid(),
        reference
    )
    .fetch_optional(tx.conn())
    .await
}

/// One sale on a line at a time; what routers report of the line meanwhile need not wait.
pub async fn lock_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM subscriptions WHERE id = $1 FOR NO KEY UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert_top_up(
    tx: &mut TenantTx,
    top_up: &TopUp,
    version: PlanVersionId,
    reference: &str,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO top_ups (tenant_id, id, subscription_id, product_id, plan_version_id, name, bytes, price, currency, sold_on, sold_at,
                              sold_by, until_on, reference)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        tenant,
        top_up.id.uuid(),
        top_up.subscription_id.uuid(),
        top_up.product_id.uuid(),
        version.uuid(),
        top_up.name,
        top_up.bytes,
        top_up.price.amount,
        top_up.price.currency,
        top_up.sold_on,
        top_up.sold_at,
        top_up.sold_by,
        top_up.until_on,
        reference
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The line of this id, if it is on the agent's router.
pub async fn line_of_agent(tx: &mut TenantTx, agent: AgentId, id: Uuid) -> Result<Option<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "id: SubscriptionId" FROM subscriptions s
           JOIN agents a ON a.tenant_id = s.tenant_id AND a.router_id = s.router_id WHERE s.id = $2 AND a.id = $1"#,
        agent.uuid(),
        id
    )
    .fetch_optional(tx.conn())
    .await
}

pub(super) async fn put_standing(
    tx: &mut TenantTx,
    id: SubscriptionId,
    told: &report::Told,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO fair_use_standings (tenant_id, subscription_id, period, used_bytes, limit_bytes, rule, since_at, next_at, reported_at,
                                         carried_bytes, step)
         VALUES ($1, $2, CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE tstzrange($3, $4) END, $5, $6, $7, $8, $9, $10, $11, coalesce($12, 0))
         ON CONFLICT (tenant_id, subscription_id) DO UPDATE
         SET period = excluded.period, used_bytes = excluded.used_bytes, limit_bytes = excluded.limit_bytes, rule = excluded.rule,
             since_at = excluded.since_at, next_at = excluded.next_at, reported_at = excluded.reported_at,
             carried_bytes = excluded.carried_bytes,
             step = CASE WHEN $12::integer IS NULL AND fair_use_standings.rule = excluded.rule THEN fair_use_standings.step
                         ELSE excluded.step END",
        tenant,
        id.uuid(),
        told.period.map(|period| period.0),
        told.period.map(|period| period.1),
        told.used_bytes,
        told.limit_bytes,
        told.rule.name(),
        told.since_at,
        told.next_at,
        now,
        told.carried_bytes,
        told.step
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn put_turns(tx: &mut TenantTx, id: SubscriptionId, turns: &[Turn]) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let at: Vec<_> = turns.iter().map(|turn| turn.at).collect();
    let rule: Vec<_> = turns.iter().map(|turn| turn.rule.name().to_owned()).collect();
    let used_bytes: Vec<_> = turns.iter().map(|turn| turn.used_bytes).collect();
    let step: Vec<_> = turns.iter().map(|turn| turn.step).collect();
    sqlx::query!(
        "INSERT INTO fair_use_turns (tenant_id, subscription_id, at, rule, used_bytes, reported_at, step)
         SELECT $1, $2, t.at, t.rule, t.used_bytes, $6, t.step
         FROM unnest($3::timestamptz[], $4::text[], $5::bigint[], $7::integer[]) AS t (at, rule, used_bytes, step)
         ON CONFLICT (tenant_id, subscription_id, at, rule) DO NOTHING",
        tenant,
        id.uuid(),
        &at,
        &rule,
        &used_bytes,
        now,
        &step
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn account_of(tx: &mut TenantTx, id: SubscriptionId) -> Result<AccountId, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT account_id AS "id: AccountId" FROM subscriptions WHERE id = $1"#, id.uuid())
        .fetch_one(tx.conn())
        .await
}

/// Notes that a share of an allowance was reached that lines share; whether it is the first time, of all of them.
pub async fn pass_shared_threshold(
    tx: &mut TenantTx,
    pool: &Pool,
    period_start_at: DateTime<Utc>,
    percent: i32,
) -> Result<bool, sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO pool_thresholds (tenant_id, account_id, plan_version_id, period_start_at, percent, told_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (tenant_id, account_id, plan_version_id, period_start_at, percent) DO NOTHING",
        tenant,
        pool.account.uuid(),
        pool.version.uuid(),
        period_start_at,
        percent,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Notes that a share of a period's allowance was reached; whether it is the first time.
pub async fn pass_threshold(
    tx: &mut TenantTx,
    id: SubscriptionId,
    period_start_at: DateTime<Utc>,
    percent: i32,
) -> Result<bool, sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO fair_use_thresholds (tenant_id, subscription_id, period_start_at, percent, told_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, subscription_id, period_start_at, percent) DO NOTHING",
        tenant,
        id.uuid(),
        period_start_at,
        percent,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}
