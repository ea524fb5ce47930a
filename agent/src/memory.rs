//! A router's memory is for its packets: what a comparison of tens of thousands of lines took is given back after it.

use std::collections::BTreeMap;

/// Lays a map out anew. One that was filled in the order of its keys has nodes a little more than half full.
pub fn pack<K: Ord, V>(map: &mut BTreeMap<K, V>) {
    *map = std::mem::take(map).into_iter().collect();
}

/// Has large pieces come from the system one by one, and go back to it as soon as they are free.
///
/// Left alone, the allocator takes the first large piece that is freed as a sign that more will come, and keeps them.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "no crate we have makes this call")]
pub fn spare() {
    use nix::libc;
    const LARGE: libc::c_int = 256 * 1024;
    // SAFETY: it changes a number inside the allocator, before there is a second thread.
    let known = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
    debug_assert_eq!(known, 1);
}

/// Gives free memory between what is in use back to the system.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "no crate we have makes this call")]
pub fn give_back() {
    // SAFETY: it takes nothing that is in use, and locks what it looks at.
    unsafe { nix::libc::malloc_trim(0) };
}

/// Other allocators do so by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn spare() {}

/// Other allocators do so by themselves.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
