//! SQL of dunning.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::ids::{AccountId, HoldId, SubscriptionId};

pub struct StandingRow {
    pub account: AccountId,
    pub time_zone: String,
    pub currency: String,
    pub held: bool,
}

/// Accounts to judge: those with something open past its due date, and those with a hold.
pub async fn to_judge(tx: &mut TenantTx, only: Option<AccountId>) -> Result<Vec<StandingRow>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_as!(
        StandingRow,
        r#"SELECT a.id AS "account: _", a.time_zone, a.currency,
                  EXISTS (SELECT FROM holds h JOIN subscriptions s ON s.id = h.subscription_id
                          WHERE s.account_id = a.id AND h.kind = 'unpaid' AND h.released_at IS NULL) AS "held!"
           FROM accounts a
           WHERE ($1::uuid IS NULL OR a.id = $1) AND (
                 EXISTS (SELECT FROM holds h JOIN subscriptions s ON s.id = h.subscription_id
                         WHERE s.account_id = a.id AND h.kind = 'unpaid' AND h.released_at IS NULL)
              OR EXISTS (SELECT FROM invoices i WHERE i.account_id = a.id AND i.status = 'issued'
                           AND i.due_on < ($2::timestamptz AT TIME ZONE a.time_zone)::date
                           AND i.gross > (SELECT coalesce(sum(x.amount), 0) FROM allocations x WHERE x.invoice_id = i.id)))
           ORDER BY a.id"#,
        only.map(AccountId::uuid),
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// Lines in service, or still to come, without an `unpaid` hold.
pub async fn lines_without_hold(tx: &mut TenantTx, account: AccountId) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_scalar!(
        r#"SELECT s.id AS "id: SubscriptionId" FROM subscriptions s JOIN accounts a ON a.id = s.account_id
           WHERE s.account_id = $1 AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date)
             AND NOT EXISTS (SELECT FROM holds h WHERE h.subscription_id = s.id AND h.kind = 'unpaid' AND h.released_at IS NULL)
           ORDER BY s.id"#,
        account.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_hold(tx: &mut TenantTx, id: HoldId, line: SubscriptionId, reason: &str) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO holds (tenant_id, id, subscription_id, kind, effect, reason, placed_by, placed_at)
         VALUES ($1, $2, $3, 'unpaid', 'walled_garden', $4, $5, $6)",
        tenant.uuid(),
        id.uuid(),
        line.uuid(),
        reason,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Holds of an account lifted in the transaction that began at `at`.
pub async fn released_at(
    tx: &mut TenantTx,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<(HoldId, SubscriptionId)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT h.id AS "id: HoldId", s.id AS "line: SubscriptionId" FROM holds h
           JOIN subscriptions s ON s.tenant_id = h.tenant_id AND s.id = h.subscription_id
           WHERE s.account_id = $1 AND h.kind = 'unpaid' AND h.released_at = $2 ORDER BY h.id"#,
        account.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.line)).collect())
}

pub async fn release_holds(
    tx: &mut TenantTx,
    account: AccountId,
) -> Result<Vec<(HoldId, SubscriptionId)>, sqlx::Error> {
    let (at, actor) = (tx.at(), tx.actor().to_string());
    let rows = sqlx::query!(
        r#"UPDATE holds h SET released_at = $2, released_by = $3 FROM subscriptions s
           WHERE s.id = h.subscription_id AND s.account_id = $1 AND h.kind = 'unpaid' AND h.released_at IS NULL
           RETURNING h.id AS "id: HoldId", s.id AS "line: SubscriptionId""#,
        account.uuid(),
        at,
        actor
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.line)).collect())
}
