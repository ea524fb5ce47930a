//! A kernel that holds whatever it is told and moves no packets: for machines without privileges.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use weir_protocol::desired::Access;
use weir_protocol::state::ObservedLine;

use super::{Applied, Counter, Error, Outcome, Southbound, Sweep, Total};
use crate::plan::{Wanted, check, nodes};

/// Remembers what is wanted; counts only what a test says was counted.
#[derive(Debug, Default)]
pub struct Null {
    counters: BTreeMap<u32, Counter>,
}

impl Null {
    /// Adds to a line's counters, as traffic would.
    pub fn count(&mut self, handle: u32, down: Total, up: Total) {
        let counter = self.counters.entry(handle).or_insert_with(|| fresh(handle));
        counter.down = add(counter.down, down);
        counter.up = add(counter.up, up);
    }
}

fn fresh(handle: u32) -> Counter {
    let none = Total::default();
    let generation = Uuid::from_u128(u128::from(handle));
    Counter { handle, generation, base_down: none, base_up: none, down: none, up: none }
}

fn add(one: Total, other: Total) -> Total {
    Total { bytes: one.bytes + other.bytes, packets: one.packets + other.packets }
}

impl Southbound for Null {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        Ok(vec!["null".into()])
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        let check::Checked { lines: sound, rejected, .. } = check::check(wanted);
        let mut lines: Vec<_> = sound
            .iter()
            .map(|(id, line)| {
                self.counters.entry(line.handle).or_insert_with(|| fresh(line.handle));
                let observed = ObservedLine {
                    rate_down_bps: line.rate_down_bps,
                    rate_up_bps: line.rate_up_bps,
                    access: line.access.into(),
                    public_ports: None,
                };
                (*id, Outcome::Applied(observed))
            })
            .collect();
        lines.extend(
            rejected.into_iter().map(|(id, why)| (id, Outcome::Rejected { code: why.code, detail: why.detail })),
        );
        let nodes::CheckedNodes { nodes, rejected } =
            nodes::check(&wanted.nodes, wanted.router.as_ref(), &nodes::SoundNodes::new());
        let held = nodes.iter().filter(|(id, _)| !rejected.contains_key(id)).map(|(id, node)| {
            let (rate_down_bps, rate_up_bps) = (node.peak_down_bps, node.peak_up_bps);
            let access = Access::Unspecified.into();
            (*id, Outcome::Applied(ObservedLine { rate_down_bps, rate_up_bps, access, public_ports: None }))
        });
        let refused =
            rejected.iter().map(|(id, why)| (*id, Outcome::Rejected { code: why.code, detail: why.detail.clone() }));
        let nodes = held.chain(refused).collect();
        let router = wanted
            .router
            .as_ref()
            .map(|_| Outcome::Applied(ObservedLine { access: Access::Unspecified.into(), ..ObservedLine::default() }));
        Ok(Applied { router, nodes, lines, drift: Vec::new(), whole: true })
    }

    async fn change(&mut self, wanted: &Wanted, _changed: &BTreeSet<Uuid>) -> Result<Applied, Error> {
        self.apply(wanted).await
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        Ok(Sweep { counters: self.counters.values().cloned().collect(), ..Sweep::default() })
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        self.counters.retain(|handle, _| !handles.contains(handle));
        Ok(())
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        self.counters.clear();
        Ok(())
    }
}
