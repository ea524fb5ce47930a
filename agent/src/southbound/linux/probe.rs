//! What the kernel can do, found by doing it in a network namespace that ends with its thread.

use std::io;

use nix::sched::{CloneFlags, unshare};

use super::nft;
use super::tc::{Leaf, Tc};
use super::tree::{Dealing, Layout};
use crate::southbound::Error;

/// What this process may do, by its effective capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Privileges {
    /// CAP_NET_ADMIN: without it nothing can be enforced.
    pub net_admin: bool,
    /// CAP_SYS_ADMIN: without it the kernel's abilities cannot be tried out, and plain queues are used.
    pub sys_admin: bool,
}

/// Reads them.
pub fn privileges() -> Result<Privileges, Error> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|text| u64::from_str_radix(text.trim(), 16).ok()).unwrap_or(0);
    let has = |number: u32| bits >> number & 1 == 1;
    Ok(Privileges { net_admin: has(12), sys_admin: has(21) })
}

/// What was found, and what the agent cannot do without, in words.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Check {
    /// Release of the running kernel.
    pub kernel: String,
    /// What this process may do.
    pub privileges: Privileges,
    /// Names of what works.
    pub capabilities: Vec<String>,
    /// What must be there and is not; empty: the agent can run.
    pub missing: Vec<String>,
}

/// Tries everything the agent needs, without touching anything that is there.
pub fn check() -> Result<Check, Error> {
    let privileges = privileges()?;
    let mut missing = Vec::new();
    if !privileges.net_admin {
        missing.push("the capability CAP_NET_ADMIN (run as root)".to_owned());
    }
    if !privileges.sys_admin {
        missing.push("the capability CAP_SYS_ADMIN, to try out the kernel in a namespace of its own".to_owned());
    }
    let tried = missing.is_empty();
    let capabilities = if tried { probe()? } else { Vec::new() };
    let has = |name: &str| capabilities.iter().any(|capability| capability == name);
    if tried && !has("htb") {
        missing.push("the queueing discipline HTB (kernel module sch_htb)".to_owned());
    }
    if tried && !has("nft") {
        missing.push("the program nft and kernel module nf_tables (package nftables)".to_owned());
    }
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
    Ok(Check { kernel, privileges, capabilities, missing })
}

/// Names of what works: `htb`, `fq_codel`, `bfifo`, `shards` (trees in parts, by BPF), `nft`.
pub fn probe() -> Result<Vec<String>, Error> {
    let prober = std::thread::Builder::new().name("probe".into()).spawn(probe_here)?;
    prober.join().map_err(|_| Error::Io(io::Error::other("the probe's thread panicked")))?
}

fn probe_here() -> Result<Vec<String>, Error> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut tc = Tc::open()?;
        let mut found = Vec::new();
        let Some(loopback) = tc.link("lo").await? else { return Ok(found) };
        for (name, leaf) in [("fq_codel", Leaf::FqCodel), ("bfifo", Leaf::Bfifo)] {
            if tc.can(loopback, Layout::Flat, leaf).await {
                found.push(name.to_owned());
            }
            tc.uproot(loopback).await?;
        }
        if !found.is_empty() {
            found.push("htb".into());
            if tc.can(loopback, Layout::Sharded(Dealing::Folded), Leaf::Bfifo).await {
                found.push("shards".into());
            }
            tc.uproot(loopback).await?;
        }
        if nft::remove().is_ok() {
            found.push("nft".into());
        }
        Ok(found)
    })
}
