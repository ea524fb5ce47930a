//! The Linux southbound on a real kernel: a subscriber, this router and the internet, each in its own network namespace.
//!
//! The test runs itself again inside a user and network namespace, so it needs no privileges and leaves nothing behind.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Counter, Outcome, Southbound};
use weir_protocol::desired::{Access, Garden, Line, Prefix, Router};

const INSIDE: &str = "WEIR_KERNEL_TEST_INSIDE";
const SUBSCRIBER_4: &str = "10.20.0.2";
const SUBSCRIBER_6: &str = "2001:db8:20::2";

/// Runs `test` in fresh namespaces.
fn in_namespaces(name: &str, test: impl AsyncFn(&mut Net)) {
    if std::env::var_os(INSIDE).is_none() {
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--fork"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(INSIDE, "1")
            .status()
            .expect("run unshare");
        assert!(status.success(), "the test failed inside its namespaces");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut net = Net::start();
        test(&mut net).await;
    });
}

/// A subscriber and the internet on either side of this router.
struct Net {
    subscriber: Child,
    internet: Child,
    servers: Vec<Child>,
    state: tempfile::TempDir,
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in self.servers.iter_mut().chain([&mut self.subscriber, &mut self.internet]) {
            let _gone_already = child.kill();
            let _status = child.wait();
        }
    }
}

