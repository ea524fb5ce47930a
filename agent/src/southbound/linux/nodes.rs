//! Inner classes for nodes, on both ports, and lines under them.
//!
//! HTB moves no class: a line or a node that is to hang elsewhere gets another class, and the old one goes once what it
//! counted is sealed and nothing hangs under it any more. In a sharded tree everything under a topmost node is in that
//! node's shard, which is given what its nodes are promised.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;
use weir_protocol::desired::Access;
use weir_protocol::state::ObservedLine;

use super::classes::is_assignable;
use super::htb::Request;
use super::shaping::Shaped;
use super::tc::{ClassState, Link, Speed};
use super::tree::{Committed, Layout, SHARDED_FROM, Spot};
use super::{Counted, Linux, Refusal, Side};
use crate::plan::check::SoundLine;
use crate::plan::nodes::{SoundNode, SoundNodes, from_the_top, top};
use crate::plan::shape;
use crate::southbound::{Counter, Error, Outcome, Total};

/// Lines under one topmost node that are sure to find room in a shard.
const SHARD_LINES: usize = 3_500;

/// Why nodes are not held.
pub(super) type RefusedNodes = BTreeMap<Uuid, Refusal>;

impl Linux {
    /// Whether a new tree for these is worth parts, and they fit into them.
    pub(super) fn many(&self, lines: &BTreeMap<Uuid, SoundLine>, nodes: &SoundNodes) -> bool {
        let mut under: BTreeMap<Uuid, usize> = BTreeMap::new();
        for node in lines.values().filter_map(|line| line.node).filter(|node| nodes.contains_key(node)) {
            *under.entry(top(nodes, node)).or_default() += 1;
        }
        let fit = under.values().all(|count| *count <= SHARD_LINES) && self.classes.fit_in_parts();
        lines.len() >= SHARDED_FROM && fit
    }

    /// Gives every node a class, on paper. Nodes without one are named in the answer.
    pub(super) fn seat(&mut self, nodes: &SoundNodes) -> RefusedNodes {
        let mut refused = RefusedNodes::new();
        self.classes.keep_nodes(|id| nodes.contains_key(id));
        for id in from_the_top(nodes) {
            let parent = nodes.get(&id).and_then(|node| node.parent);
            let mut spot = self.layout.spot(parent.and_then(|parent| self.classes.node(parent)));
            if matches!(self.layout, Layout::Sharded(_)) && spot.under.is_none() {
                spot.part = Some(self.classes.emptiest_part());
            }
            if self.classes.assign_node(id, spot).is_none() {
                refused.insert(id, Refusal::classes_exhausted());
            }
        }
        let committed = |bps: fn(&SoundNode) -> u64| {
            let mut parts = Committed::default();
            for (id, node) in nodes.iter().filter(|(_, node)| node.parent.is_none()) {
                let part = self.classes.node(*id).map(|minor| usize::from(self.classes.part(minor)));
                let part = part.and_then(|part| parts.get_mut(part));
                part.into_iter().for_each(|part| *part += bps(node));
            }
            parts
        };
        self.committed = (committed(|node| node.committed_down_bps), committed(|node| node.committed_up_bps));
        refused
    }

    /// Where the class of a line can be.
    pub(super) fn spot(&self, line: &SoundLine) -> Spot {
        self.layout.spot(line.node.and_then(|id| self.classes.node(id)))
    }

    /// Makes the nodes' classes what they should be; whether anything was asked of the kernel.
    pub(super) async fn shape_nodes(
        &mut self,
        nodes: &SoundNodes,
        counted: &Counted,
        refused: &mut RefusedNodes,
    ) -> Result<bool, Error> {
        self.noded =
            nodes.iter().filter_map(|(id, node)| Some((*id, self.node_should_be(*id, node, counted)?))).collect();
        let mut changed = false;
        for ((link, held), speed) in
            [(&counted.lan, (|shaped| shaped.lan) as fn(&Shaped) -> Speed), (&counted.wan, |shaped| shaped.wan)]
        {
            let mut asked = Vec::new();
            // Each after the one it hangs under.
            for id in from_the_top(nodes) {
                let Some(shaped) = self.noded.get(&id) else { continue };
                let (class, parent) = (self.layout.line(shaped.minor), self.layout.parent(shaped.minor, shaped.under));
                if held.get(class).is_none_or(|state| state.speed != speed(shaped)) {
                    asked.push((id, Request::Class { id: class, parent, speed: speed(shaped) }));
                }
            }
            let (of, requests): (Vec<Uuid>, Vec<Request>) = asked.into_iter().unzip();
            changed |= !requests.is_empty();
            for (id, outcome) in of.into_iter().zip(self.tc.ask(*link, &requests).await?) {
                if let Err(error) = outcome {
                    self.noded.remove(&id);
                    refused.insert(id, Refusal { code: "class-refused", detail: error.to_string() });
                }
            }
        }
        Ok(changed)
    }

    fn node_should_be(&self, id: Uuid, node: &SoundNode, counted: &Counted) -> Option<Shaped> {
        let minor = self.classes.node(id)?;
        let under = node.parent.and_then(|parent| self.classes.node(parent));
        let lan = Speed::of_node(counted.lan.0, node.committed_down_bps, node.peak_down_bps);
        let wan = Speed::of_node(counted.wan.0, node.committed_up_bps, node.peak_up_bps);
        Some(Shaped { minor, under, lan, wan })
    }

