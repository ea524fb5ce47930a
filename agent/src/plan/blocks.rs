//! Port blocks: which public address and ports are one line's alone. Pure.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use uuid::Uuid;
use weir_protocol::desired;

use super::check::{Rejection, reject};

/// A public address, and the ports on it that are one line's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct PortBlock {
    /// What the internet sees.
    pub address: Ipv4Addr,
    /// The first port.
    pub first: u16,
    /// The last one.
    pub last: u16,
}

impl PortBlock {
    /// Reads one.
    pub fn read(block: &desired::PortBlock) -> Result<Self, Rejection> {
        let address = <[u8; 4]>::try_from(block.address.as_slice()).map(Ipv4Addr::from);
        match (address, u16::try_from(block.first_port), u16::try_from(block.last_port)) {
            (Ok(address), Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Self { address, first, last }),
            _ => {
                let desired::PortBlock { address, first_port, last_port } = block;
                let detail =
                    format!("ports {first_port} to {last_port} of an address of {} bytes are none", address.len());
                Err(reject("port-block-malformed", detail))
            }
        }
    }

    /// As the cloud is told.
    pub fn told(self) -> desired::PortBlock {
        desired::PortBlock {
            address: self.address.octets().to_vec(),
            first_port: self.first.into(),
            last_port: self.last.into(),
        }
    }
}

/// Which line has which block, no port of them twice.
#[derive(Debug, Default)]
pub struct ClaimedBlocks(BTreeMap<(Ipv4Addr, u16), (u16, Uuid)>);

impl ClaimedBlocks {
    /// Says whose it is already, in part or whole.
    pub fn refuse(&self, block: PortBlock) -> Result<(), Rejection> {
        let up_to_last = self.0.range((block.address, 0)..=(block.address, block.last));
        match up_to_last.last().filter(|(_, (last, _))| *last >= block.first) {
            None => Ok(()),
            Some(((address, first), (last, other))) => {
                let detail = format!("ports {first} to {last} of {address} are line {other}'s");
                Err(reject("port-block-conflict", detail))
            }
        }
    }

    /// Takes a block nobody has.
    pub fn take(&mut self, id: Uuid, block: PortBlock) {
        self.0.insert((block.address, block.first), (block.last, id));
    }

    /// Gives it up.
    pub fn release(&mut self, block: PortBlock) {
        self.0.remove(&(block.address, block.first));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn block(address: u8, first: u16, last: u16) -> PortBlock {
        PortBlock { address: Ipv4Addr::new(203, 0, 113, address), first, last }
    }

    #[test]
    fn blocks_that_are_none_are_refused() {
        let wire = |address: &[u8], first_port, last_port| {
            PortBlock::read(&desired::PortBlock { address: address.to_vec(), first_port, last_port })
        };
        assert_eq!(wire(&[203, 0, 113, 7], 2048, 2303).map(PortBlock::told).unwrap().last_port, 2303);
        for (address, first, last) in
            [(&[203, 0][..], 1, 2), (&[1, 2, 3, 4], 0, 2), (&[1, 2, 3, 4], 3, 2), (&[1, 2, 3, 4], 3, 65_536)]
        {
            assert_eq!(wire(address, first, last).unwrap_err().code, "port-block-malformed");
        }
    }

    proptest! {
        #[test]
        fn no_port_is_ever_two_lines(asked in prop::collection::vec((0u8..2, 1u16..60, 0u16..12, any::<bool>()), 0..60)) {
            let mut claimed = ClaimedBlocks::default();
            let mut held: Vec<PortBlock> = Vec::new();
            for (address, first, more, releases) in asked {
                let wanted = block(address, first, first + more);
                let free = held.iter().all(|other| {
                    other.address != wanted.address || other.last < wanted.first || wanted.last < other.first
                });
                prop_assert_eq!(claimed.refuse(wanted).is_ok(), free);
                if free {
                    claimed.take(Uuid::nil(), wanted);
                    held.push(wanted);
                }
                if releases && !held.is_empty() {
                    claimed.release(held.swap_remove(0));
                }
            }
        }
    }
}
