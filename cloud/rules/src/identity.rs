//! Who a subscriber is to the servers that lease addresses: read, checked, in one normal form.
//!
//! The normal form is the one the agent writes: `mac:02:00:00:00:00:07`, `circuit-id:HEX`, `remote-id:HEX`,
//! `pppoe-user:NAME`, `duid:HEX`. Start with [`parse`].

use std::fmt;

/// Longest circuit or remote id, bytes: an option's length is one byte.
const RELAY_ID_MAX: usize = 255;
/// Longest name of a PPPoE user, bytes (RFC 4282).
const USER_MAX: usize = 253;
/// Bytes a DUID may have (RFC 8415, 11.1).
const DUID: std::ops::RangeInclusive<usize> = 3..=130;

/// What a DHCP or PPPoE server knows a subscriber by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// Ethernet address of the subscriber's router.
    Mac([u8; 6]),
    /// Agent circuit id (DHCP option 82, sub-option 1).
    CircuitId(Vec<u8>),
    /// Agent remote id (DHCP option 82, sub-option 2).
    RemoteId(Vec<u8>),
    /// Name the subscriber logs in to PPPoE with, as it is written.
    PppoeUser(String),
    /// DHCPv6 unique identifier.
    Duid(Vec<u8>),
}

/// Why an identity was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It begins with no kind.
    #[error("must begin with mac:, circuit-id:, remote-id:, pppoe-user: or duid:, not be {0:?}")]
    Kind(String),
    /// Not an Ethernet address, or a group's, or nobody's.
    #[error("must be an Ethernet address of one port, such as 02:00:00:00:00:07, not {0:?}")]
    Mac(String),
    /// Not bytes, none, or too many.
    #[error("must be 1 to 255 bytes, as hexadecimal digits or as text in quotes, not {0:?}")]
    RelayId(String),
    /// Nothing, too long, or not one line of text.
    #[error("must be 1 to 253 bytes without control characters")]
    PppoeUser,
    /// Not bytes, too few, or too many.
    #[error("must be 3 to 130 bytes, as hexadecimal digits, not {0:?}")]
    Duid(String),
}

/// Reads an identity. Ethernet addresses may be written in any usual way; bytes as hexadecimal digits, with or without
/// colons between them or `0x` before; circuit and remote ids also as text in quotes, for digits may be either.
pub fn parse(text: &str) -> Result<Identity, IdentityError> {
    let (kind, value) = text.split_once(':').ok_or_else(|| IdentityError::Kind(short(text)))?;
    let relay_id = || {
        let bytes =
            value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).map(|text| text.as_bytes().to_vec());
        let bytes = bytes.or_else(|| bytes_of(value)).filter(|bytes| (1..=RELAY_ID_MAX).contains(&bytes.len()));
        bytes.ok_or_else(|| IdentityError::RelayId(short(value)))
    };
    match kind {
        "mac" => mac(value),
        "circuit-id" => relay_id().map(Identity::CircuitId),
        "remote-id" => relay_id().map(Identity::RemoteId),
        "pppoe-user" => {
            let sound = (1..=USER_MAX).contains(&value.len()) && !value.chars().any(char::is_control);
            if sound { Ok(Identity::PppoeUser(value.to_owned())) } else { Err(IdentityError::PppoeUser) }
        }
        "duid" => {
            let bytes = bytes_of(value).filter(|bytes| DUID.contains(&bytes.len()));
            bytes.map(Identity::Duid).ok_or_else(|| IdentityError::Duid(short(value)))
        }
        _ => Err(IdentityError::Kind(short(text))),
    }
}

/// Reads an Ethernet address: `02:00:00:00:00:07`, `02-00-00-00-00-07`, `0200.0000.0007` or `020000000007`.
pub fn mac(text: &str) -> Result<Identity, IdentityError> {
    let parts: Vec<&str> = match text.chars().find(|sign| ":-.".contains(*sign)) {
        Some(sign) => text.split(sign).collect(),
        None => vec![text],
    };
    let whole = [(1, 12), (3, 4), (6, 2)]
        .iter()
        .any(|(count, digits)| parts.len() == *count && parts.iter().all(|part| part.len() == *digits));
    let bytes = Some(parts.concat()).filter(|_| whole).and_then(|digits| hex::decode(digits).ok());
    let mac = bytes.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok()).filter(|mac| *mac != [0; 6] && mac[0] & 1 == 0);
    mac.map(Identity::Mac).ok_or_else(|| IdentityError::Mac(short(text)))
}

