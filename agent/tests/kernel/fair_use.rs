//! Fair use by real packets, on a router that never reaches its cloud, at whatever time its clock shows.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use uuid::Uuid;
use weir_agent::clock::{Clock, Now, System};
use weir_agent::config::{Adapter, Config};
use weir_agent::run::Agent;
use weir_agent::southbound::linux::Linux;
use weir_protocol::desired::{Access, Allowance, Boost, FairUse, Line, Step, TopUp, Window};

use crate::disk::{enrolled, hold};
use crate::net::{Net, SUBSCRIBER_4, assert_within, in_namespaces, line, text, until};

const SECOND_MS: u64 = 1_000;
const HOUR_MS: u64 = 3_600 * SECOND_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
const SOLD_MBIT: u64 = 20;
const THROTTLED_MBIT: u64 = 2;
const ALLOWANCE: u64 = 6_000_000;
/// One sweep at the full rate, and what the change of the rate takes on a machine that does other things, too.
const OVERSHOOT_MAX: u64 = SOLD_MBIT * 1_000_000 / 8 * 3 / 2;

/// A clock that shows what the test says, and goes on from there.
#[derive(Clone)]
struct Shown {
    system: Arc<System>,
    began_ms: u64,
    shows_ms: Arc<AtomicU64>,
}

impl Shown {
    fn at(wall_ms: u64) -> Self {
        let system = System::start();
        let began_ms = system.now().mono_ms;
        Self { system: Arc::new(system), began_ms, shows_ms: Arc::new(AtomicU64::new(wall_ms)) }
    }

    /// Moves it on.
    fn pass(&self, ms: u64) {
        self.shows_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for Shown {
    fn now(&self) -> Now {
        let mono_ms = self.system.now().mono_ms;
        Now { wall_ms: self.shows_ms.load(Ordering::SeqCst) + mono_ms - self.began_ms, mono_ms }
    }

    fn boot(&self) -> Uuid {
        self.system.boot()
    }
}

/// An agent on a thread of its own: what measures it may block.
struct Running {
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start(net: &Net, clock: &Shown) -> Self {
        let (state, clock): (PathBuf, _) = (net.state.path().into(), clock.clone());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let config =
                    Config { run_dir: state.join("run"), southbound: Adapter::Linux, ..Config::new(state.clone()) };
                let mut next = u128::from(std::process::id()) << 64 | Instant::now().elapsed().as_nanos();
                let fresh = move || {
                    next += 1;
                    Uuid::from_u128(next)
                };
                let kernel = Linux::open(&state, 8880, Box::new(fresh)).unwrap();
                let agent = Agent::open(config, enrolled(), kernel, clock).unwrap();
                agent.run(async { drop(stopped.await) }).await.unwrap();
            });
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _failed_already = thread.join();
        }
    }
}

fn fair(fair_use: FairUse) -> Line {
    Line { fair_use: Some(fair_use.into()), ..line(7, SOLD_MBIT, SOLD_MBIT, Access::Open) }
}

