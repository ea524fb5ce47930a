//! Lines behind sites and access points: peaks, commitments, changes in place, moves, refusals, bursts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Counter, Outcome, Southbound, Total};
use weir_protocol::desired::{Access, Line, Node};

use crate::net::{
    As, Net, assert_within, counter_of, in_namespaces, in_namespaces_as, line, line_mut, lines, only, text,
};
use crate::sharing::rates;

const FIRST: u128 = 0xa1;
const SECOND: u128 = 0xa2;
const SITE: u128 = 0xa3;

fn node(parent: Option<u128>, committed_mbit: u64, peak_mbit: u64) -> Node {
    Node {
        name: "North tower".into(),
        parent: parent.map(|id| id.to_be_bytes().to_vec()).unwrap_or_default(),
        committed_down_bps: committed_mbit * 1_000_000,
        committed_up_bps: committed_mbit * 1_000_000,
        peak_down_bps: peak_mbit * 1_000_000,
        peak_up_bps: peak_mbit * 1_000_000,
    }
}

fn behind(node: u128, line: Line) -> Line {
    Line { node: node.to_be_bytes().to_vec(), ..line }
}

/// Lines 7 (IPv4) and 8 (IPv6) of the subscriber.
fn pair(seven: Line, eight: Line, nodes: &[(u128, Node)]) -> Wanted {
    let mut wanted = lines([only("10.20.0.2/32", seven), only("2001:db8:20::/64", eight)]);
    wanted.nodes = nodes.iter().map(|(id, node)| (Uuid::from_u128(*id), node.clone())).collect();
    wanted
}

fn sold(handle: u32, mbit: u64) -> Line {
    line(handle, mbit, mbit, Access::Open)
}

/// Applies; all of it is held, and nothing had drifted.
async fn apply(kernel: &mut Linux, wanted: &Wanted) {
    let applied = kernel.apply(wanted).await.unwrap();
    assert_eq!(applied.drift, Vec::<String>::new());
    let outcomes = applied.lines.iter().chain(&applied.nodes);
    let bad = outcomes.clone().find(|(_, outcome)| !matches!(outcome, Outcome::Applied(_)));
    assert!(bad.is_none() && outcomes.count() == wanted.lines.len() + wanted.nodes.len(), "{bad:?}");
}

/// Classes of a port as `tc` tells of them: parent by name.
fn parents(port: &str) -> BTreeMap<String, String> {
    let shown = text(&format!("tc class show dev {port}"));
    let words = shown.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let named = words.filter(|words| words.get(3) == Some(&"parent"));
    named.map(|words| (words[2].to_owned(), words[4].to_owned())).collect()
}

/// What a line moved under all its generations, as a journal would count it.
#[derive(Default)]
struct Metered(BTreeMap<Uuid, Counter>);

impl Metered {
    async fn sweep(&mut self, kernel: &mut Linux) -> Vec<Counter> {
        let sweep = kernel.sweep().await.unwrap();
        for counter in &sweep.counters {
            if let Some(before) = self.0.insert(counter.generation, counter.clone()) {
                assert!(before.down.bytes <= counter.down.bytes, "{before:?} ran backwards: {counter:?}");
            }
        }
        let left = sweep.counters.into_iter().filter(|counter| sweep.left.contains(&counter.generation));
        left.collect()
    }

    fn packets(&self, side: fn(&Counter) -> (Total, Total)) -> u64 {
        self.0.values().map(side).map(|(now, base)| now.packets - base.packets).sum()
    }
}

#[test]
fn lines_behind_one_access_point_share_its_peak() {
    in_namespaces(module_path!(), "lines_behind_one_access_point_share_its_peak", async |net| {
        let mut kernel = net.kernel();
        let nodes = [(FIRST, node(None, 0, 30))];
        let wanted = pair(behind(FIRST, sold(7, 60)), behind(FIRST, sold(8, 30)), &nodes);
        apply(&mut kernel, &wanted).await;
        let flows = [net.download(5001, &[]), net.download(5002, &["-6"])];
        let (large, small) = rates(&mut kernel).await;
        assert!((0.97..1.03).contains(&((large + small) / 30e6)), "{large:.0} and {small:.0} behind 30 Mbit/s");
        assert!((1.7..2.3).contains(&(large / small)), "sold two to one: {large:.0} against {small:.0}");
        drop(flows);
        let up = net.goodput(5003, &[]);
        assert_within(up, 30.0, 1448.0 / 1500.0);
    });
}

