//! A database that is away for a while costs nobody a session: whatever needs it waits, and with it what comes after. What is
//! not answered stays at the agents, as without a cloud.

use std::error::Error;
use std::time::Duration;

use crate::db;

/// The first pause between two attempts, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Grows with every failure.
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(PAUSE_MIN)
    }
}

impl Patience {
    /// Whether it is worth trying again: then only after a pause.
    pub(super) async fn has(&mut self, error: &(dyn Error + Send + Sync + 'static)) -> bool {
        if !db::passes(error) {
            return false;
        }
        metrics::counter!("weir_gateway_waits_for_database_total").increment(1);
        if self.0 == PAUSE_MIN {
            tracing::warn!(%error, "the database is away; what needs it waits");
        }
        tokio::time::sleep(self.0).await;
        self.0 = self.0.saturating_mul(2).min(PAUSE_MAX);
        true
    }
}

/// Does something until the database was there for it.
pub(super) async fn patiently<T, E, F>(mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    E: Error + Send + Sync + 'static,
    F: Future<Output = Result<T, E>>,
{
    let mut patience = Patience::default();
    loop {
        match attempt().await {
            Err(error) if patience.has(&error).await => {}
            other => return other,
        }
    }
}
