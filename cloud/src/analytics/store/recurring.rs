//! Recurring revenue at the ends of months, and how it moved between them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::money::Currency;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, SubscriptionId};

pub struct MonthRow {
    pub month: NaiveDate,
    pub opening: Decimal,
    pub new: Decimal,
    pub reactivated: Decimal,
    pub expansion: Decimal,
    pub contraction: Decimal,
    pub churned: Decimal,
    pub closing: Decimal,
    pub subscribers_opening: i64,
    pub subscribers_lost: i64,
    pub subscribers_closing: i64,
    pub earned: Decimal,
}

/// The months from `first` to `last`, oldest first; a month that is not over ends `today`.
pub async fn months(
    tx: &mut TenantTx,
    currency: Currency,
    (first, last): (NaiveDate, NaiveDate),
    today: NaiveDate,
) -> Result<Vec<MonthRow>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_as!(
        MonthRow,
        r#"WITH home AS MATERIALIZED (SELECT home_tax_percent($6) AS percent),
           months AS (
               SELECT m::date AS month, least((m + interval '1 month')::date - 1, $4) AS last_day
               FROM generate_series($2::date, $3::date, interval '1 month') m),
           prices AS (
               SELECT months.month, s.id AS line, a.subscriber_id AS subscriber,
                      coalesce(before.price, 0) AS before, coalesce(after.price, 0) AS after,
                      EXISTS (SELECT FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                              WHERE t.subscription_id = s.id AND v.price > 0 AND lower(t.valid) < months.month
                                AND plan_price_on(s.id, v.price, least(upper(t.valid), months.month) - 1) > 0) AS ever
               FROM months
               CROSS JOIN home
               CROSS JOIN subscriptions s
               JOIN accounts a ON a.id = s.account_id AND a.currency = $1
               LEFT JOIN LATERAL (SELECT round(price_a_month(before_tax(price_on(s.id, v.price, months.month - 1), v.tax_included, home.percent), v.period_months, v.period_days), $5) AS price FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                                  WHERE t.subscription_id = s.id AND t.valid @> (months.month - 1)) before ON true
               LEFT JOIN LATERAL (SELECT round(price_a_month(before_tax(price_on(s.id, v.price, months.last_day), v.tax_included, home.percent), v.period_months, v.period_days), $5) AS price FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                                  WHERE t.subscription_id = s.id AND t.valid @> months.last_day) after ON true
               WHERE before.price IS NOT NULL OR after.price IS NOT NULL),
           people AS (
               SELECT month, subscriber, sum(before) > 0 AS opened, sum(after) > 0 AS closed FROM prices GROUP BY month, subscriber),
           counted AS (
               SELECT month, count(*) FILTER (WHERE opened) AS opening, count(*) FILTER (WHERE opened AND NOT closed) AS lost,
                      count(*) FILTER (WHERE closed) AS closing
               FROM people GROUP BY month)
           SELECT months.month AS "month!",
                  coalesce(sum(p.before), 0) AS "opening!",
                  coalesce(sum(p.after) FILTER (WHERE p.before = 0 AND NOT p.ever), 0) AS "new!",
                  coalesce(sum(p.after) FILTER (WHERE p.before = 0 AND p.ever), 0) AS "reactivated!",
                  coalesce(sum(p.after - p.before) FILTER (WHERE p.before > 0 AND p.after > p.before), 0) AS "expansion!",
                  coalesce(sum(p.after - p.before) FILTER (WHERE p.after > 0 AND p.after < p.before), 0) AS "contraction!",
                  coalesce(sum(-p.before) FILTER (WHERE p.after = 0), 0) AS "churned!",
                  coalesce(sum(p.after), 0) AS "closing!",
                  coalesce(max(c.opening), 0) AS "subscribers_opening!",
                  coalesce(max(c.lost), 0) AS "subscribers_lost!",
                  coalesce(max(c.closing), 0) AS "subscribers_closing!",
                  (SELECT coalesce(sum(l.net * (upper(l.period * daterange(months.month, (months.month + interval '1 month')::date))
                                              - lower(l.period * daterange(months.month, (months.month + interval '1 month')::date)))
                                   / (upper(l.period) - lower(l.period))), 0)
                   FROM invoice_lines l JOIN invoices i ON i.id = l.invoice_id
                   LEFT JOIN invoice_lines c ON c.tenant_id = l.tenant_id AND c.id = l.credits_line_id
                   WHERE i.status = 'issued' AND i.currency = $1
                     AND (l.kind IN ('recurring', 'credit') OR (l.kind = 'correction' AND c.kind IN ('recurring', 'credit')))
                     AND l.period && daterange(months.month, (months.month + interval '1 month')::date)) AS "earned!"
           FROM months LEFT JOIN prices p ON p.month = months.month LEFT JOIN counted c ON c.month = months.month
           GROUP BY months.month ORDER BY months.month"#,
        currency.code(),
        first,
        last,
        today,
        decimals(currency),
        at
    )
    .fetch_all(tx.conn())
    .await
}

