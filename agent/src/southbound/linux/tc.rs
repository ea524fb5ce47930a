//! Our qdisc tree through netlink: an HTB root, the port's capacity as its one class, under it a class a line, a leaf a
//! class; lines that share a site or an access point are under its class.
//!
//! A line is guaranteed next to nothing and borrows the rest from the capacity, up to what was sold: so the lines'
//! sum never passes the port's capacity, and a full port is shared in proportion to what was sold. Ports are found by
//! `rtnetlink`, which has no HTB and no way to add a class: [`htb`] has the bytes of those.

use std::collections::BTreeMap;
use std::os::fd::AsRawFd;

use futures_util::TryStreamExt;
use netlink_packet_route::link::{LinkAttribute, LinkLayerType};
use nix::errno::Errno;
use nix::sys::socket::SockProtocol;

use super::bpf;
use super::htb::{
    self, RTM_GETQDISC, RTM_GETTCLASS, RTM_GETTFILTER, RTM_NEWTCLASS, RTM_NEWTFILTER, Request, TC_H_ROOT,
};
use super::netlink::{Message, NLM_F_ACK, NLM_F_DUMP, NLM_F_ECHO, NLM_F_REQUEST, Socket, message};
use super::tree::{Committed, Dealing, Layout, MAJOR, class_id};
use crate::plan::shape;
use crate::southbound::{Error, Total};

/// Stands for "no limit" at the root: 100 Gbit/s, in bytes per second.
const UNLIMITED: u64 = 12_500_000_000;

/// Requests sent before their answers are read: these fit into what a socket holds.
const REQUESTS_AT_ONCE: usize = 100;

/// The queue inside a line's class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    /// Fair queues with delay control, 64 of them.
    FqCodel,
    /// A plain queue of 50 ms, where the kernel has nothing better.
    Bfifo,
}

impl Leaf {
    /// Whether it must change with the rate; `fq_codel` need not, and refuses to be asked again.
    pub fn follows_rate(self) -> bool {
        self == Self::Bfifo
    }
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
    /// How long it may have sent nothing and catch up on that at once, in the packet scheduler's ticks.
    pub burst: u32,
}

impl Speed {
    /// A line sold `ceiling` and so many bytes at once.
    pub fn of_line(ceiling: u64, burst_bytes: u64) -> Self {
        let burst = shape::ticks(shape::line_burst_bytes(ceiling, burst_bytes), ceiling);
        Self { guaranteed: ceiling.min(shape::GUARANTEED), ceiling, turn: shape::turn_bytes(ceiling), burst }
    }

    /// A node promised `committed_bps` that never passes `peak_bps`, bits per second of layer 3.
    pub fn of_node(link: Link, committed_bps: u64, peak_bps: u64) -> Self {
        let port = Self::of_port(link, peak_bps);
        let committed = shape::htb_bytes_per_second(committed_bps, link.header).max(shape::GUARANTEED);
        Self { guaranteed: committed.min(port.ceiling), ..port }
    }

    /// A port of this capacity, bits per second of layer 3; 0 = no limit.
    pub fn of_port(link: Link, capacity_bps: u64) -> Self {
        let whole = if capacity_bps == 0 { UNLIMITED } else { shape::htb_bytes_per_second(capacity_bps, link.header) };
        // The kernel keeps an inner class's turn as it was made with, whatever a change says.
        let burst = shape::ticks(shape::burst_bytes(whole), whole);
        Self { guaranteed: whole, ceiling: whole, turn: shape::TURN_MAX, burst }
    }

    /// A part of a port like that, whose nodes are promised `committed_bps` together.
    pub fn of_shard(link: Link, capacity_bps: u64, committed_bps: u64) -> Self {
        let port = Self::of_port(link, capacity_bps);
        let committed = shape::htb_bytes_per_second(committed_bps, link.header).max(shape::GUARANTEED);
        Self { guaranteed: committed.min(port.ceiling), ..port }
    }

    /// Everybody who has no class of their own, on a port like that.
    pub fn of_others(link: Link, capacity_bps: u64) -> Self {
        let port = Self::of_port(link, capacity_bps);
        Self { guaranteed: (port.ceiling / 100).max(125_000).min(port.ceiling), ..port }
    }
}

