//! Checks for a kernel as a distribution ships it, run as its first program by `cargo xtask test-kernel`.
//!
//! Started with the name of a set, it runs each of its checks as a process in namespaces of its own, and prints what
//! became of it: a line of JSON a check and a figure, the names of all checks before the first, and a last line at the
//! end, so that whoever reads knows what is missing.

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
    check("fair-queues", queues::fair_queues),
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

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stock"] => all(&arguments, STOCK),
        ["plain"] => {
            capabilities::hide_fq_codel();
            all(&arguments, PLAIN);
        }
        [set, name] => {
            let checks = if set == "plain" { PLAIN } else { STOCK };
            let check = checks.iter().find(|check| check.name == name).expect("a check of this name");
            (check.run)(&mut Net::start());
        }
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

fn all(arguments: &[&str], checks: &[Check]) {
    println!("{}", json!({ "checks": checks.iter().map(|check| check.name).collect::<Vec<_>>() }));
    for check in checks {
        let began = Instant::now();
        let mut inside = Command::new("unshare");
        inside.args(["--net", "--mount", "--pid", "--mount-proc", "--kill-child", "--fork"]);
        inside.arg(std::env::current_exe().expect("a name")).args(arguments).arg(check.name);
        let ended = inside.stdout(Stdio::inherit()).output().expect("run unshare");
        let said = String::from_utf8_lossy(&ended.stderr);
        let last = said.char_indices().rev().take(SAID_MAX).last().map_or("", |(at, _)| &said[at..]);
        let why = if ended.status.success() { "" } else { last.trim() };
        let seconds = began.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({ "check": check.name, "passed": ended.status.success(), "seconds": seconds, "why": why })
        );
    }
    println!("{}", json!({ "finished": true }));
}
