//! The usage log itself: what a commit costs the device, and what a large log costs memory.

use std::path::Path;
use std::process::Command;

use uuid::Uuid;
use weir_agent::store::disk::Folder;
use weir_agent::usage::Positions;
use weir_agent::usage::spool::{Epoch, Limits, Spool};

use crate::figure::Goal::AtMost;
use crate::figure::print;

pub mod counted;
mod device;

const LARGE: Limits = Limits { segment: 1024 * 1024, quota: 2048 * 1024 * 1024 };
const LARGE_BYTES: u64 = 1024 * 1024 * 1024;
const EPOCH: Epoch = [7; 8];
/// Asks this program to open a log and tell what that took.
const OPEN: &str = "WEIR_BENCH_OPEN_LOG";

/// Opens the log this process was started for, if it was for one.
pub fn opened() -> bool {
    let Some(folder) = std::env::var_os(OPEN) else { return false };
    let disk = Folder::open(Path::new(&folder)).expect("the log's folder");
    let (log, findings) = Spool::open(disk, LARGE, Uuid::nil()).expect("a log");
    assert_eq!(findings.damaged, 0);
    let held = log.epochs().pop().expect("an epoch");
    let middle = log.read(&EPOCH, held.last_seq / 2).expect("a record in the middle");
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    println!("{} {} {}", peak.trim().trim_end_matches(" kB"), held.last_seq, middle.len());
    true
}

/// Prints what both come to.
pub fn print_all() {
    if nix::unistd::geteuid().is_root() {
        let cost = device::cost();
        let note = format!(
            "on ext4, for a commit of {:.0} B; a checkpoint: {:.0} B; a file that is appended to costs 18,300",
            cost.frame, cost.checkpoint
        );
        print("spool_device_bytes", cost.seal, "B", AtMost(7_050.0), device::COMMITS as usize, &note);
    } else {
        eprintln!("spool_device_bytes: only root can make a loop device");
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    fill(folder.path());
    let own = std::env::current_exe().expect("this program");
    let output = Command::new(own).env(OPEN, folder.path()).output().expect("this program again");
    let told = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = told.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [peak_kb, records, length] = numbers.as_slice() else {
        panic!("{told}{}", String::from_utf8_lossy(&output.stderr))
    };
    let note = format!("peak memory of a process that opens a log of 1 GB: {records} records of {length} B");
    print("spool_open_rss_mb", peak_kb / 1024.0, "MB", AtMost(16.0), 1, &note);
}

fn fill(folder: &Path) {
    let disk = Folder::volatile(folder).expect("a folder");
    let (mut log, _) = Spool::open(disk, LARGE, Uuid::nil()).expect("a log");
    log.open_epoch(EPOCH, &Positions::new()).expect("an epoch");
    while log.fill_permille() * LARGE.quota < LARGE_BYTES * 1000 {
        let (record, positions) = device::record(log.tail().next_seq);
        let prepared = log.prepare(record, positions);
        log.seal(prepared).expect("sealed");
    }
}
