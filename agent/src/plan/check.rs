//! Which desired lines can be held: one that cannot never rejects its siblings.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use uuid::Uuid;
use weir_protocol::desired::{Access, Line, Prefix};

use super::Wanted;
use super::blocks::{ClaimedBlocks, PortBlock};
use super::policy::Policy;
use crate::memory;
use crate::subscribers::who::Who;

/// No port is faster: a rate above this is a mistake, bits per second.
pub(super) const RATE_MAX_BPS: u64 = 1_000_000_000_000;

/// A line that makes sense on its own and beside the others.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SoundLine {
    /// Names it in usage records.
    pub handle: u32,
    /// Its addresses.
    pub prefixes: Vec<IpNet>,
    /// Rate toward the subscriber in force, bits per second of layer 3.
    pub rate_down_bps: u64,
    /// Rate from the subscriber in force, bits per second of layer 3.
    pub rate_up_bps: u64,
    /// What it may do.
    #[serde(with = "access_number")]
    pub access: Access,
    /// The node it asks to hang on; one that is not held is none.
    #[serde(default)]
    pub node: Option<Uuid>,
    /// Toward the subscriber at once after being idle; 0 = little.
    #[serde(default)]
    pub burst_down_bytes: u64,
    /// From the subscriber at once after being idle; 0 = little.
    #[serde(default)]
    pub burst_up_bytes: u64,
    /// What the internet sees its IPv4 as where the router translates; none = what it sees of all.
    #[serde(default)]
    pub public_ports: Option<PortBlock>,
}

