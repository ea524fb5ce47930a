//! Records what it is told and changes nothing.

use super::{Applied, Counter, Error, Outcome, Southbound, Sweep};
use crate::plan::Wanted;
use weir_protocol::state::ObservedLine;

/// An adapter without a kernel.
#[derive(Debug, Default)]
pub struct Null {
    counters: Vec<Counter>,
}

impl Southbound for Null {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        let observe = |line: &weir_protocol::desired::Line| {
            Outcome::Applied(ObservedLine {
                rate_down_bps: line.rate_down_bps,
                rate_up_bps: line.rate_up_bps,
                access: line.access,
            })
        };
        let lines = wanted.lines.iter().map(|(id, line)| (*id, observe(line))).collect();
        Ok(Applied { router: wanted.router.as_ref().map(|_| Outcome::Applied(ObservedLine::default())), lines })
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        Ok(Sweep { counters: self.counters.clone() })
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        self.counters.retain(|counter| !handles.contains(&counter.handle));
        Ok(())
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        self.counters.clear();
        Ok(())
    }
}
