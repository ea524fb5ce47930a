//! `cargo xtask test-kernel`: the agent on the kernel Debian ships, booted in an emulator.
//!
//! The kernel of a developer's machine or of CI may lack what routers have. This one is downloaded, never installed, and
//! needs neither KVM nor privileges. Figures go to standard output, each a line of JSON, everything else to standard error.

mod debugger;
mod guest;
mod image;
mod kernel;

use crate::setup::{self, Package};
use crate::steps::Steps;
use crate::workspace::{cargo, has, output, target};
use anyhow::{Context, Result, ensure};
use guest::Guest;
use serde_json::Value;
use std::path::PathBuf;

/// What runs the guest, and what runs in it.
const PACKAGES: &[Package] = &[
    Package { name: "qemu-system-x86", present: || has("qemu-system-x86_64") },
    Package { name: "cpio", present: || has("cpio") },
    Package { name: "kmod", present: || has("kmod") && has("depmod") },
    Package { name: "binutils", present: || has("strip") },
    Package { name: "util-linux", present: || has("unshare") && has("nsenter") && has("setpriv") },
    Package { name: "nftables", present: || has("nft") },
    Package { name: "iproute2", present: || has("ip") && has("tc") },
    Package { name: "procps", present: || has("sysctl") },
    Package { name: "iputils-ping", present: || has("ping") },
    Package { name: "curl", present: || has("curl") },
    Package { name: "iperf3", present: || has("iperf3") },
    Package { name: "ethtool", present: || has("ethtool") },
];

/// Module of the queueing discipline that the second guest does without.
const FAIR_QUEUES: &str = "sch_fq_codel";

/// Programs of ours, as cargo built them.
struct Programs {
    agent: PathBuf,
    checks: PathBuf,
    tests: PathBuf,
}

/// Boots the kernel as it is, without fair queues, and once more for the tests that run on any kernel.
pub fn run() -> Result<()> {
    ensure!(std::env::consts::ARCH == "x86_64", "only Debian's kernel for x86-64 is known here");
    let mut steps = Steps::default();
    let (mut programs, mut kernel) = (None, None);
    let ready = steps.run("setup", || setup::provide(PACKAGES))
        && steps.run("build", || build().map(|built| programs = Some(built)))
        && steps.run("kernel", || kernel::download().map(|found| kernel = Some(found)));
    let (Some(programs), Some(kernel), true) = (programs, kernel, ready) else { return steps.end() };
    for (set, without) in [("stock", None), ("plain", Some(FAIR_QUEUES)), ("tests", None)] {
        steps.run(&format!("{} ({set})", kernel.release), || {
            let initrd = image::make(&kernel, &programs, without, &target().join("stock-kernel").join(set))?;
            Guest { kernel: &kernel, initrd: &initrd, set }.run()
        });
    }
    steps.end()
}

/// Builds the agent and its checks; where they are is what cargo says.
fn build() -> Result<Programs> {
    let wish =
        ["build", "--package", "weir-agent", "--bin", "weir-agent", "--example", "stock-kernel", "--test", "kernel"];
    let said = output(cargo(&wish).arg("--message-format=json-render-diagnostics"))?;
    let artifacts: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let program = |name: &str| {
        let built = artifacts.iter().filter(|artifact| artifact["target"]["name"] == name);
        let path = built.filter_map(|artifact| artifact["executable"].as_str()).next_back();
        path.map(PathBuf::from).with_context(|| format!("cargo built no {name}"))
    };
    Ok(Programs { agent: program("weir-agent")?, checks: program("stock-kernel")?, tests: program("kernel")? })
}
