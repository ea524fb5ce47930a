//! Elements of our table's sets through netlink: a change costs the kernel microseconds, and no process.
//!
//! A batch is one transaction: all of it or nothing, and no packet sees half of it. Pure: the bytes. Not pure: sending
//! them and reading what the kernel answers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;

use super::counting;
use super::imprint::Imprint;
use super::netlink::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, Socket, attribute, attributes, message,
    nested, text,
};
use super::nft::{Place, TABLE};
use super::{rules, strangers};
use crate::plan::check::family_length;
use crate::southbound::{Error, SeenHost, Total};

const NFNL_MSG_BATCH_BEGIN: u16 = 0x10;
const NFNL_MSG_BATCH_END: u16 = 0x11;
const NFNL_SUBSYS_NFTABLES: u16 = 10;
const NFT_MSG_GETTABLE: u16 = 1;
const NFT_MSG_GETCHAIN: u16 = 4;
const NFT_MSG_GETRULE: u16 = 7;
const NFT_MSG_GETSET: u16 = 10;
const NFT_MSG_NEWSETELEM: u16 = 12;
const NFT_MSG_GETSETELEM: u16 = 13;
const NFT_MSG_DELSETELEM: u16 = 14;
/// Names the table of a set, a chain or a rule.
const NFTA_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_TABLE: u16 = 1;
const NFTA_SET_ELEM_LIST_SET: u16 = 2;
pub(super) const NFTA_SET_ELEM_LIST_ELEMENTS: u16 = 3;
const NFTA_LIST_ELEM: u16 = 1;
pub(super) const NFTA_SET_ELEM_KEY: u16 = 1;
const NFTA_SET_ELEM_DATA: u16 = 2;
pub(super) const NFTA_DATA_VALUE: u16 = 1;
const NFPROTO_INET: u8 = 1;
/// `struct nfgenmsg`.
const FAMILY_HEADER: usize = 4;

/// Elements of one message: their attribute's length has 16 bits.
const ELEMENTS_A_MESSAGE: usize = 800;
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

impl Change {
    /// Whether somebody is kept from the internet by it.
    pub fn holds_back(&self) -> bool {
        self.enters && self.place.holds_back()
    }
}

/// A socket to nftables.
pub struct Netfilter(Socket);

impl Netfilter {
    /// Opens it in this thread's network namespace.
    pub fn open() -> Result<Self, Error> {
        Socket::open(SockProtocol::NetlinkNetFilter).map(Self).map_err(refused)
    }

