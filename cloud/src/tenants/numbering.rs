//! Gapless numbers: taken under the series' row lock, in the transaction that uses them.

use crate::db::{Error, TenantTx};

/// The next number of a series; years have their own, 0 for a series without years.
pub async fn next(tx: &mut TenantTx, kind: &str, year: i16) -> Result<i64, Error> {
    Ok(super::store::next_number(tx, kind, year).await?)
}
