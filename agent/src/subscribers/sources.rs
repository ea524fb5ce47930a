//! Where news of leases comes from: the servers' files, the socket of the hooks, and what they left while nobody listened.
//!
//! Anybody may write to the socket, and the kernel says who did: root, this agent, and the owners of the lease files are
//! believed, for they could say the same there.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt::PassCred};
use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::time::{Instant, sleep_until};

use super::hook::{SOCKET, SPOOL};
use super::lease::{EVENT_MAX, Event, Lease, Source};
use super::{dnsmasq, kea};
use crate::config::{Config, LeaseFile};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Reading them takes no more of the processor than one part in this many.
const SHARE: u32 = 10;
/// A larger lease file is none.
const FILE_MAX: u64 = 64 * 1024 * 1024;
/// News taken from the socket at once.
const BATCH: usize = 256;
/// What Kea calls the parts of a file while it cleans it up, oldest first; the completed one replaces the other two.
const KEA_COMPLETED: &str = ".completed";
const KEA_PARTS: [&str; 2] = [".2", ".1"];

/// Something heard.
#[derive(Debug)]
pub enum Heard {
    /// A whole file.
    File {
        /// Whose.
        source: Source,
        /// Its path.
        path: String,
        /// What it says.
        leases: Vec<Lease>,
        /// When it was written last, Unix milliseconds.
        as_of_ms: u64,
    },
    /// News of one lease.
    Event(Event),
}

/// A part of a file: which, when it was written, how long it was.
type Stamp = (PathBuf, u64, i64, i64, u64);

struct Watched {
    file: LeaseFile,
    seen: Vec<Stamp>,
    /// It was read once as it is now: what is missing in it is missing when it is so twice.
    once: bool,
    failing: bool,
}

/// All sources of this router.
pub struct Sources {
    socket: Option<UnixDatagram>,
    spool: PathBuf,
    files: Vec<Watched>,
    look_at: Instant,
    /// News read from the folder, to be taken away once it is safe.
    read: Vec<PathBuf>,
}

impl Sources {
    /// Opens them. What cannot be opened is told and done without: enforcing matters more.
    pub fn open(config: &Config) -> Self {
        let spool = config.run_dir.join(SPOOL);
        let opened = std::fs::create_dir_all(&spool)
            .and_then(|()| std::fs::set_permissions(&spool, std::fs::Permissions::from_mode(0o700)))
            .and_then(|()| listen(&config.run_dir.join(SOCKET)));
        let socket = opened.inspect_err(|error| tracing::error!(%error, "scripts cannot tell of leases")).ok();
        let watched = |file: &LeaseFile| Watched { file: file.clone(), seen: Vec::new(), once: false, failing: false };
        let files = config.lease_files.iter().map(watched).collect();
        Self { socket, spool, files, look_at: Instant::now() + LOOK, read: Vec::new() }
    }

    /// Waits for news. Nothing is lost if it is dropped while waiting.
    pub async fn heard(&mut self, now_ms: impl Fn() -> u64) -> Vec<Heard> {
        loop {
            tokio::select! {
                () = readable(self.socket.as_ref()) => {
                    let heard = self.receive();
                    if !heard.is_empty() {
                        return heard;
                    }
                }
                () = sleep_until(self.look_at) => return self.look(now_ms()),
            }
        }
    }

    /// Looks at everything that can be looked at.
    pub fn look(&mut self, now_ms: u64) -> Vec<Heard> {
        let began = Instant::now();
        let mut heard = self.spooled();
        heard.extend(self.files.iter_mut().filter_map(|file| file.look(now_ms)));
        self.look_at = Instant::now() + LOOK.max(began.elapsed() * SHARE);
        heard
    }

    /// What was heard is safe.
    pub fn safe(&mut self) {
        for path in self.read.drain(..) {
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "news of a lease that was taken in cannot be removed");
            }
        }
    }

    fn spooled(&mut self) -> Vec<Heard> {
        let entries = std::fs::read_dir(&self.spool).into_iter().flatten().flatten();
        let finished = entries.filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
        // Their names begin with when they were left.
        let paths: BTreeSet<PathBuf> = finished.map(|entry| entry.path()).collect();
        let paths: Vec<PathBuf> = paths.into_iter().filter(|path| !self.read.contains(path)).collect();
        let events = paths.iter().filter_map(|path| {
            let large = std::fs::symlink_metadata(path).is_ok_and(|found| found.len() > EVENT_MAX as u64);
            let news = if large { Vec::new() } else { std::fs::read(path).unwrap_or_default() };
            believe(&news)
        });
        let heard = events.map(Heard::Event).collect();
        self.read.extend(paths);
        heard
    }

    fn receive(&mut self) -> Vec<Heard> {
        let trusted = self.trusted();
        let Some(socket) = &self.socket else { return Vec::new() };
        let mut heard = Vec::new();
        for _ in 0..BATCH {
            match socket.try_io(Interest::READABLE, || receive(socket.as_raw_fd())) {
                Ok((news, Some(uid))) if trusted.contains(&uid) => heard.extend(believe(&news).map(Heard::Event)),
                Ok((_, uid)) => tracing::warn!(?uid, "somebody who has no say told of a lease"),
                Err(_) => break,
            }
        }
        heard
    }

    fn trusted(&self) -> BTreeSet<u32> {
        let owner = |watched: &Watched| Some(std::fs::metadata(&watched.file.path).ok()?.uid());
        self.files.iter().filter_map(owner).chain([0, nix::unistd::geteuid().as_raw()]).collect()
    }
}