    /// Makes changes as one transaction.
    pub fn change(&mut self, changes: &[Change]) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let first = self.0.next();
        let mut batch = Batch::begin(first);
        let mut last = first;
        let messages = messages(changes);
        for (at, (set, enters, elements)) in messages.iter().enumerate() {
            last = self.0.next();
            // One answer is enough, and more would not fit into what a socket holds: a refusal is answered in any case.
            let flags = if at + 1 == messages.len() { NLM_F_ACK } else { 0 };
            batch.elements(last, flags, set, *enters, elements);
        }
        batch.edge(NFNL_MSG_BATCH_END, self.0.next());
        self.0.send(&batch.bytes).map_err(refused)?;
        self.answered(first, last)
    }

    /// Whether each prefix is in the place it entered, and not in the one it left.
    pub fn holds(&mut self, changes: &[Change]) -> Result<bool, Error> {
        for change in changes {
            if self.holds_one(change)? != change.enters {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The elements of a set: key, and what is read of their data, which sets that are no maps have none of.
    pub fn elements<T: Clone>(&mut self, set: &str, data: impl Fn(&[u8]) -> T) -> Result<Vec<(IpAddr, T)>, Error> {
        let mut found = Vec::new();
        let body = |bytes: &mut Vec<u8>| names(bytes, set);
        self.dump(NFT_MSG_GETSETELEM, body, &mut found, |found, told| found.extend(read_elements(told, &data)))
            .map_err(|error| error.told(&format!("set {set}")))?;
        Ok(found)
    }

    /// What makes up our table besides elements, in its own order; `None` if there is no table.
    pub fn imprint(&mut self) -> Result<Option<Imprint>, Error> {
        let ours = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
            text(bytes, NFTA_TABLE, TABLE);
        };
        let mut imprint = Imprint::default();
        for (kind, take) in [
            (NFT_MSG_GETTABLE, Imprint::take_table as fn(&mut Imprint, &[u8])),
            (NFT_MSG_GETSET, Imprint::take_set),
            (NFT_MSG_GETCHAIN, Imprint::take_chain),
            (NFT_MSG_GETRULE, Imprint::take_rule),
        ] {
            match self.dump(kind, ours, &mut imprint, take) {
                Err(Refused::By(Errno::ENOENT)) => return Ok(None),
                dumped => dumped.map_err(|error| error.told("the table"))?,
            }
        }
        Ok((!imprint.is_empty()).then_some(imprint))
    }

    /// Bytes counted of each element of a set whose elements count; none if there is no such set.
    pub fn counted(&mut self, set: &str) -> Result<Vec<(IpAddr, u64)>, Error> {
        let mut found = Vec::new();
        let body = |bytes: &mut Vec<u8>| names(bytes, set);
        match self.dump(NFT_MSG_GETSETELEM, body, &mut found, |found, told| found.extend(counting::of_elements(told))) {
            Err(Refused::By(Errno::ENOENT)) => Ok(Vec::new()),
            dumped => dumped.map(|()| found).map_err(|error| error.told(&format!("set {set}"))),
        }
    }

    /// Hosts no line has that sent lately; none if there is no table.
    pub fn strangers(&mut self) -> Result<Vec<SeenHost>, Error> {
        let mut found = Vec::new();
        for (_, set) in strangers::SEEN {
            let body = |bytes: &mut Vec<u8>| names(bytes, set);
            let take = |found: &mut Vec<SeenHost>, told: &[u8]| found.extend(strangers::read(told));
            match self.dump(NFT_MSG_GETSETELEM, body, &mut found, take) {
                Ok(()) | Err(Refused::By(Errno::ENOENT)) => {}
                Err(error) => return Err(error.told(&format!("set {set}"))),
            }
        }
        Ok(found)
    }

    /// What the rules of our table count, by their chain; one such rule a chain.
    pub fn rule_counts(&mut self) -> Result<BTreeMap<String, Total>, Error> {
        let ours = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
            text(bytes, NFTA_TABLE, TABLE);
        };
        let mut found = BTreeMap::new();
        match self.dump(NFT_MSG_GETRULE, ours, &mut found, |found, told| found.extend(counting::of_rule(told))) {
            Err(Refused::By(Errno::ENOENT)) => Ok(BTreeMap::new()),
            dumped => dumped.map(|()| found).map_err(|error| error.told("the rules")),
        }
    }

    /// Reads answers to a batch up to the one of message `last`; the first refusal is the answer.
    fn answered(&mut self, first: u32, last: u32) -> Result<(), Error> {
        let mut outcome = Ok(());
        loop {
            let mut over = false;
            for message in self.0.receive().map_err(refused)? {
                if let Some(answer) = message.outcome().filter(|_| (first..=last).contains(&message.sequence)) {
                    outcome = outcome.and(answer);
                    // A batch refused as a whole is answered at its beginning alone.
                    over |= message.sequence == last || message.sequence == first;
                }
            }
            if over {
                return outcome.map_err(|error| Error::Nft(format!("the kernel refused elements: {error}")));
            }
        }
    }

    fn holds_one(&mut self, Change { prefix, place, .. }: &Change) -> Result<bool, Error> {
        let sequence = self.0.next();
        let kind = rules::set_of(*place);
        let set = rules::set_name(kind, family_length(prefix));
        let mut request = Vec::new();
        message(&mut request, nftables(NFT_MSG_GETSETELEM), NLM_F_REQUEST, sequence, |bytes| {
            list(bytes, &set, std::iter::once(key(prefix)));
        });
        self.0.send(&request).map_err(refused)?;
        loop {
            for message in self.0.receive().map_err(refused)?.filter(|message| message.sequence == sequence) {
                match message.outcome() {
                    Some(Err(Errno::ENOENT)) => return Ok(false),
                    Some(answer) => answer.map_err(refused)?,
                    None => {
                        let body = message.body.get(FAMILY_HEADER..).unwrap_or_default();
                        let found = read_elements(body, &|data| rules::place_of(kind, data));
                        return Ok(found.contains(&(prefix.network(), Some(*place))));
                    }
                }
            }
        }
    }

    /// Asks for many things, and takes in each; anew from `found` as it was if somebody changed them meanwhile.
    fn dump<T: Clone>(
        &mut self,
        kind: u16,
        body: impl Fn(&mut Vec<u8>),
        found: &mut T,
        mut take: impl FnMut(&mut T, &[u8]),
    ) -> Result<(), Refused> {
        let before = found.clone();
        for _ in 0..DUMP_ATTEMPTS {
            if self.dump_once(kind, &body, |told| take(found, told)).map_err(Refused::By)? {
                return Ok(());
            }
            found.clone_from(&before);
        }
        Err(Refused::Incomplete)
    }

    /// One pass; whether nobody changed anything meanwhile.
    fn dump_once(
        &mut self,
        kind: u16,
        body: &impl Fn(&mut Vec<u8>),
        mut take: impl FnMut(&[u8]),
    ) -> Result<bool, Errno> {
        let sequence = self.0.next();
        let mut request = Vec::new();
        message(&mut request, nftables(kind), NLM_F_REQUEST | NLM_F_DUMP, sequence, |bytes| body(bytes));
        self.0.send(&request)?;
        let mut whole = true;
        loop {
            for message in self.0.receive()?.filter(|message| message.sequence == sequence) {
                whole &= message.flags & NLM_F_DUMP_INTR == 0;
                match message.outcome() {
                    Some(outcome) => return outcome.map(|()| whole),
                    None => take(message.body.get(FAMILY_HEADER..).unwrap_or_default()),
                }
            }
        }
    }
}

