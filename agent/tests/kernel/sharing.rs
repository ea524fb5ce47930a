//! A port's capacity limits all lines together, and a full port is shared in proportion to what was sold.

use std::time::{Duration, Instant};

use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::net::{in_namespaces, line, lines, only, text};

/// Bytes both lines move while they are measured: two seconds of a port of 45 Mbit/s.
const MEASURED_BYTES: u64 = 11_000_000;

/// Downloads of lines 7 and 8 while both move, bits per second of layer 3.
pub async fn rates(kernel: &mut Linux) -> (f64, f64) {
    let limit = Instant::now() + Duration::from_secs(20);
    let read = async |kernel: &mut Linux| {
        let counters = kernel.sweep().await.unwrap().counters;
        (Instant::now(), counters.iter().map(|counter| counter.down.bytes).collect::<Vec<_>>())
    };
    let (mut began, mut before) = read(kernel).await;
    while before.iter().any(|bytes| *bytes < 2_000_000) {
        assert!(Instant::now() < limit, "the flows do not start: {before:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        (began, before) = read(kernel).await;
    }
    let (mut ended, mut after) = (began, before.clone());
    while after.iter().sum::<u64>() < before.iter().sum::<u64>() + MEASURED_BYTES {
        assert!(Instant::now() < limit, "the flows stopped: {before:?}, {after:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
        (ended, after) = read(kernel).await;
    }
    let bps = |n: usize| (after[n] - before[n]) as f64 * 8.0 / (ended - began).as_secs_f64();
    (bps(0), bps(1))
}

#[test]
fn a_full_port_is_shared_and_never_oversold() {
    in_namespaces(module_path!(), "a_full_port_is_shared_and_never_oversold", async |net| {
        let mut kernel = net.kernel();
        let mut wanted = lines([
            only("10.20.0.2/32", line(7, 60, 60, Access::Open)),
            only("2001:db8:20::/64", line(8, 30, 30, Access::Open)),
        ]);
        wanted.router.as_mut().unwrap().capacity_down_bps = 45_000_000;
        let applied = kernel.apply(&wanted).await.unwrap();
        assert!(applied.lines.iter().all(|(_, outcome)| matches!(outcome, Outcome::Applied(_))), "{applied:?}");

        let flows = [net.download(5001, &[]), net.download(5002, &["-6"])];
        let (large, small) = rates(&mut kernel).await;
        let full = (large + small) / 45e6;
        assert!((0.97..1.03).contains(&full), "{large:.0} and {small:.0} through a port of 45 Mbit/s");
        // Sold two to one.
        assert!((1.7..2.3).contains(&(large / small)), "{large:.0} against {small:.0}");
        drop(flows);

        // Alone, a line has what it was sold.
        let alone = net.goodput(5003, &["-6", "-R"]);
        assert!((0.95..1.03).contains(&(alone / (30e6 * 1428.0 / 1500.0))), "{alone:.0}");
    });
}

#[test]
fn a_capacity_changes_in_place_and_is_no_drift() {
    in_namespaces(module_path!(), "a_capacity_changes_in_place_and_is_no_drift", async |net| {
        let mut kernel = net.kernel();
        let mut wanted = lines([only("10.20.0.2/32", line(7, 60, 60, Access::Open))]);
        for mbit in [0, 20, 1_000, 9_000, 0, 45] {
            wanted.router.as_mut().unwrap().capacity_down_bps = mbit * 1_000_000;
            for _ in 0..3 {
                let applied = kernel.apply(&wanted).await.unwrap();
                assert_eq!(applied.drift, Vec::<String>::new(), "{mbit} Mbit/s");
            }
            let classes = text("tc class show dev lan0 classid 7765:1");
            assert!(mbit != 45 || classes.contains("ceil 45420Kbit"), "{classes}");
        }
        assert_eq!(kernel.sweep().await.unwrap().counters.len(), 1);
    });
}
