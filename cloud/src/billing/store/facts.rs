//! SQL of what an account is billed for: its terms, what was billed before, the traffic counted.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::billing::{LineDiscount, LineKind};
use crate::catalog::{Phase, TrafficPrice};
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId, PlanVersionId, SubscriptionId, TopUpId};

pub struct AccountRow {
    pub id: AccountId,
    /// Who pays for it, if not itself.
    pub payer: Option<AccountId>,
    pub number: String,
    pub currency: String,
    pub time_zone: String,
    pub billing_day: i16,
    pub subscriber: String,
    pub language: String,
    pub address: String,
}

impl AccountRow {
    /// Who is billed for it.
    pub fn payer(&self) -> AccountId {
        self.payer.unwrap_or(self.id)
    }
}

/// The account, locked: whoever bills or allocates holds it.
pub async fn lock_account(tx: &mut TenantTx, id: AccountId) -> Result<Option<AccountRow>, sqlx::Error> {
    Ok(lock_accounts(tx, &[id.uuid()]).await?.pop())
}

/// The accounts there are of these, by their ids and locked in that order.
pub async fn lock_accounts(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<AccountRow>, sqlx::Error> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT a.id AS "id: _", a.payer_id AS "payer: _", a.number, a.currency, a.time_zone, a.billing_day, s.name AS subscriber, s.language,
                  coalesce((SELECT concat_ws(E'\n', nullif(l.line1, ''), nullif(l.line2, ''), nullif(concat_ws(' ', nullif(l.postcode, ''), l.city), ''), l.country)
                            FROM service_locations l WHERE l.subscriber_id = s.id ORDER BY l.created_at, l.id LIMIT 1), '') AS "address!"
           FROM accounts a JOIN subscribers s ON s.id = a.subscriber_id WHERE a.id = ANY($1) ORDER BY a.id FOR NO KEY UPDATE OF a"#,
        ids
    )
    .fetch_all(tx.conn())
    .await
}

