//! Checks for a kernel as a distribution ships it, run as its first program by `cargo xtask test-kernel`.
//!
//! Started with the name of a set, it runs each of its checks as a process in namespaces of its own, and prints what
//! became of it: a line of JSON a check and a figure, the names of all checks before the first, and a last line at the
//! end, so that whoever reads knows what is missing. The tests that run on any kernel are a set, too.

mod capabilities;
#[path = "../disk.rs"]
mod disk;
#[path = "../../../benches/figure/mod.rs"]
mod figure;
#[expect(dead_code, reason = "the tests use all of it")]
#[path = "../net.rs"]
mod net;
mod program;
mod queues;
mod refusals;

use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use net::Net;
use serde_json::json;

/// How much of what a failed check said is told.
const SAID_MAX: usize = 2_000;

/// Something that must hold on this kernel; it panics where it does not.
struct Check {
    name: &'static str,
    run: fn(&mut Net),
}

const fn check(name: &'static str, run: fn(&mut Net)) -> Check {
    Check { name, run }
}

/// On the kernel as it is.
const STOCK: &[Check] = &[
    check("everything-is-found", capabilities::everything_is_found),
    check("fair-queues-for-every-line", queues::fair_queues_for_every_line),
    check("rates-change-under-fair-queues", queues::rates_change_under_fair_queues),
    check("fair-queues", queues::fair_queues),
    check("counted", queues::counted),
    check("foreign-flowtable", refusals::foreign_flowtable),
    check("foreign-qdisc", refusals::foreign_qdisc),
    check("served-once-it-is-gone", refusals::served_once_it_is_gone),
    check("uninstall", program::uninstalling_leaves_what_was_there),
];

/// On the same kernel without fq_codel.
const PLAIN: &[Check] = &[
    check("fq-codel-is-missing", capabilities::fq_codel_is_missing),
    check("plain-queues", queues::plain_queues),
    check("uninstall", program::uninstalling_leaves_what_was_there),
];

/// The program of the tests that run on any kernel.
const TESTS: &str = "kernel-tests";

/// Those of them that measure rates which an emulator may not reach; rates are measured by checks of ours.
const TOO_FAST: &[&str] = &[
    "fair_use::a_boost_begins_and_ends_by_the_clock",
    "fair_use::a_line_has_the_rates_of_the_hour",
    "fair_use::a_line_is_throttled_when_its_allowance_is_used_up_and_open_again_in_its_next_period",
    "nodes::a_commitment_holds_on_a_full_port",
    "nodes::a_site_limits_its_access_points_and_changes_in_place",
    "nodes::in_a_tree_of_parts_a_node_and_its_lines_are_in_one",
    "nodes::lines_behind_one_access_point_share_its_peak",
    "shaping::a_line_is_shaped_and_counted_in_both_directions_and_families",
    "shaping::a_rate_changes_in_place_and_a_restart_finds_everything_again",
    "sharing::a_full_port_is_shared_and_never_oversold",
    "shards::thousands_of_lines_have_their_rates_in_parts",
    "untracked::open_lines_are_shaped_untracked_and_held_ones_still_led_to_the_page",
];

/// Those that need servers the emulated machine does not have; they depend on no kernel.
const SERVERS: &[&str] = &["leases::", "names::"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stock"] => all(names(STOCK), |name| inside("stock", name)),
        ["plain"] => {
            capabilities::hide_fq_codel();
            all(names(PLAIN), |name| inside("plain", name));
        }
        ["tests"] => all(tests(), |name| {
            let mut test = Command::new(TESTS);
            test.args(["--exact", name]);
            test
        }),
        [set, name] => {
            let checks = if set == "plain" { PLAIN } else { STOCK };
            let check = checks.iter().find(|check| check.name == name).expect("a check of this name");
            (check.run)(&mut Net::start());
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn names(checks: &[Check]) -> Vec<String> {
    checks.iter().map(|check| check.name.to_owned()).collect()
}

fn tests() -> Vec<String> {
    let listed = Command::new(TESTS).args(["--list", "--format", "terse"]).output().expect("run the tests");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let tests = listed.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned);
    let (servers, tests): (Vec<_>, Vec<_>) =
        tests.partition(|name| SERVERS.iter().any(|server| name.starts_with(server)));
    let (left_out, tests): (Vec<_>, Vec<_>) = tests.into_iter().partition(|name| TOO_FAST.contains(&name.as_str()));
    assert_eq!(left_out.len(), TOO_FAST.len(), "one that is left out is not there: {listed}");
    assert!(!tests.is_empty(), "no tests: {listed}");
    println!("not run, for they need servers of names, DHCP and PPP: {}", servers.join(", "));
    println!("not run, for they measure rates an emulator may not reach: {}", left_out.join(", "));
    tests
}

/// This program again, for one check, in namespaces of its own.
fn inside(set: &str, name: &str) -> Command {
    let mut inside = Command::new("unshare");
    inside.args(["--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--fork"]);
    inside.arg(std::env::current_exe().expect("a name")).args([set, name]).stdout(Stdio::inherit());
    inside
}

fn all(names: Vec<String>, program: impl Fn(&str) -> Command) {
    println!("{}", json!({ "checks": names }));
    for name in names {
        let began = Instant::now();
        let ended = program(&name).output().expect("run the check");
        let passed = ended.status.success();
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.char_indices().rev().take(SAID_MAX).last().map_or("", |(at, _)| &said[at..]);
        let (seconds, why) = (began.elapsed().as_secs_f64(), if passed { "" } else { last.trim() });
        println!("{}", json!({ "check": name, "passed": passed, "seconds": seconds, "why": why }));
    }
    println!("{}", json!({ "finished": true }));
}
