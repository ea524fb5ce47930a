//! What we and whoever started us agree on: the listener it opened, when we are ready, as whom we run.

use std::os::fd::{FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use anyhow::Context;
use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};
use tokio::net::TcpListener;

use crate::config::Config;

/// The listener a supervisor opened for us (`LISTEN_FDS`), or our own.
pub(super) async fn http_listener(config: &Config) -> anyhow::Result<TcpListener> {
    let inherited = std::env::var("LISTEN_FDS").is_ok_and(|count| count == "1")
        && std::env::var("LISTEN_PID").map_or(true, |pid| pid == std::process::id().to_string());
    if !inherited {
        return TcpListener::bind(config.http).await.with_context(|| format!("listen on {}", config.http));
    }
    #[expect(unsafe_code, reason = "a file descriptor passed by number is the socket activation protocol")]
    // SAFETY: by that protocol descriptor 3 is ours and nobody else's.
    let fd = unsafe { OwnedFd::from_raw_fd(3) };
    let listener = std::net::TcpListener::from(fd);
    listener.set_nonblocking(true).context("use the inherited listener")?;
    Ok(TcpListener::from_std(listener)?)
}

/// Tells the service manager that we serve, if it wants to hear it (`NOTIFY_SOCKET`).
pub(super) fn tell_ready() -> anyhow::Result<()> {
    let Ok(path) = std::env::var("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let told = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address));
    told.map(drop).with_context(|| format!("tell {path} that we are ready"))
}

/// As root, becomes the owner of the data folder: what a command makes there must be readable to the service.
/// Call it first, while the process has one thread. A folder of root, or one that is not there, changes nothing.
pub fn become_owner_of(data_dir: &Path) -> anyhow::Result<()> {
    let Ok(found) = std::fs::metadata(data_dir) else { return Ok(()) };
    if geteuid().is_root() && found.uid() != 0 {
        let become_it = || {
            setgroups(&[])?;
            setgid(Gid::from_raw(found.gid()))?;
            setuid(Uid::from_raw(found.uid()))
        };
        become_it().with_context(|| format!("become the owner of {}", data_dir.display()))?;
    }
    Ok(())
}