/// Whether the line's class toward the subscriber has this ceiling; a link header is paid on top of what is sold.
fn is_at(mbit: u64) -> bool {
    let classes = text("tc class show dev lan0 2>/dev/null || true");
    let Some(class) = classes.lines().find(|class| class.contains(" 7765:10 ")) else { return false };
    let ceiling = class.split_once(" ceil ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
    let digits = ceiling.trim_end_matches(char::is_alphabetic);
    let unit = match &ceiling[digits.len()..] {
        "bit" => 1,
        "Kbit" => 1_000,
        "Mbit" => 1_000_000,
        other => panic!("{other} is a unit nobody knows"),
    };
    let (ceiling, expected) = (digits.parse::<u64>().unwrap() * unit, mbit * 1_000_000 * 1514 / 1500);
    ceiling.abs_diff(expected) <= expected / 500
}

fn received(net: &Net) -> u64 {
    let [rx_bytes, rx_packets, tx_bytes, tx_packets] = net.subscriber_counts();
    rx_bytes + tx_bytes - 14 * (rx_packets + tx_packets)
}

fn received_down(net: &Net) -> u64 {
    let [rx_bytes, rx_packets, ..] = net.subscriber_counts();
    rx_bytes - 14 * rx_packets
}

/// Bits a second of layer 3 the subscriber receives until it has so many bytes more.
fn pace(net: &Net, bytes: u64) -> f64 {
    let (began, before) = (Instant::now(), received_down(net));
    until("traffic", || received_down(net) - before >= bytes);
    (received_down(net) - before) as f64 * 8.0 / began.elapsed().as_secs_f64()
}

/// Asserts the rate of a download once it flows, in layer 3 as it is sold.
fn assert_rate(net: &mut Net, port: u16, mbit: u64) {
    let second = mbit * 1_000_000 / 8;
    let flow = net.download(port, &[]);
    pace(net, second);
    let measured = pace(net, 3 * second);
    drop(flow);
    assert_within(measured, mbit as f64, 1.0);
}

#[test]
fn a_line_is_throttled_when_its_allowance_is_used_up_and_open_again_in_its_next_period() {
    let name = "a_line_is_throttled_when_its_allowance_is_used_up_and_open_again_in_its_next_period";
    in_namespaces(module_path!(), name, async |net| {
        let start_ms = 20_000 * DAY_MS;
        let period = |n: u64| Allowance {
            start_ms: start_ms + n * 30 * DAY_MS,
            end_ms: start_ms + (n + 1) * 30 * DAY_MS,
            bytes: ALLOWANCE,
            ..Allowance::default()
        };
        let throttled = THROTTLED_MBIT * 1_000_000;
        hold(
            net.state.path(),
            fair(FairUse {
                time_zone: "Europe/Madrid".into(),
                allowances: vec![period(0), period(1)],
                exhausted_down_bps: throttled,
                exhausted_up_bps: throttled,
                ..FairUse::default()
            }),
        );
        let clock = Shown::at(start_ms + 10 * DAY_MS);
        let mut agent = Running::start(net, &clock);
        until("the sold rate", || is_at(SOLD_MBIT));
        let before = received(net);
        let flow = net.download(5001, &[]);
        until("the throttle", || is_at(THROTTLED_MBIT));
        let moved = received(net) - before;
        drop(flow);
        assert!(moved >= ALLOWANCE && moved - ALLOWANCE <= OVERSHOOT_MAX, "throttled after {moved} bytes");
        println!("throttled {} bytes beyond {ALLOWANCE}", moved - ALLOWANCE);
        assert_rate(net, 5002, THROTTLED_MBIT);

        // Three days without a cloud, and another process.
        agent.stop();
        clock.pass(3 * DAY_MS);
        let mut agent = Running::start(net, &clock);
        assert_rate(net, 5003, THROTTLED_MBIT);
        assert!(is_at(THROTTLED_MBIT), "a restart forgets nothing");

        clock.pass(18 * DAY_MS);
        until("the next period", || is_at(SOLD_MBIT));
        let flow = net.download(5004, &[]);
        until("the next throttle", || is_at(THROTTLED_MBIT));
        drop(flow);
        agent.stop();
    });
}

#[test]
fn a_line_has_the_rates_of_the_hour() {
    in_namespaces(module_path!(), "a_line_has_the_rates_of_the_hour", async |net| {
        const NIGHT_MBIT: u64 = 5;
        let night = Window {
            weekdays: 0b111_1111,
            from_minute: 22 * 60,
            to_minute: 6 * 60,
            rate_down_bps: NIGHT_MBIT * 1_000_000,
            ..Window::default()
        };
        let windows = vec![night];
        hold(net.state.path(), fair(FairUse { time_zone: "UTC".into(), windows, ..FairUse::default() }));
        // Two seconds before ten, by a clock nobody moves on.
        let clock = Shown::at(20_000 * DAY_MS + 22 * HOUR_MS - 2 * SECOND_MS);
        let mut agent = Running::start(net, &clock);
        until("the rate of the day", || is_at(SOLD_MBIT));
        until("the rate of the night", || is_at(NIGHT_MBIT));
        assert_rate(net, 5001, NIGHT_MBIT);
        clock.pass(8 * HOUR_MS);
        until("the rate of the day again", || is_at(SOLD_MBIT));
        assert_rate(net, 5002, SOLD_MBIT);
        agent.stop();
    });
}

/// Whether the line is in the walled garden.
fn is_walled() -> bool {
    text("nft list set inet weir g4_32 2>/dev/null || true").contains(SUBSCRIBER_4)
}

#[test]
fn a_line_goes_down_its_steps_into_the_garden_and_a_top_up_lifts_it_out() {
    let name = "a_line_goes_down_its_steps_into_the_garden_and_a_top_up_lifts_it_out";
    in_namespaces(module_path!(), name, async |net| {
        const STEPS_MBIT: [u64; 2] = [8, 3];
        const MORE: [u64; 2] = [3_000_000, 5_000_000];
        let start_ms = 20_000 * DAY_MS;
        let step = |over_bytes, mbit: u64| Step {
            over_bytes,
            rate_down_bps: mbit * 1_000_000,
            rate_up_bps: mbit * 1_000_000,
            garden: false,
        };
        let cap = Step { over_bytes: MORE[1], garden: true, ..Step::default() };
        let steps = vec![step(0, STEPS_MBIT[0]), step(MORE[0], STEPS_MBIT[1]), cap];
        let bought = |bytes| {
            let top_up = TopUp { bytes, until_ms: start_ms + 30 * DAY_MS };
            let allowance = Allowance {
                start_ms,
                end_ms: start_ms + 30 * DAY_MS,
                bytes: ALLOWANCE,
                top_ups: vec![top_up],
                ..Allowance::default()
            };
            let (allowances, steps) = (vec![allowance], steps.clone());
            fair(FairUse { time_zone: "UTC".into(), allowances, steps, ..FairUse::default() })
        };
        hold(net.state.path(), bought(0));
        let clock = Shown::at(start_ms + 10 * DAY_MS);
        let mut agent = Running::start(net, &clock);
        until("the sold rate", || is_at(SOLD_MBIT));
        let before = received(net);
        let flow = net.download(5001, &[]);
        for (mbit, over) in [(STEPS_MBIT[0], 0), (STEPS_MBIT[1], MORE[0])] {
            until("a step", || is_at(mbit));
            let (moved, due) = (received(net) - before, ALLOWANCE + over);
            assert!(moved >= due && moved - due <= OVERSHOOT_MAX, "{mbit} Mbit/s after {moved} bytes");
            assert!(!is_walled());
        }
        until("the garden", is_walled);
        let (moved, due) = (received(net) - before, ALLOWANCE + MORE[1]);
        assert!(moved >= due && moved - due <= OVERSHOOT_MAX, "in the garden after {moved} bytes");
        drop(flow);

        agent.stop();
        let mut agent = Running::start(net, &clock);
        until("the garden after a restart", is_walled);
        agent.stop();

        std::fs::remove_dir_all(net.state.path().join("desired")).unwrap();
        hold(net.state.path(), bought(100_000_000));
        let mut agent = Running::start(net, &clock);
        until("the sold rate once more was bought", || is_at(SOLD_MBIT) && !is_walled());
        agent.stop();
    });
}

#[test]
fn a_boost_begins_and_ends_by_the_clock() {
    in_namespaces(module_path!(), "a_boost_begins_and_ends_by_the_clock", async |net| {
        const BOOST_MBIT: u64 = 40;
        let from_ms = 20_000 * DAY_MS;
        let rate_down_bps = BOOST_MBIT * 1_000_000;
        let boosts = vec![Boost { from_ms, until_ms: from_ms + 2 * HOUR_MS, rate_down_bps, rate_up_bps: 0 }];
        hold(net.state.path(), fair(FairUse { time_zone: "UTC".into(), boosts, ..FairUse::default() }));
        // Two seconds before it, by a clock nobody moves on.
        let clock = Shown::at(from_ms - 2 * SECOND_MS);
        let mut agent = Running::start(net, &clock);
        until("the sold rate", || is_at(SOLD_MBIT));
        until("the boost", || is_at(BOOST_MBIT));
        assert_rate(net, 5001, BOOST_MBIT);
        clock.pass(2 * HOUR_MS);
        until("the sold rate again", || is_at(SOLD_MBIT));
        agent.stop();
    });
}
