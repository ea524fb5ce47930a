//! Our qdisc tree through netlink: an HTB root, the port's capacity as its one class, under it a class a line, a leaf a class.
//!
//! A line is guaranteed next to nothing and borrows the rest from the capacity, up to what was sold: so the lines'
//! sum never passes the port's capacity, and a full port is shared in proportion to what was sold. `rtnetlink` has no
//! HTB and no way to add a class, but sends messages made by hand. Pure: the message bytes. Not pure: one request a call.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt};
use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_CREATE, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload, NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::LinkLayerType;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption, TcStats2};

use crate::plan::shape;
use crate::southbound::Error;

/// Major of our root qdisc; tells our tree from anybody else's.
pub const MAJOR: u16 = 0x7765;
/// The class all lines hang under: the port's capacity.
pub const MINOR_ROOT: u16 = 1;
/// The class of everybody who has none: the router itself, unknown hosts.
pub const MINOR_DEFAULT: u16 = 0xffff;
/// Stands for "no limit" at the root: 100 Gbit/s, in bytes per second.
const UNLIMITED: u64 = 12_500_000_000;

const TCA_OPTIONS: u16 = 2;
const TCA_HTB_PARMS: u16 = 1;
const TCA_HTB_INIT: u16 = 2;
const TCA_HTB_DIRECT_QLEN: u16 = 5;
const TCA_HTB_RATE64: u16 = 6;
const TCA_HTB_CEIL64: u16 = 7;
const TCA_FQ_CODEL_FLOWS: u16 = 5;
const TCA_STATS_PKT64: u16 = 8;
const LINKLAYER_ETHERNET: u8 = 1;

/// The queue inside a line's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// Fair queues with delay control, 64 of them.
    FqCodel,
    /// A plain queue of 50 ms, where the kernel has nothing better.
    Bfifo,
}

/// A port.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Kernel index.
    pub index: i32,
    /// Bytes the kernel counts for the link header of a packet.
    pub header: u64,
}

/// What a class is held to; bytes per second, with link headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Speed {
    /// Its own, whatever others do.
    pub guaranteed: u64,
    /// Never more than this, borrowed from the port's capacity.
    pub ceiling: u64,
    /// Bytes it may send in its turn while others wait for the same capacity.
    pub turn: u32,
}

impl Speed {
    /// A line sold `ceiling`.
    pub fn of_line(ceiling: u64) -> Self {
        Self { guaranteed: ceiling.min(shape::GUARANTEED), ceiling, turn: shape::turn_bytes(ceiling) }
    }

    /// A port of this capacity, bits per second of layer 3; 0 = no limit.
    pub fn of_port(link: Link, capacity_bps: u64) -> Self {
        let whole = if capacity_bps == 0 { UNLIMITED } else { shape::htb_bytes_per_second(capacity_bps, link.header) };
        Self { guaranteed: whole, ceiling: whole, turn: shape::turn_bytes(whole) }
    }

    /// Everybody who has no class of their own, on a port like that.
    pub fn of_others(link: Link, capacity_bps: u64) -> Self {
        let port = Self::of_port(link, capacity_bps);
        Self { guaranteed: (port.ceiling / 100).max(125_000).min(port.ceiling), ..port }
    }
}

/// A class as the kernel holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClassState {
    /// What it is held to.
    pub speed: Speed,
    /// Whether the queue we gave it is there.
    pub leaf: bool,
    /// Bytes sent, with link headers.
    pub bytes: u64,
    /// Packets sent, segments counted.
    pub packets: u64,
}

/// Speaks to the kernel's traffic control.
pub struct Tc(rtnetlink::Handle);

impl Tc {
    /// Opens a netlink socket in this thread's network namespace.
    pub fn open() -> Result<Self, Error> {
        let (connection, handle, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        Ok(Self(handle))
    }

    /// The port of this name.
    pub async fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        match self.0.link().get().match_name(name.to_owned()).execute().try_next().await {
            Ok(Some(message)) => {
                let header = if message.header.link_layer_type == LinkLayerType::Ether { 14 } else { 0 };
                Ok(Some(Link { index: message.header.index.cast_signed(), header }))
            }
            Ok(None) => Ok(None),
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == -nix::libc::ENODEV => Ok(None),
            Err(error) => Err(netlink(error)),
        }
    }

