//! The lab's map: who is connected to whom, with which addresses.
//!
//! ```text
//! sub1 eth0 --- p1 \                            / wan0 --- i0 internet 198.18.0.2, 2001:db8:ffff::2
//! sub2 eth0 --- p2 -- lan (a bridge) r0 --- lan0 router
//! ...              /                            \ up0 --- c0 cloud 100.64.0.1
//! ```
//! Subscriber n has 10.20.0.(n+1)/32 and 2001:db8:1:(n * 256)::/56. Nothing but counted traffic crosses a subscriber's
//! port: neighbours are permanent, the bridge neither floods nor learns, and the host keeps its ND and MLD to itself. The internet has no route to 10.20.0.0/16 unless asked: v4 needs the router's NAT.

use crate::outside::Inside;
use crate::wire::{Ask, End, Finished};
use anyhow::{Result, ensure};
use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The server on the internet, v4.
pub const INTERNET_V4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);
/// The server on the internet, v6.
pub const INTERNET_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 2);
/// Public addresses that are routed to the router, for lines that share them.
pub const PUBLIC_NETWORK: &str = "203.0.113.0/29";
/// Where the router reaches the cloud.
pub const CLOUD_ADDRESS: Ipv4Addr = Ipv4Addr::new(100, 64, 0, 1);
/// The gateway's UDP port.
pub const GATEWAY_PORT: u16 = 4433;
/// Where subscribers and people elsewhere reach the pages, at [`CLOUD_ADDRESS`], where the lab lets them.
pub const PAGES_PORT: u16 = 8080;
/// Where mail is taken, at [`CLOUD_ADDRESS`], where it is.
pub const MAIL_PORT: u16 = 2525;
/// Where the payment provider is, at [`CLOUD_ADDRESS`], where there is one.
pub const PROVIDER_PORT: u16 = 12111;

const ROUTER_MAC: &str = "02:57:00:00:ff:01";

/// A node of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where the servers are.
    Internet,
    /// Where the agent runs.
    Router,
    /// The switch between the router and the subscribers.
    Lan,
    /// Where the control plane runs.
    Cloud,
    /// A subscriber's host, from 1.
    Subscriber(u8),
}

impl Place {
    /// The node's name.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Internet => "internet".into(),
            Self::Router => "router".into(),
            Self::Lan => "lan".into(),
            Self::Cloud => "cloud".into(),
            Self::Subscriber(n) => format!("sub{n}"),
        }
    }
}

/// The v4 address of subscriber `n`.
#[must_use]
pub fn subscriber_v4(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 20, 0, n.saturating_add(1))
}

/// The v6 address of subscriber `n`, inside its /56.
#[must_use]
pub fn subscriber_v6(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 1, u16::from(n) << 8, 0, 0, 0, 2)
}

/// The routed prefixes of subscriber `n`, as a subscription names them.
#[must_use]
pub fn subscriber_prefixes(n: u8) -> [String; 2] {
    [format!("{}/32", subscriber_v4(n)), format!("2001:db8:1:{:x}::/56", u16::from(n) << 8)]
}

/// Makes all nodes, links, addresses and routes. `return_route` lets v4 answers back without NAT.
pub async fn build(inside: &Inside, subscribers: u8, return_route: bool) -> Result<()> {
    let fixed = [Place::Internet, Place::Router, Place::Lan, Place::Cloud];
    for place in fixed.into_iter().chain((1..=subscribers).map(Place::Subscriber)) {
        inside.ask::<()>(Ask::Node { name: place.name() }).await?;
    }
    link(inside, (Place::Router, "wan0", None), (Place::Internet, "i0", None)).await?;
    link(inside, (Place::Router, "up0", None), (Place::Cloud, "c0", None)).await?;
    link(inside, (Place::Router, "lan0", Some(ROUTER_MAC.into())), (Place::Lan, "r0", None)).await?;
    for n in 1..=subscribers {
        let port = format!("p{n}");
        link(inside, (Place::Subscriber(n), "eth0", Some(subscriber_mac(n))), (Place::Lan, &port, None)).await?;
    }
    configure(inside, Place::Lan, &lan(subscribers), &lan_ports(subscribers)).await?;
    configure(inside, Place::Router, &router(subscribers), "").await?;
    configure(inside, Place::Internet, &internet(return_route), "").await?;
    configure(inside, Place::Cloud, CLOUD, "").await?;
    for n in 1..=subscribers {
        keep_quiet(inside, n).await?;
        configure(inside, Place::Subscriber(n), &subscriber(n), "").await?;
        one_packet_one_count(inside, n).await?;
    }
    Ok(())
}

type Port<'a> = (Place, &'a str, Option<String>);

async fn link(inside: &Inside, a: Port<'_>, b: Port<'_>) -> Result<()> {
    let end = |(place, interface, mac): Port<'_>| End { node: place.name(), interface: interface.into(), mac };
    let _made: serde_json::Value = inside.ask(Ask::Link { a: end(a), b: end(b) }).await?;
    Ok(())
}

