//! Elements of our table's sets through netlink: a change costs the kernel microseconds, and no process.
//!
//! A batch is one transaction: all of it or nothing, and no packet sees half of it. Pure: the bytes. Not pure: sending
//! them and reading what the kernel answers.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use ipnet::IpNet;
use netlink_packet_core::NlasIterator;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeVal;

use super::nft::{Place, TABLE, family_length};
use super::rules;
use super::tc::MAJOR;
use crate::southbound::Error;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_CREATE: u16 = 0x400;
const NFNL_MSG_BATCH_BEGIN: u16 = 0x10;
const NFNL_MSG_BATCH_END: u16 = 0x11;
const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFT_MSG_NEWSETELEM: u16 = 12;
const NFT_MSG_GETSETELEM: u16 = 13;
const NFT_MSG_DELSETELEM: u16 = 14;
const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_SET: u16 = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_SET_ELEM_DATA: u16 = 2;
const NFTA_DATA_VALUE: u16 = 1;
const NLA_F_NESTED: u16 = 0x8000;
const NFPROTO_INET: u8 = 1;
const HEADER: usize = 16;
/// `struct nfgenmsg`.
const FAMILY_HEADER: usize = 4;

/// Elements of one message: their attribute's length has 16 bits.
const ELEMENTS_A_MESSAGE: usize = 800;
/// The kernel answers at once; longer than this is no answer.
const PATIENCE_SECONDS: i64 = 10;
/// How often a dump that was interrupted by somebody's change is repeated.
const DUMP_ATTEMPTS: usize = 10;

/// A prefix enters a place, or leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Which.
    pub prefix: IpNet,
    /// Where.
    pub place: Place,
    /// Whether it enters.
    pub enters: bool,
}

/// A socket to nftables, in the network namespace it was opened in.
pub struct Netfilter {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netfilter {
    /// Opens the socket.
    pub fn open() -> Result<Self, Error> {
        let (family, flags) = (AddressFamily::Netlink, SockFlag::SOCK_CLOEXEC);
        let socket = socket(family, SockType::Raw, flags, SockProtocol::NetlinkNetFilter).map_err(refused)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).map_err(refused)?;
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0)).map_err(refused)?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; 1 << 16] })
    }

    /// Makes changes as one transaction.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::begin(self.next());
        let mut last = 0;
        for (set, enters, elements) in messages(changes) {
            last = self.next();
            batch.elements(last, &set, enters, &elements);
        }
        batch.edge(NFNL_MSG_BATCH_END, self.next());
        send(self.socket.as_raw_fd(), &batch.bytes, MsgFlags::empty()).map_err(refused)?;
        self.answered(last)
    }

    /// The elements of a set: key, and the class of those that have one.
    pub fn elements(&mut self, set: &str) -> Result<Vec<(IpAddr, Option<u32>)>, Error> {
        for _ in 0..DUMP_ATTEMPTS {
            if let Some(found) = self.dump(set)? {
                return Ok(found);
            }
        }
        Err(Error::Incomplete(format!("set {set}")))
    }

    fn next(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Reads answers up to the one of message `last`; the first refusal is the answer.
    fn answered(&mut self, last: u32) -> Result<(), Error> {
        let mut outcome = Ok(());
        loop {
            let read = self.receive()?;
            let mut over = false;
            for (kind, _, sequence, body) in Messages(&self.buffer[..read]) {
                if kind != NLMSG_ERROR || sequence > last {
                    continue;
                }
                let code = i32::from_ne_bytes(body.get(..4).and_then(|four| four.try_into().ok()).unwrap_or_default());
                if code != 0 && outcome.is_ok() {
                    outcome = Err(Error::Nft(format!("the kernel refused elements: {}", Errno::from_raw(-code))));
                }
                over |= sequence == last;
            }
            if over {
                return outcome;
            }
        }
    }

    /// One pass over a set; `None` if somebody changed it meanwhile.
    fn dump(&mut self, set: &str) -> Result<Option<Vec<(IpAddr, Option<u32>)>>, Error> {
        let sequence = self.next();
        let mut request = Vec::new();
        message(&mut request, nftables(NFT_MSG_GETSETELEM), NLM_F_REQUEST | NLM_F_DUMP, sequence, |bytes| {
            bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
            names(bytes, set);
        });
        send(self.socket.as_raw_fd(), &request, MsgFlags::empty()).map_err(refused)?;
        let (mut found, mut whole) = (Vec::new(), true);
        loop {
            let read = self.receive()?;
            for (kind, flags, of, body) in Messages(&self.buffer[..read]) {
                if of != sequence {
                    continue;
                }
                whole &= flags & NLM_F_DUMP_INTR == 0;
                match kind {
                    NLMSG_DONE => return Ok(whole.then_some(found)),
                    NLMSG_ERROR => {
                        let code = body.get(..4).and_then(|four| four.try_into().ok()).map_or(0, i32::from_ne_bytes);
                        return Err(Error::Nft(format!("set {set} cannot be read: {}", Errno::from_raw(-code))));
                    }
                    _ => found.extend(read_elements(body.get(FAMILY_HEADER..).unwrap_or_default())),
                }
            }
        }
    }

    fn receive(&mut self) -> Result<usize, Error> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                other => return other.map_err(refused),
            }
        }
    }
}