/// Bytes written as hexadecimal digits.
fn bytes_of(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x").unwrap_or(text).replace(':', "")).ok()
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

impl Identity {
    /// What kind it is, as it is written.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mac(_) => "mac",
            Self::CircuitId(_) => "circuit-id",
            Self::RemoteId(_) => "remote-id",
            Self::PppoeUser(_) => "pppoe-user",
            Self::Duid(_) => "duid",
        }
    }

    /// Its one normal form, without the kind.
    pub fn value(&self) -> String {
        match self {
            Self::Mac(mac) => mac.map(|byte| format!("{byte:02x}")).join(":"),
            Self::CircuitId(bytes) | Self::RemoteId(bytes) | Self::Duid(bytes) => hex::encode(bytes),
            Self::PppoeUser(name) => name.clone(),
        }
    }

    /// As people read it: with a circuit or remote id that is text as that text, in quotes. Reads back as the same.
    pub fn readable(&self) -> String {
        let text = match self {
            Self::CircuitId(bytes) | Self::RemoteId(bytes) => std::str::from_utf8(bytes).ok(),
            Self::Mac(_) | Self::PppoeUser(_) | Self::Duid(_) => None,
        };
        match text.filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')) {
            Some(text) => format!("{}:\"{text}\"", self.kind()),
            None => self.to_string(),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.value())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identities_are_normalised() {
        for (text, normal) in [
            ("mac:02:00:00:00:00:aF", "mac:02:00:00:00:00:af"),
            ("mac:02-00-00-00-00-AF", "mac:02:00:00:00:00:af"),
            ("mac:0200.0000.00af", "mac:02:00:00:00:00:af"),
            ("mac:0200000000AF", "mac:02:00:00:00:00:af"),
            ("circuit-id:0x6574", "circuit-id:6574"),
            ("circuit-id:65:74", "circuit-id:6574"),
            ("circuit-id:\"et\"", "circuit-id:6574"),
            ("circuit-id:\"1234\"", "circuit-id:31323334"),
            ("remote-id:1234", "remote-id:1234"),
            ("pppoe-user:Ann@isp.example", "pppoe-user:Ann@isp.example"),
            ("pppoe-user:a:b", "pppoe-user:a:b"),
            ("duid:00:01:00:01:2A", "duid:000100012a"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), normal, "{text}");
        }
    }

    #[test]
    fn refusals_say_why() {
        for (text, why) in [
            ("02:00:00:00:00:07", "must begin with mac:"),
            ("imsi:1", "must begin with mac:"),
            ("", "must begin with mac:"),
            ("mac:02:00:00:00:07", "must be an Ethernet address"),
            ("mac:02:00-00:00:00:07", "must be an Ethernet address"),
            ("mac:020:0:00:00:00:07", "must be an Ethernet address"),
            ("mac:02000000000g", "must be an Ethernet address"),
            ("mac:00:00:00:00:00:00", "of one port"),
            ("mac:ff:ff:ff:ff:ff:ff", "of one port"),
            ("mac:01:00:5e:00:00:01", "of one port"),
            ("circuit-id:", "as hexadecimal digits or as text in quotes"),
            ("circuit-id:\"\"", "as hexadecimal digits or as text in quotes"),
            ("circuit-id:eth0/1", "as hexadecimal digits or as text in quotes"),
            ("circuit-id:123", "as hexadecimal digits or as text in quotes"),
            ("pppoe-user:", "1 to 253 bytes"),
            ("pppoe-user:a\nb", "without control characters"),
            ("duid:0001", "3 to 130 bytes"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text:?}: {error}");
        }
        assert!(parse(&format!("remote-id:{}", "00".repeat(256))).is_err());
        assert!(parse(&format!("pppoe-user:{}", "a".repeat(254))).is_err());
        assert!(parse(&format!("duid:{}", "00".repeat(131))).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_reads_back(text in "(mac|circuit-id|remote-id|pppoe-user|duid):\\PC{0,40}") {
            if let Ok(identity) = parse(&text) {
                prop_assert_eq!(parse(&identity.to_string()), Ok(identity.clone()));
                prop_assert_eq!(parse(&identity.readable()), Ok(identity));
            }
        }

        #[test]
        fn any_bytes_of_a_switch_read_back(bytes in proptest::collection::vec(any::<u8>(), 1..=255)) {
            let identity = Identity::CircuitId(bytes);
            prop_assert_eq!(parse(&identity.readable()), Ok(identity.clone()));
            prop_assert_eq!(parse(&identity.to_string()), Ok(identity));
        }
    }
}
