//! Others' servers that an ISP names: mail servers, gateways, endpoints of webhooks. Where several ISPs share an installation,
//! its own network is none of their business: with [`Config::public_servers_only`] only addresses of the public internet are
//! asked. Webhooks never go anywhere else unless `Config::webhooks_private` says so.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::config::Config;

/// Why a server is not asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its name is unknown.
    #[error("{0} has no address: {1}")]
    Unknown(String, std::io::Error),
    /// It is inside, and this installation asks only outside.
    #[error("{0} is not on the public internet")]
    Inside(String),
}

/// Networks of IPv4 nobody on the internet is in (RFC 6890): who asks there asks our own house.
const INSIDE_V4: [&str; 15] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];
/// All of IPv6 that is on the internet, and what of it is not, or only wraps addresses of IPv4.
const OUTSIDE_V6: &str = "2000::/3";
const INSIDE_V6: [&str; 4] = ["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"];

/// The addresses of a server that may be asked. Whoever connects connects to these, not to the name again.
pub async fn addresses(config: &Config, host: &str, port: u16) -> Result<Vec<SocketAddr>, Error> {
    resolved(host, port, config.public_servers_only).await
}

async fn resolved(host: &str, port: u16, public: bool) -> Result<Vec<SocketAddr>, Error> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((bare, port)).await.map_err(|error| Error::Unknown(host.to_owned(), error))?;
    let open: Vec<_> = found.filter(|address| !public || is_public(address.ip())).collect();
    if open.is_empty() { Err(Error::Inside(host.to_owned())) } else { Ok(open) }
}

/// Whether an address is on the public internet.
pub fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let within = |network: &&str| network.parse::<IpNet>().is_ok_and(|network| network.contains(&address));
    match address {
        IpAddr::V4(_) => !INSIDE_V4.iter().any(&within),
        IpAddr::V6(_) => within(&OUTSIDE_V6) && !INSIDE_V6.iter().any(within),
    }
}

/// Resolves names for HTTP clients, at every connection: it goes to what was looked at.
pub struct Names {
    /// Only to addresses of the public internet.
    pub public: bool,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let public = self.public;
        Box::pin(async move {
            let open = resolved(name.as_str(), 0, public).await?;
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "3fff::1",
            "2001::1",
            "192.88.99.1",
            "::10.0.0.1",
            "::ffff:127.0.0.1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "100.128.0.1", "198.20.0.1", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(outside.parse().unwrap()), "{outside}");
        }
    }
}
