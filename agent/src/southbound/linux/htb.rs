//! Messages about a port's tree: its root, its classes, their queues. Pure: the bytes.

use super::netlink::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, attribute, attributes, double_word, message, nested, text,
    word,
};
use super::tc::{ClassState, Leaf, QueueCounts, Speed};
use super::tree::{MAJOR, MINOR_DEFAULT, class_id, is_ours};
use crate::plan::shape;
use crate::southbound::Total;

/// Tells of a class, or makes or changes one.
pub const RTM_NEWTCLASS: u16 = 40;
/// Takes a class away.
const RTM_DELTCLASS: u16 = 41;
/// Asks for classes.
pub const RTM_GETTCLASS: u16 = 42;
/// Tells of a filter, or makes one.
pub const RTM_NEWTFILTER: u16 = 44;
/// Asks for filters.
pub const RTM_GETTFILTER: u16 = 46;
const RTM_NEWQDISC: u16 = 36;
const RTM_DELQDISC: u16 = 37;
/// Asks for qdiscs.
pub const RTM_GETQDISC: u16 = 38;
/// Stands for a port itself.
pub const TC_H_ROOT: u32 = u32::MAX;
const TCA_KIND: u16 = 1;
const TCA_OPTIONS: u16 = 2;
const TCA_STATS2: u16 = 7;
const TCA_HTB_PARMS: u16 = 1;
const TCA_HTB_INIT: u16 = 2;
const TCA_HTB_DIRECT_QLEN: u16 = 5;
const TCA_HTB_RATE64: u16 = 6;
const TCA_HTB_CEIL64: u16 = 7;
const TCA_FQ_CODEL_FLOWS: u16 = 5;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_APP: u16 = 4;
const TCA_STATS_PKT64: u16 = 8;
const TCA_BPF_FD: u16 = 6;
const TCA_BPF_NAME: u16 = 7;
/// By which our program is known.
const CHOOSER_NAME: &str = "weir-shard";
/// Priority 1, and ETH_P_ALL in the network's order.
const CHOOSER: u32 = 1 << 16 | (3u16.to_be() as u32);
const LINKLAYER_ETHERNET: u8 = 1;
/// `struct tcmsg`.
const HEADER: usize = 20;

/// What is asked of a port's tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Our root in the place of what is there.
    Root,
    /// No root of ours, nor anything under it.
    Uproot,
    /// A part of the tree of its own, inside a class.
    Part {
        /// Its major.
        major: u16,
        /// The class it is in.
        class: u32,
    },
    /// A class, or its new speed: a change keeps its counters and its queue.
    Class {
        /// Its name.
        id: u32,
        /// What it hangs under.
        parent: u32,
        /// What it is held to.
        speed: Speed,
    },
    /// The new speed of a class that must be there.
    Speed {
        /// Its name.
        id: u32,
        /// What it hangs under.
        parent: u32,
        /// What it is held to.
        speed: Speed,
    },
    /// No class of this name: nothing may hang under it.
    Fell {
        /// Its name.
        id: u32,
    },
    /// The queue of a class.
    Queue {
        /// Whose.
        class: u32,
        /// Of which kind.
        leaf: Leaf,
        /// What the class may send, bytes per second.
        rate: u64,
    },
    /// A program that chooses a class of the root.
    Chooser {
        /// Its descriptor.
        program: i32,
    },
}

