//! The walls: a process in new user, process, mount and network namespaces.
//!
//! As root every uid keeps its number inside (so programs can still drop to a real user); without root our uid maps to itself and
//! the needed capabilities are made ambient, so nothing inside sees uid 0. This process stays outside, writes the
//! maps, and waits. It must be single-threaded: it forks. What runs inside is `inside`.

use anyhow::{Context, Result, bail};
use nix::libc;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, pipe, read, write};
use std::ffi::CString;
use std::fs;
use std::os::fd::{AsFd, OwnedFd, RawFd};
use std::path::Path;

/// Where the inherited TCP listeners sit, from the number on at which service managers pass them.
pub const LISTENER_FDS: [RawFd; 2] = [3, 4];

const CAP_NET_BIND_SERVICE: u32 = 10;
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CAP_SYS_ADMIN: u32 = 21;
/// What programs inside may do when nobody is root.
const AMBIENT: [u32; 4] = [CAP_NET_BIND_SERVICE, CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN];

/// Builds the walls, runs `weir-lab inside` behind them and waits for its end; returns its exit code.
///
/// `listeners` are inherited TCP listeners that move to [`LISTENER_FDS`]; `folder` is removed at the end, also when
/// whoever started this was killed.
pub fn run(listeners: &[RawFd], folder: &Path) -> Result<i32> {
    place_listeners(listeners)?;
    let ended = enclose();
    let _removed_before = fs::remove_dir_all(folder);
    ended
}

fn enclose() -> Result<i32> {
    let (uid, gid) = (geteuid(), getegid());
    let (gate, opener) = pipe().context("pipe")?;
    match fork_into_new_namespaces()? {
        None => {
            drop(opener);
            let error = become_inside(&gate, uid.is_root()).err();
            eprintln!("weir-lab: {:#}", error.unwrap_or_else(|| anyhow::anyhow!("exec returned")));
            std::process::exit(111);
        }
        Some(child) => {
            drop(gate);
            write_maps(child, uid, gid)?;
            write(&opener, b"x").context("opening the gate")?;
            loop {
                match waitpid(child, None) {
                    Ok(WaitStatus::Exited(_, code)) => return Ok(code),
                    Ok(WaitStatus::Signaled(..)) => return Ok(112),
                    Ok(_) | Err(nix::Error::EINTR) => {}
                    Err(error) => return Err(error).context("waiting for the lab"),
                }
            }
        }
    }
}

#[expect(unsafe_code, reason = "moving descriptors to fixed numbers")]
fn place_listeners(fds: &[RawFd]) -> Result<()> {
    /// Above all numbers that are moved to.
    const ASIDE: RawFd = 64;
    let moved = |from: RawFd, to: RawFd| match to {
        0.. => Ok(to),
        _ => bail!("the listener {from} can't be moved: {}", std::io::Error::last_os_error()),
    };
    let mut aside = Vec::new();
    for fd in fds {
        // SAFETY: plain descriptor calls; this process is fresh from exec and owns no descriptor above 2 but `fds`.
        aside.push(moved(*fd, unsafe { libc::fcntl(*fd, libc::F_DUPFD, ASIDE) })?);
        // SAFETY: as above; `fds` were given to us to own.
        unsafe { libc::close(*fd) };
    }
    for (from, to) in aside.into_iter().zip(LISTENER_FDS) {
        // SAFETY: as above; the targets are free now.
        moved(from, unsafe { libc::dup2(from, to) })?;
        // SAFETY: as above.
        unsafe { libc::close(from) };
    }
    Ok(())
}

#[expect(unsafe_code, reason = "fork with namespace flags has no safe wrapper")]
fn fork_into_new_namespaces() -> Result<Option<Pid>> {
    let namespaces = libc::CLONE_NEWUSER | libc::CLONE_NEWPID | libc::CLONE_NEWNS | libc::CLONE_NEWNET;
    // SAFETY: clone without a stack is fork; the process is single-threaded, and the child execs.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(namespaces | libc::SIGCHLD), 0, 0, 0, 0) };
    match pid {
        0 => Ok(None),
        1.. => Ok(Some(Pid::from_raw(i32::try_from(pid)?))),
        _ => bail!(
            "the kernel refused new namespaces ({}): user namespaces must be allowed",
            std::io::Error::last_os_error()
        ),
    }
}

fn write_maps(child: Pid, uid: Uid, gid: Gid) -> Result<()> {
    let file = |name: &str| format!("/proc/{child}/{name}");
    if uid.is_root() {
        fs::write(file("uid_map"), identity("/proc/self/uid_map")?).context("writing uid_map")?;
        fs::write(file("gid_map"), identity("/proc/self/gid_map")?).context("writing gid_map")?;
    } else {
        fs::write(file("setgroups"), "deny").context("writing setgroups")?;
        fs::write(file("uid_map"), format!("{uid} {uid} 1\n")).context("writing uid_map")?;
        fs::write(file("gid_map"), format!("{gid} {gid} 1\n")).context("writing gid_map")?;
    }
    Ok(())
}

/// Every id this namespace knows, mapped to itself.
fn identity(map: &str) -> Result<String> {
    let lines = fs::read_to_string(map)?;
    Ok(lines
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (first, _, count) = (words.next()?, words.next()?, words.next()?);
            Some(format!("{first} {first} {count}\n"))
        })
        .collect())
}

fn become_inside(gate: &OwnedFd, root: bool) -> Result<()> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    if read(gate.as_fd(), &mut [0])? != 1 {
        bail!("the maps could not be written");
    }
    if !root {
        raise_ambient()?;
    }
    let program = CString::new("/proc/self/exe")?;
    nix::unistd::execv(&program, &[CString::new("weir-lab")?, CString::new("inside")?]).context("exec")?;
    Ok(())
}

#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapSet {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

#[expect(unsafe_code, reason = "capabilities have no safe wrapper here")]
fn raise_ambient() -> Result<()> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = CapHeader { version: VERSION_3, pid: 0 };
    let mut sets = [CapSet { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: version 3 reads and writes two sets, as declared; both structures outlive the calls.
    let got = unsafe { libc::syscall(libc::SYS_capget, &raw const header, sets.as_mut_ptr()) };
    if got != 0 {
        bail!("capget: {}", std::io::Error::last_os_error());
    }
    sets[0].inheritable |= AMBIENT.iter().fold(0, |set, cap| set | 1 << cap);
    // SAFETY: as above.
    let set = unsafe { libc::syscall(libc::SYS_capset, &raw const header, sets.as_ptr()) };
    if set != 0 {
        bail!("capset: {}", std::io::Error::last_os_error());
    }
    for cap in AMBIENT {
        // SAFETY: prctl with integers only.
        let raised = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, cap, 0, 0) };
        if raised != 0 {
            bail!("capability {cap} can't be made ambient: {}", std::io::Error::last_os_error());
        }
    }
    Ok(())
}
