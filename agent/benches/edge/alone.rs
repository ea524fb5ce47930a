//! The program alone with its disk: what is lost when it is killed again and again, and how soon it acts on what is used.

use std::path::Path;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;
use uuid::Uuid;
use weir_agent::clock::{Clock, System};
use weir_agent::plan::{Wanted, shape};
use weir_agent::store::disk::Folder;
use weir_agent::store::identity;
use weir_agent::usage::spool::{Limits, Spool};
use weir_protocol::desired::{Access, Allowance, FairUse, Line};
use weir_protocol::usage::Record;

use crate::agent::{Running, program, spawn, status};
use crate::disk::{enrolled, hold_all};
use crate::figure::Goal::AtMost;
use crate::figure::{print, quantile};
use crate::net::{Net, line, line_mut, lines, only, sh, text};

const KILLS: u32 = 50;
/// Lines beside the two that are measured.
const OTHERS: u32 = 60;
/// Flows are begun anew after so many kills, for each ends by itself after a minute; kills come at no regular time.
const KILLS_A_FLOW: u32 = 10;
/// Counters are read, records sealed and the open one made safe so often that a kill falls into any of it.
const BUSY: [&str; 6] = ["--sweep-interval-ms", "50", "--usage-interval-ms", "300", "--checkpoint-interval-ms", "120"];
const SOLD_MBIT: u64 = 1_000;
const ALLOWANCE: u64 = 400_000_000;
/// Rate of the line whose queue is looked at.
const QUEUED_MBIT: u64 = 50;
const PINGS: u32 = 60;

pub fn enforcing(net: &mut Net) {
    losing(net);
    using_up(net);
    queueing(net);
}

/// Kills the program while lines move, and finds other lines, rates and rules on its disk each time.
fn losing(net: &mut Net) {
    let state = enrolled_state();
    let mut wanted = lines([
        only("10.20.0.2/32", line(1, 40, 40, Access::Open)),
        only("2001:db8:20::/64", line(2, 40, 40, Access::Open)),
    ]);
    let ends = [Arrivals::watch(&net.subscriber, "daddr"), Arrivals::watch(&net.internet, "saddr")];
    let mut flows = Vec::new();
    let mut agent = None;
    for n in 0..KILLS {
        std::thread::sleep(Duration::from_millis(u64::from(n * 379 % 700)));
        drop(agent.take());
        change(&mut wanted, 2 * n);
        change(&mut wanted, 2 * n + 1);
        hold_all(state.path(), &wanted);
        agent = Some(applied(state.path(), wanted.lines.len() + 1, &BUSY));
        if n % KILLS_A_FLOW == 0 {
            flows.clear();
            let port = 7200 + 4 * (n / KILLS_A_FLOW) as u16;
            flows.push(net.download(port, &["-u", "-b", "60M"]));
            flows.push(net.upload(port + 1, &[]));
            flows.push(net.download(port + 2, &["-6"]));
            flows.push(net.upload(port + 3, &["-6", "-u", "-b", "15M"]));
        }
    }
    drop(flows);
    let arrived = loop {
        let before = [ends[0].bytes(), ends[1].bytes()];
        std::thread::sleep(Duration::from_millis(500));
        if before == [ends[0].bytes(), ends[1].bytes()] {
            break before;
        }
    };
    agent.expect("it runs").finish();
    let metered = sealed(state.path());
    let off = arrived.iter().zip(metered).map(|(there, here)| there.abs_diff(here)).max().unwrap_or_default();
    let note = format!(
        "{KILLS} times kill -9, {} changes of rates, lines and rules; {metered:?} bytes sealed of {arrived:?} that arrived, \
         down and up",
        2 * KILLS
    );
    print("meter_lost_bytes", off as f64, "B", AtMost(0.0), KILLS as usize, &note);
    sh(&format!("{} uninstall --state-dir {}", program(), state.path().display()));
}

