//! The kernel adapter at some hundreds of lines, against unshaped forwarding and the usual programs in the same run.

mod figure;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../tests/kernel/net.rs"]
mod net;

use std::fmt::Write;
use std::process::ExitCode;
use std::time::Instant;

use figure::Goal::{AtLeast, AtMost};
use figure::{print, quantile};
use net::{Net, line, lines, only, sh};
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

/// Lines while forwarding is measured.
const SOME: u32 = 500;
/// Lines while changes are measured.
const MANY: u32 = 1_000;
/// Interleaved rounds of forwarding.
const ROUNDS: usize = 3;
const CHANGES: usize = 100;
const SWEEPS: usize = 30;

fn main() -> ExitCode {
    if let Some(status) = net::outside(net::As::Caller, &[]) {
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut net = Net::start();
        forwarding(&mut net).await;
        changing(&net).await;
    });
    ExitCode::SUCCESS
}

/// The subscriber's line, far above what the machine can forward, among others.
fn sold(count: u32, nat: bool) -> Wanted {
    let mut wanted = lines((0..count).map(|n| {
        let address = format!("10.{}.{}.{}/32", 20 + n / 60_000, n / 250 % 250, n % 250 + 2);
        only(&address, line(n + 1, if n == 0 { 90_000 } else { 50 }, 90_000, Access::Open))
    }));
    wanted.router.as_mut().expect("a router").nat = nat;
    wanted
}

async fn apply(kernel: &mut Linux, wanted: &Wanted) -> f64 {
    let began = Instant::now();
    let applied = kernel.apply(wanted).await.expect("applied");
    let took = began.elapsed().as_secs_f64();
    let held = applied.lines.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Applied(_))).count();
    assert_eq!(held, wanted.lines.len(), "every line is held");
    took
}

async fn forwarding(net: &mut Net) {
    let mut port = 5001;
    for nat in [false, true] {
        let (mut plain, mut shaped) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let mut measure = |net: &mut Net, into: &mut Vec<f64>| {
                into.push(net.goodput(port, &["-R"]));
                port += 1;
            };
            if nat {
                sh("nft add table ip plain; nft add chain ip plain nat '{ type nat hook postrouting priority 100; }'
                    nft add rule ip plain nat oifname wan0 masquerade");
            }
            measure(net, &mut plain);
            if nat {
                sh("nft delete table ip plain");
            }
            let mut kernel = net.kernel();
            kernel.probe().await.expect("probed");
            apply(&mut kernel, &sold(SOME, nat)).await;
            measure(net, &mut shaped);
            kernel.uninstall().await.expect("uninstalled");
        }
        let (plain, shaped) = (quantile(&plain, 0.5), quantile(&shaped, 0.5));
        let name = if nat { "forward_500_nat_one" } else { "forward_500_one" };
        let note = format!(
            "{:.0} of {:.0} Mbit/s, one TCP flow of full packets without offloads, {SOME} lines",
            shaped / 1e6,
            plain / 1e6
        );
        print(name, shaped / plain, "of unshaped", AtLeast(0.65), ROUNDS, &note);
    }
}

