//! What a server knows a subscriber by, and its one form as text.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use weir_protocol::desired::{Identity, identity};

/// Longest circuit or remote id: an option's length is one byte.
const RELAY_ID_MAX: usize = 255;
/// Longest name of a PPPoE user (RFC 4282).
const USER_MAX: usize = 253;
/// Lengths a DUID may have (RFC 8415, 11.1).
const DUID: std::ops::RangeInclusive<usize> = 3..=130;

/// What a server knows a subscriber by. As text: `mac:02:00:00:00:00:07`, `circuit-id:HEX`, `remote-id:HEX`,
/// `pppoe-user:NAME` or `duid:HEX`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Who {
    /// An Ethernet address.
    Mac([u8; 6]),
    /// Option 82, sub-option 1.
    CircuitId(Vec<u8>),
    /// Option 82, sub-option 2.
    RemoteId(Vec<u8>),
    /// A PPPoE login.
    PppoeUser(String),
    /// A DHCPv6 client.
    Duid(Vec<u8>),
}

/// Why something names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not an address of one Ethernet port.
    #[error("not an Ethernet address of one port, like 02:00:00:00:00:07")]
    Mac,
    /// Too long, or nothing.
    #[error("a circuit or remote id has 1 to 255 bytes, as hexadecimal digits")]
    RelayId,
    /// Too long, nothing, or not one line of text.
    #[error("a PPPoE user's name has 1 to 253 bytes and no control characters")]
    PppoeUser,
    /// Too short or too long.
    #[error("a DUID has 3 to 130 bytes, as hexadecimal digits")]
    Duid,
    /// Something this build does not know.
    #[error("an identity is mac:, circuit-id:, remote-id:, pppoe-user: or duid:")]
    Kind,
}

impl Who {
    /// The identity of a desired line.
    pub fn read(identity: &Identity) -> Result<Self, Error> {
        match identity.who.as_ref().ok_or(Error::Kind)? {
            identity::Who::Mac(bytes) => Self::mac(bytes),
            identity::Who::CircuitId(bytes) => Self::circuit_id(bytes),
            identity::Who::RemoteId(bytes) => Self::remote_id(bytes),
            identity::Who::PppoeUser(name) => Self::pppoe_user(name),
            identity::Who::Duid(bytes) => Self::duid(bytes),
        }
    }

    /// Whether a switch says it, of the port a subscriber is behind.
    pub fn is_by_switch(&self) -> bool {
        matches!(self, Self::CircuitId(_) | Self::RemoteId(_))
    }

    /// Whether the subscriber's equipment says it of itself, unproven.
    pub fn is_by_itself(&self) -> bool {
        matches!(self, Self::Mac(_) | Self::Duid(_))
    }

    /// An Ethernet address: neither all zeros nor of a group.
    pub fn mac(bytes: &[u8]) -> Result<Self, Error> {
        let mac = <[u8; 6]>::try_from(bytes).map_err(|_| Error::Mac)?;
        if mac == [0; 6] || mac[0] & 1 == 1 { Err(Error::Mac) } else { Ok(Self::Mac(mac)) }
    }

    /// A circuit id.
    pub fn circuit_id(bytes: &[u8]) -> Result<Self, Error> {
        relay_id(bytes).map(Self::CircuitId)
    }

    /// A remote id.
    pub fn remote_id(bytes: &[u8]) -> Result<Self, Error> {
        relay_id(bytes).map(Self::RemoteId)
    }

    /// A PPPoE login.
    pub fn pppoe_user(name: &str) -> Result<Self, Error> {
        let sound = !name.is_empty() && name.len() <= USER_MAX && !name.chars().any(char::is_control);
        if sound { Ok(Self::PppoeUser(name.to_owned())) } else { Err(Error::PppoeUser) }
    }

    /// A DHCPv6 client.
    pub fn duid(bytes: &[u8]) -> Result<Self, Error> {
        if DUID.contains(&bytes.len()) { Ok(Self::Duid(bytes.to_vec())) } else { Err(Error::Duid) }
    }
}

fn relay_id(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    if (1..=RELAY_ID_MAX).contains(&bytes.len()) { Ok(bytes.to_vec()) } else { Err(Error::RelayId) }
}

/// Bytes written as hexadecimal digits, with or without colons between them or `0x` before.
pub fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text).replace(':', "")).ok()
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac([a, b, c, d, e, g]) => write!(f, "mac:{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}"),
            Self::CircuitId(id) => write!(f, "circuit-id:{}", hex::encode(id)),
            Self::RemoteId(id) => write!(f, "remote-id:{}", hex::encode(id)),
            Self::PppoeUser(name) => write!(f, "pppoe-user:{name}"),
            Self::Duid(duid) => write!(f, "duid:{}", hex::encode(duid)),
        }
    }
}

impl FromStr for Who {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (kind, value) = text.split_once(':').ok_or(Error::Kind)?;
        match kind {
            "mac" => Self::mac(&bytes(value).ok_or(Error::Mac)?),
            "circuit-id" => Self::circuit_id(&bytes(value).ok_or(Error::RelayId)?),
            "remote-id" => Self::remote_id(&bytes(value).ok_or(Error::RelayId)?),
            "pppoe-user" => Self::pppoe_user(value),
            "duid" => Self::duid(&bytes(value).ok_or(Error::Duid)?),
            _ => Err(Error::Kind),
        }
    }
}

impl From<Who> for String {
    fn from(who: Who) -> Self {
        who.to_string()
    }
}

impl TryFrom<String> for Who {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_can_be_one_subscriber_is_somebody() {
        for text in ["mac:00:00:00:00:00:00", "mac:ff:ff:ff:ff:ff:ff", "mac:01:00:5e:00:00:01", "mac:02:00", "mac:"] {
            assert_eq!(text.parse::<Who>(), Err(Error::Mac), "{text}");
        }
        assert_eq!("mac:02-00-00-00-00-07".parse::<Who>(), Err(Error::Mac));
        assert_eq!("mac:0x020000000007".parse::<Who>(), Ok(Who::Mac([2, 0, 0, 0, 0, 7])));
        assert_eq!("circuit-id:".parse::<Who>(), Err(Error::RelayId));
        assert_eq!(Who::remote_id(&[1; 256]), Err(Error::RelayId));
        assert_eq!(Who::pppoe_user("ann\n"), Err(Error::PppoeUser));
        assert_eq!(Who::duid(&[1, 2]), Err(Error::Duid));
        assert_eq!(Who::read(&Identity { who: None }), Err(Error::Kind));
        assert_eq!("ann".parse::<Who>(), Err(Error::Kind));
    }

    proptest! {
        #[test]
        fn whoever_can_be_read_returns_as_written(text in "(mac|circuit-id|remote-id|pppoe-user|duid):\\PC{0,40}") {
            if let Ok(who) = text.parse::<Who>() {
                prop_assert_eq!(who.to_string().parse::<Who>(), Ok(who));
            }
        }
    }
}