async fn configure(inside: &Inside, place: Place, ip: &str, bridge: &str) -> Result<()> {
    let mut sysctls: Vec<(String, String)> = Vec::new();
    if place == Place::Router {
        sysctls.push(("net/ipv4/ip_forward".into(), "1".into()));
        sysctls.push(("net/ipv6/conf/all/forwarding".into(), "1".into()));
    }
    let quiet = ["accept_dad", "accept_ra"].map(|name| (format!("net/ipv6/conf/all/{name}"), "0".to_owned()));
    sysctls.extend(quiet);
    let ask = Ask::Configure { node: place.name(), ip: ip.into(), bridge: bridge.into(), sysctls };
    let _done: serde_json::Value = inside.ask(ask).await?;
    Ok(())
}

/// Turns segmentation offload off at both ends of a subscriber's cable, behind the router's queues: each packet of
/// the line is then one packet in the counters. The router's own ports keep their defaults.
async fn one_packet_one_count(inside: &Inside, n: u8) -> Result<()> {
    let port = format!("p{n}");
    for (place, interface) in [(Place::Subscriber(n), "eth0"), (Place::Lan, port.as_str())] {
        inside.run_ok(&place.name(), &["ethtool", "-K", interface, "tso", "off", "gso", "off", "gro", "off"]).await?;
    }
    Ok(())
}

/// Before the cable is plugged in: a host announces itself at once.
async fn keep_quiet(inside: &Inside, n: u8) -> Result<()> {
    let argv = ["nft", "-f", "-"].map(str::to_owned).to_vec();
    let done: Finished = inside.ask(Ask::Run { node: Place::Subscriber(n).name(), argv, input: QUIET.into() }).await?;
    ensure!(done.code == Some(0), "nft: {}", done.stderr.trim());
    Ok(())
}

/// The Ethernet address of subscriber `n`.
#[must_use]
pub fn subscriber_mac(n: u8) -> String {
    format!("02:57:00:00:00:{n:02x}")
}

fn lan(subscribers: u8) -> String {
    let mut batch = String::from("link set lo up\nlink add br0 type bridge mcast_snooping 0 stp_state 0\n");
    batch.push_str("link set br0 addrgenmode none\nlink set br0 up\n");
    let ports = std::iter::once("r0".to_owned()).chain((1..=subscribers).map(|n| format!("p{n}")));
    for port in ports {
        let _ = writeln!(batch, "link set {port} addrgenmode none\nlink set {port} master br0 up");
        let _ =
            writeln!(batch, "link set {port} type bridge_slave learning off flood off mcast_flood off bcast_flood off");
    }
    batch
}

fn lan_ports(subscribers: u8) -> String {
    let mut batch = format!("fdb add {ROUTER_MAC} dev r0 master static\n");
    for n in 1..=subscribers {
        let _ = writeln!(batch, "fdb add {} dev p{n} master static", subscriber_mac(n));
    }
    batch
}

fn router(subscribers: u8) -> String {
    let mut batch = String::from(
        "link set lo up\nlink set lan0 addrgenmode none\nlink set lan0 up\nlink set wan0 up\nlink set up0 up\n\
         addr add 10.20.0.1/32 dev lan0\naddr add 2001:db8:1::1/128 dev lan0 nodad\n\
         addr add 198.18.0.1/24 dev wan0\naddr add 2001:db8:ffff::1/64 dev wan0 nodad\n\
         addr add 100.64.0.2/30 dev up0\n\
         route add default via 198.18.0.2\nroute add default via 2001:db8:ffff::2\n",
    );
    for n in 1..=subscribers {
        let (v4, v6, [_, delegated]) = (subscriber_v4(n), subscriber_v6(n), subscriber_prefixes(n));
        let _ = writeln!(batch, "route add {v4}/32 dev lan0\nroute add {delegated} via {v6} dev lan0 onlink");
        for address in [v4.to_string(), v6.to_string()] {
            let _ = writeln!(batch, "neigh add {address} lladdr {} dev lan0 nud permanent", subscriber_mac(n));
        }
    }
    batch
}

fn internet(return_route: bool) -> String {
    let mut batch = String::from(
        "link set lo up\nlink set i0 up\naddr add 198.18.0.2/24 dev i0\naddr add 2001:db8:ffff::2/64 dev i0 nodad\n\
         route add 2001:db8:1::/48 via 2001:db8:ffff::1\n",
    );
    let _ = writeln!(batch, "route add {PUBLIC_NETWORK} via 198.18.0.1");
    if return_route {
        batch.push_str("route add 10.20.0.0/16 via 198.18.0.1\n");
    }
    batch
}

/// What IPv6 says about itself never leaves a subscriber's host, so it is never counted.
const QUIET: &str = "table inet lab { chain output { type filter hook output priority 0; \
    icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report, nd-router-solicit, \
    nd-neighbor-solicit, nd-neighbor-advert } drop; }; }";

const CLOUD: &str =
    "link set lo up\nlink set c0 up\naddr add 100.64.0.1/30 dev c0\nroute add 10.20.0.0/16 via 100.64.0.2\n";

fn subscriber(n: u8) -> String {
    let (v4, v6) = (subscriber_v4(n), subscriber_v6(n));
    let mut batch = format!(
        "link set lo up\nlink set eth0 addrgenmode none\nlink set eth0 up\n\
         addr add {v4}/32 dev eth0\naddr add {v6}/64 dev eth0 nodad\n"
    );
    for gateway in ["10.20.0.1", "2001:db8:1::1"] {
        let _ = writeln!(batch, "neigh add {gateway} lladdr {ROUTER_MAC} dev eth0 nud permanent");
        let _ = writeln!(batch, "route add default via {gateway} dev eth0 onlink");
    }
    batch
}
