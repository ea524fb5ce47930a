//! A change of few lines holds what a comparison of everything would have made.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::{Access, Line};

use crate::net::{counter_of, in_namespaces, line, line_mut, lines, online, only, sh};

const LINES: u32 = 40;
const ROUNDS: u32 = 60;

fn one(handle: u32, at: u32, mbit: u64, access: Access) -> Line {
    only(&format!("10.21.0.{at}/32"), line(handle, mbit, mbit, access))
}

/// Changes one line in the way this round stands for; answers which.
fn turn(wanted: &mut Wanted, round: u32) -> Uuid {
    let id = Uuid::from_u128((1 + round * 7 % LINES).into());
    let fresh = 200 + round % 50;
    match (round % 5, wanted.lines.get_mut(&id).map(Arc::make_mut)) {
        (0, Some(line)) => line.rate_down_bps += 3_000_000,
        (1, Some(line)) => {
            let access = if line.access() == Access::Open { Access::WalledGarden } else { Access::Open };
            line.set_access(access);
        }
        (2, Some(line)) => *line = one(line.handle, fresh, 20, Access::Throttled),
        (3, Some(_)) => drop(wanted.lines.remove(&id)),
        (_, _) => {
            let handle = 1_000 + round;
            let line = only(&format!("10.22.0.{}/32", round + 2), line(handle, 5, 5, Access::Closed));
            wanted.lines.insert(id, line.into());
        }
    }
    id
}

async fn change(kernel: &mut Linux, wanted: &Wanted, id: Uuid) -> bool {
    let applied = kernel.change(wanted, &BTreeSet::from([id])).await.unwrap();
    for (id, outcome) in &applied.lines {
        let Outcome::Applied(held) = outcome else { panic!("{id}: {outcome:?}") };
        let line = &wanted.lines[id];
        let throttled = line.access() == Access::Throttled;
        let rate = if throttled { line.throttled_down_bps } else { line.rate_down_bps };
        assert_eq!((held.rate_down_bps, held.access()), (rate, line.access()), "{id}");
    }
    assert_eq!(applied.lines.iter().any(|(changed, _)| *changed == id), wanted.lines.contains_key(&id));
    applied.whole
}

#[test]
fn few_changes_are_as_good_as_everything_anew() {
    in_namespaces(module_path!(), "few_changes_are_as_good_as_everything_anew", async |net| {
        let mut kernel = net.kernel();
        let mut wanted = lines((1..=LINES).map(|n| one(n, n + 1, 10, Access::Open)));
        kernel.apply(&wanted).await.unwrap();
        for round in 0..ROUNDS {
            let id = turn(&mut wanted, round);
            assert!(!change(&mut kernel, &wanted, id).await, "round {round}: everything was compared");
            if round % 7 == 0 {
                let applied = kernel.apply(&wanted).await.unwrap();
                assert_eq!(applied.drift, Vec::<String>::new(), "round {round}");
                assert!(applied.lines.iter().all(|(_, outcome)| matches!(outcome, Outcome::Applied(_))));
            }
            if round % 3 == 0 {
                // What the cloud was told of lines that left: their classes may be another's next.
                let held: BTreeSet<u32> = wanted.lines.values().map(|line| line.handle).collect();
                let counted = kernel.sweep().await.unwrap().counters;
                let gone = counted.iter().map(|counter| counter.handle).filter(|handle| !held.contains(handle));
                let gone: Vec<u32> = gone.collect();
                kernel.forget(&gone).await.unwrap();
            }
        }
        let counted = kernel.sweep().await.unwrap().counters;
        let handles: BTreeSet<u32> = counted.iter().map(|counter| counter.handle).collect();
        assert!(wanted.lines.values().all(|line| handles.contains(&line.handle)));
    });
}

