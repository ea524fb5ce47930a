//! Many lines, each with an IPv4 address and an IPv6 prefix, and a kernel that holds them.

use std::net::Ipv4Addr;
use std::time::Instant;

use weir_agent::plan::Wanted;
use weir_agent::southbound::linux::Linux;
use weir_agent::southbound::{Outcome, Southbound};
use weir_protocol::desired::{Access, Line, Prefix};

use crate::net::{Net, line, lines};

/// Far above what the machine can forward: no figure of forwarding may come from a limit.
pub const UNLIMITED_MBIT: u64 = 90_000;

/// The IPv4 address of the line of this number; the first is the subscriber's own.
pub fn address(n: u32) -> Ipv4Addr {
    match n {
        0 => Ipv4Addr::new(10, 20, 0, 2),
        _ => Ipv4Addr::new(10, 21 + (n / 60_000) as u8, (n / 250 % 250) as u8, (n % 250 + 2) as u8),
    }
}

fn line_of(n: u32, mbit: u64) -> Line {
    let six = [0x2001, 0xdb8, 0x1000 + (n >> 16) as u16, (n & 0xffff) as u16];
    let six = six.iter().flat_map(|part| part.to_be_bytes()).chain([0; 8]).collect();
    let prefixes =
        vec![Prefix { address: address(n).octets().to_vec(), length: 32 }, Prefix { address: six, length: 64 }];
    Line { prefixes, ..line(n + 1, mbit, mbit, Access::Open) }
}

/// So many lines of this rate.
pub fn sold(count: u32, mbit: u64, nat: bool) -> Wanted {
    let mut wanted = lines((0..count).map(|n| line_of(n, mbit)));
    wanted.router.as_mut().expect("a router").nat = nat;
    wanted
}

/// A kernel that knows what it can do.
pub async fn opened(net: &Net) -> Linux {
    let mut kernel = net.kernel();
    kernel.probe().await.expect("probed");
    kernel
}

/// Applies, and answers the seconds it took.
pub async fn apply(kernel: &mut Linux, wanted: &Wanted) -> f64 {
    let began = Instant::now();
    let applied = kernel.apply(wanted).await.expect("applied");
    let took = began.elapsed().as_secs_f64();
    let failed = applied.lines.iter().find(|(_, outcome)| !matches!(outcome, Outcome::Applied(_)));
    assert!(failed.is_none() && applied.lines.len() == wanted.lines.len(), "every line is held: {failed:?}");
    took
}

/// How trees are laid out here, for notes.
pub fn layout() -> &'static str {
    if crate::net::text("tc qdisc show dev lan0").contains("htb 7766:") { "16 shards" } else { "one HTB" }
}
