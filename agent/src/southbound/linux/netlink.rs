//! Netlink as the kernel speaks it: messages made by hand, many a datagram, answers read behind them.
//!
//! Pure: the bytes. Not pure: [`Socket`], which waits for the kernel; it answers at once.

use std::os::fd::{AsRawFd, OwnedFd};

use netlink_packet_core::{NlaBuffer, NlasIterator};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, setsockopt, socket,
    sockopt,
};
use nix::sys::time::TimeVal;

/// Answers an error, or the success of a message that asked for an acknowledgement.
const NLMSG_ERROR: u16 = 2;
/// Ends a dump.
const NLMSG_DONE: u16 = 3;
/// Every message to the kernel.
pub const NLM_F_REQUEST: u16 = 1;
/// Answer also success.
pub const NLM_F_ACK: u16 = 4;
/// Tell also whoever asks.
pub const NLM_F_ECHO: u16 = 8;
/// Somebody changed what is dumped meanwhile.
pub const NLM_F_DUMP_INTR: u16 = 0x10;
/// All of it.
pub const NLM_F_DUMP: u16 = 0x300;
/// In the place of what is there.
pub const NLM_F_REPLACE: u16 = 0x100;
/// Made if it is not there.
pub const NLM_F_CREATE: u16 = 0x400;

const NLA_F_NESTED: u16 = 0x8000;
const HEADER: usize = 16;
/// The kernel answers at once; longer than this is no answer.
const PATIENCE_SECONDS: i64 = 10;

/// A socket of one netlink family, in the network namespace it was opened in.
pub struct Socket {
    file: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// Opens it.
    pub fn open(family: SockProtocol) -> Result<Self, Errno> {
        let file = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, family)?;
        bind(file.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        setsockopt(&file, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0))?;
        Ok(Self { file, sequence: 0, buffer: vec![0; 1 << 16] })
    }

    /// A number no message had yet; they grow.
    pub fn next(&mut self) -> u32 {
        self.sequence = self.sequence.wrapping_add(1).max(1);
        self.sequence
    }

    /// Sends messages as one datagram.
    pub fn send(&self, messages: &[u8]) -> Result<(), Errno> {
        send(self.file.as_raw_fd(), messages, MsgFlags::empty()).map(drop)
    }

    /// Waits for the next datagram.
    pub fn receive(&mut self) -> Result<Messages<'_>, Errno> {
        loop {
            match recv(self.file.as_raw_fd(), &mut self.buffer, MsgFlags::empty()) {
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error),
                Ok(read) => return Ok(Messages(&self.buffer[..read])),
            }
        }
    }
}

/// A message of the kernel.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is.
    pub kind: u16,
    /// How it is meant.
    pub flags: u16,
    /// Number of the message it answers.
    pub sequence: u32,
    /// The rest.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// What became of the message it answers, or of the dump it ends; `None` if it is no such answer.
    pub fn outcome(&self) -> Option<Result<(), Errno>> {
        matches!(self.kind, NLMSG_ERROR | NLMSG_DONE).then(|| {
            match word(self.body, 0).unwrap_or_default().cast_signed() {
                0 => Ok(()),
                code => Err(Errno::from_raw(-code)),
            }
        })
    }
}

/// The messages of a datagram.
pub struct Messages<'a>(pub &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let half = |at: usize| Some(u16::from_ne_bytes(self.0.get(at..at + 2)?.try_into().ok()?));
        let length = usize::try_from(word(self.0, 0)?).ok()?;
        let body = self.0.get(HEADER..length)?;
        let found = Message { kind: half(4)?, flags: half(6)?, sequence: word(self.0, 8)?, body };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(found)
    }
}

/// Appends a message: length, kind, flags, sequence, and whoever sends it (the kernel knows).
pub fn message(bytes: &mut Vec<u8>, kind: u16, flags: u16, sequence: u32, body: impl FnOnce(&mut Vec<u8>)) {
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

/// Appends an attribute.
pub fn attribute(bytes: &mut Vec<u8>, kind: u16, value: &[u8]) {
    filled(bytes, kind, |bytes| bytes.extend_from_slice(value));
}

/// Appends a text, with the zero that ends it.
pub fn text(bytes: &mut Vec<u8>, kind: u16, value: &str) {
    filled(bytes, kind, |bytes| {
        bytes.extend_from_slice(value.as_bytes());
        bytes.push(0);
    });
}

/// Appends an attribute of attributes.
pub fn nested(bytes: &mut Vec<u8>, kind: u16, inner: impl FnOnce(&mut Vec<u8>)) {
    filled(bytes, kind | NLA_F_NESTED, inner);
}

/// Its length without padding, its kind, its value, and padding to four bytes.
fn filled(bytes: &mut Vec<u8>, kind: u16, value: impl FnOnce(&mut Vec<u8>)) {
    let from = bytes.len();
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(&kind.to_ne_bytes());
    value(bytes);
    let length = u16::try_from(bytes.len() - from).unwrap_or(u16::MAX);
    bytes[from..from + 2].copy_from_slice(&length.to_ne_bytes());
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// The attributes of a body.
pub fn attributes(bytes: &[u8]) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(bytes).flatten()
}

/// 32 bits of the machine's order.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

/// 64 bits of the machine's order.
pub fn double_word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..at + 8)?.try_into().ok().map(u64::from_ne_bytes)
}
