//! How lines are served: their queues, their use of their rates, and who answers echoes.

use std::net::IpAddr;
use std::time::Duration;

use weir_agent::echo::{Echo, gateway};
use weir_agent::southbound::{Sampled, Southbound};
use weir_protocol::desired::Access;

use crate::net::{apply, in_namespaces, line, sh, wanted};

#[test]
fn a_full_line_is_seen_to_wait_and_an_idle_one_is_not() {
    in_namespaces(module_path!(), "a_full_line_is_seen_to_wait_and_an_idle_one_is_not", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 20, 10, Access::Open))).await;
        kernel.watch(7);
        let flow = net.download(5001, &["-u", "-b", "60M"]);
        let mut full = Sampled::default();
        let of = |sampled: &Sampled| sampled.lines.iter().find(|(handle, _)| *handle == 7).map(|(_, line)| *line);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            kernel.sweep().await.unwrap();
            full = kernel.sampled();
            if of(&full).is_some_and(|line| line.down.full > 0 && line.down.delay_us > 0) {
                break;
            }
        }
        let line = of(&full).unwrap_or_else(|| panic!("{full:?}"));
        assert!(line.down.full == 1 && (20_000..200_000).contains(&line.down.delay_us), "{full:?}");
        assert_eq!((line.up.full, line.up.delay_us), (0, 0), "{full:?}");
        let watched = kernel.watched(7);
        let (only, seen) = (watched.lines.len(), of(&watched).unwrap_or_else(|| panic!("{watched:?}")));
        assert!(only == 1 && watched.sweeps >= 1 && seen.down.full >= 1, "{watched:?}");
        assert_eq!(kernel.watched(7), Sampled::default(), "it is no longer watched");
        drop(flow);
        let mut idle = full;
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            kernel.sweep().await.unwrap();
            idle = kernel.sampled();
            if idle.lines.is_empty() {
                break;
            }
        }
        assert!(idle.sweeps == 1 && idle.lines.is_empty(), "{idle:?}");
    });
}

#[test]
fn hosts_answer_echoes_of_both_families_and_dead_ones_do_not() {
    in_namespaces(module_path!(), "hosts_answer_echoes_of_both_families_and_dead_ones_do_not", async |net| {
        assert_eq!(gateway("wan0"), None);
        sh("ip route add default via 198.18.0.2 dev wan0");
        assert_eq!(gateway("wan0"), "198.18.0.2".parse().ok());
        let echo = Echo::open().unwrap();
        let ask = async |host: &str| echo.ask(host.parse::<IpAddr>().unwrap(), Duration::from_secs(1)).await;
        for host in ["10.20.0.2", "2001:db8:20::2", "198.18.0.2"] {
            // A neighbour must be found first.
            let mut came = ask(host).await;
            for _ in 0..5 {
                came = if came.is_none() { ask(host).await } else { break };
            }
            assert!(came.is_some(), "{host} is silent");
        }
        assert_eq!(ask("10.20.0.77").await, None);
        sh(&format!("nsenter -t {} -n ip link set eth0 down", net.internet.id()));
        assert_eq!(ask("198.18.0.2").await, None, "the uplink is dead");
    });
}