/// Changes something: a rate of a line that moves, another line, or the rules.
fn change(wanted: &mut Wanted, n: u32) {
    let mbit = u64::from(30 + n * 7 % 20);
    let other = 3 + n * 13 % OTHERS;
    let id = Uuid::from_u128(other.into());
    match n % 4 {
        0 => line_mut(wanted, Uuid::from_u128(1)).rate_down_bps = mbit * 1_000_000,
        1 => line_mut(wanted, Uuid::from_u128(2)).rate_up_bps = mbit * 1_000_000,
        2 if wanted.lines.remove(&id).is_some() => {}
        2 => {
            let access = [Access::Open, Access::WalledGarden, Access::Closed][(n / 4 % 3) as usize];
            let fresh = only(&format!("10.23.0.{other}/32"), line(1_000 + n, mbit, mbit, access));
            wanted.lines.insert(id, Arc::new(fresh));
        }
        _ => {
            let garden = wanted.router.as_mut().and_then(|router| router.garden.as_mut()).expect("a garden");
            garden.reachable = only(&format!("192.0.2.{n}/32"), Line::default()).prefixes;
        }
    }
}

/// Layer-3 bytes of the lines that arrive in a namespace, counted there packet by packet; what the router itself says, as
/// its echoes, is nobody's usage.
struct Arrivals(u32);

impl Arrivals {
    fn watch(at: &Child, side: &str) -> Self {
        sh(&format!(
            "nsenter -t {} -n nft -f - <<'RULES'
             table inet arrivals {{ counter lines {{ }}
             chain arriving {{ type filter hook prerouting priority -300;
             ip {side} 10.20.0.2 ip saddr != 10.20.0.1 counter name lines
             ip6 {side} 2001:db8:20::2 ip6 saddr != 2001:db8:20::1 counter name lines
             }}
             }}\nRULES\n",
            at.id()
        ));
        Self(at.id())
    }

    fn bytes(&self) -> u64 {
        let listing = text(&format!("nsenter -t {} -n nft -j list counter inet arrivals lines", self.0));
        let listing: serde_json::Value = serde_json::from_str(&listing).expect("JSON");
        let mut objects = listing["nftables"].as_array().into_iter().flatten();
        objects.find_map(|object| object["counter"]["bytes"].as_u64()).expect("a count")
    }
}

/// Bytes toward and from the lines in all records sealed.
fn sealed(state: &Path) -> [u64; 2] {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").expect("a boot");
    let limits = Limits { segment: 1024 * 1024, quota: 64 * 1024 * 1024 };
    let folder = Folder::open(&state.join("usage")).expect("a log");
    let (spool, _) = Spool::open(folder, limits, boot.trim().parse().expect("an id")).expect("a log");
    let mut sum = [0; 2];
    for held in spool.epochs() {
        let epoch = held.epoch.as_slice().try_into().expect("an epoch");
        for seq in held.first_seq..=held.last_seq {
            let record = Record::decode(spool.read(&epoch, seq).expect("a record").as_slice()).expect("a record");
            for line in record.lines().expect("lines").iter().filter(|line| line.handle <= 2) {
                sum = [sum[0] + line.down_bytes, sum[1] + line.up_bytes];
            }
        }
    }
    sum
}

/// A class toward the subscriber at an instant: bytes of both directions, layer 3, and what it is held to.
struct Look {
    at: Instant,
    bytes: u64,
    ceiling: String,
}

impl Look {
    fn take() -> Self {
        let at = Instant::now();
        let of = |port| text(&format!("tc -s class show dev {port} classid 7765:10"));
        let (down, up) = (of("lan0"), of("wan0"));
        let number = |text: &str, before: &str| -> u64 {
            let (_, rest) = text.split_once(before).expect("counts");
            rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
        };
        let layer3 = |text: &str| number(text, "Sent ") - 14 * number(text, " bytes ");
        let (_, rest) = down.split_once(" ceil ").expect("a ceiling");
        let ceiling = rest.split(' ').next().expect("a ceiling").to_owned();
        Self { at, bytes: layer3(&down) + layer3(&up), ceiling }
    }
}

