//! The next router on the way to the internet, as the kernel's own tables tell. Pure but for reading them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The gateway of the default route through a port of this thread's network namespace; IPv4's before IPv6's.
pub fn gateway(port: &str) -> Option<IpAddr> {
    let read = |file: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default();
    of_v4(&read("route"), port).map(IpAddr::V4).or_else(|| of_v6(&read("ipv6_route"), port).map(IpAddr::V6))
}

/// Columns: port, destination, gateway, ...; hexadecimal, in the machine's order.
fn of_v4(table: &str, port: &str) -> Option<Ipv4Addr> {
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [name, "00000000", gateway, ..] = columns.as_slice() else { return None };
        let gateway = u32::from_str_radix(gateway, 16).ok().filter(|gateway| *gateway != 0)?;
        (*name == port).then(|| Ipv4Addr::from(gateway.to_ne_bytes()))
    })
}

/// Columns: destination, its length, source, its length, gateway, four numbers, port; hexadecimal.
fn of_v6(table: &str, port: &str) -> Option<Ipv6Addr> {
    table.lines().find_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [_, "00", _, _, gateway, _, _, _, _, name] = columns.as_slice() else { return None };
        let gateway = u128::from_str_radix(gateway, 16).ok().map(Ipv6Addr::from_bits)?;
        // An address of the port alone cannot be asked without naming the port.
        (*name == port && !gateway.is_unspecified() && !gateway.is_unicast_link_local()).then_some(gateway)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_of_the_port_names_the_gateway() {
        let own = u32::from_ne_bytes([198, 18, 0, 2]);
        let table = format!(
            "Iface\tDestination\tGateway\tFlags\nlan0\t00000000\t0100007F\t0003\nwan0\t0000A8C0\t00000000\t0001\nwan0\t00000000\t{own:08X}\t0003\n"
        );
        assert_eq!(of_v4(&table, "wan0"), Some(Ipv4Addr::new(198, 18, 0, 2)));
        assert_eq!(of_v4(&table, "wan1"), None);
        let zeros = "0".repeat(32);
        let six = format!(
            "{zeros} 00 {zeros} 00 20010db8001800000000000000000002 00000400 00000000 00000000 00000003 wan0\n"
        );
        assert_eq!(of_v6(&six, "wan0"), "2001:db8:18::2".parse().ok());
    }
}
