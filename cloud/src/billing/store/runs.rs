//! SQL of billing runs.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::billing::jobs::WorkOnRun;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BillingRunId};
use crate::jobs::Job;

/// How far back traffic that is not counted yet is looked for: a period, and what comes late.
pub(super) const LOOKED_AT: TimeDelta = TimeDelta::days(40);

pub struct RunRow {
    pub id: BillingRunId,
    pub as_of: NaiveDate,
    pub status: String,
    pub started_by: String,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub accounts_total: i32,
    pub accounts_done: i32,
    pub error: Option<String>,
}

pub async fn find(tx: &mut TenantTx, id: BillingRunId) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT id AS "id: _", as_of, status, started_by, started_at, finished_at, accounts_total,
                  accounts_done + (SELECT coalesce(sum(cardinality(b.accounts)), 0)::int FROM billing_batches b
                                   WHERE b.run_id = r.id AND b.done_at IS NOT NULL) AS "accounts_done!", error
           FROM billing_runs r WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn running(tx: &mut TenantTx) -> Result<Option<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT id AS "id: _", as_of, status, started_by, started_at, finished_at, accounts_total,
                  accounts_done + (SELECT coalesce(sum(cardinality(b.accounts)), 0)::int FROM billing_batches b
                                   WHERE b.run_id = r.id AND b.done_at IS NOT NULL) AS "accounts_done!", error
           FROM billing_runs r WHERE status = 'running'"#
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<RunRow>, sqlx::Error> {
    sqlx::query_as!(
        RunRow,
        r#"SELECT id AS "id: _", as_of, status, started_by, started_at, finished_at, accounts_total,
                  accounts_done + (SELECT coalesce(sum(cardinality(b.accounts)), 0)::int FROM billing_batches b
                                   WHERE b.run_id = r.id AND b.done_at IS NOT NULL) AS "accounts_done!", error
           FROM billing_runs r WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// What the invoices of a run ask for and how many there are, by currency.
pub async fn totals(tx: &mut TenantTx, id: BillingRunId) -> Result<Vec<(String, Decimal, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT currency, sum(gross) AS "gross!", count(*) AS "invoices!" FROM invoices WHERE run_id = $1 AND status = 'issued'
           GROUP BY currency ORDER BY currency"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.currency, row.gross, row.invoices)).collect())
}

/// Whether the run is ours: false when one is at work already.
pub async fn insert(tx: &mut TenantTx, id: BillingRunId, as_of: NaiveDate) -> Result<bool, sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    let inserted = sqlx::query!(
        "INSERT INTO billing_runs (tenant_id, id, as_of, status, started_by, started_at)
         VALUES ($1, $2, $3, 'running', $4, $5)
         ON CONFLICT (tenant_id) WHERE status = 'running' DO NOTHING",
        tenant.uuid(),
        id.uuid(),
        as_of,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// The accounts a run has something to look at, or may have: days not charged as they are held, traffic not counted
/// of what is over, top-ups not charged, what is charged once and no price that is still to come will take along, and
/// contracts left early. All others would be read from end to end for nothing, every day of the year. Where another account
/// pays, that one, once for each it pays for. At most `limit`, if given.
pub async fn accounts(tx: &mut TenantTx, run: &RunRow, limit: Option<i64>) -> Result<Vec<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(payer_id, id) AS "id!: AccountId" FROM accounts a
           WHERE created_at <= $1 AND (EXISTS (
             SELECT FROM one_time_charges c
             WHERE c.account_id = a.id AND c.removed_at IS NULL AND c.charged_on <= $2
               AND NOT EXISTS (SELECT FROM billed_charges b WHERE b.charge_id = c.id)
               AND NOT EXISTS (SELECT FROM billed_periods b JOIN subscriptions s ON s.id = b.subscription_id
                               WHERE s.account_id = a.id AND b.component = 'recurring' AND b.period @> $2::date)
           ) OR EXISTS (
               SELECT FROM contracts c
               JOIN subscriptions s ON s.id = c.subscription_id
               WHERE s.account_id = a.id AND c.waived_at IS NULL AND c.fee <> 'none' AND s.ends_on < upper(c.term)
                 AND s.ends_on >= lower(c.term) + c.cooling_off_days AND s.ends_on <= least($2::date, ($1::timestamptz AT TIME ZONE a.time_zone)::date)
                 AND NOT EXISTS (SELECT FROM billed_contracts b WHERE b.contract_id = c.id)
           ) OR EXISTS (
             SELECT FROM subscriptions s
             JOIN LATERAL (SELECT range_agg(t.valid) AS held, max(coalesce(upper(t.valid), 'infinity')) AS ends_on,
                                  range_agg(t.valid * daterange(NULL, asked_until(t.valid, v.in_arrears, a.billing_day, $2))) AS asked,
                                  bool_or(v.in_arrears AND t.valid @> $2::date) AS afterwards
                           FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                           WHERE t.subscription_id = s.id) t ON true
             CROSS JOIN LATERAL (SELECT days_not_charged(s.id) AS free) p
             -- Traffic is counted by months, however long what is billed is for.
             JOIN LATERAL (SELECT range_agg(b.period) AS billed,
                                  CASE WHEN t.afterwards OR p.free @> $2::date OR bool_or(b.period @> $2::date)
                                       THEN greatest(max(lower(b.period)) FILTER (WHERE b.period @> $2::date), last_billing_day(a.billing_day, $2)) END AS since
                           FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring') b ON true
             WHERE s.account_id = a.id AND (
               t.asked - p.free <@ b.billed IS NOT TRUE
               OR b.billed <@ (t.held - p.free) IS NOT TRUE
               OR is_billed_beside_pauses(s.id)
               OR EXISTS (SELECT FROM billed_periods o
                          JOIN invoice_lines l ON l.id = o.invoice_line_id
                          JOIN subscription_terms n ON n.subscription_id = o.subscription_id AND n.valid && o.period
                          WHERE o.subscription_id = s.id AND o.component = 'recurring' AND n.plan_version_id <> l.plan_version_id)
               OR (b.since IS NULL AND t.ends_on > $3::timestamptz::date)
               OR EXISTS (SELECT FROM usage_segments u WHERE u.subscription_id = s.id AND u.end_at > $3
                            AND u.end_at <= (coalesce(b.since, $2)::timestamp AT TIME ZONE a.time_zone)
                            AND NOT EXISTS (SELECT FROM billed_segments d WHERE d.agent_id = u.agent_id AND d.epoch = u.epoch
                                            AND d.seq = u.seq AND d.handle = u.handle))
               OR EXISTS (SELECT FROM top_ups t WHERE t.subscription_id = s.id AND t.price > 0
                            AND NOT EXISTS (SELECT FROM billed_top_ups b WHERE b.top_up_id = t.id)))))
           ORDER BY a.id LIMIT $4"#,
        run.started_at,
        run.as_of,
        run.started_at - LOOKED_AT,
        limit
    )
    .fetch_all(tx.conn())
    .await
}

/// Takes the tenant's turn to preview until this transaction ends: false while somebody else has it.
pub async fn take_preview(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    let name = format!("billing preview {}", tx.tenant());
    sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "taken!""#, name)
        .fetch_one(tx.conn())
        .await
}

/// Whether a job that works on it waits, or is at it.
pub async fn has_jobs(tx: &mut TenantTx, id: BillingRunId) -> Result<bool, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM platform.jobs WHERE tenant_id = $1 AND kind = $2 AND starts_with(unique_key, $3)
                          AND done_at IS NULL AND failed_at IS NULL) AS "has!""#,
        tenant,
        WorkOnRun::KIND,
        format!("{id} ")
    )
    .fetch_one(tx.conn())
    .await
}

