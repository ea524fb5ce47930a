//! Whether a run would find something to bill.

use super::{Error, store};
use crate::db::TenantTx;

/// Whether some account has days to charge, days to credit or traffic to count by its own local day.
pub(super) async fn anything(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(store::runs::running(tx).await?.is_none() && store::runs::anything_due(tx).await?)
}
