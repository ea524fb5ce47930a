//! What is measured beside what is billed: IPv6, drops, nobody's traffic, and whether classes and ports agree.

use std::time::Duration;

use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Measured, Southbound};
use weir_protocol::desired::Access;

use crate::net::{Net, apply, at_rest, in_namespaces, line, sh, wanted};

async fn measure(kernel: &mut Linux) -> Measured {
    kernel.measure().await.unwrap().unwrap()
}

#[track_caller]
fn assert_near(one: u64, other: u64, percent: u64) {
    assert!(one.abs_diff(other) * 100 <= one.max(other) * percent, "{one} and {other}");
}

#[test]
fn ipv6_and_drops_are_measured_each_way_and_ipv4_is_neither() {
    in_namespaces(module_path!(), "ipv6_and_drops_are_measured_each_way_and_ipv4_is_neither", async |net| {
        let mut kernel = net.kernel();
        kernel.probe().await.unwrap();
        assert!(kernel.measure().await.unwrap().is_none(), "no ports are known yet");
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        assert_eq!(measure(&mut kernel).await.lines.len(), 0);

        // More than the line may: what does not fit is dropped.
        net.goodput(5001, &["-R", "-u", "-b", "40M"]);
        at_rest(&mut kernel).await;
        let four = measure(&mut kernel).await.lines[&7];
        assert_eq!((four.v6_bytes.down, four.v6_bytes.up, four.dropped_packets.up), (0, 0, 0));
        assert!(four.dropped_packets.down > 1_000, "{four:?}");

        let before = at_rest(&mut kernel).await;
        net.goodput(5002, &["-6", "-R", "-u", "-b", "10M"]);
        let after = at_rest(&mut kernel).await;
        let six = measure(&mut kernel).await.lines[&7];
        assert_near(six.v6_bytes.down, after.down.bytes - before.down.bytes, 2);
        assert!(six.v6_bytes.up < six.v6_bytes.down / 100, "{six:?}");

        // Another agent goes on from where it begins, and the rules it finds count on.
        drop(kernel);
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        assert_eq!(measure(&mut kernel).await.lines.len(), 0);
        net.goodput(5003, &["-6", "-u", "-b", "5M"]);
        at_rest(&mut kernel).await;
        let up = measure(&mut kernel).await.lines[&7].v6_bytes;
        assert!(up.up > 1_000_000 && up.down < up.up / 100, "{up:?}");
    });
}

#[test]
fn traffic_of_no_line_is_told_apart() {
    in_namespaces(module_path!(), "traffic_of_no_line_is_told_apart", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        measure(&mut kernel).await;
        let at = |script: &str| sh(&format!("nsenter -t {} -n sh -ec '{script}'", net.subscriber.id()));
        at("ip addr add 10.20.0.9/24 dev eth0; ping -qc 5 -i 0.01 -I 10.20.0.9 198.18.0.2");
        let measured = measure(&mut kernel).await.unattributed;
        assert_eq!((measured.to_unknown.packets, measured.from_unknown.packets), (5, 5), "{measured:?}");
        assert_eq!(measured.to_unknown.bytes, 5 * 84);
        assert!(measured.lan.packets >= 5 && measured.wan.packets >= 5, "{measured:?}");
        at("ping -qc 5 -i 0.01 198.18.0.2");
        let known = measure(&mut kernel).await.unattributed;
        assert_eq!((known.to_unknown.packets, known.from_unknown.packets), (0, 0), "{known:?}");
    });
}

#[test]
fn classes_and_ports_agree_with_offloading_and_after_the_tree_was_planted_anew() {
    in_namespaces(
        module_path!(),
        "classes_and_ports_agree_with_offloading_and_after_the_tree_was_planted_anew",
        async |net| {
            let mut kernel = net.kernel();
            let wanted = wanted(false, line(7, 400, 400, Access::Open));
            apply(&mut kernel, &wanted).await;
            assert_eq!(measure(&mut kernel).await.audits, [], "nothing to compare with yet");
            net.goodput(5001, &["-R"]);
            let plain = measure(&mut kernel).await.audits;
            assert!(plain.len() == 2 && plain.iter().all(|audit| audit.unexplained_bytes == 0), "{plain:?}");
            assert_near(plain[0].shaped_bytes, plain[0].sent_bytes, 1);

            offload(net);
            at_rest(&mut kernel).await;
            measure(&mut kernel).await;
            net.goodput(5002, &["-R"]);
            at_rest(&mut kernel).await;
            let offloaded = measure(&mut kernel).await.audits;
            assert!(offloaded.iter().all(|audit| audit.unexplained_bytes == 0), "{offloaded:?}");
            assert!(offloaded[0].sent_bytes < offloaded[0].shaped_bytes, "nothing was offloaded: {offloaded:?}");

            sh("tc qdisc del dev lan0 root");
            apply(&mut kernel, &wanted).await;
            let anew = measure(&mut kernel).await.audits;
            assert_eq!(anew.iter().map(|audit| audit.port.as_str()).collect::<Vec<_>>(), ["wan0"], "{anew:?}");
            net.goodput(5003, &["-R"]);
            let again = measure(&mut kernel).await.audits;
            assert!(again.len() == 2 && again.iter().all(|audit| audit.unexplained_bytes == 0), "{again:?}");
        },
    );
}

fn offload(net: &Net) {
    for end in [
        "ethtool -K lan0".to_owned(),
        "ethtool -K wan0".to_owned(),
        format!("nsenter -t {} -n ethtool -K eth0", net.subscriber.id()),
        format!("nsenter -t {} -n ethtool -K eth0", net.internet.id()),
    ] {
        sh(&format!("{end} tso on gso on gro on"));
    }
}

/// Sends frames of 1,400 bytes past all queues of a port.
const PAST_THE_QUEUES: &str = "
import socket
packet, qdisc_bypass = 263, 20
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.setsockopt(packet, qdisc_bypass, 1)
port.bind((\"lan0\", 0))
frame = b\"\\xff\" * 6 + b\"\\x02\" * 6 + b\"\\x88\\xb5\" + bytes(1386)
for _ in range(40000): port.send(frame)
";

#[test]
fn what_leaves_past_the_shaper_is_noticed() {
    in_namespaces(module_path!(), "what_leaves_past_the_shaper_is_noticed", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        measure(&mut kernel).await;
        sh(&format!("python3 -c '{PAST_THE_QUEUES}'"));
        // Longer than a port's counters may be late.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let audits = measure(&mut kernel).await.audits;
        let of = |port: &str| audits.iter().find(|audit| audit.port == port).unwrap().unexplained_bytes;
        assert!(of("lan0") > 10_000_000, "{audits:?}");
        assert_eq!(of("wan0"), 0, "{audits:?}");
    });
}
