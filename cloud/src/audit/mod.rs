//! The record of changes: who, when, what, to which thing. Written in the transaction of the change, never edited.
//!
//! [`record`] writes; [`entries`] reads; [`chain`] makes what was written tamper-evident afterwards.

pub mod api;
pub mod chain;
pub mod error;
pub mod jobs;
mod model;
mod store;

pub use error::Error;
pub use model::{Entry, EntryFilter, LOOK_UP};

use crate::db::{PlatformTx, TenantTx};
use crate::http::paging::Page;
use crate::ids::AuditEntryId;

/// Records a change. `action` is a verb phrase, `subject` the id of the thing, `detail` what changed, without secrets.
pub async fn record(
    tx: &mut TenantTx,
    action: &str,
    subject: impl ToString,
    detail: serde_json::Value,
) -> Result<(), crate::db::Error> {
    record_all(tx, action, vec![(subject.to_string(), detail)]).await
}

/// Records the same kind of change of many things: each subject with its detail.
pub async fn record_all(
    tx: &mut TenantTx,
    action: &str,
    changes: Vec<(String, serde_json::Value)>,
) -> Result<(), crate::db::Error> {
    Ok(store::insert(tx, action, changes).await?)
}

/// Records a change of the whole installation, with every tenant.
pub async fn record_everywhere(
    tx: &mut PlatformTx,
    action: &str,
    subject: impl ToString,
    detail: serde_json::Value,
) -> Result<(), crate::db::Error> {
    Ok(store::insert_everywhere(tx, action, &subject.to_string(), detail).await?)
}

/// A page of the log, the newest first.
pub async fn entries(tx: &mut TenantTx, page: Page, filter: &EntryFilter) -> Result<Vec<Entry>, Error> {
    Ok(store::entries(tx, page, filter).await?)
}

/// One entry.
pub async fn entry(tx: &mut TenantTx, id: AuditEntryId) -> Result<Entry, Error> {
    store::entry(tx, id).await?.ok_or(Error::NotFound(id))
}

/// Every action anybody has done so far, by name.
pub async fn actions(tx: &mut TenantTx) -> Result<Vec<String>, Error> {
    Ok(store::actions(tx).await?)
}