/// Whether an interface is there.
pub fn interface_is_there(name: &str) -> bool {
    nix::net::if_::if_nametoindex(name).is_ok()
}

async fn readable(socket: Option<&UnixDatagram>) {
    match socket {
        // Reading says what is wrong, and clears it.
        Some(socket) => drop(socket.readable().await),
        None => std::future::pending().await,
    }
}

fn listen(path: &Path) -> io::Result<UnixDatagram> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let socket = UnixDatagram::bind(path)?;
    setsockopt(&socket, PassCred, &true)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}

/// One datagram and who sent it.
fn receive(socket: std::os::fd::RawFd) -> io::Result<(Vec<u8>, Option<u32>)> {
    let mut news = vec![0; EVENT_MAX + 1];
    let mut control = nix::cmsg_space!(UnixCredentials);
    let (length, uid) = {
        let mut parts = [io::IoSliceMut::new(&mut news)];
        let message = recvmsg::<()>(socket, &mut parts, Some(&mut control), MsgFlags::MSG_DONTWAIT)?;
        let uid = message.cmsgs()?.find_map(|one| match one {
            ControlMessageOwned::ScmCredentials(from) => Some(from.uid()),
            _ => None,
        });
        (message.bytes, uid)
    };
    news.truncate(length);
    Ok((news, uid))
}

fn believe(news: &[u8]) -> Option<Event> {
    Event::read(news).inspect_err(|error| tracing::warn!(%error, "news of a lease is not believed")).ok()
}

impl Watched {
    /// What the file says, if it says something new, or did when it was looked at before.
    fn look(&mut self, now_ms: u64) -> Option<Heard> {
        let stamps = self.stamps();
        if stamps == self.seen && !self.once {
            return None;
        }
        match self.read(&stamps) {
            // It is being cleaned up: the next look finds it whole.
            Ok(_) if self.stamps() != stamps => None,
            Ok(leases) => {
                self.failing = false;
                let written = |(_, _, seconds, nanos, _): &Stamp| {
                    seconds.unsigned_abs().saturating_mul(1_000).saturating_add(nanos.unsigned_abs() / 1_000_000)
                };
                let as_of_ms = stamps.iter().map(written).max().unwrap_or(0).min(now_ms);
                self.once = stamps != self.seen;
                self.seen = stamps;
                let path = self.file.path.display().to_string();
                Some(Heard::File { source: self.file.source, path, leases, as_of_ms })
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(%error, path = %self.file.path.display(), "a lease file cannot be read");
                }
                None
            }
        }
    }

    /// The parts there are, oldest first. None: no server ever wrote one, and what is known stays.
    fn stamps(&self) -> Vec<Stamp> {
        let part = |suffix: &str| {
            let mut path = self.file.path.clone().into_os_string();
            path.push(suffix);
            let found = std::fs::metadata(&path).ok()?;
            Some((path.into(), found.ino(), found.mtime(), found.mtime_nsec(), found.len()))
        };
        let mut parts = Vec::new();
        if self.file.source == Source::Kea {
            match part(KEA_COMPLETED) {
                Some(completed) => parts.push(completed),
                None => parts.extend(KEA_PARTS.into_iter().filter_map(part)),
            }
        }
        parts.extend(part(""));
        parts
    }

    fn read(&self, stamps: &[Stamp]) -> io::Result<Vec<Lease>> {
        let mut parts = Vec::new();
        for (path, .., length) in stamps {
            if *length > FILE_MAX {
                return Err(io::Error::other(format!("{length} bytes are more than {FILE_MAX}")));
            }
            parts.push(String::from_utf8_lossy(&std::fs::read(path)?).into_owned());
        }
        let parts = parts.iter().map(String::as_str);
        Ok(match self.file.source {
            Source::Kea => kea::leases(parts),
            Source::Dnsmasq | Source::Pppoe | Source::Other => parts.flat_map(dnsmasq::leases).collect(),
        })
    }
}
