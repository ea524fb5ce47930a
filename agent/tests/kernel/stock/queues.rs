//! A line under load: what its queue is, what it lets through, and how long others wait in it.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::Access;

use crate::figure::{Goal, print, quantile};
use crate::net::{Net, apply, counter, line, line_mut, lines, only, text, until, wanted};
use crate::program::{Running, start, status};

const SOLD_MBIT: u64 = 10;
const PINGS: usize = 100;
/// Enough that each has a class of its own to be wrong about.
const LINES: u32 = 50;
/// A long download is at its rate by then.
const SETTLED: Duration = Duration::from_secs(3);

/// A ping's times in milliseconds, and what arrived meanwhile, in bits per second of layer 3.
struct Load {
    pings: Vec<f64>,
    rate: f64,
}

pub fn fair_queues_for_every_line(net: &mut Net) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut kernel = net.kernel();
        kernel.probe().await.expect("probed");
        let each = |n| only(&format!("10.20.1.{n}/32"), line(n, 10 + u64::from(n), 10, Access::Open));
        let applied = kernel.apply(&lines((1..=LINES).map(each))).await.expect("applied");
        for (_, outcome) in applied.lines {
            assert!(matches!(outcome, Outcome::Applied(_)), "{outcome:?}");
        }
    });
    for port in ["lan0", "wan0"] {
        assert_eq!(leaves(port), vec!["fq_codel"; LINES as usize], "{port}");
    }
}

/// A rate changes alone, among few and among all, and is nobody else's doing.
pub fn rates_change_under_fair_queues(net: &mut Net) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut kernel = net.kernel();
        kernel.probe().await.expect("probed");
        let each = |n| only(&format!("10.20.1.{n}/32"), line(n, 10, 10, Access::Open));
        let mut wanted = lines((1..=LINES).map(each));
        kernel.apply(&wanted).await.expect("applied");
        for (round, few) in [true, false, true].into_iter().enumerate() {
            let ids: BTreeSet<Uuid> = wanted.lines.keys().take(3).copied().collect();
            for id in &ids {
                let line = line_mut(&mut wanted, *id);
                line.rate_down_bps += 1_000_000;
                line.rate_up_bps += 2_000_000;
            }
            let changed = if few { kernel.change(&wanted, &ids).await } else { kernel.apply(&wanted).await };
            let changed = changed.expect("changed");
            assert_eq!((changed.whole, &changed.drift), (!few, &Vec::new()), "round {round}");
            for (id, outcome) in &changed.lines {
                let Outcome::Applied(held) = outcome else { panic!("round {round}: {outcome:?}") };
                assert_eq!(held.rate_up_bps, wanted.lines[id].rate_up_bps, "round {round}");
            }
        }
        assert_eq!(kernel.apply(&wanted).await.expect("applied").drift, Vec::<String>::new());
    });
    assert_eq!(leaves("lan0"), vec!["fq_codel"; LINES as usize]);
}

pub fn fair_queues(net: &mut Net) {
    let _running = held(net);
    for port in ["lan0", "wan0"] {
        assert_eq!(leaves(port), ["fq_codel"], "{port}");
    }
    let idle = quantile(&pings(net, 20), 0.5);
    for (direction, load) in both_directions(net) {
        let ping = |share| quantile(&load.pings, share);
        let note = format!(
            "95 % of pings beside one {direction} that fills {SOLD_MBIT} Mbit/s; half within {:.1} ms, all within {:.1} ms, \
             half within {idle:.1} ms without it",
            ping(0.5),
            ping(1.0)
        );
        let name = format!("stock_{direction}_ping_fq_codel_ms");
        print(&name, ping(0.95), "ms", Goal::AtMost(15.0), load.pings.len(), &note);
        saturates(&format!("stock_{direction}_rate_fq_codel"), load.rate);
    }
}

pub fn plain_queues(net: &mut Net) {
    let _running = held(net);
    for port in ["lan0", "wan0"] {
        assert_eq!(leaves(port), ["bfifo"], "{port}");
    }
    for (direction, load) in both_directions(net) {
        let ping = |share| quantile(&load.pings, share);
        let note = format!(
            "half of pings beside one {direction} that fills {SOLD_MBIT} Mbit/s; all within {:.1} ms; were they short \
             here too, those beside fq_codel would prove nothing",
            ping(1.0)
        );
        let name = format!("stock_{direction}_ping_bfifo_ms");
        print(&name, ping(0.5), "ms", Goal::AtLeast(15.0), load.pings.len(), &note);
        saturates(&format!("stock_{direction}_rate_bfifo"), load.rate);
    }
}

