//! What is measured beside what is billed: how often, what of it people should know.

use super::Agent;
use crate::clock::Clock;
use crate::southbound::audit::Audit;
use crate::southbound::{Measured, Southbound, Unattributed};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Measuring may take one part in so many of a processor's time.
const SHARE: u32 = 100;

/// What was measured since the agent began.
#[derive(Debug, Default)]
pub(super) struct Measuring {
    not_before: Option<Instant>,
    failing: bool,
    unattributed: Unattributed,
    audits: BTreeMap<String, Audit>,
    /// Ports whose last comparison left something unexplained.
    suspects: BTreeSet<String>,
    /// Of these, those told of.
    told: BTreeSet<String>,
}

impl Measuring {
    /// Nobody's traffic since the agent began.
    pub(super) fn unattributed(&self) -> Unattributed {
        self.unattributed
    }

    /// The last comparison of each port.
    pub(super) fn audits(&self) -> Vec<Audit> {
        self.audits.values().cloned().collect()
    }

    /// Takes in what was measured; answers what people should know. One difference may be a counter's lateness: only a
    /// second in a row is told, once until all is well again.
    fn take(&mut self, measured: &Measured) -> Vec<String> {
        let Unattributed { lan, wan, to_unknown, from_unknown } = &mut self.unattributed;
        let new = &measured.unattributed;
        *lan = lan.plus(new.lan);
        *wan = wan.plus(new.wan);
        *to_unknown = to_unknown.plus(new.to_unknown);
        *from_unknown = from_unknown.plus(new.from_unknown);
        let mut news = Vec::new();
        for audit in &measured.audits {
            let port = audit.port.clone();
            self.audits.insert(port.clone(), audit.clone());
            if audit.unexplained_bytes == 0 {
                self.suspects.remove(&port);
                self.told.remove(&port);
            } else if !self.suspects.insert(port.clone()) && self.told.insert(port) {
                news.push(sentence(audit));
            }
        }
        news
    }
}

fn sentence(audit: &Audit) -> String {
    let Audit { port, span_ms, shaped_bytes, sent_bytes, unexplained_bytes } = audit;
    let seconds = span_ms / 1000;
    let compared = format!("in {seconds} s {port} sent {sent_bytes} bytes and the shaper counted {shaped_bytes}");
    if *unexplained_bytes > 0 {
        format!("{compared}: {unexplained_bytes} bytes left without being shaped or counted")
    } else {
        format!("{compared}: {} bytes were counted and not sent", unexplained_bytes.unsigned_abs())
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Measures, unless that took so long that it is too soon.
    pub(super) async fn measure(&mut self) {
        let began = Instant::now();
        if self.measuring.not_before.is_some_and(|at| began < at) {
            return;
        }
        let measured = self.southbound.measure().await;
        let pause = began.elapsed().saturating_mul(SHARE).min(Duration::from_secs(3600));
        self.measuring.not_before = Some(Instant::now() + pause);
        match measured {
            Ok(None) => {}
            Ok(Some(measured)) => {
                self.measuring.failing = false;
                self.journal.set_aside(&measured);
                self.gathered.take(&measured);
                self.strangers.take(&measured, self.clock.now().wall_ms);
                for text in self.measuring.take(&measured) {
                    self.tell_plainly("meter-audit", text);
                }
            }
            Err(error) if !std::mem::replace(&mut self.measuring.failing, true) => {
                tracing::warn!(%error, "drops, IPv6 and the ports' own counts could not be measured");
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::southbound::Total;

    fn measured(unexplained_bytes: i64) -> Measured {
        let (port, span_ms) = ("lan0".to_owned(), 300_000);
        let audit = Audit { port, span_ms, shaped_bytes: 1_000, sent_bytes: 9_000, unexplained_bytes };
        let lan = Total { bytes: 10, packets: 1 };
        let unattributed = Unattributed { lan, ..Unattributed::default() };
        Measured { audits: vec![audit], unattributed, ..Measured::default() }
    }

    #[test]
    fn a_difference_is_told_when_it_comes_again_and_once_until_all_is_well() {
        let mut measuring = Measuring::default();
        assert!(measuring.take(&measured(5)).is_empty());
        let told = measuring.take(&measured(8_000));
        assert_eq!(
            told,
            [
                "in 300 s lan0 sent 9000 bytes and the shaper counted 1000: 8000 bytes left without being shaped or counted"
            ]
        );
        assert!(measuring.take(&measured(8_000)).is_empty());
        assert!(measuring.take(&measured(0)).is_empty());
        assert!(measuring.take(&measured(-7)).is_empty());
        assert_eq!(measuring.take(&measured(-7)).len(), 1);
        assert_eq!((measuring.audits().len(), measuring.unattributed().lan.bytes), (1, 60));
    }
}