impl Request {
    /// Appends it as a message about the port of this index.
    pub fn write(self, bytes: &mut Vec<u8>, index: i32, sequence: u32) {
        let (kind, flags) = match self {
            Self::Root | Self::Part { .. } | Self::Queue { .. } => (RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE),
            Self::Uproot => (RTM_DELQDISC, 0),
            Self::Fell { .. } => (RTM_DELTCLASS, 0),
            Self::Class { .. } => (RTM_NEWTCLASS, NLM_F_CREATE),
            Self::Speed { .. } => (RTM_NEWTCLASS, 0),
            Self::Chooser { .. } => (RTM_NEWTFILTER, NLM_F_CREATE),
        };
        message(bytes, kind, NLM_F_REQUEST | NLM_F_ACK | flags, sequence, |bytes| match self {
            Self::Root => qdisc(bytes, index, MAJOR, TC_H_ROOT),
            Self::Uproot => header(bytes, index, class_id(MAJOR, 0), TC_H_ROOT, 0),
            Self::Part { major, class } => qdisc(bytes, index, major, class),
            Self::Class { id, parent, speed } | Self::Speed { id, parent, speed } => {
                header(bytes, index, id, parent, 0);
                class(bytes, speed);
            }
            Self::Fell { id } => header(bytes, index, id, 0, 0),
            // The queue's handle is the class's minor: chosen by the kernel, handles run out at 32,767.
            Self::Queue { class, leaf, rate } => {
                header(bytes, index, class << 16, class, 0);
                queue(bytes, leaf, rate);
            }
            Self::Chooser { program } => {
                header(bytes, index, 1, class_id(MAJOR, 0), CHOOSER);
                text(bytes, TCA_KIND, "bpf");
                nested(bytes, TCA_OPTIONS, |options| {
                    attribute(options, TCA_BPF_FD, &program.to_ne_bytes());
                    text(options, TCA_BPF_NAME, CHOOSER_NAME);
                });
            }
        });
    }

    /// The class it is about and the speed it asks for, if it does.
    pub fn class(self) -> Option<(u32, Speed)> {
        match self {
            Self::Class { id, speed, .. } | Self::Speed { id, speed, .. } => Some((id, speed)),
            Self::Root
            | Self::Uproot
            | Self::Part { .. }
            | Self::Fell { .. }
            | Self::Queue { .. }
            | Self::Chooser { .. } => None,
        }
    }
}

/// Appends the body of a question about a class, or what hangs under one; 0: all of the port.
pub fn question(bytes: &mut Vec<u8>, index: i32, class: u32, parent: u32) {
    header(bytes, index, class, parent, 0);
}

/// `struct tcmsg`: family, port, handle, parent, more.
fn header(bytes: &mut Vec<u8>, index: i32, handle: u32, parent: u32, more: u32) {
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&index.to_ne_bytes());
    for word in [handle, parent, more] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
}

/// An HTB; `struct tc_htb_glob`: version 3, rate to quantum 10, default class, debug, direct packets.
fn qdisc(bytes: &mut Vec<u8>, index: i32, major: u16, parent: u32) {
    header(bytes, index, class_id(major, 0), parent, 0);
    let glob: Vec<u8> = [3u32, 10, MINOR_DEFAULT.into(), 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    text(bytes, TCA_KIND, "htb");
    nested(bytes, TCA_OPTIONS, |options| {
        attribute(options, TCA_HTB_INIT, &glob);
        attribute(options, TCA_HTB_DIRECT_QLEN, &1000u32.to_ne_bytes());
    });
}

fn class(bytes: &mut Vec<u8>, speed: Speed) {
    text(bytes, TCA_KIND, "htb");
    nested(bytes, TCA_OPTIONS, |options| {
        attribute(options, TCA_HTB_PARMS, &parameters(speed));
        if speed.ceiling > u64::from(u32::MAX) {
            attribute(options, TCA_HTB_RATE64, &speed.guaranteed.to_ne_bytes());
            attribute(options, TCA_HTB_CEIL64, &speed.ceiling.to_ne_bytes());
        }
    });
}

/// `struct tc_htb_opt`: two rate specifications, then buffer, cbuffer, quantum, level, priority.
///
/// With the link layer set to Ethernet the kernel wants no 1 KiB rate tables.
fn parameters(Speed { guaranteed, ceiling, turn, burst }: Speed) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(44);
    for speed in [guaranteed, ceiling] {
        bytes.extend_from_slice(&[3, LINKLAYER_ETHERNET]);
        bytes.extend_from_slice(&0u16.to_ne_bytes());
        bytes.extend_from_slice(&(-1i16).to_ne_bytes());
        bytes.extend_from_slice(&0u16.to_ne_bytes());
        bytes.extend_from_slice(&u32::try_from(speed).unwrap_or(u32::MAX).to_ne_bytes());
    }
    let buffer = shape::ticks(shape::burst_bytes(guaranteed), guaranteed);
    for word in [buffer, burst, turn, 0, 0] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes
}