fn namespace() -> Child {
    let mut child =
        Command::new("unshare").args(["--net", "cat"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let own = std::fs::read_link("/proc/self/ns/net").unwrap();
    let limit = Instant::now() + Duration::from_secs(5);
    while std::fs::read_link(format!("/proc/{}/ns/net", child.id())).is_ok_and(|other| other == own) {
        assert!(Instant::now() < limit && child.try_wait().unwrap().is_none(), "no namespace");
        std::thread::yield_now();
    }
    child
}

fn sh(script: &str) -> Output {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Net {
    fn start() -> Self {
        let (subscriber, internet) = (namespace(), namespace());
        let (s, i) = (subscriber.id(), internet.id());
        sh(&format!(
            "ip link set lo up
             ip link add lan0 type veth peer name eth0 netns {s}
             ip link add wan0 type veth peer name eth0 netns {i}
             sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
             ip addr add 10.20.0.1/24 dev lan0; ip addr add 2001:db8:20::1/64 dev lan0 nodad; ip link set lan0 up
             ip addr add 198.18.0.1/24 dev wan0; ip addr add 2001:db8:18::1/64 dev wan0 nodad; ip link set wan0 up
             nsenter -t {s} -n sh -ec 'ip link set lo up; ip addr add {SUBSCRIBER_4}/24 dev eth0; ip addr add {SUBSCRIBER_6}/64 dev eth0 nodad; ip link set eth0 up
                ip route add default via 10.20.0.1; ip -6 route add default via 2001:db8:20::1'
             nsenter -t {i} -n sh -ec 'ip link set lo up; ip addr add 198.18.0.2/24 dev eth0; ip addr add 2001:db8:18::2/64 dev eth0 nodad; ip link set eth0 up
                ip route add default via 198.18.0.1; ip -6 route add default via 2001:db8:18::1'"
        ));
        // Offloaded super-packets carry one header for many: without them the port's own count is the truth on the wire.
        for end in [
            "ethtool -K lan0".to_owned(),
            "ethtool -K wan0".to_owned(),
            format!("nsenter -t {s} -n ethtool -K eth0"),
            format!("nsenter -t {i} -n ethtool -K eth0"),
        ] {
            sh(&format!("{end} tso off gso off gro off"));
        }
        Self { subscriber, internet, servers: Vec::new(), state: tempfile::tempdir().unwrap() }
    }

    fn kernel(&self) -> Linux {
        let mut next = 0u128;
        let seed = u128::from(std::process::id()) << 64 | Instant::now().elapsed().as_nanos();
        Linux::open(
            self.state.path(),
            8880,
            Box::new(move || {
                next += 1;
                Uuid::from_u128(seed + next)
            }),
        )
        .unwrap()
    }

    fn at(child: &Child, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &child.id().to_string(), "-n"]).args(arguments);
        command
    }

    fn serve(&mut self, port: u16) {
        let port = port.to_string();
        let mut server = Self::at(&self.internet, &["iperf3", "-s", "-1", "-p", &port, "--forceflush"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut seen = String::new();
        let mut stdout = server.stdout.take().unwrap();
        let mut byte = [0u8; 1];
        while !seen.contains("listening") {
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "iperf3 ended: {seen}");
            seen.push(byte[0].into());
        }
        // Keep its pipe open: a server that cannot write ends.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        self.servers.push(server);
    }

    /// Goodput of one TCP flow in bits per second of TCP payload.
    fn goodput(&mut self, port: u16, options: &[&str]) -> f64 {
        self.serve(port);
        let host = if options.contains(&"-6") { "2001:db8:18::2" } else { "198.18.0.2" };
        let port = port.to_string();
        let mut arguments = vec!["iperf3", "-c", host, "-p", &port, "-t", "3", "-O", "1", "-J"];
        arguments.extend(options);
        let output = Self::at(&self.subscriber, &arguments).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or_else(|| panic!("{report}"))
    }

    /// Layer-3 bytes and packets the subscriber's port received and sent.
    fn subscriber_counts(&self) -> [u64; 4] {
        let output = Self::at(&self.subscriber, &["ip", "-j", "-s", "link", "show", "eth0"]).output().unwrap();
        let links: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        [("rx", "bytes"), ("rx", "packets"), ("tx", "bytes"), ("tx", "packets")]
            .map(|(side, what)| links[0]["stats64"][side][what].as_u64().unwrap())
    }
}

fn router(nat: bool) -> Router {
    Router {
        lan_interface: "lan0".into(),
        wan_interface: "wan0".into(),
        nat,
        garden: Some(Garden { isp_name: "Northwind".into(), ..Garden::default() }),
        ..Router::default()
    }
}

fn line(handle: u32, down_mbit: u64, up_mbit: u64, access: Access) -> Line {
    let four: std::net::Ipv4Addr = SUBSCRIBER_4.parse().unwrap();
    let six: std::net::Ipv6Addr = "2001:db8:20::".parse().unwrap();
    Line {
        handle,
        prefixes: vec![
            Prefix { address: four.octets().to_vec(), length: 32 },
            Prefix { address: six.octets().to_vec(), length: 64 },
        ],
        rate_down_bps: down_mbit * 1_000_000,
        rate_up_bps: up_mbit * 1_000_000,
        access: access.into(),
        throttled_down_bps: 1_000_000,
        throttled_up_bps: 1_000_000,
        ..Line::default()
    }
}

fn wanted(nat: bool, line: Line) -> Wanted {
    Wanted { router: Some(router(nat)), lines: BTreeMap::from([(Uuid::from_u128(1), line)]) }
}

async fn apply(kernel: &mut Linux, wanted: &Wanted) -> Outcome {
    let applied = kernel.apply(wanted).await.unwrap();
    assert!(matches!(applied.router, Some(Outcome::Applied(_))), "{:?}", applied.router);
    applied.lines.into_iter().next().unwrap().1
}

async fn counter(kernel: &mut Linux) -> Counter {
    kernel.sweep().await.unwrap().counters.into_iter().next().unwrap()
}

#[track_caller]
fn assert_held(outcome: &Outcome, down_mbit: u64, up_mbit: u64, access: Access) {
    let Outcome::Applied(held) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (held.rate_down_bps, held.rate_up_bps, held.access()),
        (down_mbit * 1_000_000, up_mbit * 1_000_000, access)
    );
}

#[track_caller]
fn assert_within(measured: f64, sold_mbit: f64, overhead: f64) {
    // Sold is layer 3; goodput is what TCP carries inside it.
    let expected = sold_mbit * 1e6 * overhead;
    let error = (measured - expected).abs() / expected;
    assert!(error <= 0.05, "measured {measured:.0}, expected {expected:.0}: {:.1} % off", error * 100.0);
}

#[test]
fn a_line_is_shaped_and_counted_in_both_directions_and_families() {
    in_namespaces("a_line_is_shaped_and_counted_in_both_directions_and_families", async |net| {
        let mut kernel = net.kernel();
        let capabilities = kernel.probe().await.unwrap();
        assert!(
            capabilities.iter().any(|name| name == "htb") && capabilities.iter().any(|name| name == "nft"),
            "{capabilities:?}"
        );
        assert_held(&apply(&mut kernel, &wanted(true, line(7, 40, 10, Access::Open))).await, 40, 10, Access::Open);

        let before = (net.subscriber_counts(), counter(&mut kernel).await);
        assert_within(net.goodput(5001, &["-R"]), 40.0, 1448.0 / 1500.0);
        assert_within(net.goodput(5002, &[]), 10.0, 1448.0 / 1500.0);
        assert_within(net.goodput(5003, &["-6", "-R"]), 40.0, 1428.0 / 1500.0);
        let after = (net.subscriber_counts(), counter(&mut kernel).await);

        let ethernet = |from: usize| after.0[from] - before.0[from];
        let seen_down = ethernet(0) - 14 * ethernet(1);
        let counted_down = after.1.down.bytes - before.1.down.bytes;
        let error = (seen_down as f64 - counted_down as f64).abs() / seen_down as f64;
        // What the router itself says to its neighbour (ARP, ND) is not the line's; nothing else may differ.
        assert!(
            error < 0.0001,
            "the subscriber received {seen_down} bytes of layer 3, the class counted {counted_down}"
        );
        assert_eq!(after.1.generation, before.1.generation);
    });
}

#[test]
fn a_rate_changes_in_place_and_a_restart_finds_everything_again() {
    in_namespaces("a_rate_changes_in_place_and_a_restart_finds_everything_again", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        net.goodput(5001, &["-R"]);
        let first = counter(&mut kernel).await;
        assert!(first.down.bytes > 1_000_000);

        assert_held(&apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Open))).await, 20, 20, Access::Open);
        assert_within(net.goodput(5002, &["-R"]), 20.0, 1448.0 / 1500.0);
        drop(kernel);

        let mut kernel = net.kernel();
        assert_held(&apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Open))).await, 20, 20, Access::Open);
        let again = counter(&mut kernel).await;
        assert_eq!((again.generation, again.base_down), (first.generation, first.base_down));
        assert!(again.down.bytes > first.down.bytes);
        assert_held(
            &apply(&mut kernel, &wanted(false, line(7, 20, 20, Access::Throttled))).await,
            1,
            1,
            Access::Throttled,
        );

        kernel.uninstall().await.unwrap();
        let left =
            String::from_utf8(sh("nft list tables; tc qdisc show dev lan0; tc qdisc show dev wan0").stdout).unwrap();
        assert!(!left.contains("weir") && !left.contains("htb"), "{left}");
        assert!(!Path::new(net.state.path()).join("classes.json").exists());
    });
}