/// Why a dump was not had.
enum Refused {
    By(Errno),
    Incomplete,
}

impl Refused {
    fn told(self, what: &str) -> Error {
        match self {
            Self::By(error) => Error::Nft(format!("{what} cannot be read: {error}")),
            Self::Incomplete => Error::Incomplete(what.to_owned()),
        }
    }
}

fn refused(error: Errno) -> Error {
    Error::Nft(format!("netlink: {error}"))
}

fn nftables(message: u16) -> u16 {
    NFNL_SUBSYS_NFTABLES << 8 | message
}

/// Elements of one set that all enter it, or all leave it.
type Part = (String, bool, Vec<Vec<u8>>);

/// The changes as few messages, those of what leaves before those of what enters.
fn messages(changes: &[Change]) -> Vec<Part> {
    let mut sorted: BTreeMap<(bool, String), Vec<Vec<u8>>> = BTreeMap::new();
    for change in changes {
        let set = rules::set_name(rules::set_of(change.place), family_length(&change.prefix));
        sorted.entry((change.enters, set)).or_default().push(element(change));
    }
    let some = |((enters, set), elements): ((bool, String), Vec<Vec<u8>>)| {
        let chunks: Vec<Part> =
            elements.chunks(ELEMENTS_A_MESSAGE).map(|chunk| (set.clone(), enters, chunk.to_vec())).collect();
        chunks
    };
    sorted.into_iter().flat_map(some).collect()
}

/// An element: its key, and what it stands for.
fn element(Change { prefix, place, .. }: &Change) -> Vec<u8> {
    let mut bytes = key(prefix);
    if let Some(data) = rules::data_of(*place) {
        nested(&mut bytes, NFTA_SET_ELEM_DATA, |inner| attribute(inner, NFTA_DATA_VALUE, &data));
    }
    bytes
}