#[test]
fn a_commitment_holds_on_a_full_port() {
    in_namespaces(module_path!(), "a_commitment_holds_on_a_full_port", async |net| {
        let mut kernel = net.kernel();
        let mut wanted = pair(behind(FIRST, sold(7, 40)), sold(8, 400), &[(FIRST, node(None, 30, 40))]);
        wanted.router.as_mut().unwrap().capacity_down_bps = 40_000_000;
        wanted.router.as_mut().unwrap().capacity_up_bps = 40_000_000;
        apply(&mut kernel, &wanted).await;
        let flows = [net.download(5001, &[]), net.download(5002, &["-6"])];
        let (behind, beside) = rates(&mut kernel).await;
        assert!((0.97..1.03).contains(&((behind + beside) / 40e6)), "{behind:.0} and {beside:.0} through 40 Mbit/s");
        assert!(behind > 0.95 * 30e6, "{behind:.0} of 30 Mbit/s committed, beside {beside:.0}");
        drop(flows);
    });
}

#[test]
fn a_site_limits_its_access_points_and_changes_in_place() {
    in_namespaces(module_path!(), "a_site_limits_its_access_points_and_changes_in_place", async |net| {
        let mut kernel = net.kernel();
        let nodes = [(SITE, node(None, 10, 20)), (FIRST, node(Some(SITE), 5, 8))];
        let mut wanted = pair(behind(FIRST, sold(7, 60)), behind(SITE, sold(8, 60)), &nodes);
        apply(&mut kernel, &wanted).await;
        apply(&mut kernel, &wanted).await;
        let flows = [net.download(5001, &[]), net.download(5002, &["-6"])];
        let (behind_first, behind_site) = rates(&mut kernel).await;
        assert!((0.95..1.03).contains(&(behind_first / 8e6)), "{behind_first:.0} behind 8 Mbit/s");
        assert!((0.97..1.03).contains(&((behind_first + behind_site) / 20e6)), "{behind_first:.0}, {behind_site:.0}");

        let (generation, tree) = (counter_of(&mut kernel, 7).await.generation, parents("lan0"));
        wanted.nodes.get_mut(&Uuid::from_u128(SITE)).unwrap().peak_down_bps = 40_000_000;
        wanted.nodes.get_mut(&Uuid::from_u128(FIRST)).unwrap().peak_down_bps = 12_000_000;
        let applied = kernel.change(&wanted, &BTreeSet::new()).await.unwrap();
        assert!(applied.nodes.iter().all(|(_, outcome)| matches!(outcome, Outcome::Applied(_))), "{applied:?}");
        let (behind_first, behind_site) = rates(&mut kernel).await;
        assert!((0.95..1.03).contains(&(behind_first / 12e6)), "{behind_first:.0} behind 12 Mbit/s");
        assert!((0.95..1.03).contains(&((behind_first + behind_site) / 40e6)), "{behind_first:.0}, {behind_site:.0}");
        assert_eq!((counter_of(&mut kernel, 7).await.generation, parents("lan0")), (generation, tree));
        drop(flows);

        // Another process goes on with what stands; a class lost or changed is put back.
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted).await;
        text("tc class change dev lan0 parent 7765:1 classid 7765:10 htb rate 1mbit ceil 1mbit");
        let drift = kernel.apply(&wanted).await.unwrap().drift;
        assert_eq!(drift, ["a node had another rate on lan0"]);
        apply(&mut kernel, &wanted).await;
        kernel.uninstall().await.unwrap();
        assert!(!text("tc class show dev lan0; tc class show dev wan0").contains("htb"));
    });
}

