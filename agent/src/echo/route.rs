//! The next router on the way to the internet, as the kernel's own tables tell. Pure but for reading them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Lines of a table that are looked at: default routes come first, and a table of the whole internet is long.
const LINES_MAX: usize = 1024;

/// The gateway of the default route through a port of this thread's network namespace; IPv4's before IPv6's.
pub fn gateway(port: &str) -> Option<IpAddr> {
    let lines = |file: &str| {
        let table = File::open(format!("/proc/thread-self/net/{file}")).ok();
        table.into_iter().flat_map(|table| BufReader::new(table).lines().map_while(Result::ok)).take(LINES_MAX)
    };
    let four = lines("route").find_map(|line| of_v4(&line, port)).map(IpAddr::V4);
    four.or_else(|| lines("ipv6_route").find_map(|line| of_v6(&line, port)).map(IpAddr::V6))
}

/// Columns: port, destination, gateway, flags, two counts, metric, mask, ...; hexadecimal, in the machine's order.
fn of_v4(line: &str, port: &str) -> Option<Ipv4Addr> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [name, "00000000", gateway, _, _, _, _, "00000000", ..] = columns.as_slice() else { return None };
    let gateway = u32::from_str_radix(gateway, 16).ok().filter(|gateway| *gateway != 0)?;
    (*name == port).then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
}

/// Columns: destination, its length, source, its length, gateway, four numbers, port; hexadecimal.
fn of_v6(line: &str, port: &str) -> Option<Ipv6Addr> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let [_, "00", _, _, gateway, _, _, _, _, name] = columns.as_slice() else { return None };
    let gateway = u128::from_str_radix(gateway, 16).ok().map(Ipv6Addr::from_bits)?;
    // An address of the port alone cannot be asked without naming the port.
    (*name == port && !gateway.is_unspecified() && !gateway.is_unicast_link_local()).then_some(gateway)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_of_the_port_names_the_gateway() {
        let own = u32::from_ne_bytes([198, 18, 0, 2]);
        let default = format!("wan0\t00000000\t{own:08X}\t0003\t0\t0\t0\t00000000\t0\t0\t0");
        assert_eq!(of_v4(&default, "wan0"), Some(Ipv4Addr::new(198, 18, 0, 2)));
        assert_eq!(of_v4(&default, "wan1"), None);
        for other in [
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT".to_owned(),
            "wan0\t0000A8C0\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0".to_owned(),
            // Half of the internet.
            default.replace("\t00000000\t0\t0\t0", "\t00000080\t0\t0\t0"),
        ] {
            assert_eq!(of_v4(&other, "wan0"), None, "{other}");
        }
        let zeros = "0".repeat(32);
        let six =
            format!("{zeros} 00 {zeros} 00 20010db8001800000000000000000002 00000400 00000000 00000000 00000003 wan0");
        assert_eq!(of_v6(&six, "wan0"), "2001:db8:18::2".parse().ok());
    }
}
