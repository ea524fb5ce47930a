//! What is metered against what arrived, and how quickly a suspension cuts a running flow and nobody else's.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Southbound, Total};
use weir_protocol::desired::Access;

use crate::figure::Goal::AtMost;
use crate::figure::{print, quantile};
use crate::many::{apply, opened};
use crate::net::{Net, line, line_mut, lines, only, sh};

/// Link header of a packet, in bytes.
const HEADER: u64 = 14;
const SUSPENSIONS: usize = 10;
/// No packet for so long is a flow that was cut.
const SILENCE: Duration = Duration::from_millis(400);
/// What a neighbour's rate is taken over.
const WINDOW: Duration = Duration::from_millis(250);

pub async fn metering(net: &mut Net) {
    let mut kernel = opened(net).await;
    let mut wanted = lines([
        only("10.20.0.2/32", line(1, 200, 200, Access::Open)),
        only("2001:db8:20::/64", line(2, 200, 200, Access::Open)),
    ]);
    apply(&mut kernel, &wanted).await;
    exactness(net, &mut kernel).await;
    suspending(net, &mut kernel, &mut wanted).await;
    kernel.uninstall().await.expect("uninstalled");
}

/// A flow as iperf3 is told, and its direction and line.
struct Flow {
    name: &'static str,
    options: &'static [&'static str],
    down: bool,
    handle: u32,
}

const FLOWS: [Flow; 7] = [
    Flow { name: "TCP down", options: &["-R"], down: true, handle: 1 },
    Flow { name: "TCP up", options: &[], down: false, handle: 1 },
    Flow { name: "TCP down v6", options: &["-6", "-R"], down: true, handle: 2 },
    Flow { name: "TCP up v6", options: &["-6"], down: false, handle: 2 },
    Flow { name: "UDP down", options: &["-R", "-u", "-b", "100M"], down: true, handle: 1 },
    Flow { name: "UDP flood down", options: &["-R", "-u", "-b", "600M"], down: true, handle: 1 },
    Flow { name: "UDP flood up v6", options: &["-6", "-u", "-b", "600M"], down: false, handle: 2 },
];

async fn exactness(net: &mut Net, kernel: &mut Linux) {
    let mut worst = (0.0, String::new());
    let mut port = 7001;
    for merged in [false, true] {
        merge(net, merged);
        for flow in &FLOWS {
            let before = (arrived(net, flow), metered(kernel, flow).await);
            net.moved(port, flow.options);
            port += 1;
            let after = (arrived(net, flow), settled(kernel, flow).await);
            let (there, here) = (after.0 - before.0, after.1.bytes - before.1.bytes);
            let ratio = here as f64 / there as f64;
            if (ratio - 1.0).abs() >= f64::abs(worst.0 - 1.0) || worst.1.is_empty() {
                let packets = if merged { "merged packets" } else { "single packets" };
                worst = (ratio, format!("{}, {packets}: {here} metered of {there} arrived bytes", flow.name));
            }
        }
    }
    merge(net, false);
    let off = (worst.0 - 1.0).abs();
    let note = format!("ratio {:.6} at worst of {} flows: {}", worst.0, FLOWS.len() * 2, worst.1);
    print("meter_ratio_worst", off, "off 1", AtMost(0.0001), FLOWS.len() * 2, &note);
}

/// Whether packets come to the queues merged; at the ends every packet is counted as it was on the wire all the same.
pub fn merge(net: &Net, merged: bool) {
    let word = if merged { "on" } else { "off" };
    let (s, i) = (net.subscriber.id(), net.internet.id());
    sh(&format!(
        "nsenter -t {i} -n ethtool -K eth0 tso {word} gso {word}; nsenter -t {s} -n ethtool -K eth0 tso {word} gso {word}
         ethtool -K lan0 gro {word}; ethtool -K wan0 gro {word}"
    ));
}

/// Layer-3 bytes that arrived at the far end: at the subscriber's port, or the internet's.
fn arrived(net: &Net, flow: &Flow) -> u64 {
    let [bytes, packets] = received(if flow.down { &net.subscriber } else { &net.internet });
    bytes - HEADER * packets
}

