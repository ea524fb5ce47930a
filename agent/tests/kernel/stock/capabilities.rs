//! What the agent finds out about the kernel.

use std::time::Duration;

use serde_json::{Value, json};

use crate::net::{Net, sh, until};
use crate::program::found;

fn names(found: &Value) -> Vec<&str> {
    found["capabilities"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

pub fn everything_is_found(_: &mut Net) {
    let (found, content) = found();
    let names = names(&found);
    assert!(content && found["missing"] == json!([]), "{found}");
    for wanted in ["htb", "fq_codel", "bfifo", "nft"] {
        assert!(names.contains(&wanted), "no {wanted}: {found}");
    }
}

pub fn fq_codel_is_missing(_: &mut Net) {
    let (found, content) = found();
    let names = names(&found);
    assert!(content && found["missing"] == json!([]), "nothing it cannot do without is missing: {found}");
    assert!(!names.contains(&"fq_codel"), "{found}");
    for wanted in ["htb", "bfifo", "nft"] {
        assert!(names.contains(&wanted), "no {wanted}: {found}");
    }
}

/// A module is not in the image; one that is part of the kernel is taken out of its sight by whoever runs the machine.
pub fn hide_fq_codel() {
    let symbols = std::fs::read_to_string("/proc/kallsyms").expect("the kernel's symbols");
    if let Some(symbol) = symbols.lines().find(|line| line.ends_with(" fq_codel_qdisc_ops")) {
        println!("{}", json!({ "hide": symbol.split(' ').next() }));
    }
    sh("ip link set lo up");
    until("fq_codel is hidden", || {
        std::thread::sleep(Duration::from_millis(100));
        let tried =
            std::process::Command::new("tc").args(["qdisc", "replace", "dev", "lo", "root", "fq_codel"]).output();
        !tried.expect("run tc").status.success()
    });
    sh("tc qdisc del dev lo root 2>/dev/null || true");
}
