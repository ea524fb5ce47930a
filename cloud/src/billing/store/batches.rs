//! SQL of what a run still has to do.

use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, BillingRunId};

/// Some accounts of a run.
pub struct BatchRow {
    pub number: i32,
    pub accounts: Vec<AccountId>,
}

/// Writes down what a run has to do, `size` accounts at a time.
pub async fn insert(
    tx: &mut TenantTx,
    run: BillingRunId,
    accounts: &[AccountId],
    size: i64,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    let accounts: Vec<_> = accounts.iter().map(|account| account.uuid()).collect();
    sqlx::query!(
        "INSERT INTO billing_batches (tenant_id, run_id, number, accounts)
         SELECT $1, $2, (place - 1) / $4, array_agg(account ORDER BY place)
         FROM unnest($3::uuid[]) WITH ORDINALITY AS listed (account, place) GROUP BY 3",
        tenant,
        run.uuid(),
        &accounts,
        size
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A batch nobody has done and nobody is at: the first, or the last if `backwards`, so that two workers seldom meet.
pub async fn next(tx: &mut TenantTx, run: BillingRunId, backwards: bool) -> Result<Option<BatchRow>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT number, accounts AS "accounts: Vec<Uuid>" FROM billing_batches WHERE run_id = $1 AND done_at IS NULL
           ORDER BY CASE WHEN $2 THEN -number ELSE number END LIMIT 1 FOR UPDATE SKIP LOCKED"#,
        run.uuid(),
        backwards
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row
        .map(|row| BatchRow { number: row.number, accounts: row.accounts.into_iter().map(AccountId::from).collect() }))
}

/// Holds a batch until the transaction ends; false if somebody else does, or it is done.
pub async fn hold(tx: &mut TenantTx, run: BillingRunId, number: i32) -> Result<bool, sqlx::Error> {
    let held = sqlx::query!(
        "SELECT FROM billing_batches WHERE run_id = $1 AND number = $2 AND done_at IS NULL FOR UPDATE SKIP LOCKED",
        run.uuid(),
        number
    );
    Ok(held.fetch_optional(tx.conn()).await?.is_some())
}

/// Its accounts were looked at.
pub async fn done(tx: &mut TenantTx, run: BillingRunId, number: i32) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE billing_batches SET done_at = $3 WHERE run_id = $1 AND number = $2", run.uuid(), number, at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets those of a run that is over.
pub async fn forget(tx: &mut TenantTx, run: BillingRunId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM billing_batches WHERE run_id = $1", run.uuid()).execute(tx.conn()).await?;
    Ok(())
}
