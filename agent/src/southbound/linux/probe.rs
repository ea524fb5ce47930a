//! What the kernel can do, found by doing it in a network namespace that ends with its thread.

use std::io;

use nix::sched::{CloneFlags, unshare};

use super::nft;
use super::tc::{Leaf, Tc};
use crate::southbound::Error;

/// Names of what works: `htb`, `fq_codel`, `bfifo`, `nft`.
pub fn probe() -> Result<Vec<String>, Error> {
    let prober = std::thread::Builder::new().name("probe".into()).spawn(probe_here)?;
    prober.join().map_err(|_| Error::Io(io::Error::other("the probe's thread panicked")))?
}

fn probe_here() -> Result<Vec<String>, Error> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(io::Error::from)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let tc = Tc::open()?;
        let mut found = Vec::new();
        let Some(loopback) = tc.link("lo").await? else { return Ok(found) };
        for (name, leaf) in [("fq_codel", Leaf::FqCodel), ("bfifo", Leaf::Bfifo)] {
            if tc.can(loopback, leaf).await {
                found.push(name.to_owned());
            }
            tc.uproot(loopback).await?;
        }
        if !found.is_empty() {
            found.push("htb".into());
        }
        if nft::remove().is_ok() {
            found.push("nft".into());
        }
        Ok(found)
    })
}
