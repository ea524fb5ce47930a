//! An orderly stop: agents are told to go, and where to, not faster than they can be taken in there.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use weir_protocol::control::{GoAway, GoAwayReason};

use super::{Bell, Gateway, sweep};
use crate::fleet::sessions::Session;

/// Most that telling all may take: whoever stops us waits for 90 seconds.
const TELLING: Duration = Duration::from_secs(60);
/// How long the last ones have to go.
const GOING: Duration = Duration::from_secs(3);
/// An agent that has nowhere else to go comes back no sooner.
const RESTART_MS: u32 = 500;
/// The first revision whose agents can be told where else to go.
const ELSEWHERE_SINCE_REV: u32 = 9;

/// Tells all agents to leave and waits until they have, for a limited time.
pub(super) async fn drain(gateway: &Arc<Gateway>) {
    if let Err(error) = sweep::leave(gateway).await {
        tracing::warn!(%error, "it could not be noted that this gateway stops");
    }
    let sessions: Vec<Arc<Bell>> = gateway.lock().values().cloned().collect();
    let elsewhere = gateway.others().len();
    tracing::info!(agents = sessions.len(), elsewhere, "telling agents to leave");
    let count = u32::try_from(sessions.len()).unwrap_or(u32::MAX).max(1);
    // Without any other they come back here, within the time they were told.
    let pause = if elsewhere == 0 { Duration::ZERO } else { sweep::PAUSE.min(TELLING / count) };
    for bell in sessions {
        bell.leave.notify_one();
        tokio::time::sleep(pause).await;
    }
    let mut left = gateway.left.subscribe();
    let gone = left.wait_for(|()| gateway.lock().is_empty());
    if tokio::time::timeout(GOING, gone).await.is_err() {
        tracing::debug!("some agents did not leave in time");
    }
}

impl Gateway {
    /// Gateways an agent may go to, this one first; none if it could not be told.
    pub(super) fn known_to(&self, session: Session) -> Vec<String> {
        let others = self.others();
        let tellable = session.rev >= ELSEWHERE_SINCE_REV && !others.is_empty();
        let own = self.public.as_ref().filter(|_| tellable);
        own.map_or_else(Vec::new, |own| std::iter::once(own).chain(others.iter()).cloned().collect())
    }

    /// The other gateways there are.
    pub(super) fn others(&self) -> MutexGuard<'_, Vec<String>> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an agent is told that has to go elsewhere: each begins with another gateway.
    pub(super) fn farewell(&self, session: Session) -> GoAway {
        let mut gateways = self.others().clone();
        if gateways.is_empty() || session.rev < ELSEWHERE_SINCE_REV {
            let spread = self.spread_ms.load(std::sync::atomic::Ordering::Relaxed);
            return GoAway {
                reason: GoAwayReason::Drain.into(),
                reconnect_after_min_ms: RESTART_MS,
                reconnect_after_max_ms: RESTART_MS.saturating_add(spread),
                gateways: Vec::new(),
            };
        }
        let first = session.agent.uuid().as_u128() % gateways.len() as u128;
        gateways.rotate_left(usize::try_from(first).unwrap_or(0));
        GoAway { reason: GoAwayReason::Drain.into(), gateways, ..GoAway::default() }
    }
}