fn both_directions(net: &mut Net) -> [(&'static str, Load); 2] {
    let flow = net.download(5001, &[]);
    let down = loaded(net, &net.subscriber);
    drop(flow);
    let flow = net.upload(5002, &[]);
    let up = loaded(net, &net.internet);
    drop(flow);
    [("download", down), ("upload", up)]
}

/// What the meter counted of a line is what arrived at either end.
pub fn counted(net: &mut Net) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut kernel = net.kernel();
        kernel.probe().await.expect("probed");
        apply(&mut kernel, &wanted(false, line(7, SOLD_MBIT, SOLD_MBIT, Access::Open))).await;
        let (seen, before) = ([received(&net.subscriber), received(&net.internet)], counter(&mut kernel).await);
        net.goodput(5001, &["-R"]);
        net.goodput(5002, &[]);
        // What still stands in a queue is in neither count.
        std::thread::sleep(Duration::from_secs(1));
        let after = counter(&mut kernel).await;
        assert_eq!(after.generation, before.generation);
        let counted = [after.down.bytes - before.down.bytes, after.up.bytes - before.up.bytes];
        let arrived = [received(&net.subscriber) - seen[0], received(&net.internet) - seen[1]];
        for (counted, arrived) in counted.into_iter().zip(arrived) {
            // What the router itself says to its neighbours is not the line's.
            let error = counted.abs_diff(arrived) as f64 / arrived as f64;
            assert!(arrived > 1_000_000 && error < 0.0005, "counted {counted} bytes, {arrived} arrived");
        }
    });
}

fn held(net: &Net) -> Running {
    let running = start(net, line(7, SOLD_MBIT, SOLD_MBIT, Access::Open), &[]);
    until("the line is held", || status(net)["objects"]["applied"] == 2);
    running
}

/// Kinds of the queues inside our tree.
fn leaves(port: &str) -> Vec<String> {
    let listed: Value = serde_json::from_str(&text(&format!("tc -j qdisc show dev {port}"))).expect("JSON");
    let ours = |qdisc: &&Value| qdisc["parent"].as_str().is_some_and(|parent| parent.starts_with("7765:"));
    listed
        .as_array()
        .into_iter()
        .flatten()
        .filter(ours)
        .filter_map(|qdisc| Some(qdisc["kind"].as_str()?.into()))
        .collect()
}

fn loaded(net: &Net, receiver: &Child) -> Load {
    std::thread::sleep(SETTLED);
    let (before, began) = (received(receiver), Instant::now());
    let pings = pings(net, PINGS);
    let (bytes, took) = (received(receiver) - before, began.elapsed().as_secs_f64());
    Load { pings, rate: bytes as f64 * 8.0 / took }
}

/// Bytes of layer 3 that arrived in a namespace, read without starting a program, which takes its time here.
fn received(at: &Child) -> u64 {
    let ports = std::fs::read_to_string(format!("/proc/{}/net/dev", at.id())).expect("its ports");
    let counts = ports.lines().find_map(|line| line.trim_start().strip_prefix("eth0:")).expect("its port");
    let mut counts = counts.split_whitespace().map(|count| count.parse::<u64>().expect("a number"));
    let (bytes, packets) = (counts.next().expect("bytes"), counts.next().expect("packets"));
    bytes - 14 * packets
}

fn pings(net: &Net, count: usize) -> Vec<f64> {
    let mut ping =
        Net::at(&net.subscriber, &["ping", "-n", "-i", "0.1", "-W", "2", "-c", &count.to_string(), "198.18.0.2"]);
    let said = String::from_utf8(ping.output().expect("run ping").stdout).expect("text");
    let times = said.lines().filter_map(|line| line.split_once("time=")?.1.split(' ').next()?.parse().ok());
    let times: Vec<f64> = times.collect();
    assert!(times.len() * 10 >= count * 9, "{} of {count} pings came back: {said}", times.len());
    times
}

fn saturates(name: &str, rate: f64) {
    let (sold, mbit) = (SOLD_MBIT as f64 * 1e6, rate / 1e6);
    let note = format!("{mbit:.2} Mbit/s arrived while pinged, of {SOLD_MBIT} sold");
    // An emulator on a busy machine stands still at times; on an idle one this is 1.00.
    print(name, rate / sold, "of sold", Goal::AtLeast(0.9), 1, &note);
    assert!(rate <= sold * 1.05, "{mbit} Mbit/s is more than was sold");
}
