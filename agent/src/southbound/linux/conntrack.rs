//! Connections the kernel tracks: those of a prefix that the internet sees otherwise from now on are forgotten, or they
//! would go on under ports that are somebody else's by then.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use nix::errno::Errno;
use nix::libc::AF_INET;
use nix::sys::socket::SockProtocol;

use super::netlink::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, Socket, attribute, attributes, message, nested};

const NFNL_SUBSYS_CTNETLINK: u16 = 1;
const IPCTNL_MSG_CT_GET: u16 = 1;
const IPCTNL_MSG_CT_DELETE: u16 = 2;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_TUPLE_IP: u16 = 1;
const CTA_IP_V4_SRC: u16 = 1;
/// `struct nfgenmsg`.
const FAMILY_HEADER: usize = 4;

/// A connection as it is named to the kernel: its first packet's addresses and ports, its id and its zone, as told.
struct Connection {
    tuple: Vec<u8>,
    id: Vec<u8>,
    zone: Option<Vec<u8>>,
}

/// Forgets the connections that hosts of these prefixes began, of which none lies in another; answers how many.
pub fn forget(mut prefixes: Vec<Ipv4Net>) -> Result<usize, Errno> {
    if prefixes.is_empty() {
        return Ok(0);
    }
    prefixes.sort_unstable();
    let mut socket = Socket::open(SockProtocol::NetlinkNetFilter)?;
    let found = begun_by(&mut socket, &prefixes)?;
    for connection in &found {
        let sequence = socket.next();
        let mut request = Vec::new();
        message(&mut request, kind(IPCTNL_MSG_CT_DELETE), NLM_F_REQUEST | NLM_F_ACK, sequence, |bytes| {
            bytes.extend_from_slice(&family());
            nested(bytes, CTA_TUPLE_ORIG, |inner| inner.extend_from_slice(&connection.tuple));
            attribute(bytes, CTA_ID, &connection.id);
            if let Some(zone) = &connection.zone {
                attribute(bytes, CTA_ZONE, zone);
            }
        });
        socket.send(&request)?;
        match answer(&mut socket, sequence)? {
            // It ended by itself meanwhile.
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found.len())
}

fn begun_by(socket: &mut Socket, prefixes: &[Ipv4Net]) -> Result<Vec<Connection>, Errno> {
    let sequence = socket.next();
    let mut request = Vec::new();
    message(&mut request, kind(IPCTNL_MSG_CT_GET), NLM_F_REQUEST | NLM_F_DUMP, sequence, |bytes| {
        bytes.extend_from_slice(&family());
    });
    socket.send(&request)?;
    let mut found = Vec::new();
    loop {
        for told in socket.receive()?.filter(|told| told.sequence == sequence) {
            if let Some(outcome) = told.outcome() {
                return outcome.map(|()| found);
            }
            found.extend(read(told.body.get(FAMILY_HEADER..).unwrap_or_default(), prefixes));
        }
    }
}

/// A connection, if a host of one of these prefixes (in their order) began it.
fn read(told: &[u8], prefixes: &[Ipv4Net]) -> Option<Connection> {
    let (mut tuple, mut id, mut zone) = (None, None, None);
    for part in attributes(told) {
        match part.kind() {
            CTA_TUPLE_ORIG => tuple = Some(part.value().to_vec()),
            CTA_ID => id = Some(part.value().to_vec()),
            CTA_ZONE => zone = Some(part.value().to_vec()),
            _ => {}
        }
    }
    let tuple = tuple?;
    let by = source(&tuple)?;
    // They neither overlap nor repeat, so the last one that begins not behind the host is the only one it can be in.
    let at = prefixes.partition_point(|prefix| prefix.network() <= by).checked_sub(1)?;
    prefixes[at].contains(&by).then_some(Connection { tuple, id: id?, zone })
}

fn source(tuple: &[u8]) -> Option<Ipv4Addr> {
    let addresses = attributes(tuple).find(|part| part.kind() == CTA_TUPLE_IP)?;
    let source = attributes(addresses.value()).find(|part| part.kind() == CTA_IP_V4_SRC)?;
    <[u8; 4]>::try_from(source.value()).ok().map(Ipv4Addr::from)
}

fn answer(socket: &mut Socket, sequence: u32) -> Result<Result<(), Errno>, Errno> {
    loop {
        let mut told = socket.receive()?.filter(|told| told.sequence == sequence);
        if let Some(outcome) = told.find_map(|told| told.outcome()) {
            return Ok(outcome);
        }
    }
}

fn kind(message: u16) -> u16 {
    NFNL_SUBSYS_CTNETLINK << 8 | message
}

fn family() -> [u8; FAMILY_HEADER] {
    [u8::try_from(AF_INET).unwrap_or_default(), 0, 0, 0]
}