    /// Ports that carry our tree, whoever planted it.
    pub async fn planted(&self) -> Result<Vec<Link>, Error> {
        let mut dump = self.0.qdisc().get().execute();
        let mut indices = Vec::new();
        while let Some(message) = dump.try_next().await.map_err(netlink)? {
            let ours = message.header.parent == TcHandle::ROOT && message.header.handle.major == MAJOR;
            if ours && kind(&message) == "htb" {
                indices.push(message.header.index);
            }
        }
        Ok(indices.into_iter().map(|index| Link { index, header: 0 }).collect())
    }

    /// Kind and major of the qdisc at a port's root.
    pub async fn root(&self, link: Link) -> Result<Option<(String, u16)>, Error> {
        let mut qdiscs = self.0.qdisc().get().index(link.index).execute();
        let mut root = None;
        while let Some(message) = qdiscs.try_next().await.map_err(netlink)? {
            if message.header.index == link.index && message.header.parent == TcHandle::ROOT {
                root = Some((kind(&message), message.header.handle.major));
            }
        }
        Ok(root)
    }

    /// Puts our tree at a port's root: capacity, the class of the others, nothing else yet.
    pub async fn plant(&self, link: Link, capacity_bps: u64) -> Result<(), Error> {
        self.request_qdisc(root_qdisc(link.index), NLM_F_CREATE | NLM_F_REPLACE).await?;
        self.set_capacity(link, capacity_bps).await
    }

    /// Sets what the whole port may send, bits per second of layer 3; 0 = no limit.
    pub async fn set_capacity(&self, link: Link, capacity_bps: u64) -> Result<(), Error> {
        let root = TcHandle { major: MAJOR, minor: 0 };
        self.request_class(class(link.index, root, MINOR_ROOT, Speed::of_port(link, capacity_bps))).await?;
        self.request_class(class(link.index, parent(), MINOR_DEFAULT, Speed::of_others(link, capacity_bps))).await
    }

    /// Makes or changes a line's class; a change keeps its counters and its queue.
    pub async fn set_class(&self, link: Link, minor: u16, speed: Speed) -> Result<(), Error> {
        self.request_class(class(link.index, parent(), minor, speed)).await
    }

    /// Gives a class its queue.
    pub async fn set_leaf(&self, link: Link, minor: u16, rate: u64, leaf: Leaf) -> Result<(), Error> {
        self.request_qdisc(leaf_qdisc(link.index, minor, rate, leaf), NLM_F_CREATE | NLM_F_REPLACE).await
    }

    /// All classes of our tree on a port, by minor.
    pub async fn classes(&self, link: Link) -> Result<BTreeMap<u16, ClassState>, Error> {
        let mut dump = self.0.traffic_class(link.index).get().execute();
        let mut classes = BTreeMap::new();
        while let Some(message) = dump.try_next().await.map_err(netlink)? {
            let TcHandle { major, minor } = message.header.handle;
            if major == MAJOR {
                classes.insert(minor, state(&message));
            }
        }
        Ok(classes)
    }

    /// Takes our tree away. No tree is no error.
    pub async fn uproot(&self, link: Link) -> Result<(), Error> {
        if self.root(link).await? != Some(("htb".into(), MAJOR)) {
            return Ok(());
        }
        let mut message = TcMessage::with_index(link.index);
        message.header.parent = TcHandle::ROOT;
        message.header.handle = TcHandle { major: MAJOR, minor: 0 };
        self.request(RouteNetlinkMessage::DelQueueDiscipline(message), 0).await
    }

