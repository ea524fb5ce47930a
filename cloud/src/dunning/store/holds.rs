//! SQL of `unpaid` holds.

use chrono::{DateTime, Utc};

use crate::db::TenantTx;
use crate::ids::{AccountId, HoldId, SubscriptionId};

pub struct LineRow {
    pub line: SubscriptionId,
    /// Whether it is another account's, which the debtor pays for.
    pub is_anothers: bool,
    pub hold: Option<HoldId>,
    pub effect: Option<String>,
}

/// Lines of an account and of those it pays for, in service or still to come, with the `unpaid` hold they have for its debt.
pub async fn lines(tx: &mut TenantTx, debtor: AccountId) -> Result<Vec<LineRow>, sqlx::Error> {
    let at = tx.at();
    sqlx::query_as!(
        LineRow,
        r#"SELECT s.id AS "line: _", a.id <> $1 AS "is_anothers!", h.id AS "hold?: _", h.effect AS "effect?"
           FROM accounts a JOIN subscriptions s ON s.account_id = a.id
           LEFT JOIN holds h ON h.subscription_id = s.id AND h.kind = 'unpaid' AND h.released_at IS NULL
             AND h.debtor_id IS NOT DISTINCT FROM nullif($1, a.id)
           WHERE (a.id = $1 OR a.payer_id = $1) AND (s.ends_on IS NULL OR s.ends_on > ($2::timestamptz AT TIME ZONE a.time_zone)::date)
           ORDER BY s.id"#,
        debtor.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// Holds a line; `debtor` = whose debt it is for, if not its own account's.
pub async fn insert(
    tx: &mut TenantTx,
    id: HoldId,
    (line, debtor): (SubscriptionId, Option<AccountId>),
    effect: &str,
    reason: &str,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO holds (tenant_id, id, subscription_id, kind, effect, reason, placed_by, placed_at, debtor_id)
         VALUES ($1, $2, $3, 'unpaid', $4, $5, $6, $7, $8)",
        tenant.uuid(),
        id.uuid(),
        line.uuid(),
        effect,
        reason,
        actor,
        at,
        debtor.map(AccountId::uuid)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lines let go of an account’s debt in the transaction that began at `at`.
pub async fn released_at(
    tx: &mut TenantTx,
    account: AccountId,
    at: DateTime<Utc>,
) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "line: SubscriptionId" FROM holds h
           JOIN subscriptions s ON s.tenant_id = h.tenant_id AND s.id = h.subscription_id
           WHERE (h.debtor_id = $1 OR (s.account_id = $1 AND h.debtor_id IS NULL)) AND h.kind = 'unpaid' AND h.released_at = $2
             AND NOT EXISTS (SELECT FROM holds n WHERE n.subscription_id = s.id AND n.kind = 'unpaid' AND n.placed_at = $2
                               AND n.debtor_id IS NOT DISTINCT FROM h.debtor_id)
           ORDER BY h.id"#,
        account.uuid(),
        at
    )
    .fetch_all(tx.conn())
    .await
}

/// Which of the holds for a debt.
#[derive(Clone, Copy)]
pub enum Which {
    /// All of them.
    All,
    /// Of one line.
    Of(SubscriptionId),
    /// Of lines that the debtor does not pay for any more.
    NotPaidFor,
}

/// Releases `unpaid` holds that are for an account's debt.
pub async fn release(
    tx: &mut TenantTx,
    account: AccountId,
    which: Which,
) -> Result<Vec<(HoldId, SubscriptionId)>, sqlx::Error> {
    let (at, actor) = (tx.at(), tx.actor().to_string());
    let only = if let Which::Of(line) = which { Some(line.uuid()) } else { None };
    let rows = sqlx::query!(
        r#"UPDATE holds h SET released_at = $2, released_by = $3 FROM subscriptions s JOIN accounts a ON a.id = s.account_id
           WHERE s.id = h.subscription_id AND (h.debtor_id = $1 OR (s.account_id = $1 AND h.debtor_id IS NULL))
             AND ($4::uuid IS NULL OR s.id = $4) AND (NOT $5 OR (h.debtor_id = $1 AND a.payer_id IS DISTINCT FROM $1))
             AND h.kind = 'unpaid' AND h.released_at IS NULL
           RETURNING h.id AS "id: HoldId", s.id AS "line: SubscriptionId""#,
        account.uuid(),
        at,
        actor,
        only,
        matches!(which, Which::NotPaidFor)
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.line)).collect())
}
