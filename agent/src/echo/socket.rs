//! One question and its answer: ICMP echo of both families.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const ECHO_4: u8 = 8;
const ANSWER_4: u8 = 0;
const ECHO_6: u8 = 128;
const ANSWER_6: u8 = 129;
/// Type, code, checksum, identifier, sequence.
const HEADER: usize = 8;
/// What is sent along to know an answer by: who asked, and which question.
const PAYLOAD: usize = 16;

/// Asks hosts for echoes.
pub struct Echo {
    v4: Option<Arc<UdpSocket>>,
    v6: Option<Arc<UdpSocket>>,
    asked: Arc<Asked>,
    _listening: JoinSet<()>,
}

/// Questions not answered yet.
struct Asked {
    who: [u8; 8],
    next: AtomicU64,
    waiting: Mutex<Waiting>,
}

/// By question, who was asked, and whoever waits for the answer.
type Waiting = HashMap<u64, (IpAddr, oneshot::Sender<Instant>)>;

impl Echo {
    /// Opens sockets in this thread's network namespace. Needs `CAP_NET_RAW`, or a group that may ping.
    pub fn open() -> io::Result<Self> {
        let who = crate::clock::random::<8>();
        let asked = Arc::new(Asked { who, next: AtomicU64::new(1), waiting: Mutex::default() });
        let v4 = open(AddressFamily::Inet, SockProtocol::Icmp).map(Arc::new);
        let v6 = open(AddressFamily::Inet6, SockProtocol::IcmpV6).map(Arc::new);
        if let (Err(error), Err(_)) = (&v4, &v6) {
            return Err(io::Error::new(error.kind(), error.to_string()));
        }
        let (v4, v6) = (v4.ok(), v6.ok());
        let mut listening = JoinSet::new();
        for socket in [&v4, &v6].into_iter().flatten() {
            listening.spawn(listen(Arc::clone(socket), Arc::clone(&asked)));
        }
        Ok(Self { v4, v6, asked, _listening: listening })
    }

    /// Asks a host once; how long its answer took, if it came in time.
    pub async fn ask(&self, host: IpAddr, patience: Duration) -> Option<Duration> {
        let (socket, kind) = match host {
            IpAddr::V4(_) => (self.v4.as_ref()?, ECHO_4),
            IpAddr::V6(_) => (self.v6.as_ref()?, ECHO_6),
        };
        let question = self.asked.next.fetch_add(1, Ordering::Relaxed);
        let (answered, answer) = oneshot::channel();
        self.asked.lock().insert(question, (host, answered));
        // Where questions to hosts that are away fill the socket, it takes more only later.
        let packet = packet(kind, self.asked.who, question);
        let sent = tokio::time::timeout(patience, socket.send_to(&packet, SocketAddr::new(host, 0))).await;
        let began = Instant::now();
        let came = match sent {
            Ok(Ok(_)) => tokio::time::timeout(patience, answer).await.ok().and_then(Result::ok),
            Ok(Err(_)) | Err(_) => None,
        };
        self.asked.lock().remove(&question);
        came.map(|at| at.saturating_duration_since(began))
    }
}

impl Asked {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an answer; of somebody who was not asked it is none.
    fn answer(&self, question: u64, from: IpAddr, at: Instant) {
        let mut waiting = self.lock();
        if waiting.get(&question).is_some_and(|(host, _)| *host == from.to_canonical())
            && let Some((_, waiting)) = waiting.remove(&question)
        {
            // Nobody waits any more: it came too late.
            let _late = waiting.send(at);
        }
    }
}

/// The kernel hands a socket for pings the answers to its own; one that has all there are needs a capability.
fn open(family: AddressFamily, protocol: SockProtocol) -> io::Result<UdpSocket> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let opened = |kind| socket(family, kind, flags, protocol);
    let file: OwnedFd = opened(SockType::Datagram).or_else(|_| opened(SockType::Raw))?;
    // Datagrams with addresses are all it takes.
    UdpSocket::from_std(file.into())
}

async fn listen(socket: Arc<UdpSocket>, asked: Arc<Asked>) {
    let mut buffer = [0u8; 2048];
    loop {
        match socket.recv_from(&mut buffer).await {
            Ok((read, from)) => {
                let at = Instant::now();
                if let Some(question) = buffer.get(..read).and_then(|bytes| answer(bytes, asked.who)) {
                    asked.answer(question, from.ip(), at);
                }
            }
            // What comes back instead of an answer, such as "no such host", is an error of the socket once.
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

fn packet(kind: u8, who: [u8; 8], question: u64) -> [u8; HEADER + PAYLOAD] {
    let mut bytes = [0u8; HEADER + PAYLOAD];
    bytes[0] = kind;
    bytes[4..6].copy_from_slice(&who[..2]);
    bytes[6..8].copy_from_slice(&question.to_be_bytes()[6..]);
    bytes[HEADER..HEADER + 8].copy_from_slice(&who);
    bytes[HEADER + 8..].copy_from_slice(&question.to_be_bytes());
    // The kernel sees to that of IPv6, which is also over the addresses.
    let sum = checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum.to_be_bytes());
    bytes
}

/// The question that is answered, if we asked it.
fn answer(bytes: &[u8], who: [u8; 8]) -> Option<u64> {
    // A socket that has all packets of IPv4 is handed their headers.
    let from = match bytes.first()? >> 4 {
        4 => usize::from(bytes.first()? & 0xf) * 4,
        _ => 0,
    };
    let packet = bytes.get(from..)?;
    let payload = packet.get(HEADER..HEADER + PAYLOAD)?;
    let ours = [ANSWER_4, ANSWER_6].contains(packet.first()?) && payload.get(..8)? == who;
    ours.then(|| payload.get(8..)?.try_into().ok().map(u64::from_be_bytes))?
}

fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 =
        bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| (*low).into())).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_was_asked_can_answer() {
        let asked = Asked { who: *b"0123abcd", next: AtomicU64::new(1), waiting: Mutex::default() };
        let (gateway, neighbour) = (IpAddr::from([198, 18, 0, 2]), IpAddr::from([10, 20, 0, 7]));
        let (answered, mut answer) = oneshot::channel();
        asked.lock().insert(7, (gateway, answered));
        asked.answer(7, neighbour, Instant::now());
        assert!(answer.try_recv().is_err() && asked.lock().len() == 1);
        asked.answer(7, gateway, Instant::now());
        assert!(answer.try_recv().is_ok() && asked.lock().is_empty());
    }

    #[test]
    fn an_answer_is_known_by_what_was_sent_along() {
        let who = *b"0123abcd";
        let mut packet = packet(ECHO_4, who, 77);
        assert_eq!(checksum(&packet), 0);
        assert_eq!(answer(&packet, who), None, "a question is no answer");
        packet[0] = ANSWER_4;
        assert_eq!((answer(&packet, who), answer(&packet, *b"another.")), (Some(77), None));
        let mut whole = vec![0x45u8; 20];
        whole.extend_from_slice(&packet);
        assert_eq!(answer(&whole, who), Some(77));
        assert_eq!(answer(&whole[..30], who), None);
    }
}