#[test]
fn a_line_moves_between_nodes_and_no_byte_is_lost_or_counted_twice() {
    let name = "a_line_moves_between_nodes_and_no_byte_is_lost_or_counted_twice";
    in_namespaces(module_path!(), name, async |net| {
        let mut kernel = net.kernel();
        let nodes = [(FIRST, node(None, 1, 30)), (SECOND, node(Some(SITE), 0, 20)), (SITE, node(None, 0, 25))];
        let mut wanted = pair(behind(FIRST, sold(7, 60)), behind(FIRST, sold(8, 60)), &nodes);
        apply(&mut kernel, &wanted).await;
        let seven = Uuid::from_u128(7);
        let mut metered = Metered::default();
        metered.sweep(&mut kernel).await;
        let before = (net.subscriber_counts(), metered.packets(|one| (one.down, one.base_down)));
        let kept = counter_of(&mut kernel, 8).await;

        let flow = net.download(5001, &[]);
        for (round, place) in [SECOND, 0, FIRST, SECOND, FIRST].into_iter().enumerate() {
            let moved = Instant::now() + Duration::from_secs(10);
            let begun = metered.packets(|one| (one.down, one.base_down));
            while metered.packets(|one| (one.down, one.base_down)) < begun + 500 {
                assert!(Instant::now() < moved, "round {round}: nothing is moved");
                tokio::time::sleep(Duration::from_millis(20)).await;
                metered.sweep(&mut kernel).await;
            }
            let node = if place == 0 { Vec::new() } else { place.to_be_bytes().to_vec() };
            line_mut(&mut wanted, seven).node = node;
            if round % 2 == 0 {
                let applied = kernel.change(&wanted, &BTreeSet::from([seven])).await.unwrap();
                assert!(!applied.whole, "round {round}: everything was compared");
            } else {
                apply(&mut kernel, &wanted).await;
            }
            let left = metered.sweep(&mut kernel).await;
            assert!(left.iter().any(|counter| counter.handle == 7), "round {round}: {left:?}");
            if round == 2 {
                // A restart in between counts what was left as well.
                kernel = net.kernel();
                apply(&mut kernel, &wanted).await;
                assert!(!metered.sweep(&mut kernel).await.is_empty());
            }
        }
        drop(flow);
        let limit = Instant::now() + Duration::from_secs(10);
        loop {
            let left = metered.sweep(&mut kernel).await;
            kernel.leave(&left).await.unwrap();
            if metered.sweep(&mut kernel).await.is_empty() {
                break;
            }
            assert!(Instant::now() < limit, "what was left does not go: {left:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let after = (net.subscriber_counts(), metered.packets(|one| (one.down, one.base_down)));
        let (delivered, counted) = (after.0[1] - before.0[1], after.1 - before.1);
        // The rest is of no line: neighbours that ask for each other.
        assert!(delivered.abs_diff(counted) < 20, "{counted} of {delivered} packets");
        assert_eq!(counter_of(&mut kernel, 8).await.generation, kept.generation, "the neighbour was let alone");
        apply(&mut kernel, &wanted).await;
        let classes = |port| parents(port).len();
        assert_eq!((classes("lan0"), classes("wan0")), (6, 6), "{:?}", parents("lan0"));
    });
}

#[test]
fn nodes_come_and_go_and_take_their_lines_along() {
    in_namespaces(module_path!(), "nodes_come_and_go_and_take_their_lines_along", async |net| {
        let mut kernel = net.kernel();
        let nodes = [(FIRST, node(None, 1, 30)), (SITE, node(None, 0, 25))];
        let mut wanted = pair(behind(FIRST, sold(7, 60)), behind(FIRST, sold(8, 60)), &nodes);
        apply(&mut kernel, &wanted).await;
        let mut metered = Metered::default();

        // One that hangs elsewhere takes its lines along; one that is gone leaves them to the port.
        wanted.nodes.get_mut(&Uuid::from_u128(FIRST)).unwrap().parent = SITE.to_be_bytes().to_vec();
        wanted.nodes.get_mut(&Uuid::from_u128(FIRST)).unwrap().committed_down_bps = 0;
        wanted.nodes.get_mut(&Uuid::from_u128(FIRST)).unwrap().committed_up_bps = 0;
        apply(&mut kernel, &wanted).await;
        wanted.nodes.clear();
        apply(&mut kernel, &wanted).await;
        let left = metered.sweep(&mut kernel).await;
        assert_eq!(left.len(), 4, "both lines left two classes each: {left:?}");
        kernel.leave(&left).await.unwrap();
        apply(&mut kernel, &wanted).await;
        let tree = parents("lan0");
        assert_eq!(tree.len(), 3, "the others' class and two lines: {tree:?}");
        assert!(tree.values().all(|parent| parent == "7765:1"), "{tree:?}");

        // Who goes takes its class along.
        wanted.nodes = BTreeMap::from([(Uuid::from_u128(FIRST), node(None, 0, 30))]);
        apply(&mut kernel, &wanted).await;
        let left = metered.sweep(&mut kernel).await;
        kernel.leave(&left).await.unwrap();
        wanted.lines.remove(&Uuid::from_u128(8));
        wanted.nodes.clear();
        apply(&mut kernel, &wanted).await;
        kernel.forget(&[8]).await.unwrap();
        let left = metered.sweep(&mut kernel).await;
        kernel.leave(&left).await.unwrap();
        assert_eq!(parents("lan0").len(), 2, "{:?}", parents("lan0"));
    });
}

#[test]
fn bad_nodes_are_refused_and_their_lines_hang_on_the_port() {
    in_namespaces(module_path!(), "bad_nodes_are_refused_and_their_lines_hang_on_the_port", async |net| {
        let mut kernel = net.kernel();
        let unknown = behind(0xdead, sold(8, 20));
        let good = [(FIRST, node(None, 0, 30)), (SECOND, node(None, 0, 0)), (SITE, node(Some(0xbeef), 0, 9))];
        let mut wanted = pair(behind(FIRST, sold(7, 60)), unknown, &good);
        let outcomes = async |kernel: &mut Linux, wanted: &Wanted| -> BTreeMap<u128, &'static str> {
            let applied = kernel.apply(wanted).await.unwrap();
            assert!(applied.lines.iter().all(|(_, outcome)| matches!(outcome, Outcome::Applied(_))), "{applied:?}");
            let code = |outcome| match outcome {
                Outcome::Applied(_) => "",
                Outcome::Failed { code, .. } | Outcome::Rejected { code, .. } => code,
            };
            applied.nodes.into_iter().map(|(id, outcome)| (id.as_u128(), code(outcome))).collect()
        };
        let expected = BTreeMap::from([(FIRST, ""), (SECOND, "peak-zero"), (SITE, "parent-unknown")]);
        assert_eq!(outcomes(&mut kernel, &wanted).await, expected);
        let tree = parents("lan0");
        assert_eq!((tree.len(), tree.values().filter(|parent| *parent == "7765:1").count()), (4, 3), "{tree:?}");

        // What was held stays while its change cannot be, after a restart too.
        wanted.nodes.get_mut(&Uuid::from_u128(FIRST)).unwrap().parent = FIRST.to_be_bytes().to_vec();
        for _ in 0..2 {
            assert_eq!(outcomes(&mut kernel, &wanted).await[&FIRST], "node-cycle");
            assert_eq!(parents("lan0"), tree);
            kernel = net.kernel();
        }
        assert!(net.goodput(5001, &["-R"]) < 30e6);
    });
}

#[test]
fn a_burst_goes_at_the_ports_speed_and_then_the_sold_rate_holds() {
    in_namespaces(module_path!(), "a_burst_goes_at_the_ports_speed_and_then_the_sold_rate_holds", async |net| {
        let mut kernel = net.kernel();
        let bursting = Line { burst_down_bytes: 6_000_000, ..only("10.20.0.2/32", sold(7, 10)) };
        let mut wanted = lines([bursting]);
        wanted.router.as_mut().unwrap().capacity_down_bps = 80_000_000;
        apply(&mut kernel, &wanted).await;
        apply(&mut kernel, &wanted).await;
        let flow = net.download(5001, &[]);
        let until = async |kernel: &mut Linux, bytes: u64| {
            let limit = Instant::now() + Duration::from_secs(30);
            loop {
                let down = counter_of(kernel, 7).await.down.bytes;
                if down >= bytes {
                    return (Instant::now(), down);
                }
                assert!(Instant::now() < limit, "{down} of {bytes}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let bps = |(from, before): (Instant, u64), (to, after): (Instant, u64)| {
            (after - before) as f64 * 8.0 / (to - from).as_secs_f64()
        };
        let (first, most) = (until(&mut kernel, 500_000).await, until(&mut kernel, 5_500_000).await);
        assert!(bps(first, most) > 50e6, "the burst came at {:.0} of 80 Mbit/s", bps(first, most));
        let (spent, later) = (until(&mut kernel, 8_000_000).await, until(&mut kernel, 10_500_000).await);
        assert!((0.95..1.05).contains(&(bps(spent, later) / 10e6)), "then {:.0} of 10 Mbit/s", bps(spent, later));
        drop(flow);
    });
}

/// Thousands on the port, and the subscriber's lines behind nodes.
fn crowd(nodes: &[(u128, Node)], place: u128) -> Wanted {
    let others = (20..2_520).map(|n| only(&format!("10.{}.{}.2/32", 30 + n / 250, n % 250), sold(n, 10)));
    let mut wanted = lines(others);
    let pair = pair(behind(place, sold(7, 60)), behind(place, sold(8, 30)), nodes);
    wanted.lines.extend(pair.lines);
    wanted.nodes = pair.nodes;
    wanted
}

fn part_of(net: &Net, node: u128) -> String {
    let stored = std::fs::read_to_string(net.state.path().join("classes.json")).unwrap();
    let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let minor = stored["nodes"][Uuid::from_u128(node).to_string()]["minor"].as_u64().unwrap();
    format!("{:x}:{minor:x}", 0x7766 + (minor ^ minor >> 4 ^ minor >> 12) % 16)
}

#[test]
fn in_a_tree_of_parts_a_node_and_its_lines_are_in_one() {
    let name = "in_a_tree_of_parts_a_node_and_its_lines_are_in_one";
    in_namespaces_as(As::Caller, module_path!(), name, async |net| {
        let mut kernel = net.kernel();
        let can = kernel.probe().await.unwrap().iter().any(|capability| capability == "shards");
        let nodes = [(FIRST, node(None, 10, 30)), (SITE, node(None, 5, 50)), (SECOND, node(Some(SITE), 0, 20))];
        let mut wanted = crowd(&nodes, FIRST);
        wanted.router.as_mut().unwrap().capacity_down_bps = 500_000_000;
        apply(&mut kernel, &wanted).await;
        apply(&mut kernel, &wanted).await;
        let under = |node: &str| parents("lan0").values().filter(|parent| *parent == node).count();
        if can {
            let (first, second) = (part_of(net, FIRST), part_of(net, SECOND));
            assert_eq!(under(&first), 2, "{first}");
            assert_ne!(first[..4], second[..4], "topmost nodes are dealt to parts");
            let promised = text(&format!("tc class show dev lan0 classid 7765:{}", &first[..4]));
            assert!(promised.contains("rate 10093Kbit"), "{promised}");
        }
        let flows = [net.download(5001, &[]), net.download(5002, &["-6"])];
        let busy = async |kernel: &mut Linux, bytes: u64| {
            let limit = Instant::now() + Duration::from_secs(20);
            loop {
                let counters = kernel.sweep().await.unwrap().counters;
                let down: u64 = counters.iter().filter(|one| one.handle < 20).map(|one| one.down.bytes).sum();
                if down >= bytes {
                    return (Instant::now(), down);
                }
                assert!(Instant::now() < limit, "{down} of {bytes}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let from = busy(&mut kernel, 3_000_000).await;
        let to = busy(&mut kernel, from.1 + 7_500_000).await;
        let bps = (to.1 - from.1) as f64 * 8.0 / (to.0 - from.0).as_secs_f64();
        assert!((0.95..1.03).contains(&(bps / 30e6)), "{bps:.0} behind 30 Mbit/s");
        drop(flows);

        let moved = crowd(&nodes, SECOND);
        let changed: BTreeSet<Uuid> = [7, 8].map(Uuid::from_u128).into();
        for id in &changed {
            wanted.lines.insert(*id, moved.lines[id].clone());
        }
        let applied = kernel.change(&wanted, &changed).await.unwrap();
        assert!(!applied.whole, "few lines were moved");
        apply(&mut kernel, &wanted).await;
        if can {
            assert_eq!(under(&part_of(net, SECOND)), 2);
        }
        let sweep = kernel.sweep().await.unwrap();
        let left: Vec<Counter> =
            sweep.counters.into_iter().filter(|counter| sweep.left.contains(&counter.generation)).collect();
        assert_eq!(left.len(), 2);
        assert!(net.goodput(5003, &["-R"]) < 20e6);
    });
}
