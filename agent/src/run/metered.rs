//! What the agent says less often where its way to the cloud is paid for by the byte: so many times as long in between. Nothing
//! is counted or enforced otherwise.

use super::Agent;
use crate::clock::Clock;
use crate::config::QUALITY_INTERVAL_MAX;
use crate::southbound::Southbound;
use std::time::Duration;

/// Probes of a silent connection; most translations on the way forget one that is silent for two minutes.
const KEEPALIVE: u32 = 5;
/// Saying that it is there.
const HEARTBEAT: u32 = 3;
/// Usage records.
const USAGE: u32 = 3;
/// How lines are served, and who is behind the LAN port without being a line's.
const QUALITY: u32 = 12;
/// Rates for people who watch, whatever is asked for.
const LIVE_EVERY_MS: u32 = 10_000;

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Whether it is: this router was told so, or its cloud says so.
    fn metered(&self) -> bool {
        self.config.metered || self.is_known_to_be_metered()
    }

    fn is_known_to_be_metered(&self) -> bool {
        self.meaning.wanted.router.as_ref().is_some_and(|router| router.metered)
    }

    fn times(&self, metered: u32) -> u32 {
        if self.metered() { metered } else { 1 }
    }

    /// How often a silent connection is probed.
    pub(super) fn keepalive(&self) -> Duration {
        self.config.keepalive.saturating_mul(self.times(KEEPALIVE))
    }

    /// How long nothing is said at most, where the cloud expects a word every `told`: longer only where the cloud itself says
    /// that this router is metered, or it would take it to be away.
    pub(super) fn heartbeat(&self, told: Duration) -> Duration {
        told.saturating_mul(if self.is_known_to_be_metered() { HEARTBEAT } else { 1 })
    }

    /// How often usage is sealed, where that is every `told_ms` otherwise.
    pub(super) fn usage_every_ms(&self, told_ms: u64) -> u64 {
        told_ms.saturating_mul(self.times(USAGE).into())
    }

    /// How often it is told how well lines are served.
    pub(super) fn quality_every(&self) -> Duration {
        self.config.quality_interval.saturating_mul(self.times(QUALITY)).min(QUALITY_INTERVAL_MAX)
    }

    /// How often rates are shown to people who watch and want them every `asked_ms`.
    pub(super) fn live_every_ms(&self, asked_ms: u32) -> u32 {
        if self.metered() { asked_ms.max(LIVE_EVERY_MS) } else { asked_ms }
    }
}
