//! The one BPF program: which shard of a port's tree a packet goes to.
//!
//! Five instructions, written by hand: no compiler and no loader is needed on a router, and nothing is asked of the
//! kernel but what every one since 4.1 has. Where it may not be loaded, trees have one part.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

use nix::libc;

use super::tree::MAJOR;

const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_PROG_TYPE_SCHED_CLS: u32 = 3;
/// Where `struct __sk_buff` has the priority.
const PRIORITY: i16 = 32;
/// It calls nothing of the kernel, so any licence is good.
const LICENSE: &std::ffi::CStr = c"Dual MIT/GPL";

/// `struct bpf_insn`.
#[repr(C)]
struct Instruction {
    code: u8,
    registers: u8,
    offset: i16,
    immediate: i32,
}

/// The part of `union bpf_attr` that loads a program.
#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    instructions_count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// Class `MAJOR:s` for a packet whose priority is a class of shard `s`; no class for one that has no priority.
fn program() -> [Instruction; 5] {
    let step = |code, registers, offset, immediate| Instruction { code, registers, offset, immediate };
    let root = i32::from(MAJOR) << 16;
    [
        // r0 = *(u32 *)(r1 + PRIORITY)
        step(0x61, 0x10, PRIORITY, 0),
        // r0 >>= 16
        step(0x74, 0, 0, 16),
        // if r0 == 0, skip one
        step(0x15, 0, 1, 0),
        // r0 |= MAJOR << 16
        step(0x44, 0, 0, root),
        // return r0
        step(0x95, 0, 0, 0),
    ]
}

/// Loads it; the kernel keeps it for as long as it is held here or attached.
#[expect(unsafe_code, reason = "no crate we have makes this system call")]
pub fn load() -> io::Result<OwnedFd> {
    let program = program();
    let mut name = [0; 16];
    name[..10].copy_from_slice(b"weir_shard");
    let load = Load {
        kind: BPF_PROG_TYPE_SCHED_CLS,
        instructions_count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        license: LICENSE.as_ptr() as u64,
        name,
        ..Load::default()
    };
    // SAFETY: `load` has the layout the call reads, of the size given, and what it points to outlives the call; a
    // descriptor it answers with is new and nobody else's.
    unsafe {
        let answer = libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const load, size_of::<Load>());
        match i32::try_from(answer) {
            Ok(file) if file >= 0 => Ok(OwnedFd::from_raw_fd(file)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
