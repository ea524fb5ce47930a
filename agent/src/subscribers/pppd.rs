//! pppd's scripts `ip-up`, `ip-down`, `ipv6-up` and `ipv6-down`, also as accel-ppp calls them (`pppd_compat`).
//!
//! A session is one interface: what it was given ends with it, also where no script says so. Prefixes delegated in a
//! session are known from accel-ppp's variables; beside pppd somebody else gives them, see [`super::hook`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::IpAddr;

use ipnet::IpNet;

use super::hook::Environment;
use super::lease::{Event, Lease, Source};
use super::who::{self, Who};

/// What a script was told: `SCRIPT INTERFACE TTY SPEED LOCAL REMOTE [IPPARAM]`.
pub fn events(arguments: &[OsString], environment: &Environment<'_>, now_ms: u64) -> Result<Vec<Event>, String> {
    let argument = |at: usize| arguments.get(at).and_then(|text| text.to_str()).unwrap_or_default();
    let text = |name: &str| environment(name).and_then(|value| value.into_string().ok());
    let (gone, remote) = match argument(0) {
        "ip-up" => (false, Some(argument(5))),
        "ip-down" => (true, Some(argument(5))),
        // Their ends of the link have link-local addresses, which are nobody's anywhere else.
        "ipv6-up" => (false, None),
        "ipv6-down" => (true, None),
        other => return Err(format!("{other:?} is not one of ip-up, ip-down, ipv6-up, ipv6-down")),
    };
    // Nobody logged in: this router's own way out may be a session, too.
    let Some(user) = text("PEERNAME").filter(|name| !name.is_empty()) else { return Ok(Vec::new()) };
    let mut who = BTreeSet::from([Who::pppoe_user(&user).map_err(|error| error.to_string())?]);
    let station = text("MACREMOTE").or_else(|| text("CALLING_SID"));
    who.extend(station.and_then(|mac| Who::mac(&who::bytes(&mac)?).ok()));
    let mut prefixes = BTreeSet::new();
    if let Some(remote) = remote {
        let address: IpAddr = remote.parse().map_err(|_| format!("{remote:?} is no address"))?;
        prefixes.insert(IpNet::from(address));
    }
    for name in ["IPV6_PREFIX", "IPV6_DELEGATED_PREFIX"] {
        // accel-ppp writes the router's own address in it.
        prefixes.extend(text(name).and_then(|text| text.parse::<IpNet>().ok()).map(|net| net.trunc()));
    }
    let session = Some(argument(1).to_owned());
    let event = |prefix| {
        let lease = Lease { prefix, source: Source::Pppoe, who: who.clone(), session: session.clone(), until_ms: None };
        lease.sound().map(|lease| Event { at_ms: now_ms, gone, lease }).map_err(|error| error.to_string())
    };
    prefixes.into_iter().map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str, set: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let found = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let line = |event: Event| {
            let who: Vec<String> = event.lease.who.iter().map(ToString::to_string).collect();
            format!("{} {} {}", event.gone, event.lease.prefix, who.join(" "))
        };
        Ok(events(&arguments, &found, 5)?.into_iter().map(line).collect())
    }

    #[test]
    fn a_session_gives_its_remote_address_and_what_was_delegated_in_it() {
        let set = [("PEERNAME", "ann@isp"), ("MACREMOTE", "02:00:00:00:00:07")];
        let up = told("ip-up ppp0 /dev/pts/1 0 10.0.0.1 100.64.0.7 ", &set).unwrap();
        assert_eq!(up, ["false 100.64.0.7/32 mac:02:00:00:00:00:07 pppoe-user:ann@isp"]);
        let down = told("ip-down ppp0 pppoe 0 10.0.0.1 100.64.0.7", &[("PEERNAME", "ann")]).unwrap();
        assert_eq!(down, ["true 100.64.0.7/32 pppoe-user:ann"]);
        let set =
            [("PEERNAME", "ann"), ("IPV6_PREFIX", "2001:db8:1::5/64"), ("IPV6_DELEGATED_PREFIX", "2001:db8:7::/56")];
        assert_eq!(
            told("ipv6-up ppp0 pppoe 0 fe80::1 fe80::2", &set).unwrap(),
            ["false 2001:db8:1::/64 pppoe-user:ann", "false 2001:db8:7::/56 pppoe-user:ann"]
        );
        assert_eq!(told("ipv6-up ppp0 pppoe 0 fe80::1 fe80::2", &[("PEERNAME", "ann")]), Ok(Vec::new()));
    }

    #[test]
    fn who_did_not_log_in_is_nobody_and_what_is_no_session_is_refused() {
        assert_eq!(told("ip-up ppp0 tty 0 10.0.0.1 100.64.0.7", &[("MACREMOTE", "02:00:00:00:00:07")]), Ok(Vec::new()));
        let long = "a".repeat(300);
        assert!(told("ip-up ppp0 tty 0 10.0.0.1 100.64.0.7", &[("PEERNAME", &long)]).unwrap_err().contains("253"));
        assert!(told("ip-up ../x tty 0 10.0.0.1 100.64.0.7", &[("PEERNAME", "a")]).unwrap_err().contains("interface"));
        assert!(told("ip-up ppp0 tty 0 10.0.0.1", &[("PEERNAME", "a")]).unwrap_err().contains("no address"));
        assert!(told("auth-up ppp0", &[("PEERNAME", "a")]).unwrap_err().contains("auth-up"));
    }
}
