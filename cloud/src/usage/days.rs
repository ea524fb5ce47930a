//! What a line moved, by day.

use chrono::{DateTime, NaiveDate, Utc};

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
    /// Of the bytes of both directions, those of IPv6; none if that was not measured.
    pub v6_bytes: Option<i64>,
    /// The bytes of both directions of which that is a part.
    pub v6_of_bytes: Option<i64>,
    /// Packets of both directions that the shaper dropped; none if that was not measured.
    pub dropped_packets: Option<i64>,
    /// Packets of both directions that came to the shaper while that was measured.
    pub dropped_of_packets: Option<i64>,
}

/// What was measured of a line beside its bytes; `None` where nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Share of IPv6 in the bytes of both directions, in hundredths of a percent.
    pub v6_share: Option<i64>,
    /// Share of the packets that the shaper dropped, in hundredths of a percent.
    pub dropped_share: Option<i64>,
}

/// What was measured of a line beside its bytes since then.
pub async fn measured(tx: &mut TenantTx, id: SubscriptionId, since: DateTime<Utc>) -> Result<Measured, Error> {
    Ok(store::measured(tx, id, since).await?)
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