fn key(prefix: &IpNet) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(40);
    nested(&mut bytes, NFTA_SET_ELEM_KEY, |inner| match prefix.network() {
        IpAddr::V4(address) => attribute(inner, NFTA_DATA_VALUE, &address.octets()),
        IpAddr::V6(address) => attribute(inner, NFTA_DATA_VALUE, &address.octets()),
    });
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

    fn elements(&mut self, sequence: u32, flags: u16, set: &str, enters: bool, elements: &[Vec<u8>]) {
        let (kind, create) = match enters {
            true => (NFT_MSG_NEWSETELEM, NLM_F_CREATE),
            false => (NFT_MSG_DELSETELEM, 0),
        };
        message(&mut self.bytes, nftables(kind), NLM_F_REQUEST | create | flags, sequence, |bytes| {
            list(bytes, set, elements.iter());
        });
    }
}

/// The body of a message about elements of a set.
fn list(bytes: &mut Vec<u8>, set: &str, elements: impl Iterator<Item = impl AsRef<[u8]>>) {
    names(bytes, set);
    nested(bytes, NFTA_SET_ELEM_LIST_ELEMENTS, |list| {
        for element in elements {
            nested(list, NFTA_LIST_ELEM, |inner| inner.extend_from_slice(element.as_ref()));
        }
    });
}

/// The head of a message about a set: family, table, set.
fn names(bytes: &mut Vec<u8>, set: &str) {
    bytes.extend_from_slice(&[NFPROTO_INET, 0, 0, 0]);
    text(bytes, NFTA_SET_ELEM_LIST_TABLE, TABLE);
    text(bytes, NFTA_SET_ELEM_LIST_SET, set);
}

/// The elements a message of a dump lists.
fn read_elements<T>(body: &[u8], data: &impl Fn(&[u8]) -> T) -> Vec<(IpAddr, T)> {
    let mut found = Vec::new();
    for list in attributes(body).filter(|list| list.kind() == NFTA_SET_ELEM_LIST_ELEMENTS) {
        for element in attributes(list.value()) {
            let (mut key, mut stored) = (None, None);
            for part in attributes(element.value()) {
                let value = attributes(part.value()).find(|inner| inner.kind() == NFTA_DATA_VALUE);
                let Some(value) = value else { continue };
                match part.kind() {
                    NFTA_SET_ELEM_KEY => key = address(value.value()),
                    NFTA_SET_ELEM_DATA => stored = Some(data(value.value())),
                    _ => {}
                }
            }
            found.extend(key.map(|key| (key, stored.unwrap_or_else(|| data(&[])))));
        }
    }
    found
}

pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::netlink::Messages;
    use super::*;
    use crate::plan::blocks::PortBlock;

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
        batch.elements(2, NLM_F_ACK, &of_one_set[0].0, true, &of_one_set[0].2);
        batch.edge(NFNL_MSG_BATCH_END, 3);
        let all: Vec<_> = Messages(&batch.bytes).collect();
        assert_eq!(all.iter().map(|message| message.kind).collect::<Vec<_>>(), [0x10, 0x0a0c, 0x11]);
        let wanted = [("10.0.0.1", 0x11), ("10.0.0.2", 0x12)];
        let wanted = wanted.map(|(key, class)| (key.parse::<IpAddr>().unwrap(), Some(Place::Class(class))));
        assert_eq!(read_elements(&all[1].body[FAMILY_HEADER..], &|data| rules::place_of('l', data)), wanted);
    }

    #[test]
    fn a_port_block_is_read_as_it_is_written() {
        let block = PortBlock { address: "203.0.113.7".parse().unwrap(), first: 2048, last: 2303 };
        let all = messages(&[change("10.0.0.1/32", Place::Translated(block), true)]);
        assert_eq!(all[0].0, "p4_32");
        let data = rules::data_of(Place::Translated(block)).unwrap();
        assert_eq!(data, [203, 0, 113, 7, 8, 0, 0, 0, 203, 0, 113, 7, 8, 255, 0, 0]);
        assert_eq!(rules::place_of('p', &data), Some(Place::Translated(block)));
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
                set("c6_56", false, 1),
                set("g4_32", true, 800),
                set("g4_32", true, 800),
                set("g4_32", true, 400),
                set("g6_56", true, 1),
            ]
        );
    }
}
