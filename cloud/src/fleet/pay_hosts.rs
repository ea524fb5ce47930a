//! Which hosts a held subscriber must reach to pay. Pure.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::store;

/// The hosts a browser needs for Stripe's Checkout, and for the checks of banks that Stripe shows by itself.
const PROVIDER: [&str; 7] = [
    "checkout.stripe.com",
    "js.stripe.com",
    "api.stripe.com",
    "hooks.stripe.com",
    "m.stripe.com",
    "m.stripe.network",
    "b.stripecdn.com",
];

/// Where held subscribers pay, by address and by name: the ISP's own page, ours, its portal, and the provider's.
pub fn of(wired: &store::Wiring, public_url: &str) -> (BTreeSet<IpAddr>, BTreeSet<String>) {
    let provider: &[&str] = if wired.takes_cards { &PROVIDER[..] } else { &[] };
    let hosts = [&wired.pay_url, public_url].into_iter().filter_map(host_in).chain(wired.portal_host.as_deref());
    let (mut addresses, mut names) = (BTreeSet::new(), BTreeSet::new());
    for host in hosts.chain(provider.iter().copied()) {
        match host.parse() {
            Ok(address) => addresses.insert(address),
            Err(_) => names.insert(host.to_ascii_lowercase()),
        };
    }
    (addresses, names)
}

/// The host of a URL, an address without brackets.
fn host_in(url: &str) -> Option<&str> {
    let authority = url.split_once("://")?.1.split(['/', '?', '#']).next()?;
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => Some(authority.rsplit_once(':').map_or(authority, |(host, _)| host)),
    }
    .filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::host_in;

    #[test]
    fn the_host_of_a_url_is_told_without_port_path_and_brackets() {
        assert_eq!(host_in("https://192.0.2.7/pay?invoice=1"), Some("192.0.2.7"));
        assert_eq!(host_in("http://192.0.2.7:8080"), Some("192.0.2.7"));
        assert_eq!(host_in("https://[2001:db8::7]:443/"), Some("2001:db8::7"));
        assert_eq!(host_in("https://pay.example:8443/192.0.2.7"), Some("pay.example"));
        for url in ["", "192.0.2.7", "https://", "https:///pay"] {
            assert_eq!(host_in(url), None, "{url}");
        }
    }
}