/// A class as the kernel holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClassState {
    /// What it hangs under.
    pub parent: u32,
    /// What it is held to.
    pub speed: Speed,
    /// Packets in its queue.
    pub waiting: u32,
    /// Whether the queue we gave it is there.
    pub leaf: bool,
    /// Bytes sent, with link headers.
    pub bytes: u64,
    /// Packets sent, segments counted.
    pub packets: u64,
    /// Bytes in its queue, with link headers.
    pub waiting_bytes: u32,
}

impl ClassState {
    /// What it counted, in layer 3.
    pub fn total(&self, link: Link) -> Total {
        Total { bytes: shape::layer3_bytes(self.bytes, self.packets, link.header), packets: self.packets }
    }
}

/// The classes of a port, in the order of their names: tens of thousands, read anew in each sweep.
#[derive(Debug, Default)]
pub struct Classes(Vec<(u32, ClassState)>);

impl Classes {
    /// The class of this name.
    pub fn get(&self, id: u32) -> Option<&ClassState> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at).map(|(_, state)| state)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &ClassState)> {
        self.0.iter().map(|(id, state)| (*id, state))
    }
}

impl FromIterator<(u32, ClassState)> for Classes {
    fn from_iter<I: IntoIterator<Item = (u32, ClassState)>>(classes: I) -> Self {
        let mut classes: Vec<_> = classes.into_iter().collect();
        classes.sort_unstable_by_key(|(id, _)| *id);
        Self(classes)
    }
}

/// What a queue counted; the kernel lets both run over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueCounts {
    /// Packets dropped.
    pub dropped: u32,
    /// Packets marked as having met congestion.
    pub marked: u32,
}

/// Queues that dropped or marked something, by port index and class.
pub type Queues = BTreeMap<(i32, u32), QueueCounts>;

/// What is asked about a port's tree.
struct Question {
    kind: u16,
    class: u32,
    parent: u32,
    flags: u16,
}

/// Speaks to the kernel's traffic control.
pub struct Tc {
    finder: rtnetlink::Handle,
    socket: Socket,
}

impl Tc {
    /// Opens netlink sockets in this thread's network namespace.
    pub fn open() -> Result<Self, Error> {
        let (connection, finder, _) = rtnetlink::new_connection()?;
        tokio::spawn(connection);
        Ok(Self { finder, socket: Socket::open(SockProtocol::NetlinkRoute).map_err(refused)? })
    }