/// Bytes and packets a namespace's port received.
fn received(child: &Child) -> [u64; 2] {
    let counts = std::fs::read_to_string(format!("/proc/{}/net/dev", child.id())).expect("counts");
    let line = counts.lines().find_map(|line| line.trim().strip_prefix("eth0:")).expect("a port");
    let mut fields = line.split_whitespace().map(|field| field.parse().expect("a number"));
    [fields.next().expect("bytes"), fields.next().expect("packets")]
}

async fn metered(kernel: &mut Linux, flow: &Flow) -> Total {
    let counters = kernel.sweep().await.expect("swept").counters;
    let counter = counters.into_iter().find(|counter| counter.handle == flow.handle).expect("a counter");
    if flow.down { counter.down } else { counter.up }
}

/// What is metered once the queue of the line is empty: two readings alike.
async fn settled(kernel: &mut Linux, flow: &Flow) -> Total {
    let mut last = metered(kernel, flow).await;
    loop {
        std::thread::sleep(Duration::from_millis(150));
        let now = metered(kernel, flow).await;
        if now == last {
            return now;
        }
        last = now;
    }
}

/// Cuts one line's flow again and again while another's goes on.
async fn suspending(net: &mut Net, kernel: &mut Linux, wanted: &mut Wanted) {
    let id = Uuid::from_u128(1);
    let (mut cuts, mut dips) = (Vec::new(), Vec::new());
    for n in 0..SUSPENSIONS {
        // Four and six in turn: which of the two is cut makes no difference.
        let port = 7100 + 2 * n as u16;
        let flows = [net.download(port, &[]), net.download(port + 1, &["-6"])];
        let limit = Instant::now() + Duration::from_secs(20);
        while kernel.sweep().await.expect("swept").counters.iter().any(|counter| counter.down.bytes < 1_000_000) {
            assert!(Instant::now() < limit, "the flows do not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        let before = rate(kernel, 2).await;
        let (line_before, began) = (metered(kernel, &FLOWS[0]).await, Instant::now());
        line_mut(wanted, id).set_access(Access::WalledGarden);
        kernel.change(wanted, &BTreeSet::from([id])).await.expect("changed");
        let (mut last, mut at) = (line_before, Instant::now());
        while at.elapsed() < SILENCE {
            let now = metered(kernel, &FLOWS[0]).await;
            if now != last {
                (last, at) = (now, Instant::now());
            }
        }
        cuts.push((at - began).as_secs_f64() * 1e3);
        let after = rate(kernel, 2).await;
        dips.push(((1.0 - after / before) * 100.0).max(0.0));
        drop(flows);
        line_mut(wanted, id).set_access(Access::Open);
        kernel.change(wanted, &BTreeSet::from([id])).await.expect("changed");
    }
    let note = "from the command to the last byte of a TCP download toward the suspended line, at worst";
    print("suspend_ms", quantile(&cuts, 1.0), "ms", AtMost(200.0), SUSPENSIONS, note);
    let note = "a neighbour's TCP download, before and after, the median";
    print("neighbour_dip_pct", quantile(&dips, 0.5), "%", AtMost(3.0), SUSPENSIONS, note);
}

/// Bits per second toward a line.
async fn rate(kernel: &mut Linux, handle: u32) -> f64 {
    let flow = Flow { name: "", options: &[], down: true, handle };
    let (began, before) = (Instant::now(), metered(kernel, &flow).await);
    std::thread::sleep(WINDOW);
    let after = metered(kernel, &flow).await;
    (after.bytes - before.bytes) as f64 * 8.0 / began.elapsed().as_secs_f64()
}

impl Net {
    /// Moves what a flow moves in two seconds.
    fn moved(&mut self, port: u16, options: &[&str]) {
        self.serve(port);
        let status = self.client(port, options).args(["-t", "2"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("a flow").success(), "{options:?}");
    }
}
