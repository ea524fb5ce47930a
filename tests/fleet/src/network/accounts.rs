//! Accounts by the thousand, with lines to bill and nothing else of what a subscriber has.

use anyhow::Result;
use weir_cloud::ids::{AccountId, SubscriptionId};

use super::Network;

/// Lines of a router.
const LINES: i32 = 1_000;

impl Network {
    /// More accounts of one line each, and three in ten of another. Their ids sort by the order of their making, as all do.
    pub async fn accounts(&mut self, count: usize) -> Result<()> {
        let (count, lines) = (i32::try_from(count)?, i32::try_from(count * 13 / 10)?);
        let first = self.line.subscription_id.parse::<SubscriptionId>()?.uuid();
        let account = self.line.account_id.parse::<AccountId>()?.uuid();
        let router = self.router;
        let (routers, taxed) = (lines / LINES + 1, self.tenant.uuid());
        let make = [
            "CREATE TEMP TABLE IF NOT EXISTS made (n integer, part text, id uuid, PRIMARY KEY (part, n))".to_owned(),
            "TRUNCATE made".into(),
            format!(
                "INSERT INTO made SELECT n, part, (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
                     || '8' || substr(md5(random()::text), 1, 15))::uuid
                 FROM (SELECT generate_series(1, {count}) AS n, 'subscriber' AS part UNION ALL SELECT generate_series(1, {count}), 'account'
                       UNION ALL SELECT generate_series(1, {lines}), 'line' UNION ALL SELECT generate_series(0, {routers}), 'router') parts"
            ),
            format!(
                "INSERT INTO tax_rules (tenant_id, id, country, tax, category, rate_percent, created_at)
                 SELECT tenant_id, gen_random_uuid(), country, 'IVA', 'S', 21, now() FROM tenants WHERE tenant_id = '{taxed}'"
            ),
            format!(
                "INSERT INTO routers SELECT (jsonb_populate_record(r, jsonb_build_object('id', m.id, 'name', 'edge ' || m.id,
                     'next_handle', {LINES} + 1))).* FROM routers r, made m WHERE r.id = '{router}' AND m.part = 'router'"
            ),
            format!(
                "INSERT INTO subscribers SELECT (jsonb_populate_record(s, jsonb_build_object('id', m.id, 'email', NULL))).*
                 FROM accounts a JOIN subscribers s ON s.id = a.subscriber_id, made m WHERE a.id = '{account}' AND m.part = 'subscriber'"
            ),
            format!(
                "INSERT INTO accounts SELECT (jsonb_populate_record(a, jsonb_build_object('id', m.id, 'subscriber_id', s.id,
                     'number', 'B' || m.n))).*
                 FROM accounts a, made m JOIN made s ON s.part = 'subscriber' AND s.n = m.n WHERE a.id = '{account}' AND m.part = 'account'"
            ),
            format!(
                "INSERT INTO subscriptions SELECT (jsonb_populate_record(l, jsonb_build_object('id', m.id, 'account_id', a.id,
                     'router_id', r.id, 'handle', 1 + m.n % {LINES}))).*
                 FROM subscriptions l, made m JOIN made a ON a.part = 'account' AND a.n = 1 + (m.n - 1) % {count}
                 JOIN made r ON r.part = 'router' AND r.n = m.n / {LINES} WHERE l.id = '{first}' AND m.part = 'line'"
            ),
            format!(
                "INSERT INTO subscription_terms SELECT (jsonb_populate_record(t, jsonb_build_object('subscription_id', m.id))).*
                 FROM subscription_terms t, made m WHERE t.subscription_id = '{first}' AND m.part = 'line'"
            ),
            // What was copied in bulk is known to the planner at once, as it would be by the next day.
            "ANALYZE".into(),
        ];
        for statement in make {
            sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&mut self.sql).await?;
        }
        Ok(())
    }
}
