//! The IP prefixes of a subscription: read, checked, compared.
//!
//! Not here: pools and routing. A prefix is at most an IPv4 /16 or an IPv6 /32, the most a provider gives one line
//! (a whole allocation is never one subscriber). Private, shared (100.64/10) and documentation space is fine.
//! Start with [`parse`].

use std::net::IpAddr;

use ipnet::IpNet;

/// The widest IPv4 prefix of a subscription.
pub const WIDEST_IPV4: u8 = 16;
/// The widest IPv6 prefix of a subscription.
pub const WIDEST_IPV6: u8 = 32;

/// Why a prefix was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrefixError {
    /// The text is not an address with a length.
    #[error("prefix {0:?} is not an ip address with a length, such as 10.20.0.2/32")]
    Malformed(String),
    /// Bits after the length are set.
    #[error("prefix {given} has host bits set, did you mean {meant}")]
    HostBits {
        /// What was given.
        given: IpNet,
        /// The network it lies in.
        meant: IpNet,
    },
    /// The prefix covers more addresses than one line gets.
    #[error("prefix {given} is wider than /{widest}")]
    TooWide {
        /// What was given.
        given: IpNet,
        /// The shortest length allowed.
        widest: u8,
    },
    /// The addresses cannot belong to a subscriber.
    #[error("prefix {given} lies in {range}, which is {what}")]
    Reserved {
        /// What was given.
        given: IpNet,
        /// The reserved range.
        range: IpNet,
        /// What it is for.
        what: &'static str,
    },
    /// Two prefixes share addresses.
    #[error("prefixes {0} and {1} overlap")]
    Overlap(IpNet, IpNet),
}

/// Ranges no subscriber can have.
const RESERVED: &[(&str, &str)] = &[
    ("0.0.0.0/8", "this network"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link local"),
    ("192.0.0.0/24", "reserved for protocols"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/8", "reserved"),
    ("fe80::/10", "link local"),
    ("fec0::/10", "reserved"),
    ("ff00::/8", "multicast"),
];

/// Reads a prefix and gives its one normal form; an address alone is a prefix of one.
///
/// `10.20.0.2` is `10.20.0.2/32`, `2001:DB8:1::/56` is `2001:db8:1::/56`, `10.20.0.2/24` is refused for its host bits.
pub fn parse(text: &str) -> Result<IpNet, PrefixError> {
    let malformed = || PrefixError::Malformed(text.chars().take(64).collect());
    let given = match text.split_once('/') {
        None => IpNet::from(text.parse::<IpAddr>().map_err(|_| malformed())?),
        Some((_, length)) if length.len() > 1 && length.starts_with('0') => return Err(malformed()),
        Some((_, length)) if !length.bytes().all(|byte| byte.is_ascii_digit()) => return Err(malformed()),
        Some(_) => text.parse::<IpNet>().map_err(|_| malformed())?,
    };
    check(given)
}

/// Checks a prefix that is already an [`IpNet`].
pub fn check(given: IpNet) -> Result<IpNet, PrefixError> {
    let meant = given.trunc();
    if meant != given {
        return Err(PrefixError::HostBits { given, meant });
    }
    for (range, what) in RESERVED {
        let range: IpNet = range.parse().expect("the table holds prefixes");
        if range.contains(&given) {
            return Err(PrefixError::Reserved { given, range, what });
        }
    }
    let widest = if given.addr().is_ipv4() { WIDEST_IPV4 } else { WIDEST_IPV6 };
    if given.prefix_len() < widest {
        return Err(PrefixError::TooWide { given, widest });
    }
    Ok(given)
}

/// Whether two prefixes share an address; those of two families never do.
pub fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

/// Refuses a list in which two prefixes overlap, naming the first pair in order.
pub fn check_disjoint(prefixes: &[IpNet]) -> Result<(), PrefixError> {
    let mut sorted = prefixes.to_vec();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| overlap(&pair[0], &pair[1])) {
        Some(pair) => Err(PrefixError::Overlap(pair[0], pair[1])),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_are_normalised() {
        for (text, normal) in [
            ("10.20.0.2/32", "10.20.0.2/32"),
            ("10.20.0.2", "10.20.0.2/32"),
            ("2001:DB8:1:0::/56", "2001:db8:1::/56"),
            ("100.64.0.0/16", "100.64.0.0/16"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), normal);
        }
    }

    #[test]
    fn refusals_say_why() {
        for (text, why) in [
            ("", "prefix \"\" is not an ip address with a length, such as 10.20.0.2/32"),
            ("10.20.0.2/33", "prefix \"10.20.0.2/33\" is not an ip address with a length, such as 10.20.0.2/32"),
            ("10.20.0.0/+24", "prefix \"10.20.0.0/+24\" is not an ip address with a length, such as 10.20.0.2/32"),
            ("10.20.0.2/24", "prefix 10.20.0.2/24 has host bits set, did you mean 10.20.0.0/24"),
            ("10.0.0.0/8", "prefix 10.0.0.0/8 is wider than /16"),
            ("0.0.0.0/0", "prefix 0.0.0.0/0 is wider than /16"),
            ("2001::/16", "prefix 2001::/16 is wider than /32"),
            ("127.0.0.1", "prefix 127.0.0.1/32 lies in 127.0.0.0/8, which is loopback"),
            ("239.0.0.0/24", "prefix 239.0.0.0/24 lies in 224.0.0.0/4, which is multicast"),
            ("255.255.255.255", "prefix 255.255.255.255/32 lies in 240.0.0.0/4, which is reserved"),
            ("::1", "prefix ::1/128 lies in ::/8, which is reserved"),
            ("::ffff:10.0.0.1/128", "prefix ::ffff:10.0.0.1/128 lies in ::/8, which is reserved"),
            ("ff02::/64", "prefix ff02::/64 lies in ff00::/8, which is multicast"),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), why);
        }
    }

    #[test]
    fn overlaps_are_found() {
        let nets = |texts: &[&str]| texts.iter().map(|text| parse(text).unwrap()).collect::<Vec<_>>();
        assert_eq!(check_disjoint(&nets(&["10.0.1.0/24", "10.0.2.0/24", "2001:db8::/64"])), Ok(()));
        let found = check_disjoint(&nets(&["10.0.1.7/32", "10.0.9.0/24", "10.0.1.0/24"])).unwrap_err();
        assert_eq!(found.to_string(), "prefixes 10.0.1.0/24 and 10.0.1.7/32 overlap");
        assert!(check_disjoint(&nets(&["10.0.1.7", "10.0.1.7"])).is_err());
    }

    proptest! {
        #[test]
        fn normal_form_reads_back(bits: u32, length in 16_u8..=32) {
            let net = IpNet::new(IpAddr::V4(bits.into()), length).unwrap().trunc();
            if let Ok(checked) = check(net) {
                prop_assert_eq!(parse(&checked.to_string()), Ok(checked));
            }
        }
    }
}