fn queue(bytes: &mut Vec<u8>, leaf: Leaf, rate: u64) {
    match leaf {
        Leaf::FqCodel => {
            text(bytes, TCA_KIND, "fq_codel");
            nested(bytes, TCA_OPTIONS, |options| attribute(options, TCA_FQ_CODEL_FLOWS, &64u32.to_ne_bytes()));
        }
        Leaf::Bfifo => {
            text(bytes, TCA_KIND, "bfifo");
            attribute(bytes, TCA_OPTIONS, &shape::queue_bytes(rate).to_ne_bytes());
        }
    }
}

/// Whether a message tells of our program at our root.
pub fn is_chooser(body: &[u8]) -> bool {
    let parts = || attributes(body.get(HEADER..).unwrap_or_default());
    let options = parts().filter(|part| part.kind() == TCA_OPTIONS);
    parts().any(|part| part.kind() == TCA_KIND && part.value() == b"bpf\0")
        && options
            .flat_map(|part| attributes(part.value()).map(|inner| inner.value().to_vec()).collect::<Vec<_>>())
            .any(|value| value.strip_suffix(b"\0") == Some(CHOOSER_NAME.as_bytes()))
}

/// What a message tells of a qdisc: kind and major.
pub fn read_qdisc(body: &[u8]) -> Option<(String, u16)> {
    let kind = attributes(body.get(HEADER..)?).find(|part| part.kind() == TCA_KIND)?;
    let kind = String::from_utf8_lossy(kind.value()).trim_end_matches('\0').to_owned();
    Some((kind, u16::try_from(word(body, 8)? >> 16).ok()?))
}

/// What a message tells of a queue of ours: its port's index, its class, and what it counted.
///
/// A class's own count of drops has those of a plain queue alone: what `fq_codel` drops, most of it when a packet
/// leaves, is counted at the queue.
pub fn read_queue(body: &[u8]) -> Option<((i32, u32), QueueCounts)> {
    let (index, class) = (word(body, 4)?.cast_signed(), word(body, 12)?);
    if !is_ours(class) {
        return None;
    }
    let (mut counts, mut codel) = (QueueCounts::default(), false);
    for part in attributes(body.get(HEADER..)?) {
        match part.kind() {
            TCA_KIND => codel = part.value() == b"fq_codel\0",
            TCA_STATS2 => attributes(part.value()).for_each(|stat| match stat.kind() {
                // `struct gnet_stats_queue`: packets and bytes waiting, drops, ...
                TCA_STATS_QUEUE => counts.dropped = word(stat.value(), 8).unwrap_or(0),
                // `struct tc_fq_codel_xstats`: whose, largest packet, drops over the limit, marks, ...
                TCA_STATS_APP if codel => counts.marked = word(stat.value(), 12).unwrap_or(0),
                _ => {}
            }),
            _ => {}
        }
    }
    Some(((index, class), counts))
}

/// What a message tells of our root: all it sent, with link headers, and how many packets of that through no class.
pub fn read_root(body: &[u8]) -> (Total, u64) {
    let (mut state, mut direct) = (ClassState::default(), 0);
    for part in attributes(body.get(HEADER..).unwrap_or_default()) {
        match part.kind() {
            TCA_STATS2 => read_counts(part.value(), &mut state),
            // The last word of `struct tc_htb_glob`.
            TCA_OPTIONS => {
                let glob = attributes(part.value()).find(|option| option.kind() == TCA_HTB_INIT);
                direct = glob.and_then(|glob| word(glob.value(), 16)).unwrap_or(0);
            }
            _ => {}
        }
    }
    (Total { bytes: state.bytes, packets: state.packets }, direct.into())
}

