//! Whether a run would find something to bill.

use super::{Error, store};
use crate::db::TenantTx;

/// Whether some account has days to charge, days to credit or traffic to count by its own local day. One that could
/// not be billed is worth a run only once something about it has changed.
pub(super) async fn anything(tx: &mut TenantTx) -> Result<bool, Error> {
    if store::runs::running(tx).await?.is_some() {
        return Ok(false);
    }
    Ok(store::faults::forget_changed(tx).await?
        || store::due::days(tx).await?
        || store::due::credits(tx).await?
        || store::due::pauses(tx).await?
        || store::due::usage(tx).await?
        || store::due::agreed(tx).await?)
}
