//! The routers on the way to a host: datagrams that may pass one router more each time, and who sends them back.
//!
//! Datagrams to ports nobody listens on need no privilege; the kernel hands the socket what came back of them.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as Std};
use std::os::fd::AsRawFd;
use std::time::Duration;

use futures_util::future::join_all;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::{cmsg_space, libc};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout};

use super::reach::{find, milliseconds};
use super::{Limits, Stop, Teller};

/// Datagrams of each distance.
const TRIES: u16 = 3;
/// Longest wait for what comes back.
const PATIENCE: Duration = Duration::from_secs(1);
/// Farthest that is looked.
const HOPS_MAX: u32 = 30;
/// After so many silent distances in a row nothing more is to be expected.
const SILENT_MAX: u32 = 5;
/// The first port; each datagram has one of its own, as programs of this kind have always done.
const FIRST_PORT: u16 = 33_434;

/// What came back of one datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    from: IpAddr,
    took: Duration,
    what: Meaning,
}

/// What it means that something came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// It was on its way.
    Passing,
    /// It reached the host.
    Arrived,
    /// Somebody on the way cannot, or will not, carry it on.
    Refused,
}

/// Finds the way and tells each distance as it is known.
pub async fn trace(host: &str, limits: Limits, until: Instant, teller: &mut Teller) -> Result<(), Stop> {
    let address = find(host, until).await?;
    teller.say(&format!("the way to {host} ({address})\n")).await?;
    let hops = (limits.packets / u32::from(TRIES)).clamp(1, HOPS_MAX);
    let mut silent = 0;
    for hop in 1..=hops {
        if Instant::now() + PATIENCE > until {
            return Err(Stop::Limit);
        }
        let tries = join_all((0..TRIES).map(|nth| probe(address, hop, nth))).await;
        let tries: Result<Vec<_>, _> = tries.into_iter().collect();
        let answers = tries.map_err(|error| Stop::io("nothing can be sent there", &error))?;
        teller.say(&line(hop, &answers)).await?;
        silent = if answers.iter().all(Option::is_none) { silent + 1 } else { 0 };
        if answers.iter().flatten().any(|answer| answer.what != Meaning::Passing) {
            return Ok(());
        }
        if silent == SILENT_MAX {
            return teller.say(&format!("{SILENT_MAX} in a row are silent\n")).await;
        }
    }
    Err(Stop::Limit)
}

/// What is told of a distance: each router once, and each time after it.
fn line(hop: u32, answers: &[Option<Answer>]) -> String {
    let mut text = format!("{hop:>2} ");
    let mut said = None;
    for answer in answers {
        let Some(answer) = answer else {
            text += " *";
            continue;
        };
        if said.replace(answer.from) != Some(answer.from) {
            text += &format!(" {}", answer.from);
        }
        text += &format!("  {}", milliseconds(answer.took));
        if answer.what == Meaning::Refused {
            text += " !";
        }
    }
    text + "\n"
}

/// Sends one datagram that may pass so many routers; what came back of it in time.
async fn probe(address: IpAddr, hop: u32, nth: u16) -> io::Result<Option<Answer>> {
    let distance = i32::try_from(hop).unwrap_or(i32::MAX);
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = Std::bind(SocketAddr::new(any, 0))?;
    socket.set_nonblocking(true)?;
    match address {
        IpAddr::V4(_) => {
            setsockopt(&socket, sockopt::Ipv4Ttl, &distance)?;
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        }
        IpAddr::V6(_) => {
            setsockopt(&socket, sockopt::Ipv6Ttl, &distance)?;
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        }
    }
    let port = FIRST_PORT + u16::try_from(hop).unwrap_or(0) * TRIES + nth;
    socket.connect(SocketAddr::new(address, port))?;
    let socket = UdpSocket::from_std(socket)?;
    let began = Instant::now();
    socket.send(b"weir-agent traceroute").await?;
    let back = timeout(PATIENCE, socket.async_io(Interest::ERROR, || returned(&socket))).await;
    Ok(match back {
        Ok(returned) => returned?.map(|(from, what)| Answer { from, took: began.elapsed(), what }),
        Err(_) => None,
    })
}

/// What the kernel kept of what came back.
fn returned(socket: &UdpSocket) -> io::Result<Option<(IpAddr, Meaning)>> {
    let (mut bytes, mut space) = ([0u8; 64], cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6));
    let mut pieces = [IoSliceMut::new(&mut bytes)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut pieces, Some(&mut space), flags)?;
    let found = message.cmsgs()?.find_map(|one| match one {
        ControlMessageOwned::Ipv4RecvErr(error, Some(from)) => {
            let from = Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr));
            Some((from.into(), meaning((error.ee_type, error.ee_code), 11, (3, 3))))
        }
        ControlMessageOwned::Ipv6RecvErr(error, Some(from)) => {
            let from = Ipv6Addr::from(from.sin6_addr.s6_addr);
            Some((from.into(), meaning((error.ee_type, error.ee_code), 3, (1, 4))))
        }
        _ => None,
    });
    Ok(found)
}

/// What an ICMP message's type and code say, where this type is "it passed too many" and this pair "nobody listens there".
fn meaning(said: (u8, u8), exceeded: u8, unheard: (u8, u8)) -> Meaning {
    match said {
        (kind, _) if kind == exceeded => Meaning::Passing,
        said if said == unheard => Meaning::Arrived,
        _ => Meaning::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distance_names_each_router_once_with_its_times() {
        let of =
            |last: u8, ms, what| Some(Answer { from: [192, 0, 2, last].into(), took: Duration::from_millis(ms), what });
        let answers = [of(1, 2, Meaning::Passing), of(1, 3, Meaning::Passing), None];
        assert_eq!(line(4, &answers), " 4  192.0.2.1  2.0 ms  3.0 ms *\n");
        let answers = [of(1, 2, Meaning::Passing), of(2, 3, Meaning::Refused)];
        assert_eq!(line(12, &answers), "12  192.0.2.1  2.0 ms 192.0.2.2  3.0 ms !\n");
    }
}
