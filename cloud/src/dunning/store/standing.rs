//! SQL of how accounts stand.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::{AccountId, DunningCaseId, InvoiceId};

pub struct AccountRow {
    pub account: AccountId,
    pub number: String,
    pub subscriber: String,
    pub time_zone: String,
    pub currency: String,
    pub case: Option<DunningCaseId>,
    pub due_on: Option<NaiveDate>,
    pub promised_on: Option<NaiveDate>,
    pub paused_until: Option<NaiveDate>,
    /// The strictest `unpaid` hold in force: 1 throttled, 2 walled garden, 3 closed.
    pub held: Option<i32>,
}

/// Accounts to judge: those with something open that is due within `ahead` days, those at work on, and those held.
pub async fn accounts(
    tx: &mut TenantTx,
    only: Option<&[AccountId]>,
    ahead: i32,
) -> Result<Vec<AccountRow>, sqlx::Error> {
    let at = tx.at();
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|account| account.uuid()).collect());
    sqlx::query_as!(
        AccountRow,
        r#"SELECT a.id AS "account: _", a.number, b.name AS subscriber, a.time_zone, a.currency, c.id AS "case?: _", c.due_on AS "due_on?",
                  (SELECT p.promised_on FROM dunning_promises p WHERE p.case_id = c.id ORDER BY p.promised_at DESC, p.id DESC LIMIT 1) AS promised_on,
                  (SELECT p.until_on FROM dunning_pauses p WHERE p.case_id = c.id ORDER BY p.paused_at DESC, p.id DESC LIMIT 1) AS paused_until,
                  greatest(h.held, o.held) AS held
           FROM accounts a
           JOIN subscribers b ON b.tenant_id = a.tenant_id AND b.id = a.subscriber_id
           LEFT JOIN dunning_cases c ON c.tenant_id = a.tenant_id AND c.account_id = a.id AND c.closed_at IS NULL
           LEFT JOIN LATERAL (
               SELECT max(CASE h.effect WHEN 'throttled' THEN 1 WHEN 'walled_garden' THEN 2 ELSE 3 END) AS held
               FROM holds h JOIN subscriptions s ON s.tenant_id = h.tenant_id AND s.id = h.subscription_id
               WHERE s.account_id = a.id AND h.kind = 'unpaid' AND h.debtor_id IS NULL AND h.released_at IS NULL) h ON true
           -- Lines of others that it pays for, or did.
           LEFT JOIN LATERAL (
               SELECT max(CASE h.effect WHEN 'throttled' THEN 1 WHEN 'walled_garden' THEN 2 ELSE 3 END) AS held
               FROM holds h WHERE h.tenant_id = a.tenant_id AND h.debtor_id = a.id AND h.released_at IS NULL) o ON true
           WHERE ($1::uuid[] IS NULL OR a.id = ANY($1)) AND (
                 c.id IS NOT NULL OR h.held IS NOT NULL OR o.held IS NOT NULL
              OR EXISTS (SELECT FROM invoices i WHERE i.account_id = a.id AND i.status = 'issued'
                           AND i.due_on <= ($2::timestamptz AT TIME ZONE a.time_zone)::date + $3::integer
                           AND i.gross > (SELECT coalesce(sum(x.amount), 0) FROM allocations x WHERE x.invoice_id = i.id)))
           ORDER BY a.id"#,
        only.as_deref(),
        at,
        ahead
    )
    .fetch_all(tx.conn())
    .await
}

/// Those who pay for these accounts.
pub async fn payers(tx: &mut TenantTx, accounts: &[AccountId]) -> Result<Vec<AccountId>, sqlx::Error> {
    let accounts: Vec<_> = accounts.iter().map(|account| account.uuid()).collect();
    sqlx::query_scalar!(
        r#"SELECT payer_id AS "payer!: AccountId" FROM accounts WHERE id = ANY($1) AND payer_id IS NOT NULL"#,
        &accounts
    )
    .fetch_all(tx.conn())
    .await
}

pub struct ItemRow {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub number: String,
    pub due_on: NaiveDate,
    pub open: Decimal,
    pub is_fee: bool,
}

/// What these accounts have open, earliest due first.
pub async fn items(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<ItemRow>, sqlx::Error> {
    sqlx::query_as!(
        ItemRow,
        r#"SELECT i.account_id AS "account: _", i.id AS "invoice: _", i.number AS "number!", i.due_on AS "due_on!", i.gross - s.settled AS "open!",
                  EXISTS (SELECT FROM late_fees f WHERE f.fee_invoice_id = i.id) AS "is_fee!"
           FROM accounts a
           CROSS JOIN LATERAL (SELECT * FROM invoices i WHERE i.account_id = a.id AND i.currency = a.currency AND i.status <> 'draft'
                               ORDER BY i.issued_on OFFSET 0) i
           CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount), 0) AS settled FROM allocations x WHERE x.invoice_id = i.id) s
           WHERE a.id = ANY($1) AND i.gross > s.settled ORDER BY i.due_on, i.id"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}

/// What is on its way to these accounts, with its currency: charges without an answer, and pages whose payer has done their
/// part. An open page nobody paid on is not on its way.
pub async fn pending(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<(AccountId, String, Decimal)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT account_id AS "account: AccountId", currency, sum(amount) AS "amount!" FROM payment_attempts
           WHERE account_id = ANY($1) AND ((kind = 'charge' AND status IN ('created', 'pending', 'unknown'))
                                           OR (status = 'pending' AND waits_for = 'provider'))
           GROUP BY account_id, currency"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.account, row.currency, row.amount)).collect())
}

/// Numbers of the steps these cases are done with.
pub async fn steps(tx: &mut TenantTx, cases: &[Uuid]) -> Result<Vec<(DunningCaseId, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT case_id AS "case: DunningCaseId", step FROM dunning_steps WHERE case_id = ANY($1)"#,
        cases
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.case, row.step)).collect())
}

pub struct ChargedRow {
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub step: i32,
    pub currency: String,
    pub amount: Decimal,
    pub charged_on: NaiveDate,
}

/// Late fees charged to these accounts; what was given back counts as nothing.
pub async fn charged(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<ChargedRow>, sqlx::Error> {
    sqlx::query_as!(
        ChargedRow,
        r#"SELECT f.account_id AS "account!: _", f.invoice_id AS "invoice!: _", f.step AS "step!", f.currency AS "currency!",
                  f.amount + coalesce((SELECT sum(n.gross) FROM invoices n WHERE n.tenant_id = f.tenant_id AND n.corrects_id = f.fee_invoice_id), 0)
                      AS "amount!", f.charged_on AS "charged_on!"
           FROM late_fees f
           WHERE f.account_id = ANY($1)"#,
        accounts
    )
    .fetch_all(tx.conn())
    .await
}