pub struct MovedRow {
    pub line: SubscriptionId,
    pub account: AccountId,
    pub subscriber: String,
    pub movement: String,
    pub before: Decimal,
    pub after: Decimal,
}

/// The lines that moved between the day before `month` and its last day, or `today`; of one movement if given.
pub async fn moved(
    tx: &mut TenantTx,
    currency: Currency,
    (month, today): (NaiveDate, NaiveDate),
    movement: Option<&str>,
    page: Page,
) -> Result<Vec<MovedRow>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_as!(
        MovedRow,
        r#"WITH home AS MATERIALIZED (SELECT home_tax_percent($8) AS percent),
           prices AS (
               SELECT s.id AS line, a.id AS account, b.name AS subscriber,
                      coalesce(before.price, 0) AS before, coalesce(after.price, 0) AS after,
                      EXISTS (SELECT FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                              WHERE t.subscription_id = s.id AND v.price > 0 AND lower(t.valid) < $2
                                AND plan_price_on(s.id, v.price, least(upper(t.valid), $2) - 1) > 0) AS ever
               FROM home
               CROSS JOIN subscriptions s
               JOIN accounts a ON a.id = s.account_id AND a.currency = $1
               JOIN subscribers b ON b.id = a.subscriber_id
               LEFT JOIN LATERAL (SELECT round(price_a_month(before_tax(price_on(s.id, v.price, $2::date - 1), v.tax_included, home.percent), v.period_months, v.period_days), $7) AS price FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                                  WHERE t.subscription_id = s.id AND t.valid @> ($2::date - 1)) before ON true
               LEFT JOIN LATERAL (SELECT round(price_a_month(before_tax(price_on(s.id, v.price, least(($2::date + interval '1 month')::date - 1, $3::date)), v.tax_included, home.percent), v.period_months, v.period_days), $7) AS price FROM subscription_terms t JOIN plan_versions v ON v.id = t.plan_version_id
                                  WHERE t.subscription_id = s.id
                                    AND t.valid @> least(($2::date + interval '1 month')::date - 1, $3::date)) after ON true),
           moved AS (
               SELECT line, account, subscriber, before, after,
                      CASE WHEN before = 0 AND NOT ever THEN 'new' WHEN before = 0 THEN 'reactivated' WHEN after = 0 THEN 'churned'
                           WHEN after > before THEN 'expansion' ELSE 'contraction' END AS movement
               FROM prices WHERE before <> after)
           SELECT line AS "line: _", account AS "account: _", subscriber, movement AS "movement!", before AS "before!", after AS "after!"
           FROM moved WHERE ($4::text IS NULL OR movement = $4) AND ($5::uuid IS NULL OR line < $5) ORDER BY line DESC LIMIT $6"#,
        currency.code(),
        month,
        today,
        movement,
        page.after,
        page.fetch(),
        decimals(currency),
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// To which place a line's price for a month is rounded, so that what they come to adds up.
fn decimals(currency: Currency) -> i32 {
    i32::try_from(currency.decimals()).unwrap_or_default()
}
