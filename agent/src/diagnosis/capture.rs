//! Packets of one line, taken where its port meets the router, as a pcap file of bare IP packets.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use ipnet::IpNet;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, socket};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{Limits, Stop, Teller, filter};

/// Bytes kept of each packet at least and at most.
const SNAP: (u32, u32) = (64, 2_048);
/// What is told as soon as it is so much, or so old.
const TOLD_BYTES: usize = 8 * 1024;
const TOLD_EVERY: Duration = Duration::from_secs(1);
/// Link type of bare IP packets.
const LINK_RAW_IP: u32 = 101;
/// Header of a packet in the file, bytes.
const RECORD: usize = 16;

/// A socket that hears the packets of a line.
pub struct Socket {
    file: UdpSocket,
    snap_bytes: u32,
    /// When it began to hear, also in Unix milliseconds.
    since: (Instant, u64),
}

impl Socket {
    /// Begins to hear packets from and to these prefixes on a port of this thread's network namespace, where it is `now_ms`,
    /// Unix milliseconds. Needs `CAP_NET_RAW`.
    pub fn open(port: &str, prefixes: &[IpNet], snap_bytes: u32, now_ms: u64) -> io::Result<Self> {
        let snap_bytes = if snap_bytes == 0 { SNAP.0 } else { snap_bytes.clamp(SNAP.0, SNAP.1) };
        let index = if_nametoindex(port)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        // Of no protocol it hears nothing before the filter is there.
        let file = socket(AddressFamily::Packet, SockType::Datagram, flags, None)?;
        attach(&file, &filter::program(prefixes, snap_bytes))?;
        bind(&file, index)?;
        // Waiting for something to read is all it takes.
        Ok(Self { file: UdpSocket::from_std(file.into())?, snap_bytes, since: (Instant::now(), now_ms) })
    }

    /// Takes packets until a limit is reached, and tells them.
    pub async fn take(self, limits: Limits, until: Instant, teller: &mut Teller) -> Result<(), Stop> {
        let mut file = header(self.snap_bytes);
        let (mut taken, mut tell_at) = (0, Instant::now() + TOLD_EVERY);
        let mut packet = vec![0; usize::try_from(self.snap_bytes).unwrap_or(0)];
        while taken < limits.packets {
            let next = self
                .file
                .async_io(Interest::READABLE, || Ok(recv(self.file.as_raw_fd(), &mut packet, MsgFlags::MSG_DONTWAIT)?));
            let heard = timeout_at(until.min(tell_at), next);
            if let Ok(heard) = heard.await {
                let kept = heard.map_err(|error| Stop::io("packets cannot be heard", &error))?;
                let length = whole(packet.get(..kept).unwrap_or_default());
                if file.len() + RECORD + kept > teller.left() {
                    teller.give(&file).await?;
                    return Err(Stop::Limit);
                }
                file.extend(record(self.at(), kept, length));
                file.extend_from_slice(packet.get(..kept).unwrap_or_default());
                taken += 1;
            }
            let over = Instant::now() >= until;
            if over || file.len() >= TOLD_BYTES || Instant::now() >= tell_at {
                teller.give(&std::mem::take(&mut file)).await?;
                tell_at = Instant::now() + TOLD_EVERY;
            }
            if over {
                return Ok(());
            }
        }
        teller.give(&file).await?;
        Err(Stop::Limit)
    }

    /// What time it is, since 1970.
    fn at(&self) -> Duration {
        Duration::from_millis(self.since.1) + self.since.0.elapsed()
    }
}

/// The length of a packet, which its header knows also where less of it was kept.
fn whole(packet: &[u8]) -> usize {
    let word = |at: usize| packet.get(at..at + 2).map_or(0, |word| usize::from(word[0]) << 8 | usize::from(word[1]));
    let told = match packet.first().map(|first| first >> 4) {
        Some(4) => word(2),
        Some(6) => word(4) + 40,
        _ => 0,
    };
    told.max(packet.len())
}

/// The beginning of a file.
fn header(snap_bytes: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24);
    bytes.extend(0xa1b2_c3d4_u32.to_le_bytes());
    bytes.extend(2u16.to_le_bytes());
    bytes.extend(4u16.to_le_bytes());
    for word in [0, 0, snap_bytes, LINK_RAW_IP] {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

/// What the file says of a packet that came so long after 1970.
fn record(since: Duration, kept: usize, length: usize) -> Vec<u8> {
    let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let words = [narrow(since.as_secs()), since.subsec_micros(), narrow(kept as u64), narrow(length as u64)];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

/// Gives a socket a filter.
#[expect(unsafe_code, reason = "no crate we have attaches a classic filter")]
fn attach(file: &OwnedFd, program: &[libc::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let size = libc::socklen_t::try_from(size_of::<libc::sock_fprog>()).map_err(io::Error::other)?;
    // SAFETY: the option reads a `sock_fprog` of the size given, and copies the program it points to, which outlives the call.
    let answer = unsafe {
        libc::setsockopt(file.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const program).cast(), size)
    };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Has a socket hear every packet of a port.
#[expect(unsafe_code, reason = "no crate we have makes the address of a port")]
fn bind(file: &OwnedFd, index: u32) -> io::Result<()> {
    let address = libc::sockaddr_ll {
        sll_family: u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?,
        sll_protocol: u16::try_from(libc::ETH_P_ALL).map_err(io::Error::other)?.to_be(),
        sll_ifindex: i32::try_from(index).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    };
    let size = libc::socklen_t::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the address is a `sockaddr_ll` of the size given, which outlives the call.
    let answer = unsafe { libc::bind(file.as_raw_fd(), (&raw const address).cast(), size) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
