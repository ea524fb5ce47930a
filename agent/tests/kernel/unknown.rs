//! Hosts behind the router whose address is no line's.

use std::process::Stdio;
use std::time::{Duration, Instant};

use uuid::Uuid;
use weir_agent::southbound::Southbound;
use weir_protocol::desired::{Access, Prefix, UnknownHosts};

use crate::net::{
    Net, SUBSCRIBER_4, SUBSCRIBER_6, apply, in_namespaces, line, line_mut, lines, only, seen, sh, wanted, watch,
};

/// An address of the subscriber's network that was never sold.
const STRANGER: &str = "10.20.0.77";

fn pings(net: &Net, from: &str, to: &str) -> bool {
    // The first packet to a neighbour may wait for its address too long.
    let mut ping = Net::at(&net.subscriber, &["ping", "-c3", "-i0.3", "-W1", "-I", from, to]);
    ping.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

/// How a visit of a page of the internet ends: curl's own exit code; 0 = the internet's page, or this router's.
fn visit(net: &Net, from: &str, url: &str) -> (Option<i32>, String) {
    let output = Net::at(&net.subscriber, &["curl", "-s", "-m", "3", "--interface", from, url]).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Answers every visitor of port 80 in the internet, and of the garden's port on this router, with its own word.
fn serve_pages(net: &Net) -> Vec<std::process::Child> {
    let serve = |port: u16, word: &str| {
        let script = format!(
            "import socket\ns=socket.create_server(('::',{port}),family=socket.AF_INET6,dualstack_ipv6=True)\nprint('up',flush=True)\n\
             while 1:\n c,_=s.accept()\n c.recv(4096)\n c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: {}\\r\\n\\r\\n{word}')\n c.close()",
            word.len()
        );
        ["python3".to_owned(), "-c".to_owned(), script]
    };
    let internet = serve(80, "internet");
    let garden = serve(8880, "garden");
    let mut here = std::process::Command::new(&garden[0]);
    here.args(&garden[1..]);
    [Net::at(&net.internet, &internet.each_ref().map(String::as_str)), here]
        .into_iter()
        .map(|mut command| {
            let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
            let mut up = String::new();
            std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut up).unwrap();
            assert_eq!(up, "up\n");
            child
        })
        .collect()
}

#[test]
fn a_held_subscriber_gains_nothing_by_another_address() {
    in_namespaces(module_path!(), "a_held_subscriber_gains_nothing_by_another_address", async |net| {
        let mut kernel = net.kernel();
        sh(&format!("nsenter -t {} -n ip addr add {STRANGER}/24 dev eth0", net.subscriber.id()));
        let mut pages = serve_pages(net);
        let mut state = wanted(true, line(7, 50, 50, Access::WalledGarden));
        let page = |net: &Net, from: &str| visit(net, from, "http://198.18.0.2/");

        apply(&mut kernel, &state).await;
        assert_eq!(page(net, SUBSCRIBER_4), (Some(0), "garden".into()));
        assert!(pings(net, STRANGER, "198.18.0.2"), "unless said otherwise, unknown hosts pass");

        state.router.as_mut().unwrap().unknown_hosts = UnknownHosts::Garden.into();
        apply(&mut kernel, &state).await;
        assert_eq!(page(net, STRANGER), (Some(0), "garden".into()));
        assert!(!pings(net, STRANGER, "198.18.0.2"));
        assert_eq!(visit(net, STRANGER, "https://198.18.0.2/").0, Some(7), "refused quickly");
        watch(&net.internet, &[("names", "udp dport 53 ip saddr 198.18.0.1")]);
        let ask = "import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('10.20.0.77',0)); s.sendto(b'?',('198.18.0.2',53))";
        assert!(Net::at(&net.subscriber, &["python3", "-c", ask]).status().unwrap().success());
        let limit = Instant::now() + Duration::from_secs(5);
        while seen(&net.internet, "names") == 0 {
            assert!(Instant::now() < limit, "names may be asked, behind the router's own address");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }

        // Who pays is not touched by any of it.
        *state.lines.values_mut().next().unwrap() = line(7, 50, 50, Access::Open).into();
        apply(&mut kernel, &state).await;
        assert_eq!(page(net, SUBSCRIBER_4), (Some(0), "internet".into()));
        assert!(pings(net, SUBSCRIBER_4, "198.18.0.2") && pings(net, SUBSCRIBER_6, "2001:db8:18::2"));
        assert_eq!(page(net, STRANGER), (Some(0), "garden".into()));

        state.router.as_mut().unwrap().unknown_hosts = UnknownHosts::Closed.into();
        apply(&mut kernel, &state).await;
        assert_eq!(page(net, STRANGER).0, Some(28), "nothing answers");
        assert!(!pings(net, STRANGER, "198.18.0.2"));
        assert_eq!(page(net, SUBSCRIBER_4), (Some(0), "internet".into()));

        state.router.as_mut().unwrap().unknown_hosts = UnknownHosts::LetThrough.into();
        apply(&mut kernel, &state).await;
        assert!(pings(net, STRANGER, "198.18.0.2"));
        for page in &mut pages {
            page.kill().unwrap();
            page.wait().unwrap();
        }
    });
}

#[test]
fn the_isps_own_networks_are_no_strangers() {
    in_namespaces(module_path!(), "the_isps_own_networks_are_no_strangers", async |net| {
        let mut kernel = net.kernel();
        sh(&format!("nsenter -t {} -n ip addr add {STRANGER}/24 dev eth0", net.subscriber.id()));
        // The line has no IPv6 here: that address is a stranger's too.
        let mut line = line(7, 50, 50, Access::Open);
        line.prefixes.truncate(1);
        let mut state = wanted(false, line);
        for unknown_hosts in [UnknownHosts::Garden, UnknownHosts::Closed] {
            let router = state.router.as_mut().unwrap();
            router.unknown_hosts = unknown_hosts.into();
            router.own_networks = Vec::new();
            apply(&mut kernel, &state).await;
            assert!(!pings(net, STRANGER, "198.18.0.2") && !pings(net, SUBSCRIBER_6, "2001:db8:18::2"));
            let six: std::net::Ipv6Addr = "2001:db8:20::".parse().unwrap();
            state.router.as_mut().unwrap().own_networks = vec![
                Prefix { address: vec![10, 20, 0, 64], length: 26 },
                Prefix { address: six.octets().to_vec(), length: 64 },
            ];
            apply(&mut kernel, &state).await;
            assert!(pings(net, STRANGER, "198.18.0.2") && pings(net, SUBSCRIBER_6, "2001:db8:18::2"));
        }
    });
}

#[test]
fn who_is_unknown_is_noted_with_where_it_sends_from() {
    in_namespaces(module_path!(), "who_is_unknown_is_noted_with_where_it_sends_from", async |net| {
        let mut kernel = net.kernel();
        let inside = format!("nsenter -t {} -n", net.subscriber.id());
        sh(&format!(
            "{inside} ip addr add {STRANGER}/24 dev eth0; {inside} ip link set eth0 address 02:00:00:00:00:07"
        ));
        let mut state = wanted(false, line(7, 50, 50, Access::Open));
        apply(&mut kernel, &state).await;
        assert!(pings(net, SUBSCRIBER_4, "198.18.0.2") && pings(net, STRANGER, "198.18.0.2"));
        let hosts = kernel.measure().await.unwrap().unwrap().unknown_hosts;
        let [host] = hosts[..] else { panic!("{hosts:?}") };
        assert_eq!((host.address.to_string().as_str(), host.mac), (STRANGER, [2, 0, 0, 0, 0, 7]));
        assert!(host.silent < Duration::from_secs(10), "{host:?}");

        // Also one of whom nothing passes; who is sold a line, or is the ISP's own, is none any more.
        sh("nft delete table inet weir");
        state.router.as_mut().unwrap().unknown_hosts = UnknownHosts::Closed.into();
        apply(&mut kernel, &state).await;
        assert!(!pings(net, STRANGER, "198.18.0.2"));
        assert_eq!(kernel.measure().await.unwrap().unwrap().unknown_hosts.len(), 1);
        sh("nft delete table inet weir");
        state.router.as_mut().unwrap().own_networks = vec![Prefix { address: vec![10, 20, 0, 64], length: 26 }];
        apply(&mut kernel, &state).await;
        assert!(pings(net, STRANGER, "198.18.0.2"));
        assert_eq!(kernel.measure().await.unwrap().unwrap().unknown_hosts, []);
    });
}

#[test]
fn who_is_held_sends_nothing_to_neighbours_either() {
    in_namespaces(module_path!(), "who_is_held_sends_nothing_to_neighbours_either", async |net| {
        let mut kernel = net.kernel();
        sh("ip route add 10.21.0.9/32 via 10.20.0.2 dev lan0");
        watch(&net.subscriber, &[("neighbour", "ip daddr 10.21.0.9")]);
        let ask = |from: &str| {
            let before = seen(&net.subscriber, "neighbour");
            pings(net, from, "10.21.0.9");
            seen(&net.subscriber, "neighbour") > before
        };
        let neighbour = only("10.21.0.9/32", line(8, 50, 50, Access::Open));
        let mut state = lines([only("10.20.0.2/32", line(7, 50, 50, Access::Open)), neighbour]);
        for (access, hears) in
            [(Access::Open, true), (Access::WalledGarden, false), (Access::Open, true), (Access::Closed, false)]
        {
            line_mut(&mut state, Uuid::from_u128(7)).access = access.into();
            apply(&mut kernel, &state).await;
            assert_eq!(ask(SUBSCRIBER_4), hears, "{access:?}");
        }
        sh(&format!("nsenter -t {} -n ip addr add {STRANGER}/24 dev eth0", net.subscriber.id()));
        assert!(ask(STRANGER), "unless said otherwise, unknown hosts pass");
        state.router.as_mut().unwrap().unknown_hosts = UnknownHosts::Closed.into();
        apply(&mut kernel, &state).await;
        assert!(!ask(STRANGER));
    });
}
