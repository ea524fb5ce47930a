//! Holds, what they make of a line, and how long that takes at its port.

use super::{Isp, Line, id};
use crate::clock::{Limit, until};
use crate::wire::Probe;
use anyhow::{Context, Result};
use serde_json::json;

impl Isp {
    /// Places a hold on a line; returns its id.
    pub async fn hold(&self, line: &Line, effect: &str, reason: &str) -> Result<String> {
        let hold = json!({"kind": "manual", "effect": effect, "reason": reason});
        id(&self.api.post(&format!("/subscriptions/{}/holds", line.subscription_id), &hold).await?)
    }

    /// Releases a hold.
    pub async fn release(&self, hold: &str) -> Result<()> {
        self.api.post(&format!("/holds/{hold}/release"), &json!({})).await.map(drop)
    }

    /// Waits until the cloud says that a line may do this.
    pub async fn access_becomes(&self, line: &Line, access: &str) -> Result<()> {
        let path = format!("/subscriptions/{}", line.subscription_id);
        until(&format!("the line's access {access}"), Limit::seconds(20), || async {
            Ok((self.api.get(&path).await?["access"] == access).then_some(()))
        })
        .await
    }
}

/// When a line was opened and when it was closed again, as a probe on it saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// When the first echo came back, microseconds since 1970.
    pub opened_us: u64,
    /// When the first datagram left that never came back after an echo had; absent if the line stayed open.
    pub closed_us: Option<u64>,
}

impl Crossing {
    /// Reads it from probes in the order of sending.
    pub fn read(seen: &[Probe]) -> Result<Self> {
        let opened_us = seen.iter().filter_map(|probe| probe.answered_us).min().context("the line was never opened")?;
        let last_echo_us = seen.iter().filter(|probe| probe.answered_us.is_some()).map(|probe| probe.sent_us).max();
        let closed = seen.iter().find(|probe| Some(probe.sent_us) > last_echo_us);
        Ok(Self { opened_us, closed_us: closed.map(|probe| probe.sent_us) })
    }
}

/// Milliseconds from one moment to a later one, rounded up.
#[must_use]
pub fn ms_between(earlier_us: u64, later_us: u64) -> u64 {
    later_us.saturating_sub(earlier_us).div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_is_read_from_the_probe() -> Result<()> {
        let probe = |sent_ms: u64, answered: bool| Probe {
            sent_us: sent_ms * 1_000,
            answered_us: answered.then_some(sent_ms * 1_000 + 400),
        };
        let seen = [(0, false), (5, false), (10, false), (15, true), (20, true), (25, true), (30, false), (35, false)];
        let seen = seen.map(|(sent_ms, answered)| probe(sent_ms, answered));
        assert_eq!(Crossing::read(&seen)?, Crossing { opened_us: 15_400, closed_us: Some(30_000) });
        assert_eq!(Crossing::read(&seen[..6])?.closed_us, None);
        assert!(Crossing::read(&seen[..3]).is_err());
        assert_eq!((ms_between(8_000, 15_400), ms_between(22_000, 30_000)), (8, 8));
        Ok(())
    }
}