#[test]
fn a_walled_line_is_cut_at_once_and_comes_back_at_once() {
    in_namespaces("a_walled_line_is_cut_at_once_and_comes_back_at_once", async |net| {
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
fn another_shaper_on_the_port_is_left_alone() {
    in_namespaces("another_shaper_on_the_port_is_left_alone", async |net| {
        sh("tc qdisc add dev lan0 root tbf rate 10mbit burst 32k latency 50ms");
        let mut kernel = net.kernel();
        let applied = kernel.apply(&wanted(false, line(7, 50, 50, Access::Open))).await.unwrap();
        for outcome in applied.router.into_iter().chain(applied.lines.into_iter().map(|(_, outcome)| outcome)) {
            let Outcome::Failed { code, detail } = outcome else { panic!("{outcome:?}") };
            assert_eq!(code, "foreign-qdisc", "{detail}");
        }
        assert!(String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap().contains("tbf"));
    });
}

fn only(prefix: &str, line: Line) -> Line {
    let net: ipnet::IpNet = prefix.parse().unwrap();
    let address = match net.network() {
        std::net::IpAddr::V4(four) => four.octets().to_vec(),
        std::net::IpAddr::V6(six) => six.octets().to_vec(),
    };
    Line { prefixes: vec![Prefix { address, length: net.prefix_len().into() }], ..line }
}

fn lines(lines: impl IntoIterator<Item = Line>) -> Wanted {
    let lines = lines.into_iter().map(|line| (Uuid::from_u128(line.handle.into()), line)).collect();
    Wanted { router: Some(router(false)), lines }
}

async fn counter_of(kernel: &mut Linux, handle: u32) -> Counter {
    kernel.sweep().await.unwrap().counters.into_iter().find(|counter| counter.handle == handle).unwrap()
}

#[test]
fn a_flushed_ruleset_is_put_back() {
    in_namespaces("a_flushed_ruleset_is_put_back", async |net| {
        let mut kernel = net.kernel();
        let walled = wanted(false, line(7, 50, 50, Access::WalledGarden));
        assert_held(&apply(&mut kernel, &walled).await, 50, 50, Access::WalledGarden);
        // What a distribution's firewall does on each reload.
        sh("nft flush ruleset");
        apply(&mut kernel, &walled).await;
        assert_held(&apply(&mut kernel, &walled).await, 50, 50, Access::WalledGarden);
    });
}

#[test]
fn losing_one_ports_tree_bills_nothing_twice() {
    in_namespaces("losing_one_ports_tree_bills_nothing_twice", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        net.goodput(5001, &[]);
        let before = counter(&mut kernel).await;
        assert!(before.up.bytes > 1_000_000);
        sh("tc qdisc del dev lan0 root");
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        let after = counter(&mut kernel).await;
        let (old, new) = (before.up.bytes - before.base_up.bytes, after.up.bytes - after.base_up.bytes);
        assert!(
            after.generation == before.generation || new < 100_000,
            "{old} bytes of upload were counted; a new generation counts {new} again"
        );
    });
}

#[test]
fn a_reused_class_of_a_half_lost_tree_bills_nobody_elses_bytes() {
    in_namespaces("a_reused_class_of_a_half_lost_tree_bills_nobody_elses_bytes", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &lines([line(7, 50, 50, Access::Open)])).await;
        net.goodput(5001, &[]);
        kernel.apply(&lines([])).await.unwrap();
        kernel.forget(&[7]).await.unwrap();
        sh("tc qdisc del dev lan0 root");
        apply(&mut kernel, &lines([line(9, 50, 50, Access::Open)])).await;
        let fresh = counter_of(&mut kernel, 9).await;
        let billed = fresh.up.bytes - fresh.base_up.bytes;
        assert!(billed < 100_000, "a new line begins with {billed} bytes of another's upload");
    });
}

