//! Held lines: cut at once, led to the page, back at once.

use std::net::TcpStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use weir_protocol::desired::{Access, Prefix};

use crate::net::{Net, apply, assert_held, counter, in_namespaces, line, seen, sh, wanted, watch};

#[test]
fn a_walled_line_is_cut_at_once_and_comes_back_at_once() {
    in_namespaces(module_path!(), "a_walled_line_is_cut_at_once_and_comes_back_at_once", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(true, line(7, 50, 50, Access::Open))).await;
        net.serve(5001);
        let mut flow = Net::at(&net.subscriber, &["iperf3", "-c", "198.18.0.2", "-p", "5001", "-t", "30"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let limit = Instant::now() + Duration::from_secs(10);
        while counter(&mut kernel).await.up.bytes < 500_000 {
            assert!(Instant::now() < limit, "the flow does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_held(
            &apply(&mut kernel, &wanted(true, line(7, 50, 50, Access::WalledGarden))).await,
            50,
            50,
            Access::WalledGarden,
        );
        // The running connection gets a reset, so its client ends long before its 30 seconds.
        let limit = Instant::now() + Duration::from_secs(10);
        while flow.try_wait().unwrap().is_none() {
            assert!(Instant::now() < limit, "the running connection was not cut");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Port 80 leads to the router's own page.
        let page = std::net::TcpListener::bind("0.0.0.0:8880").unwrap();
        let mut visit = Net::at(&net.subscriber, &["curl", "-s", "--max-time", "5", "http://198.18.0.2/"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        page.set_nonblocking(true).unwrap();
        let visitor: TcpStream = loop {
            match page.accept() {
                Ok((stream, _)) => break stream,
                Err(_) => assert!(visit.try_wait().unwrap().is_none(), "port 80 does not lead to the garden's page"),
            }
            std::thread::yield_now();
        };
        drop(visitor);
        visit.wait().unwrap();
        let refused =
            Net::at(&net.subscriber, &["curl", "-s", "--max-time", "5", "https://198.18.0.2/"]).status().unwrap();
        assert_eq!(refused.code(), Some(7), "port 443 must be refused quickly");

        apply(&mut kernel, &wanted(true, line(7, 50, 50, Access::Open))).await;
        assert!(
            Net::at(&net.subscriber, &["ping", "-c1", "-W2", "198.18.0.2"])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
        apply(&mut kernel, &wanted(true, line(7, 50, 50, Access::Closed))).await;
        assert!(
            !Net::at(&net.subscriber, &["ping", "-c1", "-W1", "198.18.0.2"])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        );
    });
}

#[test]
fn the_page_is_for_the_lines_alone() {
    in_namespaces(module_path!(), "the_page_is_for_the_lines_alone", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(true, line(7, 50, 50, Access::WalledGarden))).await;
        let _page = std::net::TcpListener::bind("[::]:8880").unwrap();
        let reaches = |child, url: &str| {
            let mut curl = Net::at(child, &["curl", "-s", "-o", "/dev/null", "--connect-timeout", "1", "-m", "2", url]);
            // 28: connected or not, nobody answered in time; told apart by the time it took to connect.
            let output = curl.args(["-w", "%{time_connect}"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().parse::<f64>().unwrap() > 0.0
        };
        assert!(reaches(&net.subscriber, "http://198.18.0.2/"));
        assert!(reaches(&net.subscriber, "http://[2001:db8:18::2]/"));
        assert!(!reaches(&net.internet, "http://198.18.0.1:8880/"));
        assert!(!reaches(&net.internet, "http://[2001:db8:18::1]:8880/"));
    });
}

#[test]
fn names_are_asked_slowly_or_of_the_resolvers_alone() {
    in_namespaces(module_path!(), "names_are_asked_slowly_or_of_the_resolvers_alone", async |net| {
        let mut kernel = net.kernel();
        let mut held = wanted(true, line(7, 50, 50, Access::WalledGarden));
        apply(&mut kernel, &held).await;
        sh(&format!("nsenter -t {} -n ip addr add 198.18.0.3/24 dev eth0", net.internet.id()));
        watch(
            &net.internet,
            &[("first", "udp dport 53 ip daddr 198.18.0.2"), ("second", "udp dport 53 ip daddr 198.18.0.3")],
        );
        let ask = |host: &str| {
            let script = format!("for n in $(seq 300); do echo > /dev/udp/{host}/53; done");
            let began = Instant::now();
            Net::at(&net.subscriber, &["bash", "-c", &script]).stderr(Stdio::null()).status().unwrap();
            began.elapsed().as_secs() + 1
        };
        let seconds = ask("198.18.0.2");
        let heard = seen(&net.internet, "first");
        assert!(heard >= 40 && heard <= 60 + 11 * seconds, "{heard} of 300 questions in {seconds} s");

        let garden = held.router.as_mut().unwrap().garden.as_mut().unwrap();
        garden.resolvers = vec![Prefix { address: vec![198, 18, 0, 3], length: 32 }];
        apply(&mut kernel, &held).await;
        ask("198.18.0.2");
        assert_eq!(seen(&net.internet, "first"), heard, "a host that is no resolver was asked");
        ask("198.18.0.3");
        assert_eq!(seen(&net.internet, "second"), 300, "the resolver may be asked");
    });
}

#[test]
fn only_what_lines_send_is_masqueraded() {
    in_namespaces(module_path!(), "only_what_lines_send_is_masqueraded", async |net| {
        let mut kernel = net.kernel();
        sh(&format!("nsenter -t {} -n ip addr add 10.20.0.77/24 dev eth0", net.subscriber.id()));
        watch(
            &net.internet,
            &[("line", "ip saddr 198.18.0.1 icmp type echo-request"), ("other", "ip saddr 10.20.0.77")],
        );
        for access in [Access::Open, Access::Throttled] {
            apply(&mut kernel, &wanted(true, line(7, 50, 50, access))).await;
            for source in ["10.20.0.2", "10.20.0.77"] {
                Net::at(&net.subscriber, &["ping", "-c1", "-W2", "-I", source, "198.18.0.2"])
                    .stdout(Stdio::null())
                    .status()
                    .unwrap();
            }
        }
        assert_eq!((seen(&net.internet, "line"), seen(&net.internet, "other")), (2, 2));
    });
}
