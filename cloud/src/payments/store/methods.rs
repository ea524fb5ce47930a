//! SQL of kept methods and of what providers call accounts.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::TenantTx;
use crate::ids::{AccountId, PaymentMethodId};
use crate::payments::provider::Saved;

pub async fn payer(tx: &mut TenantTx, provider: &str, account: AccountId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT reference FROM payers WHERE account_id = $1 AND provider = $2",
        account.uuid(),
        provider
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn account_of(tx: &mut TenantTx, provider: &str, reference: &str) -> Result<Option<AccountId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT account_id AS "id: AccountId" FROM payers WHERE provider = $1 AND reference = $2"#,
        provider,
        reference
    )
    .fetch_optional(tx.conn())
    .await
}

/// Two that ask at once were told the same name, for they asked with the same key.
pub async fn insert_payer(
    tx: &mut TenantTx,
    provider: &str,
    account: AccountId,
    reference: &str,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO payers (tenant_id, account_id, provider, reference) VALUES ($1, $2, $3, $4)
         ON CONFLICT (tenant_id, account_id, provider) DO NOTHING",
        tenant,
        account.uuid(),
        provider,
        reference
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct MethodRow {
    pub id: PaymentMethodId,
    pub account_id: AccountId,
    pub reference: String,
    pub brand: String,
    pub last4: String,
    pub exp_month: Option<i16>,
    pub exp_year: Option<i16>,
    pub autopay: bool,
    pub saved_at: DateTime<Utc>,
}

/// Keeps a method, once for its name; says whether it is new.
pub async fn insert(
    tx: &mut TenantTx,
    id: PaymentMethodId,
    provider: &str,
    account: AccountId,
    saved: &Saved,
) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO payment_methods (tenant_id, id, account_id, provider, reference, brand, last4, exp_month, exp_year, autopay, saved_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, false, $10)
         ON CONFLICT (tenant_id, provider, reference) DO NOTHING",
        tenant.uuid(),
        id.uuid(),
        account.uuid(),
        provider,
        saved.reference,
        saved.brand,
        saved.last4,
        saved.expires.map(|(month, _)| month),
        saved.expires.map(|(_, year)| year),
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub async fn of(tx: &mut TenantTx, account: AccountId) -> Result<Vec<MethodRow>, sqlx::Error> {
    sqlx::query_as!(
        MethodRow,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", reference, brand, last4, exp_month, exp_year, autopay, saved_at
           FROM payment_methods WHERE account_id = $1 AND removed_at IS NULL ORDER BY autopay DESC, id DESC"#,
        account.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: PaymentMethodId) -> Result<Option<MethodRow>, sqlx::Error> {
    sqlx::query_as!(
        MethodRow,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", reference, brand, last4, exp_month, exp_year, autopay, saved_at
           FROM payment_methods WHERE id = $1 AND removed_at IS NULL"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Which method of an account pays by itself; none if none is given.
pub async fn set_autopay(
    tx: &mut TenantTx,
    account: AccountId,
    method: Option<PaymentMethodId>,
) -> Result<(), sqlx::Error> {
    // Two steps, for only one may pay at any moment.
    sqlx::query!("UPDATE payment_methods SET autopay = false WHERE account_id = $1 AND autopay", account.uuid())
        .execute(tx.conn())
        .await?;
    if let Some(method) = method {
        sqlx::query!("UPDATE payment_methods SET autopay = true WHERE id = $1 AND removed_at IS NULL", method.uuid())
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

pub async fn remove(tx: &mut TenantTx, id: PaymentMethodId) -> Result<(), sqlx::Error> {
    let at = tx.at();
    sqlx::query!("UPDATE payment_methods SET autopay = false, removed_at = $2 WHERE id = $1", id.uuid(), at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Accounts that pay by themselves and owe something due by `today`; only of these if given.
pub async fn to_charge(
    tx: &mut TenantTx,
    today: NaiveDate,
    only: Option<&[AccountId]>,
) -> Result<Vec<AccountId>, sqlx::Error> {
    let only: Option<Vec<_>> = only.map(|only| only.iter().map(|account| account.uuid()).collect());
    sqlx::query_scalar!(
        r#"SELECT m.account_id AS "id: AccountId" FROM payment_methods m
           WHERE m.autopay AND ($2::uuid[] IS NULL OR m.account_id = ANY($2)) AND EXISTS (
               SELECT FROM invoices i WHERE i.account_id = m.account_id AND i.status = 'issued' AND i.due_on <= $1
                 AND i.gross > (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.invoice_id = i.id))
           ORDER BY m.account_id"#,
        today,
        only.as_deref()
    )
    .fetch_all(tx.conn())
    .await
}
