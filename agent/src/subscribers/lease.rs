//! A lease, and the news of one: checked hard, for what arrives here began in packets of subscribers.

use std::collections::BTreeSet;
use std::fmt;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use weir_protocol::state::AddressSource;

use super::who::Who;

/// Most bytes of the news of one lease.
pub const EVENT_MAX: usize = 4_096;
/// Most names of one subscriber in one lease: there are no more kinds of them.
const NAMES_MAX: usize = 8;
/// Longest name of an interface.
const INTERFACE_MAX: usize = 15;
/// A delegation wider than these is a mistake: it would be many subscribers' addresses.
const WIDEST_4: u8 = 16;
const WIDEST_6: u8 = 32;

/// Who leased something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// A program of the operator's.
    Other,
    /// dnsmasq.
    Dnsmasq,
    /// Kea.
    Kea,
    /// pppd, or something that calls the same scripts.
    Pppoe,
}

impl Source {
    /// As the cloud is told.
    pub fn wire(self) -> AddressSource {
        match self {
            Self::Other => AddressSource::Other,
            Self::Dnsmasq => AddressSource::Dnsmasq,
            Self::Kea => AddressSource::Kea,
            Self::Pppoe => AddressSource::Pppoe,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "another program",
            Self::Dnsmasq => "dnsmasq",
            Self::Kea => "Kea",
            Self::Pppoe => "PPPoE",
        })
    }
}

/// Something leased to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// What.
    pub prefix: IpNet,
    /// By whom.
    pub source: Source,
    /// To whom, by every name the server knows.
    pub who: BTreeSet<Who>,
    /// The interface it ends with, for a session that is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Until when, Unix milliseconds; none = until it is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// News of one lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// It ended.
    pub gone: bool,
    /// The lease.
    pub lease: Lease,
}

/// Why a lease is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is no message.
    #[error("not the news of a lease: {0}")]
    Malformed(String),
    /// No subscriber has such addresses.
    #[error("{0} cannot be a subscriber's")]
    Prefix(IpNet),
    /// It names nobody, or too many.
    #[error("a lease names 1 to {NAMES_MAX} identities")]
    Names,
    /// Its interface has no name of one.
    #[error("not the name of an interface")]
    Session,
}

impl Lease {
    /// Whether it can be believed.
    pub fn sound(self) -> Result<Self, Error> {
        if !may_be_leased(&self.prefix) {
            return Err(Error::Prefix(self.prefix));
        }
        if !(1..=NAMES_MAX).contains(&self.who.len()) {
            return Err(Error::Names);
        }
        match &self.session {
            Some(name) if !is_interface(name) => Err(Error::Session),
            _ => Ok(self),
        }
    }

    /// Whether both are the same subscriber's.
    pub fn shares_name_with(&self, other: &Self) -> bool {
        !self.who.is_disjoint(&other.who)
    }

    /// Takes over names of kinds it has none of: a file tells fewer than a script.
    pub fn learn_kinds_of(&mut self, other: &Self) {
        let kinds: Vec<_> = self.who.iter().map(std::mem::discriminant).collect();
        self.who.extend(other.who.iter().filter(|who| !kinds.contains(&std::mem::discriminant(who))).cloned());
    }
}

impl Event {
    /// Reads what a hook sent.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > EVENT_MAX {
            return Err(Error::Malformed(format!("{} bytes are more than {EVENT_MAX}", bytes.len())));
        }
        let event: Self = serde_json::from_slice(bytes).map_err(|error| Error::Malformed(error.to_string()))?;
        Ok(Self { lease: event.lease.sound()?, ..event })
    }
}

fn may_be_leased(prefix: &IpNet) -> bool {
    let unicast = match prefix {
        IpNet::V4(net) => {
            let first = net.addr();
            let special = first.is_loopback() || first.is_multicast() || first.is_link_local() || first.is_broadcast();
            net.prefix_len() >= WIDEST_4 && first.octets()[0] != 0 && !special
        }
        IpNet::V6(net) => {
            let first = net.addr();
            let special = first.is_loopback() || first.is_multicast() || first.is_unicast_link_local();
            net.prefix_len() >= WIDEST_6 && !first.is_unspecified() && !special
        }
    };
    unicast && prefix.trunc() == *prefix
}

/// Whether this can be an interface's name.
fn is_interface(name: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b':';
    (1..=INTERFACE_MAX).contains(&name.len()) && name.bytes().all(sound) && name != "." && name != ".."
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn lease(prefix: &str) -> Lease {
        let who = BTreeSet::from([Who::Mac([2, 0, 0, 0, 0, 7])]);
        Lease { prefix: prefix.parse().unwrap(), source: Source::Kea, who, session: None, until_ms: None }
    }

    #[test]
    fn what_no_subscriber_can_have_is_not_believed() {
        for good in ["10.0.0.7/32", "203.0.113.8/29", "2001:db8::7/128", "2001:db8:7::/48"] {
            assert_eq!(lease(good).sound(), Ok(lease(good)));
        }
        for bad in [
            "0.0.0.0/0",
            "0.0.0.0/32",
            "127.0.0.1/32",
            "224.0.0.1/32",
            "169.254.1.1/32",
            "255.255.255.255/32",
            "10.0.0.0/8",
            "10.0.0.1/24",
            "::/0",
            "::1/128",
            "::/128",
            "fe80::7/128",
            "ff02::1/128",
            "2000::/3",
        ] {
            assert_eq!(lease(bad).sound(), Err(Error::Prefix(bad.parse().unwrap())));
        }
        assert_eq!(Lease { who: BTreeSet::new(), ..lease("10.0.0.7/32") }.sound(), Err(Error::Names));
        for name in ["", "..", "../ppp0", "a/b", "ppp 0", "interface-too-long"] {
            assert_eq!(Lease { session: Some(name.into()), ..lease("10.0.0.7/32") }.sound(), Err(Error::Session));
        }
    }

    #[test]
    fn news_arrives_as_sent_and_nothing_may_be_added() {
        let event = Event { at_ms: 5, gone: false, lease: Lease { until_ms: Some(9), ..lease("10.0.0.7/32") } };
        let sent = serde_json::to_vec(&event).unwrap();
        assert_eq!(Event::read(&sent), Ok(event));
        let more = String::from_utf8(sent).unwrap().replacen('{', "{\"hostname\":\"x\",", 1);
        assert!(matches!(Event::read(more.as_bytes()), Err(Error::Malformed(_))));
        assert!(matches!(Event::read(&vec![b' '; EVENT_MAX + 1]), Err(Error::Malformed(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..300), text in "\\PC{0,200}") {
            let _refused = (Event::read(&bytes), Event::read(text.as_bytes()));
        }
    }
}
