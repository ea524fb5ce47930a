//! What lost trees, a flushed table and rejected changes do: nothing counted twice, nobody let out.

use std::process::Stdio;

use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{
    Net, SUBSCRIBER_4, apply, assert_held, counter, counter_of, in_namespaces, line, lines, online, only, sh, text,
    wanted,
};

#[test]
fn a_flushed_ruleset_is_put_back() {
    in_namespaces(module_path!(), "a_flushed_ruleset_is_put_back", async |net| {
        let mut kernel = net.kernel();
        let walled = wanted(false, line(7, 50, 50, Access::WalledGarden));
        assert_held(&apply(&mut kernel, &walled).await, 50, 50, Access::WalledGarden);
        // What a distribution's firewall does on each reload.
        sh("nft flush ruleset");
        apply(&mut kernel, &walled).await;
        assert_held(&apply(&mut kernel, &walled).await, 50, 50, Access::WalledGarden);
    });
}

#[test]
fn losing_one_ports_tree_bills_nothing_twice() {
    in_namespaces(module_path!(), "losing_one_ports_tree_bills_nothing_twice", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        net.goodput(5001, &[]);
        let before = counter(&mut kernel).await;
        assert!(before.up.bytes > 1_000_000);
        sh("tc qdisc del dev lan0 root");
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        let after = counter(&mut kernel).await;
        let (old, new) = (before.up.bytes - before.base_up.bytes, after.up.bytes - after.base_up.bytes);
        assert!(
            after.generation == before.generation || new < 100_000,
            "{old} bytes of upload were counted; a new generation counts {new} again"
        );
    });
}

#[test]
fn a_reused_class_of_a_half_lost_tree_bills_nobody_elses_bytes() {
    in_namespaces(module_path!(), "a_reused_class_of_a_half_lost_tree_bills_nobody_elses_bytes", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &lines([line(7, 50, 50, Access::Open)])).await;
        net.goodput(5001, &[]);
        kernel.apply(&lines([])).await.unwrap();
        kernel.forget(&[7]).await.unwrap();
        sh("tc qdisc del dev lan0 root");
        apply(&mut kernel, &lines([line(9, 50, 50, Access::Open)])).await;
        let fresh = counter_of(&mut kernel, 9).await;
        let billed = fresh.up.bytes - fresh.base_up.bytes;
        assert!(billed < 100_000, "a new line begins with {billed} bytes of another's upload");
    });
}

#[test]
fn a_line_that_left_does_not_stop_the_meter_when_trees_are_lost() {
    in_namespaces(module_path!(), "a_line_that_left_does_not_stop_the_meter_when_trees_are_lost", async |net| {
        let mut kernel = net.kernel();
        let (stays, leaves) =
            (only("10.20.0.2/32", line(7, 50, 50, Access::Open)), only("10.20.0.3/32", line(8, 50, 50, Access::Open)));
        kernel.apply(&lines([stays.clone(), leaves])).await.unwrap();
        kernel.apply(&lines([stays.clone()])).await.unwrap();
        sh("tc qdisc del dev lan0 root; tc qdisc del dev wan0 root");
        kernel.apply(&lines([stays])).await.unwrap();
        kernel.sweep().await.map(drop).expect("the meter reads on");
    });
}

#[test]
fn a_rejected_change_does_not_let_a_held_line_out() {
    in_namespaces(module_path!(), "a_rejected_change_does_not_let_a_held_line_out", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Closed))).await;
        let ping = |net: &Net| {
            Net::at(&net.subscriber, &["ping", "-c1", "-W1", "198.18.0.2"])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        };
        assert!(!ping(net));
        let outcome = apply(&mut kernel, &wanted(false, line(7, 0, 50, Access::Closed))).await;
        assert!(!ping(net), "a closed line is open after {outcome:?}");
    });
}

#[test]
fn a_rejected_change_falls_back_to_what_was_held_before_a_restart() {
    in_namespaces(module_path!(), "a_rejected_change_falls_back_to_what_was_held_before_a_restart", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Closed))).await;
        let broken = wanted(false, line(7, 0, 50, Access::Open));
        apply(&mut kernel, &broken).await;
        for _ in 0..2 {
            drop(kernel);
            // As after a power cut: the kernel has nothing, the disk has the rejected change.
            sh("nft flush ruleset; tc qdisc del dev lan0 root; tc qdisc del dev wan0 root");
            kernel = net.kernel();
            let applied = kernel.apply(&broken).await.unwrap();
            let (_, Outcome::Rejected { code, .. }) = &applied.lines[0] else { panic!("{applied:?}") };
            assert_eq!(*code, "rate-zero");
            assert!(!online(net), "a closed line is open after a restart");
            assert!(text("tc class show dev lan0").contains("7765:10 "), "it has its class");
        }
        let outcome = apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        assert_held(&outcome, 50, 50, Access::Open);
        assert!(online(net));
    });
}

#[test]
fn a_port_made_anew_lets_nobody_out_and_is_known_by_its_new_number_at_the_next_look() {
    in_namespaces(
        module_path!(),
        "a_port_made_anew_lets_nobody_out_and_is_known_by_its_new_number_at_the_next_look",
        async |net| {
            let mut kernel = net.kernel();
            apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::WalledGarden))).await;
            let s = net.subscriber.id();
            sh(&format!(
                "ip link del lan0; ip link add lan0 type veth peer name eth0 netns {s}
                 ip addr add 10.20.0.1/24 dev lan0; ip link set lan0 up
                 nsenter -t {s} -n sh -ec 'ip addr add {SUBSCRIBER_4}/24 dev eth0; ip link set eth0 up; ip route add default via 10.20.0.1'"
            ));
            assert!(!online(net), "who is held is held before the agent has looked");
            apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::WalledGarden))).await;
            assert!(!online(net));
            // A number nobody has any more is written as such.
            let rules = text("nft list chain inet weir forward");
            assert!(rules.contains("\toif \"lan0\" goto to_line"), "{rules}");
            apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
            assert!(online(net));
        },
    );
}