/// The account as it is, for whoever only looks.
pub async fn account(tx: &mut TenantTx, id: AccountId) -> Result<Option<AccountRow>, sqlx::Error> {
    sqlx::query_as!(
        AccountRow,
        r#"SELECT a.id AS "id: _", a.payer_id AS "payer: _", a.number, a.currency, a.time_zone, a.billing_day, s.name AS subscriber, s.language, '' AS "address!"
           FROM accounts a JOIN subscribers s ON s.tenant_id = a.tenant_id AND s.id = a.subscriber_id WHERE a.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub struct TermRow {
    pub account: AccountId,
    pub subscription: SubscriptionId,
    pub starts_on: NaiveDate,
    pub version: PlanVersionId,
    pub plan: String,
    pub price: Decimal,
    /// Whether that, and the other prices of the version, include tax.
    pub tax_included: bool,
    pub currency: String,
    /// What the price is for: months, or else days; and whether it is asked for afterwards.
    pub period_months: Option<i16>,
    pub period_days: Option<i16>,
    pub in_arrears: bool,
    /// What it costs at first, for the line that begins with it.
    pub phases: Json<Vec<Phase>>,
    pub allowance_bytes: Option<i64>,
    pub allowance_shared: bool,
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    pub traffic_price: Option<Json<TrafficPrice>>,
    /// Windows of the day, as [`crate::catalog::Window`] is written.
    pub windows: serde_json::Value,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

/// Every term of every subscription of these accounts, by account, subscription and date.
pub async fn terms(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<TermRow>, sqlx::Error> {
    sqlx::query_as!(
        TermRow,
        r#"SELECT s.account_id AS "account: _", s.id AS "subscription: _", s.starts_on, v.id AS "version: _", p.name AS plan, v.price, v.tax_included, v.currency, v.period_months, v.period_days, v.in_arrears, v.phases AS "phases: _", v.allowance_bytes,
                  v.allowance_shared, v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price, v.traffic_price AS "traffic_price: _", v.windows,
                  lower(t.valid) AS "from!", upper(t.valid) AS "to?"
           FROM subscriptions s
           JOIN subscription_terms t ON t.subscription_id = s.id
           JOIN plan_versions v ON v.id = t.plan_version_id
           JOIN plans p ON p.id = v.plan_id
           WHERE s.account_id = ANY($1) ORDER BY s.account_id, s.id, lower(t.valid)"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

pub struct BilledRow {
    pub account: AccountId,
    pub id: InvoiceLineId,
    pub kind: String,
    pub subscription: SubscriptionId,
    pub version: PlanVersionId,
    pub plan: String,
    /// What its document calls it.
    pub description: String,
    pub allowance_bytes: Option<i64>,
    pub allowance_shared: bool,
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    pub traffic_price: Option<Json<TrafficPrice>>,
    pub windows: serde_json::Value,
    pub tax_category: String,
    pub tax_rate: Decimal,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub full_from: NaiveDate,
    pub full_to: NaiveDate,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    /// What it asked for: with tax, where its price includes it.
    pub asks: Decimal,
    pub tax_included: bool,
    /// What discounts took off, and what of it is whose.
    pub discount: Decimal,
    pub discounts: Json<Vec<LineDiscount>>,
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

/// Every line billed for the subscriptions of these accounts, by account. Looked up a subscription at a time, whatever the
/// statistics of a young table say: or else each batch of a run would read all lines of the ISP.
pub async fn billed(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<BilledRow>, sqlx::Error> {
    sqlx::query_as!(
        BilledRow,
        r#"SELECT s.account_id AS "account: _", l.id AS "id: _", l.kind, l.subscription_id AS "subscription!: _", l.plan_version_id AS "version!: _",
                  p.name AS plan, l.description, v.allowance_bytes, v.allowance_shared, v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price, v.traffic_price AS "traffic_price: _", v.windows,
                  l.tax_category, l.tax_rate,
                  lower(l.period) AS "from!", upper(l.period) AS "to!", lower(l.full_period) AS "full_from!", upper(l.full_period) AS "full_to!",
                  l.quantity, l.unit_price, coalesce(l.gross, l.net) AS "asks!", v.tax_included, l.discount, l.discounts AS "discounts: _", coalesce(l.down_bytes::numeric, 0) + coalesce(l.up_bytes, 0) - coalesce(l.free_bytes, 0) AS "used_bytes!",
                  l.credits_line_id AS "credits: _"
           FROM subscriptions s
           CROSS JOIN LATERAL (SELECT * FROM invoice_lines WHERE subscription_id = s.id OFFSET 0) l
           JOIN plan_versions v ON v.id = l.plan_version_id
           JOIN plans p ON p.id = v.plan_id
           WHERE s.account_id = ANY($1) ORDER BY s.account_id, l.id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

/// Which segments a usage line is for: those of its subscription that ended in `(after, until]` and were not billed.
pub struct Window<'a> {
    pub line: InvoiceLineId,
    pub subscription: SubscriptionId,
    pub after: Option<DateTime<Utc>>,
    pub until: DateTime<Utc>,
    /// The account's zone, and the windows of the plan: when segments are free.
    pub zone: &'a str,
    pub windows: &'a serde_json::Value,
}

pub struct CountedRow {
    pub line: InvoiceLineId,
    pub segments: i64,
    pub down_bytes: Decimal,
    pub up_bytes: Decimal,
    /// Of both, what was moved in free windows.
    pub free_bytes: Decimal,
}

/// Counts what these lines would take; lines without any segment are left out.
pub async fn count_segments(tx: &mut TenantTx, windows: &[Window<'_>]) -> Result<Vec<CountedRow>, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let lines: Vec<_> = windows.iter().map(|window| window.line.uuid()).collect();
    let subscriptions: Vec<_> = windows.iter().map(|window| window.subscription.uuid()).collect();
    let after: Vec<_> = windows.iter().map(|window| window.after).collect();
    let until: Vec<_> = windows.iter().map(|window| window.until).collect();
    let zones: Vec<_> = windows.iter().map(|window| window.zone.to_owned()).collect();
    let free: Vec<_> = windows.iter().map(|window| window.windows.clone()).collect();
    sqlx::query_as!(
        CountedRow,
        r#"SELECT w.line AS "line!: _", count(*) AS "segments!", coalesce(sum(s.down_bytes), 0) AS "down_bytes!",
                  coalesce(sum(s.up_bytes), 0) AS "up_bytes!",
                  coalesce(sum(s.down_bytes::numeric + s.up_bytes) FILTER (WHERE is_free_time(s.end_at, w.zone, w.free)), 0) AS "free_bytes!"
           FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::jsonb[])
                AS w (line, subscription, after, until, zone, free)
           CROSS JOIN LATERAL (
               SELECT s.end_at, s.down_bytes, s.up_bytes FROM usage_segments s
               WHERE s.tenant_id = $1 AND s.subscription_id = w.subscription AND s.end_at > coalesce(w.after, '-infinity') AND s.end_at <= w.until
                 AND NOT EXISTS (SELECT FROM billed_segments b
                                 WHERE b.tenant_id = $1 AND b.agent_id = s.agent_id AND b.epoch = s.epoch AND b.seq = s.seq AND b.handle = s.handle)
           ) s GROUP BY w.line"#,
        tenant,
        &lines,
        &subscriptions,
        &after as &[Option<DateTime<Utc>>],
        &until,
        &zones,
        &free
    )
    .fetch_all(tx.conn())
    .await
}

/// The segments behind a usage line, as they were counted.
pub struct Taking {
    pub line: InvoiceLineId,
    pub subscription: SubscriptionId,
    pub after: Option<DateTime<Utc>>,
    pub until: DateTime<Utc>,
    pub segments: i64,
}

/// Takes what was counted for these lines. Says whether it was exactly that: segments are only ever added, so as many are
/// the same ones.
pub async fn take_segments(tx: &mut TenantTx, takings: &[Taking]) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let lines: Vec<_> = takings.iter().map(|taking| taking.line.uuid()).collect();
    let subscriptions: Vec<_> = takings.iter().map(|taking| taking.subscription.uuid()).collect();
    let after: Vec<_> = takings.iter().map(|taking| taking.after).collect();
    let until: Vec<_> = takings.iter().map(|taking| taking.until).collect();
    let taken = sqlx::query!(
        r#"WITH taken AS (
               INSERT INTO billed_segments (tenant_id, agent_id, epoch, seq, handle, invoice_line_id)
               SELECT s.tenant_id, s.agent_id, s.epoch, s.seq, s.handle, w.line
               FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) AS w (line, subscription, after, until)
               CROSS JOIN LATERAL (
                   SELECT * FROM usage_segments s
                   WHERE s.tenant_id = $1 AND s.subscription_id = w.subscription AND s.end_at > coalesce(w.after, '-infinity') AND s.end_at <= w.until
                     AND NOT EXISTS (SELECT FROM billed_segments b
                                     WHERE b.tenant_id = $1 AND b.agent_id = s.agent_id AND b.epoch = s.epoch AND b.seq = s.seq AND b.handle = s.handle)
               ) s
               RETURNING invoice_line_id)
           SELECT invoice_line_id AS "line: InvoiceLineId", count(*) AS "segments!" FROM taken GROUP BY invoice_line_id"#,
        tenant,
        &lines,
        &subscriptions,
        &after as &[Option<DateTime<Utc>>],
        &until
    )
    .fetch_all(tx.conn())
    .await?;
    let taken: HashMap<_, _> = taken.into_iter().map(|row| (row.line, row.segments)).collect();
    Ok(takings.iter().all(|taking| taken.get(&taking.line) == Some(&taking.segments)))
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
    pub account: AccountId,
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

/// What was bought on top for the subscriptions of these accounts, boosts too, by account.
pub async fn top_ups(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<TopUpRow>, sqlx::Error> {
    sqlx::query_as!(
        TopUpRow,
        r#"SELECT s.account_id AS "account: _", t.id AS "id: _", t.subscription_id AS "subscription: _", t.plan_version_id AS "version: _", t.name, coalesce(t.bytes, 0) AS "bytes!",
                  t.runs IS NOT NULL AS "boost!", t.price, t.sold_on,
                  EXISTS (SELECT FROM billed_top_ups b WHERE b.top_up_id = t.id) AS "billed!"
           FROM top_ups t JOIN subscriptions s ON s.id = t.subscription_id WHERE s.account_id = ANY($1) ORDER BY s.account_id, t.id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_billed_top_ups(tx: &mut TenantTx, charged: &[(TopUpId, InvoiceLineId)]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let top_ups: Vec<_> = charged.iter().map(|(top_up, _)| top_up.uuid()).collect();
    let lines: Vec<_> = charged.iter().map(|(_, line)| line.uuid()).collect();
    sqlx::query!(
        "INSERT INTO billed_top_ups (tenant_id, top_up_id, invoice_line_id)
         SELECT $1, charged.* FROM unnest($2::uuid[], $3::uuid[]) AS charged",
        tenant,
        &top_ups,
        &lines
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

/// Days of a subscription that a line bills.
pub struct PeriodRow {
    pub subscription: SubscriptionId,
    pub component: &'static str,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub line: InvoiceLineId,
}

/// Gives back days of what a line billed; what is left of it is returned, and is no longer in the table.
pub async fn give_back_period(
    tx: &mut TenantTx,
    credited: InvoiceLineId,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<Vec<(NaiveDate, NaiveDate)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"DELETE FROM billed_periods WHERE invoice_line_id = $1 AND component = 'recurring' AND period && daterange($2, $3)
           RETURNING lower(period) AS "from!", upper(period) AS "to!""#,
        credited.uuid(),
        from,
        to
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.from, row.to)).collect())
}

pub async fn insert_periods(tx: &mut TenantTx, periods: &[PeriodRow]) -> Result<(), sqlx::Error> {
    let tenant: Uuid = tx.tenant().uuid();
    let subscriptions: Vec<_> = periods.iter().map(|period| period.subscription.uuid()).collect();
    let components: Vec<_> = periods.iter().map(|period| period.component.to_owned()).collect();
    let from: Vec<_> = periods.iter().map(|period| period.from).collect();
    let to: Vec<_> = periods.iter().map(|period| period.to).collect();
    let lines: Vec<_> = periods.iter().map(|period| period.line.uuid()).collect();
    sqlx::query!(
        r#"INSERT INTO billed_periods (tenant_id, subscription_id, component, period, invoice_line_id)
           SELECT $1, subscription, component, daterange("from", "to"), line
           FROM unnest($2::uuid[], $3::text[], $4::date[], $5::date[], $6::uuid[]) AS billed (subscription, component, "from", "to", line)"#,
        tenant,
        &subscriptions,
        &components,
        &from,
        &to,
        &lines
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn currency(tx: &mut TenantTx, id: AccountId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT currency FROM accounts WHERE id = $1", id.uuid()).fetch_optional(tx.conn()).await
}
