//! Which desired nodes can be held: one that cannot stays as it was, and never rejects its siblings.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use weir_protocol::desired::{Node, Router};

use super::check::{RATE_MAX_BPS, Rejection, node_id, reject};

/// Nodes above each other, at most. HTB bears eight classes in a row; the port's, a line's and two to spare are taken.
pub const DEPTH_MAX: usize = 4;
/// What is promised is more than what it is promised from.
const COMMITTED_ABOVE_PARENT: &str = "committed-above-parent";

/// A node that makes sense; rates are bits per second of layer 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoundNode {
    /// The node it hangs on; none = the port.
    pub parent: Option<Uuid>,
    /// Toward subscribers also while the port is full.
    pub committed_down_bps: u64,
    /// From subscribers also while the port is full.
    pub committed_up_bps: u64,
    /// Toward subscribers at most.
    pub peak_down_bps: u64,
    /// From subscribers at most.
    pub peak_up_bps: u64,
}

/// Nodes by their ids.
pub type SoundNodes = BTreeMap<Uuid, SoundNode>;

/// Which nodes can be held.
#[derive(Debug, Default)]
pub struct CheckedNodes {
    /// The nodes to hold; each one's parent is among them.
    pub nodes: SoundNodes,
    /// Those that cannot be held as they are wanted, with the reason.
    pub rejected: BTreeMap<Uuid, Rejection>,
}

/// Says which nodes can be held on the ports of this router, beside what was `held` before.
///
/// A node that cannot be held as it is wanted stays as it was, if that still can be. A commitment nobody can keep is
/// held as none: its node still limits what hangs on it.
pub fn check(wanted: &BTreeMap<Uuid, Node>, router: Option<&Router>, held: &SoundNodes) -> CheckedNodes {
    let mut checked = CheckedNodes::default();
    for (id, node) in wanted {
        match alone(node) {
            Ok(node) => drop(checked.nodes.insert(*id, node)),
            Err(rejection) => {
                checked.rejected.insert(*id, rejection);
                checked.nodes.extend(held.get(id).map(|node| (*id, *node)));
            }
        }
    }
    // Each round takes at least one node back: to what it was, to a commitment of nothing, or away.
    loop {
        let mut faults = checked.misplaced();
        if faults.is_empty() {
            faults = checked.overcommitted(router, held);
        }
        if faults.is_empty() {
            return checked;
        }
        // Whoever changed made the fault, not those who stayed as they were.
        let stays = |id: &Uuid| held.get(id).is_some_and(|held| checked.nodes.get(id) == Some(held));
        if !faults.keys().all(stays) {
            faults.retain(|id, _| !stays(id));
        }
        for (id, rejection) in faults {
            checked.take_back(id, rejection, held.get(&id));
        }
    }
}

impl CheckedNodes {
    fn take_back(&mut self, id: Uuid, rejection: Rejection, held: Option<&SoundNode>) {
        let promised = rejection.code == COMMITTED_ABOVE_PARENT;
        let first = !self.rejected.contains_key(&id);
        self.rejected.entry(id).or_insert(rejection);
        let Some(now) = self.nodes.get_mut(&id) else { return };
        match held.filter(|held| first && **held != *now) {
            Some(held) => *now = *held,
            None if promised => (now.committed_down_bps, now.committed_up_bps) = (0, 0),
            None => drop(self.nodes.remove(&id)),
        }
    }

    /// Nodes that hang nowhere, on themselves, or too far from the port.
    fn misplaced(&self) -> BTreeMap<Uuid, Rejection> {
        self.nodes.iter().filter_map(|(id, node)| Some((*id, self.misplacement(*id, node)?))).collect()
    }

    fn misplacement(&self, id: Uuid, node: &SoundNode) -> Option<Rejection> {
        let (mut depth, mut above, mut passed) = (1, node.parent, BTreeSet::new());
        while let Some(parent) = above {
            if parent == id {
                return Some(reject("node-cycle", "the node hangs on itself".into()));
            }
            let Some(next) = self.nodes.get(&parent) else {
                // Whoever is in between says so.
                let own = node.parent == Some(parent);
                return own.then(|| reject("parent-unknown", format!("node {parent}, on which it hangs, is not held")));
            };
            // Somebody else's cycle: looked at again once that is broken.
            if !passed.insert(parent) {
                return None;
            }
            (depth, above) = (depth + 1, next.parent);
            if depth > DEPTH_MAX {
                let detail = format!("it would have {DEPTH_MAX} nodes or more above it; {DEPTH_MAX} can be in a row");
                return Some(reject("node-too-deep", detail));
            }
        }
        None
    }

