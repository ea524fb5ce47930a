//! What a line moved, by day.

use chrono::NaiveDate;

use super::store;
use crate::db::{Error, TenantTx};
use crate::ids::SubscriptionId;

/// What a line moved in a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// The account's local day.
    pub on: NaiveDate,
    /// Bytes toward the subscriber.
    pub down_bytes: i64,
    /// Bytes from the subscriber.
    pub up_bytes: i64,
}

/// A line's usage by local day of its account, from a day on and before another; days without any are left out.
pub async fn days(
    tx: &mut TenantTx,
    id: SubscriptionId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
) -> Result<Vec<Day>, Error> {
    Ok(store::days(tx, id, from, to).await?)
}
