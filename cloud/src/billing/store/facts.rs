//! SQL of what an account is billed for: its terms, what was billed before, the traffic counted.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId, PlanVersionId, SubscriptionId};

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
           FROM accounts a JOIN subscribers s ON s.id = a.subscriber_id WHERE a.id = $1 FOR UPDATE OF a"#,
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
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
}

/// Every term of every subscription of an account, by subscription and date.
pub async fn terms(tx: &mut TenantTx, account: AccountId) -> Result<Vec<TermRow>, sqlx::Error> {
    sqlx::query_as!(
        TermRow,
        r#"SELECT s.id AS "subscription: _", s.starts_on, v.id AS "version: _", p.name AS plan, v.price, v.currency, v.allowance_bytes,
                  v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price,
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
    pub block_bytes: Option<i64>,
    pub block_price: Option<Decimal>,
    pub tax_category: String,
    pub tax_rate: Decimal,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub full_from: NaiveDate,
    pub full_to: NaiveDate,
    pub quantity: Decimal,
    pub unit_price: Decimal,
    pub net: Decimal,
    pub used_bytes: i64,
    pub credits: Option<InvoiceLineId>,
}

/// Every line billed for the account's subscriptions.
pub async fn billed(tx: &mut TenantTx, account: AccountId) -> Result<Vec<BilledRow>, sqlx::Error> {
    sqlx::query_as!(
        BilledRow,
        r#"SELECT l.id AS "id: _", l.kind, l.subscription_id AS "subscription!: _", l.plan_version_id AS "version!: _",
                  p.name AS plan, v.allowance_bytes, v.overage_block_bytes AS block_bytes, v.overage_block_price AS block_price,
                  l.tax_category, l.tax_rate,
                  lower(l.period) AS "from!", upper(l.period) AS "to!", lower(l.full_period) AS "full_from!", upper(l.full_period) AS "full_to!",
                  l.quantity, l.unit_price, l.net, coalesce(l.down_bytes, 0) + coalesce(l.up_bytes, 0) AS "used_bytes!",
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
    pub down_bytes: i64,
    pub up_bytes: i64,
}

/// Takes every segment of a line that ended in `(after, until]` and was not billed, and counts exactly those taken.
pub async fn take_segments(
    tx: &mut TenantTx,
    line: InvoiceLineId,
    subscription: SubscriptionId,
    after: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
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
           SELECT count(*) AS "segments!", coalesce(sum(s.down_bytes), 0)::bigint AS "down_bytes!", coalesce(sum(s.up_bytes), 0)::bigint AS "up_bytes!"
           FROM taken t JOIN usage_segments s
             ON s.tenant_id = $1 AND s.agent_id = t.agent_id AND s.epoch = t.epoch AND s.seq = t.seq AND s.handle = t.handle"#,
        tenant,
        line.uuid(),
        subscription.uuid(),
        after,
        until
    )
    .fetch_one(tx.conn())
    .await
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
