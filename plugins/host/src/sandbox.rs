//! A process gives up what it does not need: network, files, other programs, memory and time without end.

use std::collections::BTreeMap;
use std::io::{Error, Result};

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

/// What the process may use in its whole life.
pub struct Limits {
    /// Bytes of address space.
    pub address_space: u64,
    /// Seconds of processor.
    pub cpu_seconds: u64,
}

/// All the system calls that computing takes. None opens anything, none reaches another process.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    libc::SYS_brk,
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_tgkill,
    libc::SYS_membarrier,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

/// Shuts the process in. Call it first, while it has one thread.
pub fn enter(limits: &Limits) -> Result<()> {
    // Where the machine allows it, no network is even there; where it does not, no call reaches it.
    let _not_everywhere = unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC);
    for (resource, limit) in [
        (Resource::RLIMIT_AS, limits.address_space),
        (Resource::RLIMIT_CPU, limits.cpu_seconds),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_FSIZE, 0),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let calls: BTreeMap<_, _> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
    let machine = std::env::consts::ARCH.try_into().map_err(Error::other)?;
    let filter = SeccompFilter::new(calls, refused, SeccompAction::Allow, machine).map_err(Error::other)?;
    let program: BpfProgram = filter.try_into().map_err(Error::other)?;
    seccompiler::apply_filter(&program).map_err(Error::other)
}
