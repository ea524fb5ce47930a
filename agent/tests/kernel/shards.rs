//! Thousands of lines: a tree in parts where the kernel lets us choose a part, in one where it does not; nobody can tell.

use std::collections::BTreeSet;

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{
    As, Net, assert_within, counter_of, in_namespaces_as, line, line_mut, lines, online, only, seen, sh, text, watch,
};

const MANY: u32 = 2_500;
/// TCP payload inside full layer-3 packets.
const OVERHEAD: f64 = 1448.0 / 1500.0;

/// The subscriber's line among many.
fn sold(down_mbit: u64, up_mbit: u64) -> Wanted {
    let others = (2..=MANY).map(|n| {
        only(&format!("10.{}.{}.{}/32", 30 + n / 60_000, n / 250 % 250, n % 250 + 2), line(n, 10, 10, Access::Open))
    });
    lines([line(1, down_mbit, up_mbit, Access::Open)].into_iter().chain(others))
}

async fn apply(kernel: &mut Linux, wanted: &Wanted) -> Vec<String> {
    let applied = kernel.apply(wanted).await.unwrap();
    assert!(matches!(applied.router, Some(Outcome::Applied(_))), "{:?}", applied.router);
    let bad = applied.lines.iter().find(|(_, outcome)| !matches!(outcome, Outcome::Applied(_)));
    assert!(bad.is_none(), "{bad:?}");
    applied.drift
}

async fn opened(net: &Net) -> (Linux, bool) {
    let mut kernel = net.kernel();
    let capabilities = kernel.probe().await.unwrap();
    (kernel, capabilities.iter().any(|capability| capability == "shards"))
}

fn parts() -> usize {
    text("tc qdisc show dev lan0").matches("qdisc htb").count()
}

#[test]
fn thousands_of_lines_have_their_rates_in_parts() {
    let name = "thousands_of_lines_have_their_rates_in_parts";
    in_namespaces_as(As::Caller, module_path!(), name, async |net| {
        let (mut kernel, _) = opened(net).await;
        let mut wanted = sold(20, 10);
        apply(&mut kernel, &wanted).await;
        let before = (net.subscriber_counts(), counter_of(&mut kernel, 1).await);
        assert_within(net.goodput(5001, &["-R"]), 20.0, OVERHEAD);
        assert_within(net.goodput(5002, &[]), 10.0, OVERHEAD);
        let after = (net.subscriber_counts(), counter_of(&mut kernel, 1).await);
        let metered = after.1.down.packets - before.1.down.packets;
        let delivered = after.0[1] - before.0[1];
        assert!(delivered.abs_diff(metered) < 20, "{metered} of {delivered} packets: the rest is of no line");

        // The port's capacity holds for all parts together.
        wanted.router.as_mut().unwrap().capacity_down_bps = 8_000_000;
        apply(&mut kernel, &wanted).await;
        assert_within(net.goodput(5003, &["-R"]), 8.0, OVERHEAD);
    });
}

#[test]
fn thousands_of_lines_are_held_counted_and_healed_in_parts() {
    let name = "thousands_of_lines_are_held_counted_and_healed_in_parts";
    in_namespaces_as(As::Caller, module_path!(), name, async |net| {
        let (mut kernel, can) = opened(net).await;
        let mut wanted = sold(20, 10);
        assert_eq!(apply(&mut kernel, &wanted).await, Vec::<String>::new());
        assert_eq!(parts(), if can { 17 } else { 1 }, "a part a shard, and what holds them");

        // Another process goes on with what stands, and changes one line of it.
        let (mut kernel, _) = opened(net).await;
        assert_eq!(apply(&mut kernel, &wanted).await, Vec::<String>::new());
        line_mut(&mut wanted, Uuid::from_u128(1)).set_access(Access::Closed);
        let applied = kernel.change(&wanted, &BTreeSet::from([Uuid::from_u128(1)])).await.unwrap();
        assert!(!applied.whole && !online(net), "{applied:?}");
        line_mut(&mut wanted, Uuid::from_u128(1)).set_access(Access::Open);
        apply(&mut kernel, &wanted).await;

        if can {
            sh("tc filter del dev lan0 parent 7765:");
            let drift = apply(&mut kernel, &wanted).await.join("; ");
            assert!(drift.contains("lan0 had lost the program that chooses a shard"), "{drift}");
            for (port, part) in [("wan0", "7768"), ("lan0", "7766")] {
                sh(&format!("tc class del dev {port} classid 7765:{part}"));
                let drift = apply(&mut kernel, &wanted).await.join("; ");
                assert!(drift.contains(&format!("{port} had not the whole of our tree")), "{drift}");
                assert_eq!(apply(&mut kernel, &wanted).await, Vec::<String>::new());
                assert_eq!(parts(), 17);
            }
        }
        let metered = counter_of(&mut kernel, 1).await;
        watch(&net.subscriber, &[("pings", "icmp type echo-reply")]);
        assert!(online(net));
        assert_eq!(seen(&net.subscriber, "pings"), 1);
        assert_eq!(counter_of(&mut kernel, 1).await.down.packets, metered.down.packets + 1);

        kernel.uninstall().await.unwrap();
        let left = text("nft list ruleset; tc qdisc show; tc class show dev lan0; tc class show dev wan0");
        assert!(!left.contains("weir") && !left.contains("htb"), "{left}");
    });
}
