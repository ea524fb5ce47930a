//! SQL of what lines were taxed by.

use std::collections::HashMap;

use sqlx::types::Json;
use uuid::Uuid;

use crate::db::TenantTx;
use crate::ids::InvoiceLineId;
use crate::taxes::TaxedBy;

/// What is frozen on these lines; those of a time before taxes had places are left out.
pub async fn frozen(tx: &mut TenantTx, lines: &[Uuid]) -> Result<HashMap<InvoiceLineId, TaxedBy>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id: InvoiceLineId", taxed_by AS "by!: Json<TaxedBy>" FROM invoice_lines
           WHERE id = ANY($1) AND taxed_by IS NOT NULL"#,
        lines
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.by.0)).collect())
}
