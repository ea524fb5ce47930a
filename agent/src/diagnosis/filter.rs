//! Which packets are of a line, in the words of the kernel's packet filter. Pure.

use std::net::IpAddr;

use ipnet::IpNet;
use nix::libc::sock_filter;

/// Load a byte, load a word.
const LOAD_BYTE: u16 = 0x30;
const LOAD_WORD: u16 = 0x20;
const SHIFT_RIGHT: u16 = 0x74;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const IF_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;

/// Prefixes a filter can tell apart.
pub const PREFIXES_MAX: usize = 32;

/// Passes so many bytes of IP packets from or to these prefixes, and nothing of others; packets begin with their IP header.
pub fn program(prefixes: &[IpNet], snap_bytes: u32) -> Vec<sock_filter> {
    let of = |four: bool| -> Vec<sock_filter> {
        let mine = prefixes.iter().take(PREFIXES_MAX).filter(|prefix| prefix.addr().is_ipv4() == four);
        let tests = mine.flat_map(|prefix| places(four).map(|place| test(prefix, place, snap_bytes)));
        tests.flatten().chain([step(RETURN, 0)]).collect()
    };
    let (four, six) = (of(true), of(false));
    let behind_four = u32::try_from(four.len()).unwrap_or(u32::MAX);
    let version = [step(LOAD_BYTE, 0), step(SHIFT_RIGHT, 4)];
    let mut program = [&version[..], &[choose(4, 1, 0), step(JUMP, behind_four)]].concat();
    program.extend(four);
    program.extend([&version[..], &[choose(6, 1, 0), step(RETURN, 0)]].concat());
    program.extend(six);
    program
}

/// Where source and destination are.
fn places(four: bool) -> [u32; 2] {
    if four { [12, 16] } else { [8, 24] }
}

/// Passes a packet whose address at a place is one of a prefix.
fn test(prefix: &IpNet, place: u32, snap_bytes: u32) -> Vec<sock_filter> {
    let bytes = match prefix.network() {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    };
    let words = bytes.chunks_exact(4).map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]));
    let length = u32::from(prefix.prefix_len());
    let masked: Vec<(u32, u32, u32)> = words
        .zip(0u32..)
        .map(|(word, n)| (place + n * 4, word, mask(length.saturating_sub(n * 32).min(32))))
        .filter(|(_, _, mask)| *mask != 0)
        .collect();
    let count = masked.len();
    let mut steps = Vec::with_capacity(count * 3 + 1);
    for (n, (at, word, mask)) in masked.into_iter().enumerate() {
        // What does not match goes on behind this test.
        let behind = u8::try_from((count - n - 1) * 3 + 1).unwrap_or(u8::MAX);
        steps.extend([step(LOAD_WORD, at), step(AND, mask), choose(word, 0, behind)]);
    }
    steps.push(step(RETURN, snap_bytes));
    steps
}

fn mask(length: u32) -> u32 {
    u32::MAX.checked_shl(32 - length).unwrap_or(0)
}

fn step(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

fn choose(k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: IF_EQUAL, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of it.
    fn passed(program: &[sock_filter], packet: &[u8]) -> u32 {
        let (mut at, mut held) = (0, 0u32);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            match code {
                LOAD_BYTE => held = packet[k as usize].into(),
                LOAD_WORD => held = u32::from_be_bytes(packet[k as usize..][..4].try_into().unwrap()),
                SHIFT_RIGHT => held >>= k,
                AND => held &= k,
                JUMP => at += k as usize,
                IF_EQUAL => at += usize::from(if held == k { jt } else { jf }),
                RETURN => return k,
                other => panic!("{other}"),
            }
        }
    }

    fn packet(from: &str, to: &str) -> Vec<u8> {
        match (from.parse().unwrap(), to.parse().unwrap()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => [&[0x45; 12][..], &from.octets(), &to.octets()].concat(),
            (IpAddr::V6(from), IpAddr::V6(to)) => [&[0x60; 8][..], &from.octets(), &to.octets()].concat(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn packets_of_the_line_pass_in_both_directions_and_no_others() {
        let prefixes = ["10.20.4.0/24", "10.9.9.9/32", "2001:db8:4:8000::/49", "2001:db8:9::1/128"];
        let program = program(&prefixes.map(|prefix| prefix.parse().unwrap()), 96);
        for (from, to, passes) in [
            ("10.20.4.7", "192.0.2.1", true),
            ("192.0.2.1", "10.20.4.255", true),
            ("192.0.2.1", "10.9.9.9", true),
            ("10.20.5.7", "192.0.2.1", false),
            ("10.9.9.8", "10.9.9.10", false),
            ("2001:db8:4:8001::1", "2001:db8::1", true),
            ("2001:db8::1", "2001:db8:4:ffff::1", true),
            ("2001:db8:9::1", "2001:db8::1", true),
            ("2001:db8:4:7fff::1", "2001:db8::1", false),
            ("2001:db8::1", "2001:db8:9::2", false),
        ] {
            assert_eq!(passed(&program, &packet(from, to)), if passes { 96 } else { 0 }, "{from} to {to}");
        }
        assert_eq!(passed(&program, &[0x20; 40]), 0, "what is no IP is nobody's");
        assert_eq!(passed(&super::program(&[], 96), &packet("10.20.4.7", "10.20.4.7")), 0);
    }
}
