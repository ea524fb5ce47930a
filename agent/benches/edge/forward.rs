//! Packets through a router with ten thousand lines, against the same router without any.

use std::net::UdpSocket;
use std::process::Stdio;
use std::time::{Duration, Instant};

use weir_agent::southbound::Southbound;

use crate::figure::Goal::AtLeast;
use crate::figure::{print, quantile};
use crate::many::{UNLIMITED_MBIT, address, apply, layout, opened, sold};
use crate::net::{Net, sh};

const LINES: u32 = 10_000;
const ROUNDS: usize = 3;
const FLOOD: Duration = Duration::from_secs(2);
/// The port floods go to: the host there drops them at once, so that what it does adds little to what the router does.
const SINK: u16 = 9;
/// The figures beside a list of filters: a line at its end, and lines all over it.
const U32: [(&str, f64); 2] = [("forward_vs_u32", 20.0), ("forward_vs_u32_random", 5.0)];

/// What the router does with connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Those of open lines are not tracked.
    Untracked,
    /// All are tracked, for the sake of the garden alone.
    Tracked,
    /// All are tracked and masqueraded.
    Nat,
}

/// Whose packets a flood is of.
#[derive(Clone, Copy)]
enum Senders {
    /// The last line's alone: a list of filters is looked through to its end for it.
    Last,
    /// All lines', in no order.
    All,
}

impl Senders {
    fn word(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::All => "all",
        }
    }

    fn lines(word: &str) -> Option<std::ops::Range<u32>> {
        match word {
            "last" => Some(LINES - 1..LINES),
            "all" => Some(0..LINES),
            _ => None,
        }
    }
}

/// What a router forwards: small packets of one flow and of all lines at random, packets per second; one TCP flow of full
/// packets with its answers, bits per second.
#[derive(Default)]
struct Forwarded {
    one: Vec<f64>,
    random: Vec<f64>,
    tcp: Vec<f64>,
}

impl Forwarded {
    fn measure(&mut self, net: &mut Net, port: &mut u16) {
        self.one.push(flooded(net, Senders::Last));
        self.random.push(flooded(net, Senders::All));
        self.tcp.push(net.goodput(*port, &["-R"]));
        *port += 1;
    }
}

