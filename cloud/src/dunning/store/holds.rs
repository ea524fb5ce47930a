//! SQL of `unpaid` holds.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::ids::{AccountId, HoldId, SubscriptionId};

pub struct LineRow {
    pub line: SubscriptionId,
    pub hold: Option<HoldId>,
    pub effect: Option<String>,
}

/// Lines in service, or still to come, with the `unpaid` hold they have.
pub async fn lines(tx: &mut TenantTx, account: AccountId) -> Result<Vec<LineRow>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_as!(
        LineRow,
        r#"SELECT s.id AS "line: _", h.id AS "hold?: _", h.effect AS "effect?"
           FROM subscriptions s JOIN accounts a ON a.id = s.account_id
           LEFT JOIN holds h ON h.subscription_id = s.id AND h.kind = 'unpaid' AND h.released_at IS NULL
           WHERE s.account_id = $1 AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date)
           ORDER BY s.id"#,
        account.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert(
    tx: &mut TenantTx,
    id: HoldId,
    line: SubscriptionId,
    effect: &str,
    reason: &str,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO holds (tenant_id, id, subscription_id, kind, effect, reason, placed_by, placed_at)
         VALUES ($1, $2, $3, 'unpaid', $4, $5, $6, $7)",
        tenant.uuid(),
        id.uuid(),
        line.uuid(),
        effect,
        reason,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lines of an account let go in the transaction that began at `at`.
pub async fn released_at(
    tx: &mut TenantTx,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "line: SubscriptionId" FROM holds h
           JOIN subscriptions s ON s.tenant_id = h.tenant_id AND s.id = h.subscription_id
           WHERE s.account_id = $1 AND h.kind = 'unpaid' AND h.released_at = $2
             AND NOT EXISTS (SELECT FROM holds n WHERE n.subscription_id = s.id AND n.kind = 'unpaid' AND n.placed_at = $2)
           ORDER BY h.id"#,
        account.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// Releases the `unpaid` holds of an account, or of one of its lines.
pub async fn release(
    tx: &mut TenantTx,
    account: AccountId,
    only: Option<SubscriptionId>,
) -> Result<Vec<(HoldId, SubscriptionId)>, sqlx::Error> {
    let (at, actor) = (tx.at(), tx.actor().to_string());
    let rows = sqlx::query!(
        r#"UPDATE holds h SET released_at = $2, released_by = $3 FROM subscriptions s
           WHERE s.id = h.subscription_id AND s.account_id = $1 AND ($4::uuid IS NULL OR s.id = $4)
             AND h.kind = 'unpaid' AND h.released_at IS NULL
           RETURNING h.id AS "id: HoldId", s.id AS "line: SubscriptionId""#,
        account.uuid(),
        at,
        actor,
        only.map(SubscriptionId::uuid)
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.line)).collect())
}
