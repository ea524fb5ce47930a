//! SQL of what lines were taxed by, and of what is left of those whose price includes tax.

use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::InvoiceLineId;
use crate::taxes::TaxedBy;

pub struct FrozenRow {
    pub id: InvoiceLineId,
    /// None on lines of a time before taxes had places.
    pub taxed_by: Option<Json<TaxedBy>>,
    pub currency: String,
    pub net: Decimal,
    /// Where its price includes tax.
    pub gross: Option<Decimal>,
    /// What later lines gave back of both: below zero.
    pub net_given: Decimal,
    pub gross_given: Decimal,
}

/// What is frozen on these lines.
pub async fn frozen(tx: &mut TenantTx, lines: &[Uuid]) -> Result<Vec<FrozenRow>, sqlx::Error> {
    sqlx::query_as!(
        FrozenRow,
        r#"SELECT l.id AS "id: _", l.taxed_by AS "taxed_by: _", i.currency, l.net, l.gross, g.net AS "net_given!", g.gross AS "gross_given!"
           FROM invoice_lines l
           JOIN invoices i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
           CROSS JOIN LATERAL (SELECT coalesce(sum(c.net), 0) AS net, coalesce(sum(c.gross), 0) AS gross FROM invoice_lines c
                               WHERE l.gross IS NOT NULL AND c.tenant_id = l.tenant_id AND c.credits_line_id = l.id) g
           WHERE l.id = ANY($1)"#,
        lines
    )
    .fetch_all(tx.conn())
    .await
}
