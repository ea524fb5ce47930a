//! Work to be done later, at least once: written with the change that caused it, done by the worker role.
//!
//! A job's handler must leave the same rows however often it runs. [`schedule`] makes the recurring ones.

mod listeners;
mod queue;
pub mod schedule;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::db::{Error, Scope, TenantTx};
use crate::ids::JobId;

pub use listeners::{TellListener, TellListenerOfMany};
pub use queue::{KINDS, work, work_off};

/// A kind of work. Its value is the payload: it names things and holds no secrets.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// Names the kind in the queue.
    const KIND: &'static str;

    /// Whether it waits for somebody else's server: such are done aside, and however many wait, they keep no other waiting.
    const OUTWARD: bool = false;

    /// Does the work; running it again must leave the same rows. An error is retried with growing delays.
    fn run(self, app: App, scope: Scope) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Two pending jobs of a kind with the same key are one.
    fn unique_key(&self) -> Option<String> {
        None
    }
}

/// Queues a job with the transaction's change.
pub async fn enqueue<J: Job>(tx: &mut TenantTx, job: &J, run_at: DateTime<Utc>) -> Result<(), Error> {
    enqueue_all(tx, std::slice::from_ref(job), run_at).await
}

/// Queues jobs of one kind with the transaction's change.
pub async fn enqueue_all<J: Job>(tx: &mut TenantTx, jobs: &[J], run_at: DateTime<Utc>) -> Result<(), Error> {
    let (mut ids, mut payloads, mut keys) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        ids.push(tx.new_id::<JobId>().uuid());
        payloads.push(serde_json::to_value(job).map_err(|error| sqlx::Error::Encode(error.into()))?);
        keys.push(job.unique_key());
    }
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO platform.jobs (id, tenant_id, kind, outward, payload, unique_key, run_at)
         SELECT id, $1, $2, $3, payload, key, $4 FROM unnest($5::uuid[], $6::jsonb[], $7::text[]) AS job (id, payload, key)
         ON CONFLICT (tenant_id, kind, unique_key) WHERE done_at IS NULL AND failed_at IS NULL DO NOTHING",
        tenant.uuid(),
        J::KIND,
        J::OUTWARD,
        run_at,
        &ids,
        &payloads,
        &keys as &[Option<String>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
