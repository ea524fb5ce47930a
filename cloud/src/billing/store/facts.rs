//! SQL of what an account is billed for: its terms, what was billed before, the traffic counted.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::billing::LineKind;
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId, PlanVersionId, SubscriptionId, TopUpId};

pub struct AccountRow {
    pub id: AccountId,
    pub number: String,
    pub currency: String,
    pub time_zone: String,
    pub billing_day: i16,
    pub subscriber: String,
    pub language: String,
    pub address: String,
}

/// The account, locked: whoever bills or allocates holds it.
pub async fn lock_account(tx: &mut TenantTx, id: AccountId) -> Result<Option<AccountRow>, sqlx::Error> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT a.id AS "id: _", a.number, a.currency, a.time_zone, a.billing_day, s.name AS subscriber, s.language,
                  coalesce((SELECT concat_ws(E'\n', nullif(l.line1, ''), nullif(l.line2, ''), nullif(concat_ws(' ', nullif(l.postcode, ''), l.city), ''), l.country)
                            FROM service_locations l WHERE l.subscriber_id = s.id ORDER BY l.created_at, l.id LIMIT 1), '') AS "address!"
           FROM accounts a JOIN subscribers s ON s.id = a.subscriber_id WHERE a.id = $1 FOR NO KEY UPDATE OF a"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The account as it is, for whoever only looks.