    /// Nodes promised more than is left of what their parent, or the port, is: who had it already goes first.
    fn overcommitted(&self, router: Option<&Router>, held: &SoundNodes) -> BTreeMap<Uuid, Rejection> {
        let of_port = |capacity: Option<u64>| capacity.filter(|bps| *bps > 0).unwrap_or(u64::MAX);
        let port =
            (of_port(router.map(|port| port.capacity_down_bps)), of_port(router.map(|port| port.capacity_up_bps)));
        let mut left: BTreeMap<Option<Uuid>, (u64, u64)> =
            self.nodes.iter().map(|(id, node)| (Some(*id), (node.committed_down_bps, node.committed_up_bps))).collect();
        left.insert(None, port);
        let (stay, come): (Vec<_>, Vec<_>) = self.nodes.iter().partition(|(id, node)| held.get(id) == Some(*node));
        let mut faults = BTreeMap::new();
        for (id, node) in stay.into_iter().chain(come) {
            let Some((down, up)) = left.get_mut(&node.parent) else { continue };
            match (down.checked_sub(node.committed_down_bps), up.checked_sub(node.committed_up_bps)) {
                (Some(less_down), Some(less_up)) => (*down, *up) = (less_down, less_up),
                _ => {
                    let of = node.parent.map_or("the port".to_owned(), |parent| format!("node {parent}"));
                    let detail = format!("{of} has {down} down and {up} up bit/s left to commit");
                    faults.insert(*id, reject(COMMITTED_ABOVE_PARENT, detail));
                }
            }
        }
        faults
    }
}

/// Whether a node makes sense whatever the others are.
pub fn alone(node: &Node) -> Result<SoundNode, Rejection> {
    let Some(parent) = node_id(&node.parent) else {
        return Err(reject("parent-malformed", format!("{} bytes are no node's id", node.parent.len())));
    };
    let Node { committed_down_bps, committed_up_bps, peak_down_bps, peak_up_bps, .. } = *node;
    if peak_down_bps == 0 || peak_up_bps == 0 {
        return Err(reject("peak-zero", "a node needs a peak above zero in both directions".into()));
    }
    if peak_down_bps.max(peak_up_bps) > RATE_MAX_BPS {
        return Err(reject("peak-too-high", format!("no port carries more than {RATE_MAX_BPS} bit/s")));
    }
    if committed_down_bps > peak_down_bps || committed_up_bps > peak_up_bps {
        return Err(reject("committed-above-peak", "more is committed than the node may ever carry".into()));
    }
    Ok(SoundNode { parent, committed_down_bps, committed_up_bps, peak_down_bps, peak_up_bps })
}

/// Sound nodes, each after the one it hangs on.
pub fn from_the_top(nodes: &SoundNodes) -> Vec<Uuid> {
    let mut ordered: Vec<(usize, Uuid)> = nodes.keys().map(|id| (above(nodes, *id).count(), *id)).collect();
    ordered.sort_unstable();
    ordered.into_iter().map(|(_, id)| id).collect()
}

/// The topmost of the nodes a sound node hangs on, itself if it hangs on none.
pub fn top(nodes: &SoundNodes, id: Uuid) -> Uuid {
    above(nodes, id).last().unwrap_or(id)
}