/// What a message tells of a class of ours: its name, and how it stands.
pub fn read(body: &[u8]) -> Option<(u32, ClassState)> {
    let (id, more) = (word(body, 8)?, word(body, 16)?);
    if !is_ours(id) {
        return None;
    }
    // The upper half is the queue's handle: the minor, unless it is the kernel's own queue.
    let leaf = more >> 16 == id & 0xffff;
    let mut state = ClassState { parent: word(body, 12)?, leaf, ..ClassState::default() };
    for part in attributes(body.get(HEADER..)?) {
        match part.kind() {
            TCA_OPTIONS => read_speed(part.value(), &mut state.speed),
            TCA_STATS2 => read_counts(part.value(), &mut state),
            _ => {}
        }
    }
    Some((id, state))
}

fn read_speed(options: &[u8], speed: &mut Speed) {
    let mut wide = (None, None);
    for option in attributes(options) {
        let value = option.value();
        match option.kind() {
            TCA_HTB_PARMS => {
                let at = |at| word(value, at).unwrap_or(0);
                *speed = Speed { guaranteed: at(8).into(), ceiling: at(20).into(), turn: at(32), burst: at(28) };
            }
            TCA_HTB_RATE64 => wide.0 = double_word(value, 0),
            TCA_HTB_CEIL64 => wide.1 = double_word(value, 0),
            _ => {}
        }
    }
    speed.guaranteed = wide.0.unwrap_or(speed.guaranteed);
    speed.ceiling = wide.1.unwrap_or(speed.ceiling);
}

fn read_counts(stats: &[u8], state: &mut ClassState) {
    let mut wide = None;
    for stat in attributes(stats) {
        match stat.kind() {
            TCA_STATS_BASIC => {
                state.bytes = double_word(stat.value(), 0).unwrap_or(0);
                state.packets = word(stat.value(), 8).unwrap_or(0).into();
            }
            // `struct gnet_stats_queue`: packets waiting, bytes waiting, ...
            TCA_STATS_QUEUE => {
                state.waiting = word(stat.value(), 0).unwrap_or(0);
                state.waiting_bytes = word(stat.value(), 4).unwrap_or(0);
            }
            // The packet count as 64 bits, sent once it no longer fits into 32.
            TCA_STATS_PKT64 => wide = double_word(stat.value(), 0),
            _ => {}
        }
    }
    state.packets = wide.unwrap_or(state.packets);
}

#[cfg(test)]
mod tests {
    use super::super::netlink::Messages;
    use super::super::tree::{Dealing, Layout};
    use super::*;

    #[test]
    fn class_parameters_have_the_kernels_layout() {
        let bytes = parameters(Speed::of_line(1_262_500, 0));
        assert_eq!(bytes.len(), 44);
        assert_eq!(word(&bytes, 8), Some(1_000));
        assert_eq!(word(&bytes, 20), Some(1_262_500));
        // 16 KiB at 1.2625 MB/s are 12.98 ms, in ticks of 64 ns.
        assert_eq!(word(&bytes, 28), Some(202_772));
        assert_eq!(word(&bytes, 32), Some(1_514));
    }

    #[test]
    fn a_class_is_read_as_it_was_written_above_32_bits_too() {
        for speed in [Speed::of_line(1_262_500, 3_000_000), Speed::of_line(12_500_000_000, 0)] {
            let mut bytes = Vec::new();
            let id = Layout::Sharded(Dealing::Folded).line(0x1234);
            let parent = Layout::Sharded(Dealing::Folded).parent(0x1234, Some(0x24));
            Request::Class { id, parent, speed }.write(&mut bytes, 3, 7);
            let message = Messages(&bytes).next().unwrap();
            assert_eq!((message.kind, message.sequence), (RTM_NEWTCLASS, 7));
            assert_eq!(read(message.body).unwrap(), (id, ClassState { speed, parent, ..ClassState::default() }));
        }
    }
}
