//! SQL of what is closed.

use chrono::NaiveDate;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ledger::closing::Closing;

/// Waits until nobody posts, and keeps others from posting and closing until this transaction ends: so the turns of closings
/// are in the order they come into force.
pub async fn wait_for_postings(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    let name = format!("books {}", tx.tenant().uuid());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

/// Keeps others from closing, and from earning revenue, until this transaction ends.
pub async fn keep_from_closing(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    let name = format!("books {}", tx.tenant().uuid());
    sqlx::query!("SELECT pg_advisory_xact_lock_shared(hashtextextended($1, 0))", name).execute(tx.conn()).await?;
    Ok(())
}

pub async fn through(tx: &mut TenantTx) -> Result<Option<NaiveDate>, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query_scalar!("SELECT books_closed_through($1)", tenant).fetch_one(tx.conn()).await
}

pub async fn insert(tx: &mut TenantTx, closing: &Closing) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO ledger_closings (tenant_id, id, through, reason, decided_by, decided_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant,
        closing.id.uuid(),
        closing.through,
        closing.reason,
        closing.decided_by,
        closing.decided_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<Closing>, sqlx::Error> {
    sqlx::query_as!(
        Closing,
        r#"SELECT id AS "id: _", through, reason, decided_by, decided_at FROM ledger_closings
           WHERE $1::uuid IS NULL OR turn < (SELECT turn FROM ledger_closings WHERE id = $1) ORDER BY turn DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}
