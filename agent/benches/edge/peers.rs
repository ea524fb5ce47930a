//! What others shell out to: the usual programs, for the same lines.

use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use crate::many::address;
use crate::net::sh;

/// Lines that stand for all when each command is a process.
const SAMPLE: u32 = 100;

/// Commands for `tc` that make the roots and so many lines' classes and queues on both ports.
fn tc_lines(count: u32) -> Vec<String> {
    let mut commands = Vec::new();
    for n in 0..count {
        let minor = 0x10 + n;
        for port in ["lan0", "wan0"] {
            commands.push(format!(
                "class add dev {port} parent 7765:1 classid 7765:{minor:x} htb rate 8kbit ceil 50mbit quantum 6000"
            ));
            commands.push(format!("qdisc add dev {port} parent 7765:{minor:x} handle {minor:x}: bfifo limit 312500"));
        }
    }
    commands
}

fn roots() {
    for port in ["lan0", "wan0"] {
        sh(&format!(
            "tc qdisc add dev {port} root handle 7765: htb default ffff
             tc class add dev {port} parent 7765: classid 7765:1 htb rate 90gbit"
        ));
    }
}

fn ruleset(elements: &str) -> String {
    format!(
        "table inet theirs {{\nmap lines {{ type ipv4_addr : classid; {elements} }}\n\
         chain forward {{ type filter hook forward priority 0;\nmeta priority set ip daddr map @lines\n}}\n}}\n"
    )
}

fn clear() {
    sh("tc qdisc del dev lan0 root; tc qdisc del dev wan0 root; nft delete table inet theirs");
}

/// Classes, queues and a map by `tc -batch` and `nft -f`. Answers the seconds it took.
pub fn batch(count: u32) -> f64 {
    let elements: Vec<String> = (0..count).map(|n| format!("{} : 7765:{:x}", address(n), 0x10 + n)).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let (tc_file, nft_file) = (folder.path().join("tc"), folder.path().join("nft"));
    let mut tc = tc_lines(count).join("\n");
    writeln!(tc).expect("written");
    std::fs::write(&tc_file, tc).expect("written");
    std::fs::write(&nft_file, ruleset(&format!("elements = {{ {} }}", elements.join(", ")))).expect("written");
    let began = Instant::now();
    roots();
    sh(&format!("tc -batch {}; nft -f {}", tc_file.display(), nft_file.display()));
    let took = began.elapsed().as_secs_f64();
    clear();
    took
}

/// The same by a process a command: the seconds it would take, from a sample and without what grows with the number.
pub fn processes(count: u32) -> f64 {
    roots();
    let folder = tempfile::tempdir().expect("a folder");
    let nft_file = folder.path().join("nft");
    std::fs::write(&nft_file, ruleset("")).expect("written");
    sh(&format!("nft -f {}", Path::new(&nft_file).display()));
    let began = Instant::now();
    for command in tc_lines(SAMPLE) {
        sh(&format!("exec tc {command}"));
    }
    for n in 0..SAMPLE {
        sh(&format!("exec nft add element inet theirs lines '{{ {} : 7765:{:x} }}'", address(n), 0x10 + n));
    }
    let took = began.elapsed().as_secs_f64();
    clear();
    took * f64::from(count) / f64::from(SAMPLE)
}