pub async fn account(tx: &mut TenantTx, id: AccountId) -> Result<Option<AccountRow>, sqlx::Error> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT a.id AS "id: _", a.number, a.currency, a.time_zone, a.billing_day, s.name AS subscriber, s.language, '' AS "address!"
           FROM accounts a JOIN subscribers s ON s.tenant_id = a.tenant_id AND s.id = a.subscriber_id WHERE a.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub struct TermRow {
    pub subscription: SubscriptionId,
    pub starts_on: NaiveDate,
    pub version: PlanVersionId,
    pub plan: String,
    pub price: Decimal,
    pub currency: String,
    pub allowance_bytes: Option<i64>,
    pub allowance_shared: bool,
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    /// Windows of the day, as [`crate::catalog::Window`] is written.
    pub windows: serde_json::Value,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

/// Every term of every subscription of an account, by subscription and date.
pub async fn terms(tx: &mut TenantTx, account: AccountId) -> Result<Vec<TermRow>, sqlx::Error> {
    sqlx::query_as!(
        TermRow,
        r#"SELECT s.id AS "subscription: _", s.starts_on, v.id AS "version: _", p.name AS plan, v.price, v.currency, v.allowance_bytes,
                  v.allowance_shared, v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price, v.windows,
                  lower(t.valid) AS "from!", upper(t.valid) AS "to?"
           FROM subscriptions s
           JOIN subscription_terms t ON t.subscription_id = s.id
           JOIN plan_versions v ON v.id = t.plan_version_id
           JOIN plans p ON p.id = v.plan_id
           WHERE s.account_id = $1 ORDER BY s.id, lower(t.valid)"#,
        account.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct BilledRow {
    pub id: InvoiceLineId,
    pub kind: String,
    pub subscription: SubscriptionId,
    pub version: PlanVersionId,
    pub plan: String,
    pub allowance_bytes: Option<i64>,
    pub allowance_shared: bool,
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    pub windows: serde_json::Value,
    pub tax_category: String,
    pub tax_rate: Decimal,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub full_from: NaiveDate,
    pub full_to: NaiveDate,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub net: Decimal,
    /// What of the traffic counted.
    pub used_bytes: Decimal,
    pub credits: Option<InvoiceLineId>,
}

impl BilledRow {
    /// Whether it charges or gives back the plan's price.
    pub fn is_of_terms(&self) -> bool {
        [LineKind::Recurring, LineKind::Credit].iter().any(|kind| self.kind == kind.name())
    }
}

/// Every line billed for the account's subscriptions.
pub async fn billed(tx: &mut TenantTx, account: AccountId) -> Result<Vec<BilledRow>, sqlx::Error> {
    sqlx::query_as!(
        BilledRow,
        r#"SELECT l.id AS "id: _", l.kind, l.subscription_id AS "subscription!: _", l.plan_version_id AS "version!: _",
                  p.name AS plan, v.allowance_bytes, v.allowance_shared, v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price, v.windows,
                  l.tax_category, l.tax_rate,
                  lower(l.period) AS "from!", upper(l.period) AS "to!", lower(l.full_period) AS "full_from!", upper(l.full_period) AS "full_to!",
                  l.quantity, l.unit_price, l.net, coalesce(l.down_bytes::numeric, 0) + coalesce(l.up_bytes, 0) - coalesce(l.free_bytes, 0) AS "used_bytes!",
                  l.credits_line_id AS "credits: _"
           FROM invoice_lines l
           JOIN subscriptions s ON s.id = l.subscription_id
           JOIN plan_versions v ON v.id = l.plan_version_id
           JOIN plans p ON p.id = v.plan_id
           WHERE s.account_id = $1 ORDER BY l.id"#,
        account.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct TakenRow {
    pub segments: i64,
    pub down_bytes: Decimal,
    pub up_bytes: Decimal,
    /// Of both, what was moved in free windows.
    pub free_bytes: Decimal,
}

/// When segments are free: the account's zone, and the windows of the plan.
pub struct FreeTime<'a> {
    pub zone: &'a str,
    pub windows: &'a serde_json::Value,
}

/// Takes every segment of a line that ended in `(after, until]` and was not billed, and counts exactly those taken.
pub async fn take_segments(
    tx: &mut TenantTx,
    line: InvoiceLineId,
    subscription: SubscriptionId,
    after: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
    free: FreeTime<'_>,
) -> Result<TakenRow, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query_as!(
        TakenRow,
        r#"WITH taken AS (
               INSERT INTO billed_segments (tenant_id, agent_id, epoch, seq, handle, invoice_line_id)
               SELECT s.tenant_id, s.agent_id, s.epoch, s.seq, s.handle, $2 FROM usage_segments s
               WHERE s.tenant_id = $1 AND s.subscription_id = $3 AND ($4::timestamptz IS NULL OR s.end_at > $4) AND s.end_at <= $5
                 AND NOT EXISTS (SELECT FROM billed_segments b
                                 WHERE b.tenant_id = $1 AND b.agent_id = s.agent_id AND b.epoch = s.epoch AND b.seq = s.seq AND b.handle = s.handle)
               RETURNING agent_id, epoch, seq, handle)
           SELECT count(*) AS "segments!", coalesce(sum(s.down_bytes), 0) AS "down_bytes!", coalesce(sum(s.up_bytes), 0) AS "up_bytes!",
                  coalesce(sum(s.down_bytes::numeric + s.up_bytes) FILTER (WHERE is_free_time(s.end_at, $6, $7)), 0) AS "free_bytes!"
           FROM taken t JOIN usage_segments s
             ON s.tenant_id = $1 AND s.agent_id = t.agent_id AND s.epoch = t.epoch AND s.seq = t.seq AND s.handle = t.handle"#,
        tenant,
        line.uuid(),
        subscription.uuid(),
        after,
        until,
        free.zone,
        free.windows
    )
    .fetch_one(tx.conn())
    .await
}

/// What a line moved between two instants in times that do not count.
pub async fn free_bytes(
    tx: &mut TenantTx,
    subscription: SubscriptionId,
    (after, until): (DateTime<Utc>, DateTime<Utc>),
    zone: &str,
    windows: &serde_json::Value,
) -> Result<Decimal, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(down_bytes::numeric + up_bytes), 0) AS "free!" FROM line_usage
           WHERE subscription_id = $1 AND end_at > $2 AND end_at <= $3 AND is_free_time(end_at, $4, $5)"#,
        subscription.uuid(),
        after,
        until,
        zone,
        windows
    )
    .fetch_one(tx.conn())
    .await
}

