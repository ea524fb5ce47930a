//! A subscriber, this router and the internet, each in its own network namespace.
//!
//! A test runs itself again inside a user and network namespace, so it needs no privileges and leaves nothing behind.

use std::collections::BTreeMap;
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Counter, Outcome, Southbound};
use weir_protocol::desired::{Access, Garden, Line, Prefix, Router};

const INSIDE: &str = "WEIR_KERNEL_TEST_INSIDE";
pub const SUBSCRIBER_4: &str = "10.20.0.2";
pub const SUBSCRIBER_6: &str = "2001:db8:20::2";

/// As whom a program runs inside its namespaces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// Root of a user namespace: needs no privileges, and has none that count for the whole machine.
    Anybody,
    /// Whoever runs it: root may load BPF programs, anybody else is root of a user namespace again.
    Caller,
}

/// Runs this program again inside fresh namespaces; `None` if it is inside already.
pub fn outside(whom: As, arguments: &[&str]) -> Option<ExitStatus> {
    if std::env::var_os(INSIDE).is_some() {
        return None;
    }
    // Whoever ends this program ends what it started.
    let mut unshare = Command::new("setpriv");
    unshare.args(["--pdeathsig", "KILL", "unshare"]);
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    if whom == As::Anybody || !root {
        unshare.args(["--user", "--map-root-user"]);
    }
    unshare.args(["--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--fork"]);
    Some(unshare.arg(std::env::current_exe().unwrap()).args(arguments).env(INSIDE, "1").status().expect("run unshare"))
}

/// Runs the test of this module and name in fresh namespaces.
pub fn in_namespaces(module: &str, name: &str, test: impl AsyncFn(&mut Net)) {
    in_namespaces_as(As::Anybody, module, name, test);
}

/// Runs it there as somebody.
pub fn in_namespaces_as(whom: As, module: &str, name: &str, test: impl AsyncFn(&mut Net)) {
    let name = module.split_once("::").map_or(name.to_owned(), |(_, module)| format!("{module}::{name}"));
    if let Some(status) = outside(whom, &["--exact", &name, "--nocapture"]) {
        assert!(status.success(), "the test failed inside its namespaces");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut net = Net::start();
        test(&mut net).await;
    });
}

/// A running client.
pub struct Flow(Child);

