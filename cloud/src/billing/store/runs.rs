//! SQL of billing runs.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::billing::jobs::WorkOnRun;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BillingRunId};
use crate::jobs::Job;

/// How far back traffic that is not counted yet is looked for: a period, and what comes late.
const LOOKED_AT: TimeDelta = TimeDelta::days(40);
/// A record is there this long after it was received, at the latest: a run at work then may have missed it.
const ARRIVES_IN: PgInterval = PgInterval { months: 0, days: 0, microseconds: 5 * 60 * 1_000_000 };

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
/// contracts left early. All others would be read from end to end for nothing, every day of the year. At most `limit`, if
/// given.
pub async fn accounts(tx: &mut TenantTx, run: &RunRow, limit: Option<i64>) -> Result<Vec<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AccountId" FROM accounts a
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
           ORDER BY id LIMIT $4"#,
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

/// Days to charge, billed days no term holds any more or that are paused, or a billed period with traffic not counted that ended, or whose
/// traffic arrived, since the last run up to its end: what that one found not worth an invoice is not looked at again.
/// Traffic older than a period starts no run by itself: the account's next one counts it.
pub async fn anything_due(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    sqlx::query_scalar!(
        r#"SELECT (
             EXISTS (
               SELECT FROM subscription_terms t
               JOIN subscriptions s ON s.id = t.subscription_id JOIN accounts a ON a.id = s.account_id
               JOIN plan_versions v ON v.id = t.plan_version_id AND v.price > 0 AND NOT v.in_arrears
               WHERE t.valid @> ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM pauses p WHERE p.subscription_id = s.id AND p.price IS NULL AND p.cancelled_at IS NULL
                                 AND p.days @> ($1::timestamptz AT TIME ZONE a.time_zone)::date)
                 -- What discounts leave nothing of waits for a day with something to ask.
                 AND v.price > (SELECT coalesce(sum(CASE WHEN d.percent = 100 AND d.most IS NULL THEN v.price ELSE d.amount END), 0)
                                FROM discounts d WHERE d.subscription_id = s.id
                                  AND daterange(d.from_on, least(d.until_on, d.ended_on)) @> ($1::timestamptz AT TIME ZONE a.time_zone)::date)
                 -- What they leave of the rest may round to nothing: one look a day is enough.
                 AND (NOT EXISTS (SELECT FROM discounts d WHERE d.subscription_id = s.id
                                  AND daterange(d.from_on, least(d.until_on, d.ended_on)) @> ($1::timestamptz AT TIME ZONE a.time_zone)::date)
                      OR NOT EXISTS (SELECT FROM billing_runs g WHERE g.as_of >= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                                     AND g.started_at >= date_trunc('day', $1::timestamptz, a.time_zone)))
                 AND NOT EXISTS (SELECT FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring'
                                 AND b.period @> ($1::timestamptz AT TIME ZONE a.time_zone)::date)
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id))
             OR EXISTS (
               -- What is paid afterwards: a month that is over, or what was served before its terms ended.
               SELECT FROM subscription_terms t
               JOIN subscriptions s ON s.id = t.subscription_id JOIN accounts a ON a.id = s.account_id
               JOIN plan_versions v ON v.id = t.plan_version_id AND v.price > 0 AND v.in_arrears
               CROSS JOIN LATERAL (SELECT least(upper(t.valid), asked_until(t.valid, true, a.billing_day, ($1::timestamptz AT TIME ZONE a.time_zone)::date)) - 1 AS day) last
               WHERE t.valid @> last.day
                 AND NOT EXISTS (SELECT FROM pauses p WHERE p.subscription_id = s.id AND p.price IS NULL AND p.cancelled_at IS NULL AND p.days @> last.day)
                 AND NOT EXISTS (SELECT FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring' AND b.period @> last.day)
                 AND v.price > (SELECT coalesce(sum(CASE WHEN d.percent = 100 AND d.most IS NULL THEN v.price ELSE d.amount END), 0)
                                FROM discounts d WHERE d.subscription_id = s.id AND daterange(d.from_on, least(d.until_on, d.ended_on)) @> last.day)
                 AND (NOT EXISTS (SELECT FROM discounts d WHERE d.subscription_id = s.id
                                  AND daterange(d.from_on, least(d.until_on, d.ended_on)) @> last.day)
                      OR NOT EXISTS (SELECT FROM billing_runs g WHERE g.as_of >= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                                     AND g.started_at >= date_trunc('day', $1::timestamptz, a.time_zone)))
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id))
             OR EXISTS (
               -- What was paid ahead for a period of another length is given back as soon as its plan is left.
               SELECT FROM subscription_terms t
               JOIN subscriptions s ON s.id = t.subscription_id JOIN accounts a ON a.id = s.account_id
               JOIN subscription_terms o ON o.subscription_id = t.subscription_id AND upper(o.valid) = lower(t.valid)
               JOIN plan_versions v ON v.id = t.plan_version_id
               JOIN plan_versions w ON w.id = o.plan_version_id
                 AND (w.period_months, w.period_days, w.in_arrears) IS DISTINCT FROM (v.period_months, v.period_days, v.in_arrears)
               JOIN billed_periods b ON b.subscription_id = s.id AND b.component = 'recurring'
                 AND b.period @> ($1::timestamptz AT TIME ZONE a.time_zone)::date
               JOIN invoice_lines l ON l.id = b.invoice_line_id AND l.plan_version_id = o.plan_version_id AND l.net <> 0
               WHERE t.valid @> ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id))
             OR EXISTS (
               -- A pause gives back what was billed for its days or asks another price for them, and leaves days to charge before it.
               -- Once a change, and once a day: what is left may come to nothing.
               SELECT FROM (SELECT subscription_id, max(changed_at) AS changed_at FROM pauses GROUP BY subscription_id) p
               JOIN subscriptions s ON s.id = p.subscription_id JOIN accounts a ON a.id = s.account_id
               CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) now
               JOIN LATERAL (SELECT range_agg(t.valid * daterange(NULL, asked_until(t.valid, v.in_arrears, a.billing_day, now.today))) AS asked
                             FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id AND v.price > 0
                             WHERE t.subscription_id = s.id) t ON true
               CROSS JOIN LATERAL (SELECT coalesce(range_agg(b.period), '{}') AS billed FROM billed_periods b
                                   WHERE b.subscription_id = s.id AND b.component = 'recurring') b
               WHERE (t.asked - days_not_charged(s.id) <@ b.billed IS FALSE
                      OR EXISTS (SELECT FROM billed_periods b JOIN invoice_lines l ON l.id = b.invoice_line_id AND l.net <> 0
                                 WHERE b.subscription_id = s.id AND b.component = 'recurring' AND b.period && days_not_charged(s.id))
                      OR is_billed_beside_pauses(s.id))
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id)
                 AND NOT EXISTS (SELECT FROM billing_runs g WHERE g.as_of >= now.today
                                 AND g.started_at >= greatest(p.changed_at, date_trunc('day', $1::timestamptz, a.time_zone))))
             OR EXISTS (
               -- What asked for nothing has nothing to give back.
               SELECT FROM billed_periods b JOIN subscriptions s ON s.id = b.subscription_id JOIN invoice_lines l ON l.id = b.invoice_line_id AND l.net <> 0
               WHERE b.component = 'recurring' AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = s.account_id)
                 AND NOT EXISTS (SELECT FROM subscription_terms t WHERE t.subscription_id = b.subscription_id AND t.valid @> b.period)
                 AND NOT EXISTS (SELECT FROM subscription_terms t WHERE t.subscription_id = b.subscription_id AND t.valid @> (upper(b.period) - 1)))
             OR EXISTS (
               SELECT FROM subscriptions s JOIN accounts a ON a.id = s.account_id
               CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) now
               -- A month within a longer period, or one that ended paused, ends on the billing day.
               JOIN LATERAL (SELECT greatest((SELECT last_billing_day(a.billing_day, now.today) FROM pauses p
                                              WHERE p.subscription_id = s.id AND p.price IS NULL AND p.cancelled_at IS NULL
                                                AND p.days @> last_billing_day(a.billing_day, now.today) - 1),
                                             max(upper(b.period)) FILTER (WHERE upper(b.period) <= now.today),
                                             max(last_billing_day(a.billing_day, now.today))
                                                 FILTER (WHERE lower(b.period) < last_billing_day(a.billing_day, now.today)
                                                           AND upper(b.period) > last_billing_day(a.billing_day, now.today))) AS ended_on
                             FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring') p ON true
               WHERE NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id)
                 AND EXISTS (SELECT FROM usage_segments u
                             JOIN usage_records r ON r.agent_id = u.agent_id AND r.epoch = u.epoch AND r.seq = u.seq
                             WHERE u.subscription_id = s.id
                             AND u.end_at <= (p.ended_on::timestamp AT TIME ZONE a.time_zone) AND u.end_at > $2
                             AND greatest(r.received_at + $3, p.ended_on::timestamp AT TIME ZONE a.time_zone)
                                 > (SELECT coalesce(max(g.started_at), '-infinity') FROM billing_runs g WHERE g.as_of >= p.ended_on)
                             AND NOT EXISTS (SELECT FROM billed_segments d WHERE d.agent_id = u.agent_id AND d.epoch = u.epoch
                                             AND d.seq = u.seq AND d.handle = u.handle)))
             OR EXISTS (
               SELECT FROM contracts c JOIN subscriptions s ON s.id = c.subscription_id JOIN accounts a ON a.id = s.account_id
               WHERE c.waived_at IS NULL AND c.fee <> 'none' AND s.ends_on < upper(c.term)
                 AND s.ends_on >= lower(c.term) + c.cooling_off_days AND s.ends_on <= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM billed_contracts b WHERE b.contract_id = c.id) AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id))
             OR EXISTS (
               SELECT FROM one_time_charges c JOIN accounts a ON a.id = c.account_id
               WHERE c.removed_at IS NULL AND c.charged_on <= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id) AND NOT EXISTS (SELECT FROM billed_charges b WHERE b.charge_id = c.id)
                 -- It goes with the price of the account's next period, if there is to be one.
                 AND NOT EXISTS (SELECT FROM billed_periods b JOIN subscriptions s ON s.id = b.subscription_id
                                 WHERE s.account_id = a.id AND b.component = 'recurring'
                                   AND b.period @> ($1::timestamptz AT TIME ZONE a.time_zone)::date))
             OR EXISTS (
               SELECT FROM top_ups t JOIN subscriptions s ON s.id = t.subscription_id JOIN accounts a ON a.id = s.account_id
               WHERE t.price > 0 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id) AND t.until_on <= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM billed_top_ups b WHERE b.top_up_id = t.id)
                 -- A boost is over in hours: it waits for the end of the period it ran in, as what is bought on top of its allowance does.
                 AND (t.runs IS NULL OR NOT EXISTS (
                     SELECT FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring'
                       AND b.period @> ($1::timestamptz AT TIME ZONE a.time_zone)::date)))
           ) AS "due!""#,
        at,
        at - LOOKED_AT,
        ARRIVES_IN as PgInterval
    )
    .fetch_one(tx.conn())
    .await
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
