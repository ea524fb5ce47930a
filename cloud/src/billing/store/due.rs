//! SQL of whether anybody is owed a run. Accounts whose last bill failed wait for a mended cause.

use sqlx::postgres::types::PgInterval;

use super::runs::LOOKED_AT;
use crate::db::TenantTx;

/// A record is there this long after it was received, at the latest: a run at work then may have missed it.
const ARRIVES_IN: PgInterval = PgInterval { months: 0, days: 0, microseconds: 5 * 60 * 1_000_000 };

/// Days whose price is to be asked for: today's of what is paid ahead, of what is paid afterwards the last of a month that is over
/// or of what was served before its terms ended.
pub async fn days(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM subscription_terms t
             JOIN subscriptions s ON s.id = t.subscription_id JOIN accounts a ON a.id = s.account_id
             JOIN plan_versions v ON v.id = t.plan_version_id AND v.price > 0
             CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) now
             CROSS JOIN LATERAL (SELECT asked_until(t.valid, v.in_arrears, a.billing_day, now.today) - 1 AS day) asked
             CROSS JOIN LATERAL (SELECT CASE WHEN v.phases = '[]' THEN v.price ELSE plan_price_on(s.id, v.price, asked.day) END AS price) asks
             CROSS JOIN LATERAL (SELECT count(*) AS agreed, coalesce(sum(CASE WHEN d.percent = 100 AND d.most IS NULL THEN asks.price ELSE d.amount END), 0) AS off
                                 FROM discounts d WHERE d.subscription_id = s.id
                                   AND daterange(d.from_on, least(d.until_on, d.ended_on)) @> asked.day) discounts
             WHERE t.valid @> asked.day
               AND NOT days_not_charged(s.id) @> asked.day
               -- What discounts leave nothing of waits for a day with something to ask.
               AND asks.price > discounts.off
               -- What they leave of the rest may round to nothing: one look a day is enough.
               AND (discounts.agreed = 0 OR NOT EXISTS (SELECT FROM billing_runs g WHERE g.as_of >= now.today
                                                        AND g.started_at >= date_trunc('day', $1::timestamptz, a.time_zone)))
               AND NOT EXISTS (SELECT FROM billed_periods b WHERE b.subscription_id = s.id AND b.component = 'recurring' AND b.period @> asked.day)
               AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id)) AS "due!""#,
        tx.at()
    )
    .fetch_one(tx.conn())
    .await
}

/// Days paid ahead that no term holds any more, or whose plan was left for one of another period. What asked for nothing has
/// nothing to give back.
pub async fn credits(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (
             EXISTS (
               SELECT FROM billed_periods b JOIN subscriptions s ON s.id = b.subscription_id JOIN invoice_lines l ON l.id = b.invoice_line_id AND l.net <> 0
               WHERE b.component = 'recurring' AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = s.account_id)
                 AND NOT EXISTS (SELECT FROM subscription_terms t WHERE t.subscription_id = b.subscription_id AND t.valid @> b.period)
                 AND NOT EXISTS (SELECT FROM subscription_terms t WHERE t.subscription_id = b.subscription_id AND t.valid @> (upper(b.period) - 1)))
             OR EXISTS (
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
           ) AS "due!""#,
        tx.at()
    )
    .fetch_one(tx.conn())
    .await
}

/// Days whose pause gives back what was billed for them or asks another price, and what is to be charged before one. Once a change,
/// and once a day: what is left may come to nothing.
pub async fn pauses(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
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
                               AND g.started_at >= greatest(p.changed_at, date_trunc('day', $1::timestamptz, a.time_zone)))) AS "due!""#,
        tx.at()
    )
    .fetch_one(tx.conn())
    .await
}

/// A billed period with traffic not counted that ended, or whose traffic arrived, since the last run up to its end: what that one
/// found not worth an invoice is not looked at again. Traffic older than a period starts no run by itself: the account's next one
/// counts it.
pub async fn usage(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM subscriptions s JOIN accounts a ON a.id = s.account_id
             CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) now
             -- A month within a longer period, or one that ended paused, ends on the billing day.
             JOIN LATERAL (SELECT greatest(CASE WHEN days_not_charged(s.id) @> last_billing_day(a.billing_day, now.today) - 1
                                                THEN last_billing_day(a.billing_day, now.today) END,
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
                                           AND d.seq = u.seq AND d.handle = u.handle))) AS "due!""#,
        at,
        at - LOOKED_AT,
        ARRIVES_IN as PgInterval
    )
    .fetch_one(tx.conn())
    .await
}

/// What was agreed once and has come due: contracts left early, one-time charges, top-ups.
pub async fn agreed(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT (
             EXISTS (
               SELECT FROM contracts c JOIN subscriptions s ON s.id = c.subscription_id JOIN accounts a ON a.id = s.account_id
               WHERE c.waived_at IS NULL AND c.fee <> 'none' AND s.ends_on < upper(c.term)
                 AND s.ends_on >= lower(c.term) + c.cooling_off_days AND s.ends_on <= ($1::timestamptz AT TIME ZONE a.time_zone)::date
                 AND NOT EXISTS (SELECT FROM billed_contracts b WHERE b.contract_id = c.id)
                 AND NOT EXISTS (SELECT FROM billing_faults f WHERE f.account_id = a.id))
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
        tx.at()
    )
    .fetch_one(tx.conn())
    .await
}