impl Drop for Flow {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A subscriber and the internet on either side of this router.
pub struct Net {
    pub subscriber: Child,
    pub internet: Child,
    servers: Vec<Child>,
    pub state: tempfile::TempDir,
}

impl Drop for Net {
    fn drop(&mut self) {
        for child in self.servers.iter_mut().chain([&mut self.subscriber, &mut self.internet]) {
            let _gone_already = child.kill();
            let _status = child.wait();
        }
    }
}

pub fn namespace() -> Child {
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

pub fn sh(script: &str) -> Output {
    let output = Command::new("sh").args(["-ec", script]).output().unwrap();
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

impl Net {
    pub fn start() -> Self {
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

    pub fn kernel(&self) -> Linux {
        let mut next = 0u128;
        // Another kernel of the same test makes others.
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        let seed = u128::from(std::process::id()) << 64 | now.as_nanos();
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

    pub fn at(child: &Child, arguments: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["-t", &child.id().to_string(), "-n"]).args(arguments);
        command
    }

    pub fn serve(&mut self, port: u16) {
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
    pub fn goodput(&mut self, port: u16, options: &[&str]) -> f64 {
        self.serve(port);
        let output = self.client(port, options).args(["-t", "3", "-O", "1", "-J"]).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["end"]["sum_received"]["bits_per_second"].as_f64().unwrap_or_else(|| panic!("{report}"))
    }

    /// A download that goes on until it is dropped.
    pub fn download(&mut self, port: u16, options: &[&str]) -> Flow {
        self.upload(port, &[options, &["-R"]].concat())
    }

    /// An upload that goes on until it is dropped.
    pub fn upload(&mut self, port: u16, options: &[&str]) -> Flow {
        self.serve(port);
        let mut client = self.client(port, options);
        Flow(client.args(["-t", "60"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    pub fn client(&self, port: u16, options: &[&str]) -> Command {
        let host = if options.contains(&"-6") { "2001:db8:18::2" } else { "198.18.0.2" };
        let mut client = Self::at(&self.subscriber, &["iperf3", "-c", host, "-p", &port.to_string()]);
        client.args(options);
        client
    }

    /// Layer-3 bytes and packets the subscriber's port received and sent.
    pub fn subscriber_counts(&self) -> [u64; 4] {
        let output = Self::at(&self.subscriber, &["ip", "-j", "-s", "link", "show", "eth0"]).output().unwrap();
        let links: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        [("rx", "bytes"), ("rx", "packets"), ("tx", "bytes"), ("tx", "packets")]
            .map(|(side, what)| links[0]["stats64"][side][what].as_u64().unwrap())
    }
}

pub fn router(nat: bool) -> Router {
    Router {
        lan_interface: "lan0".into(),
        wan_interface: "wan0".into(),
        nat,
        garden: Some(Garden { isp_name: "Northwind".into(), ..Garden::default() }),
        ..Router::default()
    }
}

pub fn line(handle: u32, down_mbit: u64, up_mbit: u64, access: Access) -> Line {
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

pub fn wanted(nat: bool, line: Line) -> Wanted {
    Wanted {
        router: Some(router(nat)),
        lines: BTreeMap::from([(Uuid::from_u128(1), Arc::new(line))]),
        ..Wanted::default()
    }
}

pub async fn apply(kernel: &mut Linux, wanted: &Wanted) -> Outcome {
    let applied = kernel.apply(wanted).await.unwrap();
    assert!(matches!(applied.router, Some(Outcome::Applied(_))), "{:?}", applied.router);
    applied.lines.into_iter().next().unwrap().1
}

pub async fn counter(kernel: &mut Linux) -> Counter {
    kernel.sweep().await.unwrap().counters.into_iter().next().unwrap()
}

/// Counters once nothing is in any queue: two readings alike, a queue's longest stay apart.
pub async fn at_rest(kernel: &mut Linux) -> Counter {
    let limit = Instant::now() + Duration::from_secs(10);
    let mut last = counter(kernel).await;
    loop {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let now = counter(kernel).await;
        if now == last {
            return now;
        }
        assert!(Instant::now() < limit, "the line does not come to rest");
        last = now;
    }
}

#[track_caller]
pub fn assert_held(outcome: &Outcome, down_mbit: u64, up_mbit: u64, access: Access) {
    let Outcome::Applied(held) = outcome else { panic!("{outcome:?}") };
    assert_eq!(
        (held.rate_down_bps, held.rate_up_bps, held.access()),
        (down_mbit * 1_000_000, up_mbit * 1_000_000, access)
    );
}

#[track_caller]
pub fn assert_within(measured: f64, sold_mbit: f64, overhead: f64) {
    // Sold is layer 3; goodput is what TCP carries inside it.
    let expected = sold_mbit * 1e6 * overhead;
    let error = (measured - expected).abs() / expected;
    assert!(error <= 0.05, "measured {measured:.0}, expected {expected:.0}: {:.1} % off", error * 100.0);
}

pub fn only(prefix: &str, line: Line) -> Line {
    let net: ipnet::IpNet = prefix.parse().unwrap();
    let address = match net.network() {
        std::net::IpAddr::V4(four) => four.octets().to_vec(),
        std::net::IpAddr::V6(six) => six.octets().to_vec(),
    };
    Line { prefixes: vec![Prefix { address, length: net.prefix_len().into() }], ..line }
}

pub fn lines(lines: impl IntoIterator<Item = Line>) -> Wanted {
    let lines = lines.into_iter().map(|line| (Uuid::from_u128(line.handle.into()), Arc::new(line))).collect();
    Wanted { router: Some(router(false)), lines, ..Wanted::default() }
}

/// A line wanted, to be changed.
pub fn line_mut(wanted: &mut Wanted, id: Uuid) -> &mut Line {
    Arc::make_mut(wanted.lines.get_mut(&id).expect("a line"))
}

pub async fn counter_of(kernel: &mut Linux, handle: u32) -> Counter {
    kernel.sweep().await.unwrap().counters.into_iter().find(|counter| counter.handle == handle).unwrap()
}

/// Counts packets that reach a namespace, by nftables expressions.
pub fn watch(child: &Child, watched: &[(&str, &str)]) {
    let mut ruleset = "table inet seen {\n".to_owned();
    for (name, _) in watched {
        ruleset.push_str(&format!("counter {name} {{ }}\n"));
    }
    ruleset.push_str("chain arriving { type filter hook prerouting priority -300;\n");
    for (name, expression) in watched {
        ruleset.push_str(&format!("{expression} counter name {name}\n"));
    }
    ruleset.push_str("}\n}\n");
    sh(&format!("nsenter -t {} -n nft -f - <<'RULES'\n{ruleset}RULES\n", child.id()));
}

/// Packets counted since [`watch`].
pub fn seen(child: &Child, name: &str) -> u64 {
    let output = Net::at(child, &["nft", "-j", "list", "counter", "inet", "seen", name]).output().unwrap();
    let listing: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    listing["nftables"].as_array().unwrap().iter().find_map(|object| object["counter"]["packets"].as_u64()).unwrap()
}

/// Whether the subscriber reaches the internet.
pub fn online(net: &Net) -> bool {
    let mut ping = Net::at(&net.subscriber, &["ping", "-c1", "-W1", "198.18.0.2"]);
    ping.stdout(Stdio::null()).status().unwrap().success()
}

/// What a program prints.
pub fn text(script: &str) -> String {
    String::from_utf8(sh(script).stdout).unwrap()
}

/// Waits for something that happens soon.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(15);
    while !condition() {
        assert!(Instant::now() < limit, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(20));
    }
}