#[test]
fn a_line_that_left_does_not_stop_the_meter_when_trees_are_lost() {
    in_namespaces("a_line_that_left_does_not_stop_the_meter_when_trees_are_lost", async |net| {
        let mut kernel = net.kernel();
        let (stays, leaves) =
            (only("10.20.0.2/32", line(7, 50, 50, Access::Open)), only("10.20.0.3/32", line(8, 50, 50, Access::Open)));
        kernel.apply(&lines([stays.clone(), leaves])).await.unwrap();
        kernel.apply(&lines([stays.clone()])).await.unwrap();
        sh("tc qdisc del dev lan0 root; tc qdisc del dev wan0 root");
        kernel.apply(&lines([stays])).await.unwrap();
        kernel.sweep().await.map(drop).expect("the meter reads on");
    });
}

#[test]
fn a_rejected_change_does_not_let_a_held_line_out() {
    in_namespaces("a_rejected_change_does_not_let_a_held_line_out", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Closed))).await;
        let ping = |net: &Net| {
            Net::at(&net.subscriber, &["ping", "-c1", "-W1", "198.18.0.2"])
                .stdout(Stdio::null())
                .status()
                .unwrap()
                .success()
        };
        assert!(!ping(net));
        let outcome = apply(&mut kernel, &wanted(false, line(7, 0, 50, Access::Closed))).await;
        assert!(!ping(net), "a closed line is open after {outcome:?}");
    });
}

#[test]
fn the_queue_follows_the_rate() {
    in_namespaces("the_queue_follows_the_rate", async |net| {
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 1000, 1000, Access::Open))).await;
        apply(&mut kernel, &wanted(false, line(7, 5, 5, Access::Open))).await;
        let text = String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap();
        let leaf = text.lines().find(|line| line.contains("bfifo")).unwrap();
        assert!(leaf.contains("limit 131072b") || leaf.contains("limit 128Kb"), "5 Mbit/s keeps: {leaf}");
    });
}

#[test]
fn a_port_no_longer_named_is_cleaned_after_a_restart() {
    in_namespaces("a_port_no_longer_named_is_cleaned_after_a_restart", async |net| {
        sh("ip link add lan2 type veth peer name lan3; ip link set lan2 up");
        let mut kernel = net.kernel();
        apply(&mut kernel, &wanted(false, line(7, 50, 50, Access::Open))).await;
        drop(kernel);
        let mut kernel = net.kernel();
        let mut moved = wanted(false, line(7, 50, 50, Access::Open));
        moved.router.as_mut().unwrap().lan_interface = "lan2".into();
        apply(&mut kernel, &moved).await;
        let text = String::from_utf8(sh("tc qdisc show dev lan0").stdout).unwrap();
        assert!(!text.contains("htb"), "{text}");
    });
}
