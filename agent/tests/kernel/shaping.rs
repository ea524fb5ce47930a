//! Rates, counts and queues.

use std::path::Path;

use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{apply, assert_held, assert_within, at_rest, counter, in_namespaces, line, sh, wanted};

#[test]
fn a_line_is_shaped_and_counted_in_both_directions_and_families() {
    in_namespaces(module_path!(), "a_line_is_shaped_and_counted_in_both_directions_and_families", async |net| {
        let mut kernel = net.kernel();
        let capabilities = kernel.probe().await.unwrap();
        assert!(
            capabilities.iter().any(|name| name == "htb") && capabilities.iter().any(|name| name == "nft"),
            "{capabilities:?}"
        );
        assert_held(&apply(&mut kernel, &wanted(true, line(7, 40, 10, Access::Open))).await, 40, 10, Access::Open);

        let before = (net.subscriber_counts(), counter(&mut kernel).await);
        assert_within(net.goodput(5001, &["-R"]), 40.0, 1448.0 / 1500.0);
        assert_within(net.goodput(5002, &[]), 10.0, 1448.0 / 1500.0);
        assert_within(net.goodput(5003, &["-6", "-R"]), 40.0, 1428.0 / 1500.0);
        // What is still in the queue is neither counted nor received.
        let counted = at_rest(&mut kernel).await;
        let after = (net.subscriber_counts(), counted);

        let ethernet = |from: usize| after.0[from] - before.0[from];
        let seen_down = ethernet(0) - 14 * ethernet(1);
        let counted_down = after.1.down.bytes - before.1.down.bytes;
        let error = (seen_down as f64 - counted_down as f64).abs() / seen_down as f64;
        // What the router itself says to its neighbour (ARP, ND) is not the line's; nothing else may differ.
        assert!(
            error < 0.0001,
            "the subscriber received {seen_down} bytes of layer 3, the class counted {counted_down}"
        );
        assert_eq!(after.1.generation, before.1.generation);
    });
}

#[test]
fn a_rate_changes_in_place_and_a_restart_finds_everything_again() {
    in_namespaces(module_path!(), "a_rate_changes_in_place_and_a_restart_finds_everything_again", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        net.goodput(5001, &["-R"]);
        let first = counter(&mut kernel).await;
        assert!(first.down.bytes > 1_000_000);

        assert_held(&apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Open))).await, 20, 20, Access::Open);
        assert_within(net.goodput(5002, &["-R"]), 20.0, 1448.0 / 1500.0);
        drop(kernel);

        let mut kernel = net.kernel();
        assert_held(&apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Open))).await, 20, 20, Access::Open);
        let again = counter(&mut kernel).await;
        assert_eq!((again.generation, again.base_down), (first.generation, first.base_down));
        assert!(again.down.bytes > first.down.bytes);
        assert_held(
            &apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Throttled))).await,
            1,
            1,
            Access::Throttled,
        );

        kernel.uninstall().await.unwrap();
        let left =
            String::from_utf8(sh("nft list tables; tc qdisc show dev lan0; tc qdisc show dev wan0").stdout).unwrap();
        assert!(!left.contains("weir") && !left.contains("htb"), "{left}");
        assert!(!Path::new(net.state.path()).join("classes.json").exists());
    });
}

#[test]
fn another_shaper_on_the_port_is_left_alone() {
    in_namespaces(module_path!(), "another_shaper_on_the_port_is_left_alone", async |net| {
        sh("tc qdisc add dev lan0 root tbf rate 10mbit burst 32k latency 50ms");
        let mut kernel = net.kernel();
        let applied = kernel.apply(&wanted(false, line(7, 50, 50, Access::Open))).await.unwrap();
        for outcome in applied.router.into_iter().chain(applied.lines.into_iter().map(|(_, outcome)| outcome)) {
            let Outcome::Failed { code, detail } = outcome else { panic!("{outcome:?}") };
            assert_eq!(code, "foreign-qdisc", "{detail}");
        }
        assert!(String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap().contains("tbf"));
    });
}

#[test]
fn the_queue_follows_the_rate() {
    in_namespaces(module_path!(), "the_queue_follows_the_rate", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 1000, 1000, Access::Open))).await;
        apply(&mut kernel, &wanted(false, line(7, 5, 5, Access::Open))).await;
        let text = String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap();
        let leaf = text.lines().find(|line| line.contains("bfifo")).unwrap();
        assert!(leaf.contains("limit 131072b") || leaf.contains("limit 128Kb"), "5 Mbit/s keeps: {leaf}");
    });
}

#[test]
fn a_port_no_longer_named_is_cleaned_after_a_restart() {
    in_namespaces(module_path!(), "a_port_no_longer_named_is_cleaned_after_a_restart", async |net| {
        sh("ip link add lan2 type veth peer name lan3; ip link set lan2 up");
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        drop(kernel);
        let mut kernel = net.kernel();
        let mut moved = wanted(false, line(7, 50, 50, Access::Open));
        moved.router.as_mut().unwrap().lan_interface = "lan2".into();
        apply(&mut kernel, &moved).await;
        let text = String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap();
        assert!(!text.contains("htb"), "{text}");
    });
}
