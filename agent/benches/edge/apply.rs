//! From nothing to thousands of lines, one change among them, and reading their counters.

use std::collections::BTreeSet;
use std::time::Instant;

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::Southbound;
use weir_agent::southbound::linux::Linux;
use weir_protocol::desired::Access;

use crate::figure::Goal::{self, AtMost};
use crate::figure::{print, quantile};
use crate::many::{apply, layout, opened, sold};
use crate::net::{Net, line_mut, sh};
use crate::peers::{batch, processes};

const CHANGES: usize = 200;
const SWEEPS: usize = 20;

/// A size, how often it is made from nothing, and what is wanted of it.
pub struct Size {
    /// In the figures' names.
    pub name: &'static str,
    lines: u32,
    rounds: usize,
    apply: Goal,
    reapply: Goal,
    sweep: Goal,
}

pub const SIZES: [Size; 3] = [
    Size { name: "1k", lines: 1_000, rounds: 3, apply: AtMost(0.5), reapply: AtMost(100.0), sweep: AtMost(15.0) },
    Size { name: "10k", lines: 10_000, rounds: 2, apply: AtMost(4.0), reapply: AtMost(100.0), sweep: AtMost(60.0) },
    Size {
        name: "50k",
        lines: 50_000,
        rounds: 1,
        apply: AtMost(120.0),
        reapply: AtMost(1_000.0),
        sweep: AtMost(400.0),
    },
];

/// All figures of a size.
pub async fn applying(net: &Net, size: &Size) {
    let Size { name, lines, rounds, .. } = *size;
    let mut wanted = sold(lines, 50, false);
    let mut ours = Vec::new();
    let mut kernel = opened(net).await;
    for round in 0..rounds {
        if round > 0 {
            kernel.uninstall().await.expect("uninstalled");
            kernel = opened(net).await;
        }
        ours.push(apply(&mut kernel, &wanted).await);
    }
    let own = quantile(&ours, 0.5);
    let note = format!("from nothing: classes, queues, maps, rules, read back; {}", layout());
    print(&format!("apply_{name}_s"), own, "s", size.apply, rounds, &note);
    with_all_in_place(&mut kernel, &mut wanted, size).await;
    kernel.uninstall().await.expect("uninstalled");
    // At 50,000 their one HTB a port would take a quarter of an hour.
    if lines <= 10_000 {
        let peer = batch(lines);
        let note = format!("tc -batch and nft -f, one HTB a port, nothing read back: {peer:.2} s");
        let goal = AtMost(if lines > 1_000 { 1.0 } else { 3.0 });
        print(&format!("apply_{name}_vs_batch"), own / peer, "x", goal, 1, &note);
    }
    if lines == 10_000 {
        let peer = processes(lines);
        let note = format!("a process a command, {peer:.0} s as 100 lines of the {lines} took");
        print("apply_10k_vs_processes", own / peer, "x", AtMost(0.05), 1, &note);
    }
}

async fn with_all_in_place(kernel: &mut Linux, wanted: &mut Wanted, size: &Size) {
    let name = size.name;
    let mut again = Vec::new();
    for _ in 0..SWEEPS / 2 {
        again.push(apply(kernel, wanted).await * 1e3);
    }
    let note = "nothing changed: all of it read and compared, nothing written";
    print(&format!("reapply_{name}_ms"), quantile(&again, 0.5), "ms", size.reapply, again.len(), note);
    sweeping(kernel, size).await;
    changing(kernel, wanted, size).await;
}

/// One line's rate and access, as the cloud or a policy changes them.
async fn changing(kernel: &mut Linux, wanted: &mut Wanted, size: &Size) {
    sh("ip link add spare0 type veth peer name spare1
        tc qdisc add dev spare0 root handle 1: htb; tc class add dev spare0 parent 1: classid 1:1 htb rate 1gbit
        nft add table inet theirs; nft add set inet theirs held '{ type ipv4_addr; }'");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for n in 0..CHANGES {
        let id = Uuid::from_u128(1 + (n as u128 * 7919) % u128::from(size.lines));
        let line = line_mut(wanted, id);
        line.rate_down_bps += 1_000_000;
        line.set_access(if line.access() == Access::Open { Access::WalledGarden } else { Access::Open });
        let began = Instant::now();
        let applied = kernel.change(wanted, &BTreeSet::from([id])).await.expect("changed");
        ours.push(began.elapsed().as_secs_f64() * 1e3);
        assert!(!applied.whole && applied.lines.len() == 1, "one line was changed");
        if n % 10 == 0 {
            let began = Instant::now();
            sh("tc class change dev spare0 parent 1: classid 1:1 htb rate 2gbit");
            sh("nft add element inet theirs held '{ 192.0.2.9 }'");
            sh("nft delete element inet theirs held '{ 192.0.2.9 }'");
            theirs.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    sh("ip link del spare0; nft delete table inet theirs");
    let (own, peer) = (quantile(&ours, 0.99), quantile(&theirs, 0.99));
    let all = if size.lines == 50_000 { "change_p99_ms".to_owned() } else { format!("change_{}_p99_ms", size.name) };
    let note = format!("a line's rate and access, {} in place; checked, written, read back", size.lines);
    print(&all, own, "ms", AtMost(5.0), CHANGES, &note);
    let note = format!("three processes, a command each, nothing read back: {peer:.1} ms");
    print(&format!("change_{}_vs_processes", size.name), own / peer, "x", AtMost(0.5), CHANGES, &note);
    apply(kernel, wanted).await;
}

async fn sweeping(kernel: &mut Linux, size: &Size) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..SWEEPS {
        let began = Instant::now();
        let sweep = kernel.sweep().await.expect("swept");
        ours.push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(sweep.counters.len(), size.lines as usize);
        let began = Instant::now();
        sh("tc -s -j class show dev lan0 >/dev/null; tc -s -j class show dev wan0 >/dev/null");
        theirs.push(began.elapsed().as_secs_f64() * 1e3);
    }
    let (own, peer) = (quantile(&ours, 0.5), quantile(&theirs, 0.5));
    let name = size.name;
    print(&format!("sweep_{name}_ms"), own, "ms", size.sweep, SWEEPS, "both directions of every line");
    let note = format!("tc -s -j, not yet parsed: {peer:.1} ms");
    print(&format!("sweep_{name}_vs_tc"), own / peer, "x", AtMost(1.0), SWEEPS, &note);
}