    /// Puts a bare tree with this leaf on a port to see whether the kernel can.
    pub async fn can(&self, link: Link, leaf: Leaf) -> bool {
        let minor = 0x10;
        let tried = async {
            self.plant(link, 0).await?;
            self.set_class(link, minor, Speed::of_line(1_000_000)).await?;
            self.set_leaf(link, minor, 1_000_000, leaf).await
        };
        tried.await.is_ok()
    }

    async fn request_class(&self, message: TcMessage) -> Result<(), Error> {
        self.request(RouteNetlinkMessage::NewTrafficClass(message), NLM_F_CREATE).await
    }

    async fn request_qdisc(&self, message: TcMessage, flags: u16) -> Result<(), Error> {
        self.request(RouteNetlinkMessage::NewQueueDiscipline(message), flags).await
    }

    async fn request(&self, message: RouteNetlinkMessage, flags: u16) -> Result<(), Error> {
        let mut request = NetlinkMessage::from(message);
        request.header.flags = NLM_F_REQUEST | NLM_F_ACK | flags;
        let mut replies = self.0.clone().request(request).map_err(netlink)?;
        while let Some(reply) = replies.next().await {
            if let NetlinkPayload::Error(error) = reply.payload
                && error.code.is_some()
            {
                return Err(netlink(error));
            }
        }
        Ok(())
    }
}

fn netlink(error: impl std::fmt::Display) -> Error {
    Error::Netlink(error.to_string())
}

fn kind(message: &TcMessage) -> String {
    let kind = message.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Kind(kind) => Some(kind.clone()),
        _ => None,
    });
    kind.unwrap_or_default()
}

fn parent() -> TcHandle {
    TcHandle { major: MAJOR, minor: MINOR_ROOT }
}

fn option(kind: u16, value: Vec<u8>) -> TcOption {
    TcOption::Other(DefaultNla::new(kind, value))
}

/// `struct tc_htb_glob`: version 3, rate to quantum 10, default class, debug, direct packets.
fn root_qdisc(index: i32) -> TcMessage {
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle::ROOT;
    message.header.handle = TcHandle { major: MAJOR, minor: 0 };
    let glob = [3u32, 10, MINOR_DEFAULT.into(), 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    message.attributes.push(TcAttribute::Kind("htb".into()));
    message.attributes.push(TcAttribute::Options(vec![
        option(TCA_HTB_INIT, glob),
        option(TCA_HTB_DIRECT_QLEN, 1000u32.to_ne_bytes().to_vec()),
    ]));
    message
}

fn class(index: i32, parent: TcHandle, minor: u16, speed: Speed) -> TcMessage {
    let mut message = TcMessage::with_index(index);
    message.header.parent = parent;
    message.header.handle = TcHandle { major: MAJOR, minor };
    message.attributes.push(TcAttribute::Kind("htb".into()));
    let mut options = vec![option(TCA_HTB_PARMS, parameters(speed))];
    if speed.ceiling > u64::from(u32::MAX) {
        options.push(option(TCA_HTB_RATE64, speed.guaranteed.to_ne_bytes().to_vec()));
        options.push(option(TCA_HTB_CEIL64, speed.ceiling.to_ne_bytes().to_vec()));
    }
    message.attributes.push(TcAttribute::Options(options));
    message
}

/// `struct tc_htb_opt`: two rate specifications, then buffer, cbuffer, quantum, level, priority.
///
/// With the link layer set to Ethernet the kernel wants no 1 KiB rate tables.
fn parameters(Speed { guaranteed, ceiling, turn }: Speed) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(44);
    for speed in [guaranteed, ceiling] {
        bytes.extend_from_slice(&[3, LINKLAYER_ETHERNET]);
        bytes.extend_from_slice(&0u16.to_ne_bytes());
        bytes.extend_from_slice(&(-1i16).to_ne_bytes());
        bytes.extend_from_slice(&0u16.to_ne_bytes());
        bytes.extend_from_slice(&u32::try_from(speed).unwrap_or(u32::MAX).to_ne_bytes());
    }
    let [buffer, cbuffer] = [guaranteed, ceiling].map(|speed| shape::ticks(shape::burst_bytes(speed), speed));
    for word in [buffer, cbuffer, turn, 0, 0] {
        bytes.extend_from_slice(&word.to_ne_bytes());
    }
    bytes
}

