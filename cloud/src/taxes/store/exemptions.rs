//! SQL of exemptions from tax.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{AccountId, TaxExemptionId};
use crate::taxes::{Exemption, ExemptionKind, ExemptionWish};

struct Row {
    id: TaxExemptionId,
    account_id: AccountId,
    kind: String,
    document: String,
    reason: String,
    from: NaiveDate,
    to: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<Row> for Exemption {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            // The table has no other kinds.
            kind: ExemptionKind::from_name(&row.kind).unwrap_or(ExemptionKind::Certificate),
            document: row.document,
            reason: row.reason,
            from: row.from,
            to: row.to,
            created_at: row.created_at,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

/// Writes an exemption; false if the account has another on one of its days.
pub async fn insert(
    tx: &mut TenantTx,
    id: TaxExemptionId,
    account: AccountId,
    wish: &ExemptionWish,
) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO tax_exemptions (tenant_id, id, account_id, kind, document, reason, days, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, daterange($7, $8), $9)",
        tenant,
        id.uuid(),
        account.uuid(),
        wish.kind.name(),
        wish.document,
        wish.reason,
        wish.from,
        wish.to,
        at
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if broken_constraint(&error) == Some("tax_exemptions_one_a_day") => Ok(false),
        Err(error) => Err(error),
    }
}

/// Withdraws an exemption; false if there is none of this id to be withdrawn.
pub async fn withdraw(tx: &mut TenantTx, id: TaxExemptionId) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    let done = sqlx::query!(
        "UPDATE tax_exemptions SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL",
        id.uuid(),
        at
    );
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

pub async fn find(tx: &mut TenantTx, id: TaxExemptionId) -> Result<Option<Exemption>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", kind, document, reason, lower(days) AS "from!", upper(days) AS "to?",
                  created_at, withdrawn_at
           FROM tax_exemptions WHERE id = $1"#,
        id.uuid()
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(Exemption::from))
}

/// A page of an account's exemptions, newest first, withdrawn ones, too.
pub async fn page(tx: &mut TenantTx, account: AccountId, page: Page) -> Result<Vec<Exemption>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", kind, document, reason, lower(days) AS "from!", upper(days) AS "to?",
                  created_at, withdrawn_at
           FROM tax_exemptions WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        account.uuid(),
        page.after,
        page.fetch()
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(Exemption::from).collect())
}

/// The exemptions of these accounts that are used.
pub async fn of_accounts(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Vec<Exemption>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", account_id AS "account_id: _", kind, document, reason, lower(days) AS "from!", upper(days) AS "to?",
                  created_at, withdrawn_at
           FROM tax_exemptions WHERE account_id = ANY($1) AND withdrawn_at IS NULL"#,
        accounts
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(Exemption::from).collect())
}