/// Thousands of lines of both families, each third of them held in its way.
fn thousands(turn: u32) -> Wanted {
    let mut wanted = lines((1..=3_000).map(|n| {
        let access = [Access::Open, Access::WalledGarden, Access::Closed][((n + turn) % 3) as usize];
        only(&format!("10.{}.{}.7/32", 30 + n / 250, n % 250), line(n, 10, 10, access))
    }));
    for line in wanted.lines.values_mut().map(Arc::make_mut) {
        let six = format!("2001:db8:{:x}::/48", 0x1000 + line.handle);
        line.prefixes.extend(only(&six, Line::default()).prefixes);
    }
    wanted
}

#[test]
fn thousands_change_their_places_at_once() {
    in_namespaces(module_path!(), "thousands_change_their_places_at_once", async |net| {
        let mut kernel = net.kernel();
        for turn in 0..4 {
            let applied = kernel.apply(&thousands(turn)).await.unwrap();
            assert_eq!(applied.drift, Vec::<String>::new(), "turn {turn}");
            let bad = applied.lines.iter().find(|(_, outcome)| !matches!(outcome, Outcome::Applied(_)));
            assert!(bad.is_none(), "turn {turn}: {bad:?}");
        }
        // As many as are changed one by one.
        let (mut wanted, turned) = (thousands(3), thousands(4));
        let few: BTreeSet<Uuid> = turned.lines.keys().take(100).copied().collect();
        wanted.lines.extend(turned.lines.into_iter().filter(|(id, _)| few.contains(id)));
        let applied = kernel.change(&wanted, &few).await.unwrap();
        assert!(!applied.whole && applied.lines.len() == few.len());
        assert_eq!(kernel.apply(&wanted).await.unwrap().drift, Vec::<String>::new());
    });
}

#[test]
fn what_stands_in_the_way_of_a_change_is_seen_and_everything_compared() {
    let name = "what_stands_in_the_way_of_a_change_is_seen_and_everything_compared";
    in_namespaces(module_path!(), name, async |net| {
        let mut kernel = net.kernel();
        let mut wanted = lines([line(7, 10, 10, Access::Open), one(8, 9, 10, Access::Open)]);
        kernel.apply(&wanted).await.unwrap();
        let (first, second) = (Uuid::from_u128(7), Uuid::from_u128(8));
        assert!(online(net));
        let before = counter_of(&mut kernel, 7).await;
        for by_hand in [
            "tc class del dev lan0 classid 7765:10",
            "nft delete element inet weir g4_32 '{ 10.20.0.2 }'",
            "nft delete table inet weir",
            "tc qdisc del dev wan0 root",
        ] {
            sh(by_hand);
            let line = line_mut(&mut wanted, first);
            line.rate_down_bps += 1_000_000;
            let access = if line.access() == Access::Open { Access::WalledGarden } else { Access::Open };
            line.set_access(access);
            assert!(change(&mut kernel, &wanted, first).await, "after `{by_hand}` everything is compared");
            assert_eq!(kernel.apply(&wanted).await.unwrap().drift, Vec::<String>::new(), "after `{by_hand}`");
            assert_eq!(online(net), access == Access::Open, "after `{by_hand}`");
        }
        assert_ne!(counter_of(&mut kernel, 7).await.generation, before.generation, "its class was lost");

        // An address of a neighbour, and a rate of nothing, are refused, and both stay as they were.
        for refused in [line(8, 10, 10, Access::Open), Line { rate_up_bps: 0, ..one(8, 9, 10, Access::Open) }] {
            let mut greedy = wanted.clone();
            greedy.lines.insert(second, refused.into());
            let applied = kernel.change(&greedy, &BTreeSet::from([second])).await.unwrap();
            let outcome = |id| applied.lines.iter().find(|(of, _)| *of == id).map(|(_, outcome)| outcome);
            assert!(matches!(outcome(second), Some(Outcome::Rejected { .. })), "{applied:?}");
            assert!(matches!(outcome(first), Some(Outcome::Applied(_))), "{applied:?}");
        }
        kernel.apply(&wanted).await.unwrap();
        line_mut(&mut wanted, second).rate_up_bps += 1_000_000;
        assert!(!change(&mut kernel, &wanted, second).await, "settled again");
    });
}
