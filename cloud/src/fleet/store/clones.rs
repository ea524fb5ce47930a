//! SQL of agents that may be two.

use crate::db::TenantTx;
use crate::fleet::clones::Known;
use crate::ids::AgentId;

pub async fn note(tx: &mut TenantTx, agent: AgentId, known: &Known, suspected: bool) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE agents SET boot_id = $2, boot_before = $3, clone_signs = $4, clone_signs_since = $5,
                clone_suspected_at = CASE WHEN $6 THEN $7 ELSE clone_suspected_at END
         WHERE id = $1",
        agent.uuid(),
        known.boot_id.as_deref(),
        known.boot_before.as_deref(),
        known.signs,
        known.signs_since,
        suspected,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
