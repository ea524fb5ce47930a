//! Nodes: network namespaces held by descriptors only; nothing is named on disk, so nothing can stay behind.

use anyhow::{Context, Result, anyhow, bail};
use nix::sched::{CloneFlags, setns, unshare};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;

/// The lab's nodes by name.
#[derive(Default)]
pub struct Nodes(BTreeMap<String, Arc<OwnedFd>>);

impl Nodes {
    /// Makes a node; a name can be used once.
    pub fn add(&mut self, name: String) -> Result<()> {
        if self.0.contains_key(&name) {
            bail!("node {name} exists");
        }
        let made = std::thread::spawn(|| -> Result<OwnedFd> {
            unshare(CloneFlags::CLONE_NEWNET).context("a new network namespace")?;
            Ok(File::open("/proc/thread-self/ns/net")?.into())
        });
        let net = made.join().map_err(|_| anyhow!("the thread that makes a node panicked"))??;
        self.0.insert(name, Arc::new(net));
        Ok(())
    }

    /// The namespace of a node.
    pub fn get(&self, name: &str) -> Result<&OwnedFd> {
        self.0.get(name).map(AsRef::as_ref).ok_or_else(|| anyhow!("there is no node {name}"))
    }

    /// The namespace of a node, to take into a thread.
    pub fn share(&self, name: &str) -> Result<Arc<OwnedFd>> {
        self.0.get(name).cloned().ok_or_else(|| anyhow!("there is no node {name}"))
    }
}

/// Moves the calling thread, and only it, into a node for the rest of its life.
pub fn enter(net: &impl AsFd) -> Result<()> {
    setns(net, CloneFlags::CLONE_NEWNET).context("entering a node")
}

/// Does something in a node, in a thread of its own.
pub fn within<T: Send>(net: &(impl AsFd + Sync), work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let done = scope.spawn(|| {
            enter(net)?;
            work()
        });
        done.join().map_err(|_| anyhow!("work in a node panicked"))?
    })
}

/// The path by which a child that inherits the descriptor finds this namespace.
pub fn path_of(net: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", net.as_raw_fd())
}