/// How far beyond its allowance a line of a gigabit gets, and how long after it.
fn using_up(net: &mut Net) {
    let (mut beyond, mut late) = (Vec::new(), Vec::new());
    super::meter::merge(net, true);
    for n in 0..3 {
        let state = enrolled_state();
        let now_ms = System::start().now().wall_ms;
        let period = Allowance { end_ms: now_ms + 86_400_000, bytes: ALLOWANCE, ..Allowance::default() };
        let fair_use = FairUse {
            time_zone: "UTC".into(),
            allowances: vec![Allowance { start_ms: now_ms - 1_000, ..period }],
            exhausted_down_bps: 5_000_000,
            exhausted_up_bps: 5_000_000,
            ..FairUse::default()
        };
        let line = Line { fair_use: Some(fair_use.into()), ..line(7, SOLD_MBIT, SOLD_MBIT, Access::Open) };
        hold_all(state.path(), &lines([line]));
        let agent = applied(state.path(), 2, &[]);
        let start = Look::take();
        let flow = net.download(7300 + n, &[]);
        let (mut reached, limit) = (None, start.at + Duration::from_secs(40));
        let mut last = Look { bytes: 0, ..Look::take() };
        let switched = loop {
            let now = Look::take();
            assert!(now.at < limit, "the allowance is not used up in time: {} bytes", now.bytes);
            if reached.is_none() && now.bytes >= ALLOWANCE {
                let share = (ALLOWANCE - last.bytes) as f64 / (now.bytes - last.bytes).max(1) as f64;
                reached = Some(last.at + (now.at - last.at).mul_f64(share));
            }
            if now.ceiling != start.ceiling {
                break now;
            }
            last = now;
        };
        drop(flow);
        beyond.push(switched.bytes as f64 - ALLOWANCE as f64);
        late.push((switched.at - reached.expect("the allowance was used up")).as_secs_f64() * 1e3);
        drop(agent);
        sh(&format!("{} uninstall --state-dir {}", program(), state.path().display()));
    }
    super::meter::merge(net, false);
    let sweep = SOLD_MBIT as f64 * 1e6 / 8.0;
    let note =
        format!("beyond {ALLOWANCE} bytes at {SOLD_MBIT} Mbit/s, at worst; a sweep a second is {sweep:.0} bytes");
    print("overshoot_bytes", quantile(&beyond, 1.0), "B", AtMost(sweep), beyond.len(), &note);
    let note = "from the allowance's last byte to the other rate in the kernel, at worst";
    print("fup_ms", quantile(&late, 1.0), "ms", AtMost(200.0), late.len(), note);
}

/// How long a packet waits beside a download that fills the line, against the queue it was given.
fn queueing(net: &mut Net) {
    let state = enrolled_state();
    hold_all(state.path(), &lines([line(7, QUEUED_MBIT, QUEUED_MBIT, Access::Open)]));
    let agent = applied(state.path(), 2, &[]);
    let flow = net.download(7400, &[]);
    std::thread::sleep(Duration::from_secs(2));
    let count = PINGS.to_string();
    let mut ping = Net::at(&net.subscriber, &["ping", "-n", "-i", "0.1", "-W", "2", "-c", &count, "198.18.0.2"]);
    let said = String::from_utf8(ping.output().expect("pings").stdout).expect("text");
    let times = said.lines().filter_map(|line| line.split_once("time=")?.1.split(' ').next()?.parse().ok());
    let times: Vec<f64> = times.collect();
    drop((flow, agent));
    let rate = shape::htb_bytes_per_second(QUEUED_MBIT * 1_000_000, 14);
    let queue_ms = f64::from(shape::queue_bytes(rate)) / rate as f64 * 1e3;
    let plain = text("tc qdisc show dev lan0").contains("bfifo");
    let (queue, waited) = (if plain { "a plain queue" } else { "fq_codel" }, quantile(&times, 0.95));
    let note =
        format!("{waited:.1} ms, the 95th percentile, beside a full {QUEUED_MBIT} Mbit/s; {queue} of {queue_ms:.0} ms");
    print("latency_vs_queue", waited / queue_ms, "x", AtMost(1.3), times.len(), &note);
    sh(&format!("{} uninstall --state-dir {}", program(), state.path().display()));
}

/// The disk of an enrolled program.
fn enrolled_state() -> tempfile::TempDir {
    let state = tempfile::tempdir().expect("a folder");
    identity::save(&mut Folder::open(state.path()).expect("a folder"), &enrolled()).expect("saved");
    state
}

/// Starts the program, and waits until it has applied so many objects.
fn applied(state: &Path, objects: usize, options: &[&str]) -> Running {
    let began = System::start().now().wall_ms;
    let agent = spawn(state, options);
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let told = &status(state)["agent"];
        let fresh = told["written_at_ms"].as_u64().is_some_and(|at_ms| at_ms >= began);
        if fresh && told["objects"]["applied"].as_u64() == Some(objects as u64) {
            return agent;
        }
        assert!(Instant::now() < limit, "not applied in time: {told}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