fn refused(error: Errno) -> Error {
    Error::Nft(format!("netlink: {error}"))
}

fn nftables(message: u16) -> u16 {
    NFNL_SUBSYS_NFTABLES << 8 | message
}

/// The changes as messages: of one set and one kind, in the order in which they came.
fn messages(changes: &[Change]) -> Vec<(String, bool, Vec<Vec<u8>>)> {
    let mut all: Vec<(String, bool, Vec<Vec<u8>>)> = Vec::new();
    for change in changes {
        let set = rules::set_name(rules::set_of(change.place), family_length(&change.prefix));
        match all.last_mut() {
            Some((last, enters, elements))
                if *last == set && *enters == change.enters && elements.len() < ELEMENTS_A_MESSAGE =>
            {
                elements.push(element(change));
            }
            _ => all.push((set, change.enters, vec![element(change)])),
        }
    }
    all
}

/// An element: its key, and the class it stands for.
fn element(Change { prefix, place, .. }: &Change) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    let value = |bytes: &mut Vec<u8>, kind, value: &[u8]| {
        nested(bytes, kind, |inner| attribute(inner, NFTA_DATA_VALUE, value));
    };
    match prefix.network() {
        IpAddr::V4(address) => value(&mut bytes, NFTA_SET_ELEM_KEY, &address.octets()),
        IpAddr::V6(address) => value(&mut bytes, NFTA_SET_ELEM_KEY, &address.octets()),
    }
    if let Place::Class(minor) = place {
        let class = u32::from(MAJOR) << 16 | u32::from(*minor);
        value(&mut bytes, NFTA_SET_ELEM_DATA, &class.to_ne_bytes());
    }
    bytes
}

struct Batch {
    bytes: Vec<u8>,
}

impl Batch {
    fn begin(sequence: u32) -> Self {
        let mut batch = Self { bytes: Vec::new() };
        batch.edge(NFNL_MSG_BATCH_BEGIN, sequence);
        batch
    }

    fn edge(&mut self, kind: u16, sequence: u32) {
        message(&mut self.bytes, kind, NLM_F_REQUEST, sequence, |bytes| {
            bytes.extend_from_slice(&[0, 0]);
            bytes.extend_from_slice(&NFNL_SUBSYS_NFTABLES.to_be_bytes());
        });
    }

    fn elements(&mut self, sequence: u32, set: &str, enters: bool, elements: &[Vec<u8>]) {
        let (kind, flags) = match enters {
            true => (NFT_MSG_NEWSETELEM, NLM_F_CREATE),
            false => (NFT_MSG_DELSETELEM, 0),
        };
        message(&mut self.bytes, nftables(kind), NLM_F_REQUEST | NLM_F_ACK | flags, sequence, |bytes| {
            bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
            names(bytes, set);
            nested(bytes, NFTA_SET_ELEM_LIST_ELEMENTS, |list| {
                for element in elements {
                    nested(list, NFTA_LIST_ELEM, |inner| inner.extend_from_slice(element));
                }
            });
        });
    }
}

fn names(bytes: &mut Vec<u8>, set: &str) {
    attribute(bytes, NFTA_SET_ELEM_LIST_TABLE, &[TABLE.as_bytes(), b"\0"].concat());
    attribute(bytes, NFTA_SET_ELEM_LIST_SET, &[set.as_bytes(), b"\0"].concat());
}

/// A netlink message: length, kind, flags, sequence, and whoever sends it (the kernel knows).
fn message(bytes: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let from = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(&flags.to_ne_bytes());
    bytes.extend_from_slice(&sequence.to_ne_bytes());
    bytes.extend_from_slice(&[0; 4]);
    body(bytes);
    let length = u32::try_from(bytes.len() - from).unwrap_or(u32::MAX);
    bytes[from..from + 4].copy_from_slice(&length.to_ne_bytes());
}

fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    filled(bytes, kind, |bytes| bytes.extend_from_slice(value));
}

fn nested(bytes: &mut Vec<u8>, kind: u16, inner: impl FnOnce(&mut Vec<u8>)) {
    filled(bytes, kind | NLA_F_NESTED, inner);
}

/// An attribute: its length without padding, its kind, its value, and padding to four bytes.
fn filled(bytes: &mut Vec<u8>, kind: u16, value: impl FnOnce(&mut Vec<u8>)) {
    let from = bytes.len();
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    value(bytes);
    let length = u16::try_from(bytes.len() - from).unwrap_or(u16::MAX);
    bytes[from..from + 2].copy_from_slice(&length.to_ne_bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// The messages of a datagram: kind, flags, sequence, body.
struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = (u16, u16, u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let half = |at: usize| Some(u16::from_ne_bytes(self.0.get(at..at + 2)?.try_into().ok()?));
        let word = |at: usize| Some(u32::from_ne_bytes(self.0.get(at..at + 4)?.try_into().ok()?));
        let length = usize::try_from(word(0)?).ok()?;
        let body = self.0.get(HEADER..length)?;
        let found = (half(4)?, half(6)?, word(8)?, body);
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(found)
    }
}

/// The elements a message of a dump lists.
fn read_elements(attributes: &[u8]) -> Vec<(IpAddr, Option<u32>)> {
    let mut found = Vec::new();
    for list in NlasIterator::new(attributes).flatten() {
        if list.kind() != NFTA_SET_ELEM_LIST_ELEMENTS {
            continue;
        }
        for element in NlasIterator::new(list.value()).flatten() {
            let (mut key, mut class) = (None, None);
            for part in NlasIterator::new(element.value()).flatten() {
                let kind = part.kind();
                let value = NlasIterator::new(part.value()).flatten().find(|inner| inner.kind() == NFTA_DATA_VALUE);
                match (kind, value.map(|inner| inner.value().to_vec())) {
                    (NFTA_SET_ELEM_KEY, Some(value)) => key = address(&value),
                    (NFTA_SET_ELEM_DATA, Some(value)) => class = value.try_into().ok().map(u32::from_ne_bytes),
                    _ => {}
                }
            }
            found.extend(key.map(|key| (key, class)));
        }
    }
    found
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(prefix: &str, place: Place, enters: bool) -> Change {
        Change { prefix: prefix.parse().unwrap(), place, enters }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let changes =
            [change("10.0.0.1/32", Place::Class(0x11), true), change("10.0.0.2/32", Place::Class(0x12), true)];
        let of_one_set = messages(&changes);
        assert_eq!((of_one_set.len(), of_one_set[0].0.as_str()), (1, "l4_32"));
        let mut batch = Batch::begin(1);
        batch.elements(2, &of_one_set[0].0, true, &of_one_set[0].2);
        batch.edge(NFNL_MSG_BATCH_END, 3);
        let all: Vec<_> = Messages(&batch.bytes).collect();
        assert_eq!(all.iter().map(|message| message.0).collect::<Vec<_>>(), [0x10, 0x0a0c, 0x11]);
        let class = |minor: u32| Some(u32::from(MAJOR) << 16 | minor);
        let wanted = [("10.0.0.1", class(0x11)), ("10.0.0.2", class(0x12))];
        let wanted = wanted.map(|(key, class)| (key.parse::<IpAddr>().unwrap(), class));
        assert_eq!(read_elements(&all[1].3[FAMILY_HEADER..]), wanted);
    }

    #[test]
    fn messages_are_of_one_set_and_one_kind_and_not_too_long() {
        let mut changes: Vec<_> =
            (0..2_000u32).map(|n| change(&format!("10.1.{}.{}/32", n / 250, n % 250), Place::Garden, true)).collect();
        changes.push(change("2001:db8::/56", Place::Garden, true));
        changes.push(change("2001:db8::/56", Place::Closed, false));
        let sizes: Vec<_> =
            messages(&changes).iter().map(|(set, enters, all)| (set.clone(), *enters, all.len())).collect();
        let set = |name: &str, enters, count| (name.to_owned(), enters, count);
        assert_eq!(
            sizes,
            [
                set("g4_32", true, 800),
                set("g4_32", true, 800),
                set("g4_32", true, 400),
                set("g6_56", true, 1),
                set("c6_56", false, 1),
            ]
        );
    }
}
