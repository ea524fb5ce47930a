//! SQL of late fees.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use weir_rules::money::Money;

use crate::db::TenantTx;
use crate::ids::{AccountId, CreditNoteId, DunningCaseId, InvoiceId, LateFeeId};

pub struct FeeRow {
    pub id: LateFeeId,
    pub account: AccountId,
    pub invoice: InvoiceId,
    pub number: String,
    pub step: i32,
    pub currency: String,
    pub amount: Decimal,
    pub fee_invoice: Option<InvoiceId>,
    pub fee_number: Option<String>,
    pub charged_on: NaiveDate,
    /// The note that gave back the last of it.
    pub credit: Option<CreditNoteId>,
}

/// Late fees of a case, or the one of this id, oldest first.
pub async fn fees(
    tx: &mut TenantTx,
    case: Option<DunningCaseId>,
    only: Option<LateFeeId>,
) -> Result<Vec<FeeRow>, sqlx::Error> {
    sqlx::query_as!(
        FeeRow,
        r#"SELECT f.id AS "id: _", f.account_id AS "account: _", f.invoice_id AS "invoice: _", i.number AS "number!", f.step, f.currency, f.amount,
                  f.fee_invoice_id AS "fee_invoice: _", d.number AS "fee_number?", f.charged_on,
                  CASE WHEN f.amount + g.given = 0 THEN g.last END AS "credit: _"
           FROM late_fees f
           JOIN invoices i ON i.tenant_id = f.tenant_id AND i.id = f.invoice_id
           LEFT JOIN invoices d ON d.tenant_id = f.tenant_id AND d.id = f.fee_invoice_id
           CROSS JOIN LATERAL (SELECT sum(n.gross) AS given, (array_agg(n.id ORDER BY n.id DESC))[1] AS last FROM invoices n
                               WHERE n.tenant_id = f.tenant_id AND n.corrects_id = f.fee_invoice_id) g
           WHERE f.case_id = $1 OR f.id = $2 ORDER BY f.charged_at, f.id"#,
        case.map(DunningCaseId::uuid),
        only.map(LateFeeId::uuid)
    )
    .fetch_all(tx.conn())
    .await
}

pub struct NewFee {
    pub account: AccountId,
    pub case: DunningCaseId,
    pub invoice: InvoiceId,
    pub step: u16,
    pub policy_version: i32,
    pub amount: Money,
    pub fee_invoice: Option<InvoiceId>,
    pub charged_on: NaiveDate,
}

pub async fn insert(tx: &mut TenantTx, id: LateFeeId, fee: &NewFee) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant(), tx.at());
    sqlx::query!(
        "INSERT INTO late_fees (tenant_id, id, account_id, case_id, invoice_id, step, policy_version, currency, amount, fee_invoice_id, charged_on, charged_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant.uuid(),
        id.uuid(),
        fee.account.uuid(),
        fee.case.uuid(),
        fee.invoice.uuid(),
        i32::from(fee.step),
        fee.policy_version,
        fee.amount.currency().code(),
        fee.amount.amount(),
        fee.fee_invoice.map(InvoiceId::uuid),
        fee.charged_on,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_waiver(
    tx: &mut TenantTx,
    id: LateFeeId,
    credit: CreditNoteId,
    reason: &str,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO late_fee_waivers (tenant_id, late_fee_id, credit_invoice_id, reason, waived_by, waived_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant.uuid(),
        id.uuid(),
        credit.uuid(),
        reason,
        actor,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
