//! SQL of live topics.

use crate::db::TenantTx;
use crate::ids::{RouterId, SubscriptionId};

/// Where a subscription's line is found in samples.
pub async fn line(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<(RouterId, u32)>, sqlx::Error> {
    let row =
        sqlx::query!(r#"SELECT router_id AS "router: RouterId", handle FROM subscriptions WHERE id = $1"#, id.uuid())
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.map(|row| (row.router, row.handle.unsigned_abs())))
}