pub async fn forwarding(net: &mut Net) {
    let subscriber = net.subscriber.id();
    // Any address of the lines is the subscriber's, so that one machine can speak for all of them.
    sh(&format!(
        "nsenter -t {subscriber} -n ip route add local 10.0.0.0/8 dev lo
         ip route add 10.0.0.0/8 via 10.20.0.2 2>/dev/null || true
         nsenter -t {} -n ip route add 10.0.0.0/8 via 198.18.0.1
         sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lan0.rp_filter=0",
        net.internet.id()
    ));
    sh(&format!(
        "nsenter -t {} -n nft 'add table inet sink
         add chain inet sink arriving {{ type filter hook prerouting priority -400; }}
         add rule inet sink arriving udp dport {SINK} drop'",
        net.internet.id()
    ));
    let mut port = 5001;
    let (mut routed, mut laid_out) = (None, "");
    for way in [Way::Untracked, Way::Tracked, Way::Nat] {
        let nat = way == Way::Nat;
        let mut wanted = sold(LINES, UNLIMITED_MBIT, nat);
        wanted.router.as_mut().expect("a router").untracked = way == Way::Untracked;
        let (mut plain, mut shaped) = (Forwarded::default(), Forwarded::default());
        for _ in 0..ROUNDS {
            if nat {
                sh("nft add table ip plain; nft add chain ip plain nat '{ type nat hook postrouting priority 100; }'
                    nft add rule ip plain nat oifname wan0 masquerade");
            }
            plain.measure(net, &mut port);
            if nat {
                sh("nft delete table ip plain");
            }
            let mut kernel = opened(net).await;
            apply(&mut kernel, &wanted).await;
            laid_out = layout();
            shaped.measure(net, &mut port);
            kernel.uninstall().await.expect("uninstalled");
        }
        let (of, one, random, tcp) = match way {
            Way::Untracked => ("", 0.65, 0.48, 0.5),
            Way::Tracked => ("tracked_", 0.5, 0.35, 0.5),
            Way::Nat => ("nat_", 0.65, 0.52, 0.6),
        };
        let tell = |of_what: &str, plain: &[f64], shaped: &[f64], least: f64, unit: &str| {
            tell(&format!("forward_10k_{of}{of_what}"), plain, shaped, least, &format!("{unit}, {laid_out}"));
        };
        tell("one", &plain.one, &shaped.one, one, "M packets/s of one flow");
        tell("random", &plain.random, &shaped.random, random, "M packets/s of random lines");
        tell("tcp", &plain.tcp, &shaped.tcp, tcp, "Mbit/s, one TCP flow of full packets, no offloads");
        routed = routed.or(Some([shaped.one, shaped.random].map(|rates| quantile(&rates, 0.5))));
    }
    let shaped = routed.unwrap_or_default();
    let of_list = ["the list's last line", "random lines"];
    for (((name, goal), (shaped, listed)), whose) in U32.iter().zip(shaped.iter().zip(u32_list(net))).zip(of_list) {
        let note = format!("{shaped:.0} against {listed:.0} packets/s through a list of {LINES} u32 filters, {whose}");
        print(name, shaped / listed, "x", AtLeast(*goal), 1, &note);
    }
}

fn tell(name: &str, plain: &[f64], shaped: &[f64], least: f64, unit: &str) {
    let (plain, shaped) = (quantile(plain, 0.5), quantile(shaped, 0.5));
    let note = format!("{:.3} of {:.3} {unit}", shaped / 1e6, plain / 1e6);
    print(name, shaped / plain, "of unshaped", AtLeast(least), ROUNDS, &note);
}

/// Packets per second that reach the internet.
fn flooded(net: &Net, senders: Senders) -> f64 {
    let count = || {
        let output = Net::at(&net.internet, &["ip", "-j", "-s", "link", "show", "eth0"]).output().expect("a count");
        let links: serde_json::Value = serde_json::from_slice(&output.stdout).expect("counts");
        links[0]["stats64"]["rx"]["packets"].as_f64().expect("a number")
    };
    let own = std::env::current_exe().expect("this program");
    let before = count();
    let mut flood = Net::at(&net.subscriber, &[own.to_str().expect("a path"), "flood", senders.word()]);
    let output = flood.stderr(Stdio::inherit()).output().expect("a flood");
    let seconds = String::from_utf8_lossy(&output.stdout).trim().parse::<f64>().expect("how long it took");
    (count() - before) / seconds
}

/// Sends small packets from lines' addresses for a while, and prints for how many seconds.
pub fn flood(senders: &str) {
    let lines = Senders::lines(senders).expect("who sends");
    let sockets: Vec<UdpSocket> = lines
        .map(|n| {
            let socket =
                UdpSocket::bind((address(n), 40_000)).expect("an address of a line; many descriptors are allowed");
            socket.connect(("198.18.0.2", SINK)).expect("a route");
            socket
        })
        .collect();
    let began = Instant::now();
    let mut at = 1u64;
    while began.elapsed() < FLOOD {
        for _ in 0..256 {
            // A linear congruence visits them in no order.
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let socket = &sockets[(at >> 33) as usize % sockets.len()];
            let _full_queue = socket.send(&[0; 18]);
        }
    }
    println!("{}", began.elapsed().as_secs_f64());
}

/// The way of classifying that others began with: a filter a line, looked through one after the other.
fn u32_list(net: &Net) -> [f64; 2] {
    let classes = (0x10..0x3f8)
        .map(|minor| format!("class add dev wan0 parent 1: classid 1:{minor:x} htb rate 90gbit quantum 6000\n"));
    let filters = (0..LINES).map(|n| {
        let (address, minor) = (address(n), 0x10 + n % 1_000);
        format!("filter add dev wan0 parent 1: protocol ip prio 1 u32 match ip src {address}/32 flowid 1:{minor:x}\n")
    });
    let commands: String = classes.chain(filters).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tc");
    std::fs::write(&file, commands).expect("written");
    sh(&format!("tc qdisc add dev wan0 root handle 1: htb default 10; tc -batch {}", file.display()));
    let listed = [Senders::Last, Senders::All].map(|senders| flooded(net, senders));
    sh("tc qdisc del dev wan0 root");
    listed
}
