//! The record of changes: who, when, what, to which thing. Written in the transaction of the change, never edited.

mod store;

use crate::db::{Error, TenantTx};

/// Records a change. `action` is a verb phrase, `subject` the id of the thing, `detail` what changed, without secrets.
pub async fn record(
    tx: &mut TenantTx,
    action: &str,
    subject: impl ToString,
    detail: serde_json::Value,
) -> Result<(), Error> {
    let id = tx.new_id();
    Ok(store::insert(tx, id, action, &subject.to_string(), detail).await?)
}
