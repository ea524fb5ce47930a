//! SQL of cases: steps, promises, pauses.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::money::Money;

use crate::db::TenantTx;
use crate::dunning::{Case, CaseFilter, CaseSummary, Pause, PauseWish, PromiseWish};
use crate::http::paging::Page;
use crate::ids::{AccountId, DunningCaseId, PauseId, PromiseId};

/// Cases, newest first.
pub async fn page(tx: &mut TenantTx, page: Page, filter: &CaseFilter) -> Result<Vec<CaseSummary>, sqlx::Error> {
    sqlx::query_as!(
        CaseSummary,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", due_on, opened_at, closed_at FROM dunning_cases
           WHERE ($1::uuid IS NULL OR id < $1) AND ($2::uuid IS NULL OR account_id = $2)
             AND ($3::boolean IS NULL OR (closed_at IS NULL) = $3) ORDER BY id DESC LIMIT $4"#,
        page.after,
        filter.account.map(AccountId::uuid),
        filter.open,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: DunningCaseId) -> Result<Option<CaseSummary>, sqlx::Error> {
    sqlx::query_as!(
        CaseSummary,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", due_on, opened_at, closed_at FROM dunning_cases WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn open(
    tx: &mut TenantTx,
    id: DunningCaseId,
    account: AccountId,
    due_on: NaiveDate,
) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO dunning_cases (tenant_id, id, account_id, due_on, opened_at) VALUES ($1, $2, $3, $4, $5)",
        tenant.uuid(),
        id.uuid(),
        account.uuid(),
        due_on,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn close(tx: &mut TenantTx, id: DunningCaseId) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE dunning_cases SET closed_at = $2 WHERE id = $1 AND closed_at IS NULL", id.uuid(), at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub struct StepRow {
    pub step: i32,
    pub kind: String,
    pub overtaken: bool,
    pub policy_version: i32,
    pub currency: String,
    pub balance: Decimal,
    pub done_at: DateTime<Utc>,
}

pub async fn steps(tx: &mut TenantTx, case: DunningCaseId) -> Result<Vec<StepRow>, sqlx::Error> {
    sqlx::query_as!(
        StepRow,
        "SELECT step, kind, overtaken, policy_version, currency, balance, done_at FROM dunning_steps
         WHERE case_id = $1 ORDER BY done_at, overtaken DESC, step",
        case.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Whether the step is new.
pub async fn insert_step(
    tx: &mut TenantTx,
    case: DunningCaseId,
    (step, kind, overtaken): (u16, &str, bool),
    policy_version: i32,
    balance: Money,
) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO dunning_steps (tenant_id, case_id, step, kind, overtaken, policy_version, currency, balance, done_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        tenant.uuid(),
        case.uuid(),
        i32::from(step),
        kind,
        overtaken,
        policy_version,
        balance.currency().code(),
        balance.amount(),
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub struct PromiseRow {
    pub id: PromiseId,
    pub currency: String,
    pub amount: Decimal,
    pub promised_on: NaiveDate,
    pub note: String,
    pub promised_by: String,
    pub promised_at: DateTime<Utc>,
    /// What payments settled of invoices of the account since it was given and by its day.
    pub settled: Decimal,
}

/// Promises of a case, newest first.
pub async fn promises(tx: &mut TenantTx, case: DunningCaseId) -> Result<Vec<PromiseRow>, sqlx::Error> {
    sqlx::query_as!(
        PromiseRow,
        r#"SELECT p.id AS "id: _", p.currency, p.amount, p.promised_on, p.note, p.promised_by, p.promised_at,
                  coalesce((SELECT sum(x.amount) FROM allocations x JOIN invoices i ON i.tenant_id = x.tenant_id AND i.id = x.invoice_id
                            WHERE i.account_id = c.account_id AND x.payment_id IS NOT NULL AND x.allocated_at > p.promised_at
                              AND (x.allocated_at AT TIME ZONE a.time_zone)::date <= p.promised_on), 0) AS "settled!"
           FROM dunning_promises p
           JOIN dunning_cases c ON c.tenant_id = p.tenant_id AND c.id = p.case_id
           JOIN accounts a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
           WHERE p.case_id = $1 ORDER BY p.promised_at DESC, p.id DESC"#,
        case.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert_promise(
    tx: &mut TenantTx,
    id: PromiseId,
    case: DunningCaseId,
    wish: &PromiseWish,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO dunning_promises (tenant_id, id, case_id, currency, amount, promised_on, note, promised_by, promised_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant.uuid(),
        id.uuid(),
        case.uuid(),
        wish.amount.currency().code(),
        wish.amount.amount(),
        wish.promised_on,
        wish.note.trim(),
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Pauses of a case, newest first.
pub async fn pauses(tx: &mut TenantTx, case: DunningCaseId) -> Result<Vec<Pause>, sqlx::Error> {
    sqlx::query_as!(
        Pause,
        r#"SELECT id AS "id: _", until_on, reason, paused_by, paused_at FROM dunning_pauses
           WHERE case_id = $1 ORDER BY paused_at DESC, id DESC"#,
        case.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Begins a pause; without a wish, ends the one before.
pub async fn insert_pause(
    tx: &mut TenantTx,
    id: PauseId,
    case: &Case,
    wish: Option<&PauseWish>,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO dunning_pauses (tenant_id, id, case_id, until_on, reason, paused_by, paused_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        id.uuid(),
        case.summary.id.uuid(),
        wish.map(|wish| wish.until_on),
        wish.map_or("", |wish| wish.reason.trim()),
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