fn above(nodes: &SoundNodes, id: Uuid) -> impl Iterator<Item = Uuid> {
    let parent = |id: &Uuid| nodes.get(id).and_then(|node| node.parent);
    std::iter::successors(parent(&id), move |id| parent(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn node(parent: u128, committed: u64, peak: u64) -> Node {
        Node {
            parent: if parent == 0 { Vec::new() } else { id(parent).as_bytes().to_vec() },
            committed_down_bps: committed,
            committed_up_bps: committed,
            peak_down_bps: peak,
            peak_up_bps: peak,
            ..Node::default()
        }
    }

    fn wanted(nodes: &[(u128, Node)]) -> BTreeMap<Uuid, Node> {
        nodes.iter().map(|(n, node)| (id(*n), node.clone())).collect()
    }

    fn of(capacity: u64) -> Router {
        Router { capacity_down_bps: capacity, capacity_up_bps: capacity, ..Router::default() }
    }

    fn codes(checked: &CheckedNodes) -> Vec<(u128, &'static str)> {
        checked.rejected.iter().map(|(id, why)| (id.as_u128(), why.code)).collect()
    }

    #[test]
    fn a_bad_node_says_why_and_its_siblings_are_held() {
        let malformed = Node { parent: vec![1, 2], ..node(0, 0, 9) };
        let nodes = wanted(&[
            (1, node(0, 5, 10)),
            (2, node(0, 0, 0)),
            (3, node(0, 11, 10)),
            (4, node(9, 0, 10)),
            (5, malformed),
            (6, node(1, 5, 10)),
            (7, node(0, 0, u64::MAX)),
        ]);
        let checked = check(&nodes, Some(&of(0)), &SoundNodes::new());
        assert_eq!(
            codes(&checked),
            [
                (2, "peak-zero"),
                (3, "committed-above-peak"),
                (4, "parent-unknown"),
                (5, "parent-malformed"),
                (7, "peak-too-high")
            ]
        );
        assert_eq!(checked.nodes.keys().map(Uuid::as_u128).collect::<Vec<_>>(), [1, 6]);
        assert_eq!(from_the_top(&checked.nodes), [id(1), id(6)]);
    }

    #[test]
    fn a_cycle_is_refused_and_what_hangs_below_it_too() {
        let nodes = wanted(&[(1, node(2, 0, 9)), (2, node(1, 0, 9)), (3, node(2, 0, 9)), (4, node(4, 0, 9))]);
        let checked = check(&nodes, None, &SoundNodes::new());
        assert_eq!(codes(&checked), [(1, "node-cycle"), (2, "node-cycle"), (3, "parent-unknown"), (4, "node-cycle")]);
        assert!(checked.nodes.is_empty());
        // What was held stays, and so does what hangs on it.
        let before = wanted(&[(1, node(0, 0, 9)), (2, node(1, 0, 9)), (3, node(2, 0, 9))]);
        let held = check(&before, None, &SoundNodes::new()).nodes;
        let checked = check(&wanted(&[(1, node(2, 0, 9)), (2, node(1, 0, 9)), (3, node(2, 0, 9))]), None, &held);
        assert_eq!((codes(&checked), checked.nodes), (vec![(1, "node-cycle")], held));
    }

    #[test]
    fn nodes_hang_in_a_row_only_so_deep() {
        let nodes = wanted(&[
            (1, node(0, 0, 9)),
            (2, node(1, 0, 9)),
            (3, node(2, 0, 9)),
            (4, node(3, 0, 9)),
            (5, node(4, 0, 9)),
            (6, node(5, 0, 9)),
        ]);
        let checked = check(&nodes, None, &SoundNodes::new());
        assert_eq!(codes(&checked), [(5, "node-too-deep"), (6, "node-too-deep")]);
        assert_eq!(top(&checked.nodes, id(4)), id(1));
    }

    #[test]
    fn no_more_is_promised_than_there_is_and_who_had_it_keeps_it() {
        let first = wanted(&[(5, node(0, 60, 90)), (6, node(5, 60, 60))]);
        let held = check(&first, Some(&of(100)), &SoundNodes::new());
        assert!(held.rejected.is_empty());
        let more = wanted(&[(1, node(0, 50, 90)), (5, node(0, 60, 90)), (6, node(5, 60, 60)), (7, node(5, 1, 60))]);
        let checked = check(&more, Some(&of(100)), &held.nodes);
        assert_eq!(codes(&checked), [(1, COMMITTED_ABOVE_PARENT), (7, COMMITTED_ABOVE_PARENT)]);
        assert_eq!(checked.nodes[&id(5)], held.nodes[&id(5)]);
        let refused = checked.nodes[&id(1)];
        assert_eq!((refused.committed_down_bps, refused.peak_down_bps), (0, 90), "its peak holds all the same");
        // A port that became smaller keeps what can be kept.
        let checked = check(&first, Some(&of(50)), &held.nodes);
        assert_eq!(codes(&checked), [(5, COMMITTED_ABOVE_PARENT), (6, COMMITTED_ABOVE_PARENT)]);
        assert!(checked.nodes.values().all(|node| node.committed_down_bps == 0));
    }
}
