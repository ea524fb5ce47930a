//! The `unpaid` hold on every line of an account.

use super::{Error, store};
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::ids::{AccountId, HoldId};
use crate::{audit, fleet};

/// Places the hold on every line in service that has none; returns how many.
pub(super) async fn place(tx: &mut TenantTx, account: AccountId, reason: &str) -> Result<u32, Error> {
    let mut placed = 0;
    for line in store::lines_without_hold(tx, account).await? {
        let id: HoldId = tx.new_id();
        store::insert_hold(tx, id, line, reason).await?;
        fleet::desired::refresh_line(tx, line).await?;
        audit::record(
            tx,
            "place hold",
            id,
            serde_json::json!({ "subscription": line, "kind": "unpaid", "reason": reason }),
        )
        .await?;
        let data = serde_json::json!({ "hold": id, "kind": "unpaid", "effect": "walled_garden", "reason": reason });
        events::publish(tx, EventKind::HoldPlaced, line, Some(account), data).await?;
        placed += 1;
    }
    Ok(placed)
}

/// Lifts the hold from every line of the account; returns how many.
pub(super) async fn release(tx: &mut TenantTx, account: AccountId) -> Result<u32, Error> {
    let released = store::release_holds(tx, account).await?;
    for &(id, line) in &released {
        fleet::desired::refresh_line(tx, line).await?;
        audit::record(tx, "release hold", id, serde_json::json!({ "subscription": line, "kind": "unpaid" })).await?;
        let data = serde_json::json!({ "hold": id, "kind": "unpaid" });
        events::publish(tx, EventKind::HoldReleased, line, Some(account), data).await?;
    }
    Ok(u32::try_from(released.len()).unwrap_or(u32::MAX))
}