mod access_number {
    use super::Access;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(access: &Access, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*access as i32)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Access, D::Error> {
        Access::try_from(i32::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why a line can never be held as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable name, `kebab-case`.
    pub code: &'static str,
    /// One plain sentence.
    pub detail: String,
}

/// Which lines can be held.
#[derive(Debug, Default)]
pub struct Checked {
    /// The lines to hold.
    pub lines: BTreeMap<Uuid, SoundLine>,
    /// What they take up.
    pub claims: Claims,
    /// Those that cannot be held as they are wanted, with the reason.
    pub rejected: BTreeMap<Uuid, Rejection>,
}

/// Says which lines can be held.
///
/// Where two lines claim one address, the one with the smaller id keeps it: a conflict is reported, never guessed away.
pub fn check(wanted: &Wanted) -> Checked {
    check_beside(wanted, &BTreeMap::new())
}

/// As [`check`], beside what was `held` before: who has an address keeps it against newcomers, and a line that can no
/// longer be held as it is stays as it was (it is in both answers), or it would fall to the rules for nobody's traffic.
pub fn check_beside(wanted: &Wanted, held: &BTreeMap<Uuid, SoundLine>) -> Checked {
    let mut checked = Checked::default();
    let mut newcomers = Vec::new();
    for (id, line) in &wanted.lines {
        match alone(line) {
            Ok(line) if held.get(id).is_some_and(|held| held.same_addresses(&line)) => {
                if let Err(rejection) = checked.hold(*id, line) {
                    checked.rejected.insert(*id, rejection);
                }
            }
            Ok(line) => newcomers.push((*id, line)),
            Err(rejection) => {
                checked.rejected.insert(*id, rejection);
            }
        }
    }
    let rejected: Vec<Uuid> = checked.rejected.keys().copied().collect();
    for id in rejected {
        checked.stay(id, held);
    }
    for (id, line) in newcomers {
        if let Err(rejection) = checked.hold(id, line) {
            checked.rejected.insert(id, rejection);
            checked.stay(id, held);
        }
    }
    memory::pack(&mut checked.lines);
    memory::pack(&mut checked.claims.handles);
    memory::pack(&mut checked.claims.prefixes);
    checked
}

impl Checked {
    fn hold(&mut self, id: Uuid, line: SoundLine) -> Result<(), Rejection> {
        self.claims.claim(id, &line)?;
        self.lines.insert(id, line);
        Ok(())
    }

    /// What it had may be another's by now: then nothing of it can stay.
    fn stay(&mut self, id: Uuid, held: &BTreeMap<Uuid, SoundLine>) {
        if let Some(line) = held.get(&id) {
            let _gone = self.hold(id, line.clone());
        }
    }
}

impl SoundLine {
    fn same_addresses(&self, other: &Self) -> bool {
        (self.handle, &self.prefixes, self.public_ports) == (other.handle, &other.prefixes, other.public_ports)
    }
}

/// Which line has which handle, which prefixes and which ports, none of them twice.
#[derive(Debug, Default)]
pub struct Claims {
    handles: BTreeMap<u32, Uuid>,
    prefixes: BTreeMap<(IpAddr, u8), Uuid>,
    /// How many prefixes of each family (true = IPv4) and length there are: few lengths, and a look into no other.
    lengths: BTreeMap<(bool, u8), usize>,
    blocks: ClaimedBlocks,
}

impl Claims {
    /// Takes what a line needs, all of it or nothing.
    pub fn claim(&mut self, id: Uuid, line: &SoundLine) -> Result<(), Rejection> {
        if let Some(other) = self.handles.get(&line.handle) {
            let detail = format!("handle {} is line {other}'s", line.handle);
            return Err(reject("handle-conflict", detail));
        }
        for prefix in &line.prefixes {
            if let Some((taken, other)) = self.overlapping(prefix) {
                let detail = format!("{prefix} overlaps {taken} of line {other}");
                return Err(reject("prefix-conflict", detail));
            }
        }
        if let Some(block) = line.public_ports {
            self.blocks.refuse(block)?;
            self.blocks.take(id, block);
        }
        self.handles.insert(line.handle, id);
        for prefix in &line.prefixes {
            if self.prefixes.insert((prefix.network(), prefix.prefix_len()), id).is_none() {
                *self.lengths.entry(family_length(prefix)).or_default() += 1;
            }
        }
        Ok(())
    }

    /// Gives up what a line has.
    pub fn release(&mut self, line: &SoundLine) {
        self.handles.remove(&line.handle);
        if let Some(block) = line.public_ports {
            self.blocks.release(block);
        }
        for prefix in &line.prefixes {
            if self.prefixes.remove(&(prefix.network(), prefix.prefix_len())).is_some() {
                self.lengths.entry(family_length(prefix)).and_modify(|count| *count -= 1);
            }
        }
    }

    /// Families and lengths of the prefixes taken.
    pub fn lengths(&self) -> impl Iterator<Item = (bool, u8)> {
        self.lengths.iter().filter(|(_, count)| **count > 0).map(|(length, _)| *length)
    }

    /// Prefixes are nested or disjoint, so an overlap is either a claimed prefix around this one or one inside it.
    fn overlapping(&self, prefix: &IpNet) -> Option<(IpNet, Uuid)> {
        let (family, own) = family_length(prefix);
        let around = self.lengths().filter(|(of, length)| *of == family && *length <= own).find_map(|(_, length)| {
            let wider = IpNet::new(prefix.addr(), length).ok()?.trunc();
            self.prefixes.get(&(wider.network(), length)).map(|id| (wider, *id))
        });
        around.or_else(|| {
            self.prefixes
                .range((prefix.network(), 0)..)
                .take_while(|((address, _), _)| prefix.contains(address))
                .find_map(|((address, length), id)| Some((IpNet::new(*address, *length).ok()?, *id)))
        })
    }
}

/// Family (true = IPv4) and length of a prefix.
pub fn family_length(prefix: &IpNet) -> (bool, u8) {
    (matches!(prefix, IpNet::V4(_)), prefix.prefix_len())
}

/// Whether a line makes sense whatever the others are.
pub fn alone(line: &Line) -> Result<SoundLine, Rejection> {
    let access = match Access::try_from(line.access) {
        Ok(Access::Unspecified) => Access::Open,
        Ok(stated) => stated,
        Err(_) => return Err(reject("access-unknown", format!("this agent knows no access {}", line.access))),
    };
    let (rate_down_bps, rate_up_bps) = match access {
        Access::Throttled => (line.throttled_down_bps, line.throttled_up_bps),
        Access::Unspecified | Access::Open | Access::WalledGarden | Access::Closed => {
            (line.rate_down_bps, line.rate_up_bps)
        }
    };
    // A burst belongs to what was sold; who is slowed down has none.
    let (burst_down_bytes, burst_up_bytes) = match access {
        Access::Throttled => (0, 0),
        _ => (line.burst_down_bytes, line.burst_up_bytes),
    };
    if line.handle == 0 {
        return Err(reject("handle-zero", "handle 0 is for traffic of no line".into()));
    }
    if rate_down_bps == 0 || rate_up_bps == 0 {
        return Err(reject("rate-zero", "a line needs a rate above zero in both directions".into()));
    }
    if rate_down_bps.max(rate_up_bps) > RATE_MAX_BPS {
        return Err(reject("rate-too-high", format!("no port carries more than {RATE_MAX_BPS} bit/s")));
    }
    if let Some(fair_use) = &line.fair_use {
        Policy::read(fair_use)?;
    }
    for identity in &line.identities {
        Who::read(identity).map_err(|error| reject("identity-malformed", error.to_string()))?;
    }
    // Who is known by name has no prefix until one is leased.
    if line.prefixes.is_empty() && line.identities.is_empty() {
        return Err(reject("prefix-missing", "a line needs at least one prefix, or an identity".into()));
    }
    let prefixes = line.prefixes.iter().map(network).collect::<Result<_, _>>()?;
    let node = node_id(&line.node)
        .ok_or_else(|| reject("node-malformed", format!("{} bytes are no node's id", line.node.len())))?;
    let public_ports = line.public_ports.as_ref().map(PortBlock::read).transpose()?;
    let handle = line.handle;
    Ok(SoundLine {
        handle,
        prefixes,
        rate_down_bps,
        rate_up_bps,
        access,
        node,
        burst_down_bytes,
        burst_up_bytes,
        public_ports,
    })
}

/// The node these bytes name, if they name one; `None` if they can name none.
pub fn node_id(bytes: &[u8]) -> Option<Option<Uuid>> {
    if bytes.is_empty() { Some(None) } else { Uuid::from_slice(bytes).ok().map(Some) }
}

/// A prefix as a network, if it is one.
pub fn network(prefix: &Prefix) -> Result<IpNet, Rejection> {
    let malformed = || {
        reject(
            "prefix-malformed",
            format!("{} bytes of address with length {} are no prefix", prefix.address.len(), prefix.length),
        )
    };
    let length = u8::try_from(prefix.length).map_err(|_| malformed())?;
    let network = if let Ok(bytes) = <[u8; 4]>::try_from(prefix.address.as_slice()) {
        Ipv4Net::new(Ipv4Addr::from(bytes), length).map(IpNet::V4)
    } else if let Ok(bytes) = <[u8; 16]>::try_from(prefix.address.as_slice()) {
        Ipv6Net::new(Ipv6Addr::from(bytes), length).map(IpNet::V6)
    } else {
        return Err(malformed());
    };
    let network = network.map_err(|_| malformed())?;
    if network.prefix_len() == 0 || network.trunc() != network {
        return Err(reject("prefix-malformed", format!("{network} has host bits or is everything")));
    }
    Ok(network)
}

pub(super) fn reject(code: &'static str, detail: String) -> Rejection {
    Rejection { code, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use weir_protocol::desired::{Identity, identity};

    fn line(handle: u32, prefixes: &[&str]) -> Line {
        let prefixes = prefixes
            .iter()
            .map(|text| match text.parse().unwrap() {
                IpNet::V4(net) => Prefix { address: net.addr().octets().to_vec(), length: net.prefix_len().into() },
                IpNet::V6(net) => Prefix { address: net.addr().octets().to_vec(), length: net.prefix_len().into() },
            })
            .collect();
        Line { handle, prefixes, rate_down_bps: 10, rate_up_bps: 5, ..Line::default() }
    }

    fn codes(lines: &[Line]) -> Vec<Option<&'static str>> {
        let lines: BTreeMap<_, _> =
            lines.iter().enumerate().map(|(n, line)| (Uuid::from_u128(n as u128), Arc::new(line.clone()))).collect();
        let rejected = check(&Wanted { lines: lines.clone(), ..Wanted::default() }).rejected;
        lines.keys().map(|id| rejected.get(id).map(|rejection| rejection.code)).collect()
    }

    #[test]
    fn siblings_of_a_bad_line_are_kept() {
        let zero = Line { rate_up_bps: 0, ..line(2, &["10.0.0.2/32"]) };
        assert_eq!(
            codes(&[line(1, &["10.0.0.1/32"]), zero, line(3, &["10.0.0.3/32"])]),
            [None, Some("rate-zero"), None]
        );
    }

    #[test]
    fn an_address_belongs_to_one_line_whichever_prefix_is_wider() {
        let (wide, narrow) = (line(1, &["10.0.0.0/24"]), line(2, &["10.0.0.7/32"]));
        assert_eq!(codes(&[wide.clone(), narrow.clone()]), [None, Some("prefix-conflict")]);
        assert_eq!(codes(&[narrow, wide]), [None, Some("prefix-conflict")]);
        assert_eq!(codes(&[line(1, &["2001:db8::/56"]), line(2, &["2001:db8:0:100::/56"])]), [None, None]);
    }

    #[test]
    fn a_line_stays_as_it_was_while_its_change_cannot_be() {
        let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let lines = |first: Line, second: Line| Wanted {
            lines: [(ids[0], Arc::new(first)), (ids[1], Arc::new(second))].into(),
            ..Wanted::default()
        };
        let other = line(1, &["10.0.0.9/32"]);
        let held = check(&lines(other.clone(), line(2, &["10.0.0.2/32"]))).lines;
        let zero = Line { rate_up_bps: 0, ..line(2, &["10.0.0.2/32"]) };
        let Checked { lines: sound, rejected, .. } = check_beside(&lines(other, zero), &held);
        assert_eq!((sound.get(&ids[1]), rejected[&ids[1]].code), (held.get(&ids[1]), "rate-zero"));
        // The smaller id asks for an address the greater has.
        let Checked { lines: sound, rejected, .. } =
            check_beside(&lines(line(1, &["10.0.0.0/30"]), line(2, &["10.0.0.2/32"])), &held);
        assert_eq!((&sound, rejected[&ids[0]].code), (&held, "prefix-conflict"));
        // Both exchange addresses in one generation.
        let Checked { lines: sound, rejected, .. } =
            check_beside(&lines(line(1, &["10.0.0.2/32"]), line(2, &["10.0.0.9/32"])), &held);
        assert!(rejected.is_empty() && sound.len() == 2, "{rejected:?}");
    }

    #[test]
    fn malformed_lines_say_why() {
        let host_bits = Line { prefixes: vec![Prefix { address: vec![10, 0, 0, 1], length: 24 }], ..line(1, &[]) };
        let fast = Line { rate_down_bps: u64::MAX, ..line(4, &["10.0.0.4/32"]) };
        let mut named = line(5, &[]);
        named.identities = vec![Identity { who: Some(identity::Who::Mac(vec![2, 0, 0, 0, 0, 7])) }];
        let nobody = Line { identities: vec![Identity { who: None }], ..line(6, &["10.0.0.6/32"]) };
        let short = Line { prefixes: vec![Prefix { address: vec![10, 0], length: 8 }], ..line(2, &[]) };
        let newer = Line { access: 77, ..line(5, &["10.0.0.5/32"]) };
        assert_eq!(
            codes(&[host_bits, short, line(3, &[]), line(0, &["10.0.0.1/32"]), fast, newer, named, nobody]),
            [
                Some("prefix-malformed"),
                Some("prefix-malformed"),
                Some("prefix-missing"),
                Some("handle-zero"),
                Some("rate-too-high"),
                Some("access-unknown"),
                None,
                Some("identity-malformed")
            ]
        );
    }
}
