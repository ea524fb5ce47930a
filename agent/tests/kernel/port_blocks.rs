//! Lines behind public addresses: each has ports of its own, and the internet sees no others of it.

use super::net::{Net, in_namespaces, line, line_mut, lines, only, seen, sh, watch};
use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::{Access, Line, PortBlock, Prefix};

const PUBLIC: [u8; 4] = [203, 0, 113, 7];

/// Answers each datagram with the address and port it came from.
const MIRROR: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('198.18.0.2', 4000)); print('ready', flush=True)
while True:
    data, (host, port) = s.recvfrom(99)
    s.sendto(f'{host} {port}'.encode(), (host, port))
";
/// Asks from many ports, a number of times each, and tells how each was seen at last.
const ASK: &str = "
import socket, sys
address, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
for k in range(count):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((address, first + k)); s.settimeout(0.3)
    try:
        s.sendto(b'who', ('198.18.0.2', 4000)); print(s.recvfrom(99)[0].decode())
    except OSError: pass
";

fn mirror(net: &Net) -> Child {
    let mut mirror = Net::at(&net.internet, &["python3", "-c", MIRROR]).stdout(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 5];
    std::io::Read::read_exact(mirror.stdout.as_mut().unwrap(), &mut ready).unwrap();
    mirror
}

/// As what the internet saw datagrams of these ports of a subscriber's address.
fn seen_as(net: &Net, address: &str, first: u16, count: u16) -> Vec<(String, u16)> {
    let (first, count) = (first.to_string(), count.to_string());
    let output = Net::at(&net.subscriber, &["python3", "-c", ASK, address, &first, &count]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(host, port)| (host.to_owned(), port.parse().unwrap()))
        .collect()
}

fn block(first_port: u32, last_port: u32) -> Option<PortBlock> {
    Some(PortBlock { address: PUBLIC.to_vec(), first_port, last_port })
}

fn with(handle: u32, prefix: &str, public_ports: Option<PortBlock>) -> Line {
    Line { public_ports, ..only(prefix, line(handle, 100, 100, Access::Open)) }
}

fn translating(all: impl IntoIterator<Item = Line>) -> Wanted {
    let mut wanted = lines(all);
    let router = wanted.router.as_mut().unwrap();
    router.nat = true;
    router.public_networks = vec![Prefix { address: vec![203, 0, 113, 0], length: 24 }];
    wanted
}

fn held(outcome: &Outcome) -> Option<PortBlock> {
    let Outcome::Applied(held) = outcome else { panic!("{outcome:?}") };
    held.public_ports.clone()
}

#[test]
fn every_line_has_its_own_ports_and_no_others() {
    in_namespaces(module_path!(), "every_line_has_its_own_ports_and_no_others", async |net| {
        let s = net.subscriber.id();
        sh(&format!("nsenter -t {s} -n sh -ec 'ip addr add 10.20.0.3/24 dev eth0; ip addr add 10.20.0.9/24 dev eth0'"));
        let mut kernel = net.kernel();
        let wanted = translating([
            with(1, "10.20.0.2/32", block(2048, 2303)),
            with(2, "10.20.0.8/29", block(2304, 2400)),
            with(3, "10.20.0.3/32", None),
        ]);
        let applied = kernel.apply(&wanted).await.unwrap();
        let blocks: Vec<_> = applied.lines.iter().map(|(_, outcome)| held(outcome)).collect();
        assert_eq!(blocks, [block(2048, 2303), block(2304, 2400), None]);

        let mut mirror = mirror(net);
        let own = seen_as(net, "10.20.0.2", 20_000, 300);
        let ports: BTreeSet<u16> = own.iter().map(|(_, port)| *port).collect();
        assert!(own.iter().all(|(host, _)| host == "203.0.113.7"), "{own:?}");
        // As many as there are, each once; who comes after them gets nothing.
        assert_eq!((own.len(), ports.first(), ports.last()), (256, Some(&2048), Some(&2303)));
        assert_eq!(ports.len(), 256);
        let of_a_network = seen_as(net, "10.20.0.9", 20_000, 3);
        assert!(of_a_network.iter().all(|(host, port)| host == "203.0.113.7" && (2304..=2400).contains(port)));
        assert_eq!(of_a_network.len(), 3);
        let shared = seen_as(net, "10.20.0.3", 20_000, 3);
        assert!(shared.len() == 3 && shared.iter().all(|(host, _)| host == "198.18.0.1"), "{shared:?}");
        // Echoes have no ports, but numbers that are kept apart alike.
        watch(&net.internet, &[("echoes", "ip saddr 203.0.113.7 icmp type echo-request icmp id 2304-2400")]);
        let ping =
            Net::at(&net.subscriber, &["ping", "-qc", "2", "-i", "0.2", "-I", "10.20.0.9", "198.18.0.2"]).output();
        assert!(ping.unwrap().status.success());
        assert_eq!(seen(&net.internet, "echoes"), 2);

        // Who is asked for without having begun it is not there, and what asks does not go to and fro.
        watch(&net.internet, &[("returned", "ip daddr 203.0.113.7")]);
        let unasked =
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('203.0.113.7', 2900))";
        assert!(Net::at(&net.internet, &["python3", "-c", unasked]).status().unwrap().success());
        assert_eq!(seen(&net.internet, "returned"), 0);
        mirror.kill().unwrap();
        mirror.wait().unwrap();
    });
}