async fn changing(net: &Net) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(batch());
        sh("tc qdisc del dev lan0 root; tc qdisc del dev wan0 root; nft delete table inet theirs");
        let mut kernel = net.kernel();
        kernel.probe().await.expect("probed");
        ours.push(apply(&mut kernel, &sold(MANY, false)).await);
        kernel.uninstall().await.expect("uninstalled");
    }
    let (own, peer) = (quantile(&ours, 0.5), quantile(&theirs, 0.5));
    print("apply_1k_s", own, "s", AtMost(0.5), ROUNDS, "from nothing: classes, queues, maps, rules, read back");
    let note = format!("tc -batch and nft -f alone, nothing read back: {peer:.3} s");
    print("apply_1k_vs_batch", own / peer, "x", AtMost(3.0), ROUNDS, &note);

    let mut kernel = net.kernel();
    kernel.probe().await.expect("probed");
    let mut wanted = sold(MANY, false);
    apply(&mut kernel, &wanted).await;
    let mut again = Vec::new();
    for _ in 0..SWEEPS {
        again.push(apply(&mut kernel, &wanted).await * 1e3);
    }
    print(
        "reapply_1k_ms",
        quantile(&again, 0.5),
        "ms",
        AtMost(100.0),
        SWEEPS,
        "nothing changed: compared, nothing written",
    );
    sh("ip link add spare0 type veth peer name spare1
        tc qdisc add dev spare0 root handle 1: htb; tc class add dev spare0 parent 1: classid 1:1 htb rate 1gbit
        nft add table inet theirs; nft add set inet theirs held '{ type ipv4_addr; }'");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..CHANGES {
        let line = wanted.lines.values_mut().nth(n % MANY as usize).expect("a line");
        line.rate_down_bps += 1_000_000;
        line.set_access(if n % 2 == 0 { Access::WalledGarden } else { Access::Throttled });
        ours.push(apply(&mut kernel, &wanted).await * 1e3);
        let began = Instant::now();
        sh("tc class change dev spare0 parent 1: classid 1:1 htb rate 2gbit");
        sh("nft add element inet theirs held '{ 192.0.2.9 }'");
        sh("nft delete element inet theirs held '{ 192.0.2.9 }'");
        theirs.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let (own, peer) = (quantile(&ours, 0.99), quantile(&theirs, 0.99));
    print(
        "change_1k_p99_ms",
        own,
        "ms",
        AtMost(50.0),
        CHANGES,
        "one line's rate and access, with all lines compared and read back",
    );
    let note = format!("three processes, one a command, nothing read back: {peer:.1} ms");
    print("change_1k_vs_processes", own / peer, "x", AtMost(3.0), CHANGES, &note);
    sweeping(&mut kernel).await;
    kernel.uninstall().await.expect("uninstalled");
}

async fn sweeping(kernel: &mut Linux) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..SWEEPS {
        let began = Instant::now();
        let sweep = kernel.sweep().await.expect("swept");
        ours.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(sweep.counters.len(), MANY as usize);
        let began = Instant::now();
        sh("tc -s -j class show dev lan0 >/dev/null; tc -s -j class show dev wan0 >/dev/null");
        theirs.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let (own, peer) = (quantile(&ours, 0.5), quantile(&theirs, 0.5));
    print("sweep_1k_ms", own, "ms", AtMost(15.0), SWEEPS, "both directions of every line");
    print("sweep_1k_vs_tc", own / peer, "x", AtMost(1.0), SWEEPS, &format!("tc -s -j, not yet parsed: {peer:.1} ms"));
}

/// What others do: the same classes, queues and one map by `tc -batch` and `nft -f`. Answers the seconds it took.
fn batch() -> f64 {
    let mut tc = String::new();
    let mut elements = Vec::new();
    for port in ["lan0", "wan0"] {
        writeln!(tc, "qdisc add dev {port} root handle 7765: htb default ffff").expect("written");
        writeln!(tc, "class add dev {port} parent 7765: classid 7765:1 htb rate 90gbit").expect("written");
    }
    for n in 0..MANY {
        let minor = 0x10 + n;
        elements.push(format!("10.20.{}.{} : 7765:{minor:x}", n / 250, n % 250 + 2));
        for port in ["lan0", "wan0"] {
            writeln!(
                tc,
                "class add dev {port} parent 7765:1 classid 7765:{minor:x} htb rate 8kbit ceil 50mbit quantum 6000\n\
                 qdisc add dev {port} parent 7765:{minor:x} handle {minor:x}: bfifo limit 312500"
            )
            .expect("written");
        }
    }
    let nft = format!(
        "table inet theirs {{\nmap lines {{ type ipv4_addr : classid; elements = {{ {} }} }}\n\
         chain forward {{ type filter hook forward priority 0;\nmeta priority set ip daddr map @lines\n}}\n}}\n",
        elements.join(", ")
    );
    let folder = tempfile::tempdir().expect("a folder");
    let (tc_file, nft_file) = (folder.path().join("tc"), folder.path().join("nft"));
    std::fs::write(&tc_file, tc).expect("written");
    std::fs::write(&nft_file, nft).expect("written");
    let began = Instant::now();
    sh(&format!("tc -batch {}; nft -f {}", tc_file.display(), nft_file.display()));
    began.elapsed().as_secs_f64()
}