/// How many accounts a run will look at.
pub async fn set_total(tx: &mut TenantTx, id: BillingRunId, accounts: usize) -> Result<(), sqlx::Error> {
    let accounts = i32::try_from(accounts).unwrap_or(i32::MAX);
    sqlx::query!("UPDATE billing_runs SET accounts_total = $2 WHERE id = $1", id.uuid(), accounts)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Remembers an account that could not be billed; the text stays short however many there are.
pub async fn fault(tx: &mut TenantTx, id: BillingRunId, text: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE billing_runs SET error = left(concat_ws('; ', error, $2::text), 4000) WHERE id = $1",
        id.uuid(),
        text
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a run if nothing of it is left to do; says whether it was still at work.
pub async fn finish(tx: &mut TenantTx, id: BillingRunId) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    let finished = sqlx::query!(
        "UPDATE billing_runs r SET status = CASE WHEN error IS NULL THEN 'done' ELSE 'failed' END, finished_at = $2,
                accounts_done = accounts_done + (SELECT coalesce(sum(cardinality(b.accounts)), 0) FROM billing_batches b WHERE b.run_id = r.id)
         WHERE id = $1 AND status = 'running'
           AND NOT EXISTS (SELECT FROM billing_batches b WHERE b.run_id = r.id AND b.done_at IS NULL)",
        id.uuid(),
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(finished.rows_affected() == 1)
}

/// The first of the next `count` numbers of a series of the year, gapless: its row stays locked until the transaction that
/// uses them ends.
pub async fn next_numbers(tx: &mut TenantTx, kind: &str, year: i16, count: i64) -> Result<i64, sqlx::Error> {
    let tenant: Uuid = tx.tenant().uuid();
    sqlx::query_scalar!(
        r#"INSERT INTO number_series AS s (tenant_id, kind, year, next) VALUES ($1, $2, $3, 1 + $4::bigint)
           ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = s.next + $4::bigint RETURNING next - $4::bigint AS "first!""#,
        tenant,
        kind,
        year,
        count
    )
    .fetch_one(tx.conn())
    .await
}