    /// What became of nodes that can be held.
    pub(super) fn read_back_nodes(
        &self,
        nodes: &SoundNodes,
        refused: &RefusedNodes,
        counted: &Counted,
    ) -> Vec<(Uuid, Outcome)> {
        let outcome = |id: &Uuid| {
            if let Some(Refusal { code, detail }) = refused.get(id) {
                return Outcome::Failed { code, detail: detail.clone() };
            }
            let peak = |(link, held): &Side| {
                let state = held.get(self.layout.line(self.classes.node(*id)?))?;
                Some(shape::layer3_bps(state.speed.ceiling, link.header))
            };
            match (peak(&counted.lan), peak(&counted.wan)) {
                (Some(rate_down_bps), Some(rate_up_bps)) => {
                    let access = Access::Unspecified.into();
                    Outcome::Applied(ObservedLine { rate_down_bps, rate_up_bps, access, public_ports: None })
                }
                _ => Outcome::Failed { code: "not-held", detail: "the node has no class".into() },
            }
        };
        nodes.keys().map(|id| (*id, outcome(id))).collect()
    }

    /// What became of all nodes, while nothing stands in the way of any.
    pub(super) fn noded_outcomes(&self) -> Vec<(Uuid, Outcome)> {
        let held = self.held_nodes.iter().flatten();
        held.map(|(id, node)| {
            let access = Access::Unspecified.into();
            let (rate_down_bps, rate_up_bps) = (node.peak_down_bps, node.peak_up_bps);
            (*id, Outcome::Applied(ObservedLine { rate_down_bps, rate_up_bps, access, public_ports: None }))
        })
        .collect()
    }

    /// Takes away classes that do not hang where ours should, and all under them: made by hand, or by an agent that
    /// lost its assignments. Whether there were any.
    pub(super) async fn fell_misplaced(&mut self, counted: &Counted) -> Result<bool, Error> {
        let should: BTreeMap<u16, Option<u16>> = self.classes.hung().collect();
        let mut found = false;
        for (link, held) in [&counted.lan, &counted.wan] {
            let is_misplaced = |id: u32, state: &ClassState| {
                let minor = minor_of(id);
                let under = should.get(&minor).copied().flatten();
                is_assignable(minor) && state.parent != self.layout.parent(minor, under)
            };
            let mut rest: BTreeSet<u32> =
                held.iter().filter(|(id, state)| is_misplaced(*id, state)).map(|(id, _)| id).collect();
            loop {
                let under = held.iter().filter(|(id, state)| rest.contains(&state.parent) && !rest.contains(id));
                let under: Vec<u32> = under.map(|(id, _)| id).collect();
                if under.is_empty() {
                    break;
                }
                rest.extend(under);
            }
            found |= !rest.is_empty();
            // None goes before what hangs under it.
            while !rest.is_empty() {
                let over: BTreeSet<u32> =
                    rest.iter().filter_map(|id| held.get(*id)).map(|state| state.parent).collect();
                let bare: Vec<u32> = rest.extract_if(.., |id| !over.contains(id)).collect();
                let requests: Vec<Request> = bare.into_iter().map(|id| Request::Fell { id }).collect();
                if requests.is_empty() {
                    break;
                }
                self.tc.ask(*link, &requests).await?;
            }
        }
        Ok(found)
    }

    /// Takes from the kernel, on both ports, classes that count for nobody any more. One that is in the way stays until
    /// everything is compared.
    pub(super) async fn fell(&mut self, minors: &[u16]) -> Result<(), Error> {
        let Some((lan, wan)) = self.links().await?.filter(|_| !minors.is_empty()) else { return Ok(()) };
        let requests: Vec<Request> =
            minors.iter().map(|minor| Request::Fell { id: self.layout.line(*minor) }).collect();
        for link in [lan, wan] {
            self.tc.ask(link, &requests).await?;
        }
        Ok(())
    }

    /// Takes away the classes of nodes nobody wants any more and nothing hangs under.
    pub(super) async fn fell_bare(&mut self) -> Result<(), Error> {
        let bare = self.classes.take_bare();
        self.fell(&bare).await
    }

    /// As [`Southbound::leave`](crate::southbound::Southbound::leave).
    pub(super) async fn leave_classes(&mut self, sealed: &[Counter]) -> Result<(), Error> {
        let Some((lan, wan)) = self.links().await? else { return Ok(()) };
        let mut gone = Vec::new();
        for counter in sealed {
            let Some(minor) =
                self.classes.left().find(|(_, one)| one.generation == counter.generation).map(|(_, one)| one.minor)
            else {
                continue;
            };
            let class = self.layout.line(minor);
            let still = |state: Option<ClassState>, link: Link, total: Total| {
                state.is_none_or(|state| state.waiting == 0 && state.total(link) == total)
            };
            if still(self.tc.class(lan, class)?, lan, counter.down)
                && still(self.tc.class(wan, class)?, wan, counter.up)
            {
                gone.extend(self.classes.leave(counter.generation));
            }
        }
        self.fell(&gone).await?;
        self.fell_bare().await?;
        self.classes.save()
    }

    async fn links(&self) -> Result<Option<(Link, Link)>, Error> {
        let Some(ports) = &self.ports else { return Ok(None) };
        let (lan, wan) = (self.tc.link(&ports.lan.name).await?, self.tc.link(&ports.wan.name).await?);
        Ok(lan.zip(wan))
    }
}

fn minor_of(class: u32) -> u16 {
    (class & 0xffff) as u16
}
