//! What the cloud counted: bytes by line, and the records they came in.

use super::{Isp, Line};
use crate::traffic::Carried;
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::Value;
use std::time::Duration;

/// Usage records that are not here exactly once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Sealed by an agent, acknowledged, and not here.
    pub lost: u64,
    /// Here more than once.
    pub doubled: u64,
}

impl Isp {
    /// What the cloud has counted on these lines since they were sold.
    pub async fn usage(&self, lines: &[Line]) -> Result<Carried> {
        let readings = lines.iter().map(|line| async move {
            let path = format!("/subscriptions/{}/usage", line.subscription_id);
            anyhow::Ok(bytes_of(&self.api.get(&path).await?))
        });
        Ok(try_join_all(readings).await?.into_iter().fold(Carried::default(), |sum, reading| sum + reading))
    }

    /// The same, once it is near what was sent and has stopped growing, or a minute has passed.
    pub async fn metered(&self, lines: &[Line], sent: Carried) -> Result<Carried> {
        const LOOKS: u32 = 120;
        /// Three intervals in which an agent of the lab would have sealed and sent what is missing.
        const SAME: u32 = 6;
        let mut last = Carried::default();
        let mut same = 0;
        let mut tick = tokio::time::interval(Duration::from_millis(500));
        for _ in 0..LOOKS {
            tick.tick().await;
            let now = self.usage(lines).await?;
            same = if now == last && now.total() > 0 { same + 1 } else { 0 };
            last = now;
            let near = now.total() as f64 >= sent.total() as f64 * 0.999;
            if near && same >= SAME {
                break;
            }
        }
        Ok(last)
    }

    /// Every epoch's log is contiguous from 1: fewer records than its watermark are lost, more are doubled.
    pub async fn record_faults(&self) -> Result<Faults> {
        let mut faults = Faults::default();
        let agents = self.api.list("/agents").await?;
        ensure!(!agents.is_empty(), "the cloud knows no agent");
        for agent in agents {
            let id = agent["id"].as_str().context("an agent without an id")?;
            let agent = self.api.get(&format!("/agents/{id}")).await?;
            for epoch in agent["epochs"].as_array().into_iter().flatten() {
                let applied = epoch["applied_seq"].as_u64().context("an epoch without applied_seq")?;
                let records = epoch["records"].as_u64().context("an epoch without records")?;
                faults.lost += applied.saturating_sub(records);
                faults.doubled += records.saturating_sub(applied);
            }
        }
        Ok(faults)
    }
}

/// The bytes an answer of the API names.
#[must_use]
pub fn bytes_of(counted: &Value) -> Carried {
    let field = |name: &str| counted[name].as_u64().unwrap_or_default();
    Carried { down_bytes: field("down_bytes"), up_bytes: field("up_bytes") }
}
