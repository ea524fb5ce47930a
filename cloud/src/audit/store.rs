//! SQL of the audit log.

use crate::db::TenantTx;
use crate::ids::AuditEntryId;

pub async fn insert(
    tx: &mut TenantTx,
    id: AuditEntryId,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), sqlx::Error> {
    let (tenant, at, actor) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO audit_entries (tenant_id, id, at, actor, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        tenant.uuid(),
        id.uuid(),
        at,
        actor,
        action,
        subject,
        detail
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