    /// The port of this name.
    pub async fn link(&self, name: &str) -> Result<Option<Link>, Error> {
        match self.finder.link().get().match_name(name.to_owned()).execute().try_next().await {
            Ok(Some(message)) => {
                let header = if message.header.link_layer_type == LinkLayerType::Ether { 14 } else { 0 };
                Ok(Some(Link { index: message.header.index.cast_signed(), header }))
            }
            Ok(None) => Ok(None),
            Err(rtnetlink::Error::NetlinkError(error)) if error.raw_code() == -nix::libc::ENODEV => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    /// Ports that carry our tree, whoever planted it.
    pub async fn planted(&mut self) -> Result<Vec<Link>, Error> {
        let mut ports = self.finder.link().get().execute();
        let mut links = Vec::new();
        while let Some(message) = ports.try_next().await.map_err(refused)? {
            links.push(Link { index: message.header.index.cast_signed(), header: 0 });
        }
        let mut planted = Vec::new();
        for link in links {
            if self.is_planted(link)? {
                planted.push(link);
            }
        }
        Ok(planted)
    }

    /// Whether our tree is at a port's root.
    pub fn is_planted(&mut self, link: Link) -> Result<bool, Error> {
        Ok(self.root(link)?.is_some_and(|(kind, major)| kind == "htb" && major == MAJOR))
    }

    /// Kind and major of the qdisc at a port's root; none where the kernel has but its built-in one.
    pub fn root(&mut self, link: Link) -> Result<Option<(String, u16)>, Error> {
        let mut root = None;
        // Without the echo the kernel answers a question about one qdisc with nothing.
        let question = Question { kind: RTM_GETQDISC, class: 0, parent: TC_H_ROOT, flags: NLM_F_ECHO | NLM_F_ACK };
        match self.question(link, question, |answer| root = htb::read_qdisc(answer.body)) {
            // Or the port has gone meanwhile.
            Err(Errno::ENOENT | Errno::ENODEV) => Ok(None),
            answered => answered.map(|()| root).map_err(refused),
        }
    }

    /// Puts our tree at a port's root: capacity, the class of the others, nothing else yet.
    pub async fn plant(&mut self, link: Link, layout: Layout, capacity_bps: u64) -> Result<(), Error> {
        self.all(link, &layout.plant(link, capacity_bps)).await?;
        match layout {
            Layout::Flat => Ok(()),
            Layout::Sharded(_) => self.choose(link).await,
        }
    }

    /// Puts the program that chooses a shard at our root.
    pub async fn choose(&mut self, link: Link) -> Result<(), Error> {
        let program = bpf::load()?;
        self.all(link, &[Request::Chooser { program: program.as_raw_fd() }]).await
    }

    /// How our tree on a port is laid out, if its minors are dealt so.
    pub fn layout(&mut self, link: Link, dealing: Dealing) -> Result<Layout, Error> {
        for shard in Layout::Sharded(dealing).majors().filter(|major| *major != MAJOR) {
            if self.class(link, class_id(MAJOR, shard))?.is_some() {
                return Ok(Layout::Sharded(dealing));
            }
        }
        Ok(Layout::Flat)
    }

    /// Whether every part of our tree is there.
    pub fn is_whole(&mut self, link: Link, layout: Layout) -> Result<bool, Error> {
        for (class, _) in layout.capacity(link, 0, &Committed::default()).iter().filter_map(|request| request.class()) {
            if self.class(link, class)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether our program chooses at our root.
    pub fn chooses(&mut self, link: Link) -> Result<bool, Error> {
        let mut found = false;
        let question = Question { kind: RTM_GETTFILTER, class: 0, parent: class_id(MAJOR, 0), flags: NLM_F_DUMP };
        let take = |answer: Message<'_>| found |= answer.kind == RTM_NEWTFILTER && htb::is_chooser(answer.body);
        self.question(link, question, take).map_err(refused)?;
        Ok(found)
    }

    /// Sets what the whole port may send, bits per second of layer 3; 0 = no limit.
    pub async fn set_capacity(
        &mut self,
        link: Link,
        layout: Layout,
        capacity_bps: u64,
        committed: &Committed,
    ) -> Result<(), Error> {
        self.all(link, &layout.capacity(link, capacity_bps, committed)).await
    }

    /// Takes our tree away. No tree is no error.
    pub async fn uproot(&mut self, link: Link) -> Result<(), Error> {
        if !self.is_planted(link)? {
            return Ok(());
        }
        self.all(link, &[Request::Uproot]).await
    }

    /// Puts a bare tree with this leaf on a port to see whether the kernel can.
    pub async fn can(&mut self, link: Link, layout: Layout, leaf: Leaf) -> bool {
        let (minor, rate) = (0x10, 1_000_000);
        let (id, parent, speed) = (layout.line(minor), layout.parent(minor, None), Speed::of_line(rate, 0));
        let line = [Request::Class { id, parent, speed }, Request::Queue { class: id, leaf, rate }];
        self.plant(link, layout, 0).await.is_ok() && self.all(link, &line).await.is_ok()
    }

    /// Asks for all of these, in order; what became of each, in the same order.
    pub async fn ask(&mut self, link: Link, requests: &[Request]) -> Result<Vec<Result<(), Error>>, Error> {
        let mut outcomes = Vec::with_capacity(requests.len());
        for some in requests.chunks(REQUESTS_AT_ONCE) {
            outcomes.extend(self.ask_at_once(link, some)?.into_iter().map(|outcome| outcome.map_err(refused)));
            // Thousands of classes take the kernel seconds: whoever shares the thread goes on meanwhile.
            tokio::task::yield_now().await;
        }
        Ok(outcomes)
    }

    async fn all(&mut self, link: Link, requests: &[Request]) -> Result<(), Error> {
        self.ask(link, requests).await?.into_iter().collect()
    }

    fn ask_at_once(&mut self, link: Link, requests: &[Request]) -> Result<Vec<Result<(), Errno>>, Error> {
        let (mut bytes, mut first) = (Vec::new(), None);
        for request in requests {
            let sequence = self.socket.next();
            first.get_or_insert(sequence);
            request.write(&mut bytes, link.index, sequence);
        }
        let mut outcomes = vec![None; requests.len()];
        self.socket.send(&bytes).map_err(refused)?;
        while outcomes.iter().any(Option::is_none) {
            for answer in self.socket.receive().map_err(refused)? {
                let place = first.and_then(|first| usize::try_from(answer.sequence.wrapping_sub(first)).ok());
                if let (Some(outcome), Some(place)) = (answer.outcome(), place.and_then(|at| outcomes.get_mut(at))) {
                    *place = Some(outcome);
                }
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// All classes of our tree on a port.
    ///
    /// Each part is asked for alone: asked for a port, the kernel looks through all its queues for ones with classes, for
    /// every few classes it tells of.
    pub fn classes(&mut self, link: Link, layout: Layout) -> Result<Classes, Error> {
        let mut classes = Vec::new();
        for major in layout.majors() {
            let part = class_id(major, 0);
            let question = Question { kind: RTM_GETTCLASS, class: 0, parent: part, flags: NLM_F_DUMP };
            self.question(link, question, |answer| classes.extend(class_of(answer))).map_err(refused)?;
        }
        Ok(classes.into_iter().collect())
    }

    /// Queues of all our trees. The kernel looks at every queue of the machine: not for every sweep.
    pub fn queues(&mut self) -> Result<Queues, Error> {
        let mut queues = Queues::new();
        let question = Question { kind: RTM_GETQDISC, class: 0, parent: 0, flags: NLM_F_DUMP };
        let any = Link { index: 0, header: 0 };
        self.question(any, question, |answer| {
            queues.extend(htb::read_queue(answer.body).filter(|(_, counts)| *counts != QueueCounts::default()));
        })
        .map_err(refused)?;
        Ok(queues)
    }

    /// What left our tree on a port, its classes or not, with link headers; and how many packets left through none.
    pub fn left(&mut self, link: Link) -> Result<(Total, u64), Error> {
        let mut left = (Total::default(), 0);
        let question = Question { kind: RTM_GETQDISC, class: 0, parent: TC_H_ROOT, flags: NLM_F_ECHO | NLM_F_ACK };
        self.question(link, question, |answer| left = htb::read_root(answer.body)).map_err(refused)?;
        Ok(left)
    }

    /// What a port says that it sent, with link headers, and how many packets it was handed in vain.
    pub async fn sent(&self, link: Link) -> Result<(Total, u64), Error> {
        let index = link.index.cast_unsigned();
        let found = self.finder.link().get().match_index(index).execute().try_next().await.map_err(refused)?;
        let stats = found.into_iter().flat_map(|message| message.attributes).find_map(|attribute| match attribute {
            LinkAttribute::Stats64(stats) => Some(stats),
            _ => None,
        });
        let stats = stats.ok_or_else(|| Error::Netlink(format!("port {index} does not tell what it sent")))?;
        let sent = Total { bytes: stats.tx_bytes, packets: stats.tx_packets };
        Ok((sent, stats.tx_dropped.saturating_add(stats.tx_errors)))
    }

    /// One class of our tree, if it is there.
    pub fn class(&mut self, link: Link, class: u32) -> Result<Option<ClassState>, Error> {
        let mut found = None;
        // Without the echo the kernel answers a question about one class with nothing.
        let question = Question { kind: RTM_GETTCLASS, class, parent: 0, flags: NLM_F_ECHO | NLM_F_ACK };
        match self.question(link, question, |answer| found = class_of(answer).map(|(_, state)| state)) {
            Err(Errno::ENOENT) => Ok(None),
            answered => answered.map(|()| found).map_err(refused),
        }
    }

    /// Asks, and takes in each answer.
    fn question(&mut self, link: Link, question: Question, mut take: impl FnMut(Message<'_>)) -> Result<(), Errno> {
        let Question { kind, class, parent, flags } = question;
        let sequence = self.socket.next();
        let mut bytes = Vec::new();
        message(&mut bytes, kind, NLM_F_REQUEST | flags, sequence, |bytes| {
            htb::question(bytes, link.index, class, parent);
        });
        self.socket.send(&bytes)?;
        loop {
            for answer in self.socket.receive()?.filter(|answer| answer.sequence == sequence) {
                match answer.outcome() {
                    Some(outcome) => return outcome,
                    None => take(answer),
                }
            }
        }
    }
}

fn class_of(answer: Message<'_>) -> Option<(u32, ClassState)> {
    (answer.kind == RTM_NEWTCLASS).then(|| htb::read(answer.body))?
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::Netlink(error.to_string())
}
