//! SQL of accounts that could not be billed.

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, BillingRunId};

/// Notes why an account could not be billed; the last reason counts.
pub async fn note(tx: &mut TenantTx, account: AccountId, run: BillingRunId, reason: &str) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO billing_faults (tenant_id, account_id, run_id, reason, at) VALUES ($1, $2, $3, left($4, 1000), $5)
         ON CONFLICT (tenant_id, account_id) DO UPDATE SET run_id = $3, reason = left($4, 1000), at = $5",
        tenant.uuid(),
        account.uuid(),
        run.uuid(),
        reason,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// They could be billed.
pub async fn forget(tx: &mut TenantTx, accounts: &[AccountId]) -> Result<(), sqlx::Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.uuid()).collect();
    sqlx::query!("DELETE FROM billing_faults WHERE account_id = ANY($1)", &accounts).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets those about which somebody has changed something since: the account, its lines, their plans, the settings, taxes, or
/// the rule that sets prices. Says whether there were any.
pub async fn forget_changed(tx: &mut TenantTx) -> Result<bool, sqlx::Error> {
    let forgotten = sqlx::query!(
        "DELETE FROM billing_faults f WHERE EXISTS (
             SELECT FROM audit_entries e
             WHERE e.at > f.at AND e.actor <> 'system' AND right(e.subject, 32) IN (
                 SELECT replace(about.id::text, '-', '') FROM (
                     SELECT f.account_id AS id
                     UNION ALL SELECT f.tenant_id
                     UNION ALL SELECT a.subscriber_id FROM accounts a WHERE a.id = f.account_id
                     UNION ALL SELECT s.id FROM subscriptions s WHERE s.account_id = f.account_id
                     UNION ALL SELECT v.plan_id FROM subscriptions s
                         JOIN subscription_terms t ON t.subscription_id = s.id
                         JOIN plan_versions v ON v.id = t.plan_version_id WHERE s.account_id = f.account_id
                     UNION ALL SELECT r.id FROM tax_rules r
                     UNION ALL SELECT x.id FROM tax_exemptions x WHERE x.account_id = f.account_id
                     UNION ALL SELECT p.id FROM plugins p WHERE p.hook = 'rate-usage') about))"
    )
    .execute(tx.conn())
    .await?;
    Ok(forgotten.rows_affected() > 0)
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<(AccountId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id AS "account: AccountId", reason FROM billing_faults
           WHERE $1::uuid IS NULL OR account_id > $1 ORDER BY account_id LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.reason)).collect())
}