#[test]
fn another_block_ends_what_was_begun_under_the_first_and_nothing_else_does() {
    in_namespaces(
        module_path!(),
        "another_block_ends_what_was_begun_under_the_first_and_nothing_else_does",
        async |net| {
            let mut kernel = net.kernel();
            let mut wanted = translating([with(1, "10.20.0.2/32", block(2048, 2049))]);
            let id = Uuid::from_u128(1);
            kernel.apply(&wanted).await.unwrap();
            let mut mirror = mirror(net);
            let port = |net: &Net| seen_as(net, "10.20.0.2", 20_000, 1).first().map(|(_, port)| *port);
            let first = port(net);
            assert!(first.is_some_and(|port| (2048..=2049).contains(&port)), "{first:?}");

            // Neither a comparison, nor another rate, nor an agent that begins again, nor a table that was lost.
            kernel.apply(&wanted).await.unwrap();
            line_mut(&mut wanted, id).rate_up_bps = 50_000_000;
            kernel.change(&wanted, &BTreeSet::from([id])).await.unwrap();
            let mut kernel = net.kernel();
            kernel.apply(&wanted).await.unwrap();
            assert_eq!(port(net), first);
            sh("nft delete table inet weir");
            let applied = kernel.apply(&wanted).await.unwrap();
            assert_eq!((applied.drift.len(), held(&applied.lines[0].1)), (1, block(2048, 2049)));
            sh("nft delete element inet weir p4_32 { 10.20.0.2 }");
            let applied = kernel.apply(&wanted).await.unwrap();
            assert_eq!(applied.drift, ["10.20.0.2/32 was not in its place"]);
            assert_eq!(port(net), first);

            line_mut(&mut wanted, id).public_ports = block(5000, 5001);
            let applied = kernel.change(&wanted, &BTreeSet::from([id])).await.unwrap();
            assert!(!applied.whole && held(&applied.lines[0].1) == block(5000, 5001), "{applied:?}");
            let second = port(net);
            assert!(second.is_some_and(|port| (5000..=5001).contains(&port)), "{second:?}");

            // A line that is held keeps it, and a router without public networks has none for anybody.
            line_mut(&mut wanted, id).access = Access::WalledGarden.into();
            let applied = kernel.change(&wanted, &BTreeSet::from([id])).await.unwrap();
            assert_eq!(held(&applied.lines[0].1), block(5000, 5001));
            line_mut(&mut wanted, id).access = Access::Open.into();
            wanted.router.as_mut().unwrap().public_networks.clear();
            let applied = kernel.apply(&wanted).await.unwrap();
            assert_eq!(held(&applied.lines[0].1), None);
            assert_eq!(seen_as(net, "10.20.0.2", 21_000, 1)[0].0, "198.18.0.1");
            assert!(!String::from_utf8_lossy(&sh("nft list table inet weir").stdout).contains("port_blocks"));
            mirror.kill().unwrap();
            mirror.wait().unwrap();
        },
    );
}

#[test]
fn a_port_that_is_anothers_is_refused_and_both_stay_as_they_are() {
    in_namespaces(module_path!(), "a_port_that_is_anothers_is_refused_and_both_stay_as_they_are", async |net| {
        let mut kernel = net.kernel();
        let mut wanted =
            translating([with(1, "10.20.0.2/32", block(2048, 2303)), with(2, "10.20.0.3/32", block(2304, 2400))]);
        kernel.apply(&wanted).await.unwrap();
        line_mut(&mut wanted, Uuid::from_u128(2)).public_ports = block(2303, 2400);
        let applied = kernel.apply(&wanted).await.unwrap();
        let Outcome::Rejected { code, .. } = &applied.lines.iter().find(|(id, _)| *id == Uuid::from_u128(2)).unwrap().1
        else {
            panic!("{:?}", applied.lines)
        };
        assert_eq!(*code, "port-block-conflict");
        let map = String::from_utf8(sh("nft list map inet weir p4_32").stdout).unwrap();
        assert!(map.contains("10.20.0.3 : 203.0.113.7 . 2304-2400") && map.contains(". 2048-2303"), "{map}");
    });
}
