//! What somebody changes by hand of what the agent owns is found, named and put back; the rest is left alone.

use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{Net, in_namespaces, line, online, sh, text, wanted};

/// Does something by hand, and sees the next comparison find it in these words, heal it, and then find nothing more.
async fn heals(net: &Net, kernel: &mut Linux, by_hand: &str, found: &str) {
    let wanted = wanted(true, line(7, 50, 50, Access::Open));
    sh(by_hand);
    for expected in [Some(found), None] {
        let applied = kernel.apply(&wanted).await.unwrap();
        let drift = applied.drift.join("; ");
        match expected {
            Some(words) => assert!(drift.contains(words), "after `{by_hand}` found: {drift}"),
            None => assert_eq!(drift, "", "after `{by_hand}` was healed"),
        }
        let Outcome::Applied(held) = &applied.lines[0].1 else { panic!("{by_hand}: {:?}", applied.lines) };
        assert_eq!((held.rate_down_bps, held.rate_up_bps, held.access()), (50_000_000, 50_000_000, Access::Open));
    }
    assert!(online(net), "after `{by_hand}`");
    kernel.sweep().await.expect("the meter reads on");
}

async fn settled(net: &Net) -> Linux {
    let mut kernel = net.kernel();
    let applied = kernel.apply(&wanted(true, line(7, 50, 50, Access::Open))).await.unwrap();
    assert_eq!(applied.drift, Vec::<String>::new(), "nothing was there before");
    kernel
}

#[test]
fn changed_classes_and_queues_are_put_back() {
    in_namespaces(module_path!(), "changed_classes_and_queues_are_put_back", async |net| {
        let mut kernel = settled(net).await;
        let class = "classid 7765:10";
        for (by_hand, found) in [
            (format!("tc class del dev lan0 {class}"), "line 7 had no class on lan0"),
            (
                format!("tc class change dev wan0 parent 7765:1 {class} htb rate 1mbit"),
                "line 7 had another rate on wan0",
            ),
            ("tc qdisc replace dev lan0 parent 7765:10 pfifo limit 9".into(), "line 7 had another queue on lan0"),
            ("tc class change dev wan0 parent 7765: classid 7765:1 htb rate 5mbit".into(), "wan0 had another capacity"),
            ("tc qdisc replace dev lan0 root handle 1: pfifo limit 9".into(), "lan0 had lost our queues to pfifo"),
            ("tc qdisc del dev wan0 root".into(), "wan0 had lost our queues"),
        ] {
            heals(net, &mut kernel, &by_hand, found).await;
        }
    });
}

#[test]
fn changed_sets_and_rules_are_put_back() {
    in_namespaces(module_path!(), "changed_sets_and_rules_are_put_back", async |net| {
        let mut kernel = settled(net).await;
        for (by_hand, found) in [
            ("nft delete element inet weir l4_32 '{ 10.20.0.2 }'", "10.20.0.2/32 was not in its place"),
            ("nft add element inet weir g4_32 '{ 10.20.0.9 }'", "10.20.0.9/32 was where it does not belong"),
            ("nft add element inet weir c4_32 '{ 10.20.0.2 }'", "10.20.0.2/32 was where it does not belong"),
            (
                "nft delete element inet weir l4_32 '{ 10.20.0.2 }'; nft add element inet weir l4_32 '{ 10.20.0.2 : 1:5 }'",
                "10.20.0.2/32 was not in its place",
            ),
            ("nft flush chain inet weir forward", "the rules of table inet weir were changed"),
            ("nft insert rule inet weir to_line accept", "the rules of table inet weir were changed"),
            ("nft add element inet weir reach4 '{ 198.18.0.0/24 }'", "the rules of table inet weir were changed"),
            ("nft add table inet weir '{ flags dormant; }'", "the rules of table inet weir were changed"),
            ("nft delete table inet weir", "the table inet weir was gone"),
            ("nft flush ruleset", "the table inet weir was gone"),
        ] {
            heals(net, &mut kernel, by_hand, found).await;
        }
        let rules = text("nft list chain inet weir to_line");
        assert_eq!(rules.matches("accept").count(), 7, "{rules}");
    });
}

#[test]
fn what_is_not_ours_is_left_alone() {
    in_namespaces(module_path!(), "what_is_not_ours_is_left_alone", async |net| {
        let mut kernel = settled(net).await;
        sh("nft add table inet theirs; nft add chain inet theirs input '{ type filter hook input priority 0; }'");
        let applied = kernel.apply(&wanted(true, line(7, 50, 50, Access::Open))).await.unwrap();
        assert_eq!(applied.drift, Vec::<String>::new());
        kernel.uninstall().await.unwrap();
        assert_eq!(text("nft list tables").trim(), "table inet theirs");
    });
}

#[test]
fn a_mistyped_port_takes_nothing_from_the_ports_in_use() {
    in_namespaces(module_path!(), "a_mistyped_port_takes_nothing_from_the_ports_in_use", async |net| {
        let mut kernel = settled(net).await;
        for (lan, code) in [("lan9", "interface-missing"), ("wan0", "ports-alike")] {
            let mut mistyped = wanted(true, line(7, 50, 50, Access::Open));
            mistyped.router.as_mut().unwrap().lan_interface = lan.into();
            let applied = kernel.apply(&mistyped).await.unwrap();
            assert!(
                matches!(applied.router, Some(Outcome::Failed { code: found, .. }) if found == code),
                "{applied:?}"
            );
            assert!(text("tc qdisc show dev lan0").contains("htb 7765:"), "lines were let out by a mistyped port");
        }
        assert_eq!(kernel.sweep().await.unwrap().counters.len(), 1, "the meter reads on");
    });
}
