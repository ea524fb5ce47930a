//! The `unpaid` hold on every line of an account, and of the accounts it pays for.

use serde_json::json;
use weir_rules::access::HoldEffect;

use super::store::holds::{self as store, LineRow, Which};
use super::{Checked, Error};
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::ids::{AccountId, HoldId};
use crate::{audit, fleet};

/// Gives every line in service the hold it must have, or none. A line closed by hand stays closed until all is lifted.
pub(super) async fn bring(
    tx: &mut TenantTx,
    account: AccountId,
    wanted: Option<HoldEffect>,
    reason: &str,
) -> Result<Checked, Error> {
    let Some(wanted) = wanted else {
        return Ok(Checked { placed: 0, released: lift(tx, account, Which::All).await? });
    };
    let released = lift(tx, account, Which::NotPaidFor).await?;
    let mut placed = 0;
    for row in store::lines(tx, account).await? {
        let before = row.effect.as_deref().and_then(HoldEffect::from_name);
        if before == Some(wanted) || before == Some(HoldEffect::Closed) {
            continue;
        }
        if row.hold.is_some() {
            lift(tx, account, Which::Of(row.line)).await?;
        }
        place(tx, account, &row, wanted, reason).await?;
        placed += u32::from(before < Some(wanted));
    }
    Ok(Checked { placed, released })
}

async fn place(
    tx: &mut TenantTx,
    account: AccountId,
    row: &LineRow,
    effect: HoldEffect,
    reason: &str,
) -> Result<(), Error> {
    let (id, line): (HoldId, _) = (tx.new_id(), row.line);
    store::insert(tx, id, (line, row.is_anothers.then_some(account)), effect.name(), reason).await?;
    fleet::desired::refresh_line(tx, line).await?;
    let detail = json!({ "subscription": line, "kind": "unpaid", "effect": effect.name(), "reason": reason });
    audit::record(tx, "place hold", id, detail).await?;
    let data = json!({ "hold": id, "kind": "unpaid", "effect": effect.name(), "reason": reason });
    events::publish(tx, EventKind::HoldPlaced, line, Some(account), data).await?;
    Ok(())
}

/// Lifts holds that are for the account's debt; returns from how many lines.
async fn lift(tx: &mut TenantTx, account: AccountId, which: Which) -> Result<u32, Error> {
    let released = store::release(tx, account, which).await?;
    for &(id, line) in &released {
        fleet::desired::refresh_line(tx, line).await?;
        audit::record(tx, "release hold", id, json!({ "subscription": line, "kind": "unpaid" })).await?;
        let data = json!({ "hold": id, "kind": "unpaid" });
        events::publish(tx, EventKind::HoldReleased, line, Some(account), data).await?;
    }
    Ok(u32::try_from(released.len()).unwrap_or(u32::MAX))
}