pub struct TopUpRow {
    pub id: TopUpId,
    pub subscription: SubscriptionId,
    pub version: PlanVersionId,
    pub name: String,
    /// None of a boost's.
    pub bytes: i64,
    pub boost: bool,
    pub price: Decimal,
    pub sold_on: NaiveDate,
    pub billed: bool,
}

/// What was bought on top for the account's subscriptions, boosts too.
pub async fn top_ups(tx: &mut TenantTx, account: AccountId) -> Result<Vec<TopUpRow>, sqlx::Error> {
    sqlx::query_as!(
        TopUpRow,
        r#"SELECT t.id AS "id: _", t.subscription_id AS "subscription: _", t.plan_version_id AS "version: _", t.name, coalesce(t.bytes, 0) AS "bytes!",
                  t.runs IS NOT NULL AS "boost!", t.price, t.sold_on,
                  EXISTS (SELECT FROM billed_top_ups b WHERE b.top_up_id = t.id) AS "billed!"
           FROM top_ups t JOIN subscriptions s ON s.id = t.subscription_id WHERE s.account_id = $1 ORDER BY t.id"#,
        account.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_billed_top_up(tx: &mut TenantTx, top_up: TopUpId, line: InvoiceLineId) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO billed_top_ups (tenant_id, top_up_id, invoice_line_id) VALUES ($1, $2, $3)",
        tenant,
        top_up.uuid(),
        line.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Bytes of a line's segments that ended in `(after, until]`, by the local hour they were counted in, midnight first.
pub async fn by_hour(
    tx: &mut TenantTx,
    subscription: SubscriptionId,
    after: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
    zone: &str,
) -> Result<Vec<u64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT extract(hour FROM (s.end_at - interval '1 microsecond') AT TIME ZONE $4)::int AS "hour!",
                  sum(s.down_bytes + s.up_bytes)::bigint AS "bytes!"
           FROM usage_segments s
           WHERE s.subscription_id = $1 AND ($2::timestamptz IS NULL OR s.end_at > $2) AND s.end_at <= $3 GROUP BY 1"#,
        subscription.uuid(),
        after,
        until,
        zone
    )
    .fetch_all(tx.conn())
    .await?;
    let mut hours = vec![0; 24];
    for row in rows {
        if let Some(hour) = usize::try_from(row.hour).ok().and_then(|hour| hours.get_mut(hour)) {
            *hour = row.bytes.unsigned_abs();
        }
    }
    Ok(hours)
}

pub struct PeriodRow {
    pub line: InvoiceLineId,
    pub from: NaiveDate,
    pub to: NaiveDate,
}

/// Gives back days of a billed period; what is left of it is returned, and is no longer in the table.
pub async fn give_back_period(
    tx: &mut TenantTx,
    credited: InvoiceLineId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<PeriodRow>, sqlx::Error> {
    sqlx::query_as!(
        PeriodRow,
        r#"DELETE FROM billed_periods WHERE invoice_line_id = $1 AND component = 'recurring' AND period && daterange($2, $3)
           RETURNING invoice_line_id AS "line: _", lower(period) AS "from!", upper(period) AS "to!""#,
        credited.uuid(),
        from,
        to
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_period(
    tx: &mut TenantTx,
    subscription: SubscriptionId,
    component: &str,
    from: NaiveDate,
    to: NaiveDate,
    line: InvoiceLineId,
) -> Result<(), sqlx::Error> {
    let tenant: Uuid = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO billed_periods (tenant_id, subscription_id, component, period, invoice_line_id) VALUES ($1, $2, $3, daterange($4, $5), $6)",
        tenant,
        subscription.uuid(),
        component,
        from,
        to,
        line.uuid()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn currency(tx: &mut TenantTx, id: AccountId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT currency FROM accounts WHERE id = $1", id.uuid()).fetch_optional(tx.conn()).await
}
