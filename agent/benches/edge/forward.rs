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

/// What a router forwards: one flow in bits per second, packets of all lines at random in packets per second.
#[derive(Default)]
struct Forwarded {
    one: Vec<f64>,
    random: Vec<f64>,
}

impl Forwarded {
    fn measure(&mut self, net: &mut Net, port: &mut u16) {
        self.one.push(net.goodput(*port, &["-R"]));
        *port += 1;
        self.random.push(random(net));
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
        let (of, one, random) = match way {
            Way::Untracked => ("", 0.65, 0.48),
            Way::Tracked => ("tracked_", 0.5, 0.35),
            Way::Nat => ("nat_", 0.65, 0.52),
        };
        let unit = format!("Mbit/s, one TCP flow of full packets, no offloads, {laid_out}");
        tell(&format!("forward_10k_{of}one"), &plain.one, &shaped.one, one, &unit);
        let unit = format!("M packets/s of random lines, {laid_out}");
        tell(&format!("forward_10k_{of}random"), &plain.random, &shaped.random, random, &unit);
        routed = routed.or(Some(quantile(&shaped.random, 0.5)));
    }
    let (shaped, listed) = (routed.unwrap_or_default(), u32_list(net));
    let note = format!("{shaped:.0} against {listed:.0} packets/s through a list of {LINES} u32 filters");
    print("forward_vs_u32", shaped / listed, "x", AtLeast(20.0), 1, &note);
}

fn tell(name: &str, plain: &[f64], shaped: &[f64], least: f64, unit: &str) {
    let (plain, shaped) = (quantile(plain, 0.5), quantile(shaped, 0.5));
    let note = format!("{:.3} of {:.3} {unit}", shaped / 1e6, plain / 1e6);
    print(name, shaped / plain, "of unshaped", AtLeast(least), ROUNDS, &note);
}

/// Packets per second from random lines that reach the internet.
fn random(net: &Net) -> f64 {
    let count = || {
        let output = Net::at(&net.internet, &["ip", "-j", "-s", "link", "show", "eth0"]).output().expect("a count");
        let links: serde_json::Value = serde_json::from_slice(&output.stdout).expect("counts");
        links[0]["stats64"]["rx"]["packets"].as_f64().expect("a number")
    };
    let own = std::env::current_exe().expect("this program");
    let before = count();
    let began = Instant::now();
    let mut flood = Net::at(&net.subscriber, &[own.to_str().expect("a path"), "flood"]);
    let status = flood.stdout(Stdio::null()).status().expect("a flood");
    assert!(status.success());
    (count() - before) / began.elapsed().as_secs_f64()
}

/// Sends small packets from random lines' addresses for a while.
pub fn flood() {
    let sockets: Vec<UdpSocket> = (0..LINES)
        .map(|n| UdpSocket::bind((address(n), 40_000)).expect("an address of a line; many descriptors are allowed"))
        .collect();
    let began = Instant::now();
    let mut at = 1u64;
    while began.elapsed() < FLOOD {
        for _ in 0..256 {
            // A linear congruence visits them in no order.
            at = at.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let socket = &sockets[(at >> 33) as usize % sockets.len()];
            let _full_queue = socket.send_to(&[0; 18], "198.18.0.2:9");
        }
    }
}

/// The way of classifying that others began with: a filter a line, looked through one after the other.
fn u32_list(net: &Net) -> f64 {
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
    let listed = random(net);
    sh("tc qdisc del dev wan0 root");
    listed
}