/// The leaf's handle is the class's minor: chosen by the kernel, handles run out at 32,767.
fn leaf_qdisc(index: i32, minor: u16, rate: u64, leaf: Leaf) -> TcMessage {
    let mut message = TcMessage::with_index(index);
    message.header.parent = TcHandle { major: MAJOR, minor };
    message.header.handle = TcHandle { major: minor, minor: 0 };
    match leaf {
        Leaf::FqCodel => {
            message.attributes.push(TcAttribute::Kind("fq_codel".into()));
            let flows = 64u32.to_ne_bytes().to_vec();
            message.attributes.push(TcAttribute::Options(vec![option(TCA_FQ_CODEL_FLOWS, flows)]));
        }
        Leaf::Bfifo => {
            message.attributes.push(TcAttribute::Kind("bfifo".into()));
            let limit = shape::queue_bytes(rate).to_ne_bytes().to_vec();
            message.attributes.push(TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, limit)));
        }
    }
    message
}

fn state(message: &TcMessage) -> ClassState {
    // The upper half is the leaf's handle: the minor, unless it is the kernel's own leaf.
    let leaf = message.header.info >> 16 == u32::from(message.header.handle.minor);
    let mut state = ClassState { speed: Speed::default(), leaf, bytes: 0, packets: 0 };
    for attribute in &message.attributes {
        match attribute {
            TcAttribute::Options(options) => read_speed(options, &mut state.speed),
            TcAttribute::Stats2(stats) => {
                for stat in stats {
                    match stat {
                        TcStats2::Basic(basic) => {
                            state.bytes = basic.bytes;
                            state.packets = state.packets.max(basic.packets.into());
                        }
                        // The packet count as 64 bits, sent once it no longer fits into 32.
                        TcStats2::Other(nla) => {
                            use netlink_packet_core::Nla;
                            if nla.kind() == TCA_STATS_PKT64 {
                                state.packets = word(&value(nla), 0).unwrap_or(state.packets);
                            }
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    state
}

/// The crate hands HTB's options over as one attribute with the nested ones still inside.
fn read_speed(options: &[TcOption], speed: &mut Speed) {
    let mut wide = (None, None);
    for option in options {
        let TcOption::Other(nla) = option else { continue };
        let nested = value(nla);
        for attribute in NlasIterator::new(nested.as_slice()).flatten() {
            let bytes = attribute.value();
            match attribute.kind() {
                TCA_HTB_PARMS => {
                    speed.guaranteed = half_word(bytes, 8).into();
                    speed.ceiling = half_word(bytes, 20).into();
                    speed.turn = half_word(bytes, 32);
                }
                TCA_HTB_RATE64 => wide.0 = word(bytes, 0),
                TCA_HTB_CEIL64 => wide.1 = word(bytes, 0),
                _ => {}
            }
        }
    }
    speed.guaranteed = wide.0.unwrap_or(speed.guaranteed);
    speed.ceiling = wide.1.unwrap_or(speed.ceiling);
}

fn value(nla: &DefaultNla) -> Vec<u8> {
    use netlink_packet_core::Nla;
    let mut bytes = vec![0; nla.value_len()];
    nla.emit_value(&mut bytes);
    bytes
}

fn half_word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_ne_bytes)
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_parameters_have_the_kernels_layout() {
        let bytes = parameters(Speed::of_line(1_262_500));
        assert_eq!(bytes.len(), 44);
        assert_eq!(half_word(&bytes, 8), 1_000);
        assert_eq!(half_word(&bytes, 20), 1_262_500);
        // 16 KiB at 1.2625 MB/s are 12.98 ms, in ticks of 64 ns.
        assert_eq!(half_word(&bytes, 28), 202_772);
        assert_eq!(half_word(&bytes, 32), 1_514);
    }
}
