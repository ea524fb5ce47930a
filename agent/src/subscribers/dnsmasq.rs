//! dnsmasq: its lease file, and what it tells a `--dhcp-script`.
//!
//! The file names a subscriber by the Ethernet address (IPv4) or the DUID (IPv6); the script also learns what a relay
//! added, and for IPv6 the Ethernet address. dnsmasq delegates no prefixes.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;

use super::hook::Environment;
use super::lease::{Event, Lease, Source};
use super::who::{self, Who};

/// What the lease file says, as far as it can be believed.
pub fn leases(text: &str) -> Vec<Lease> {
    let mut six = false;
    // A line without its end is still being written.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().filter_map(|line| {
        six |= line.starts_with("duid ");
        lease(line, six)
    });
    lines.collect()
}

/// `EXPIRES MAC ADDRESS NAME CLIENT-ID` for IPv4, `EXPIRES IAID ADDRESS NAME DUID` after the server's own DUID for IPv6.
fn lease(line: &str, six: bool) -> Option<Lease> {
    let mut fields = line.split(' ');
    let expires: u64 = fields.next()?.parse().ok()?;
    let named = fields.next()?;
    let address: IpAddr = fields.next()?.parse().ok()?;
    let _name_by_the_subscriber = fields.next()?;
    let last = fields.next()?;
    let who = if six { Who::duid(&who::bytes(last)?) } else { Who::mac(&who::bytes(named)?) }.ok()?;
    let until_ms = (expires > 0).then(|| expires.saturating_mul(1_000));
    let who = BTreeSet::from([who]);
    Lease { prefix: address.into(), source: Source::Dnsmasq, who, session: None, until_ms }.sound().ok()
}

/// What the script was told: `add|old|del MAC-OR-DUID ADDRESS [NAME]`; none if it is not about a lease.
pub fn event(arguments: &[OsString], environment: &Environment<'_>, now_ms: u64) -> Result<Option<Event>, String> {
    let argument = |at: usize| arguments.get(at).and_then(|text| text.to_str()).unwrap_or_default();
    let gone = match argument(0) {
        "add" | "old" => false,
        "del" => true,
        _ => return Ok(None),
    };
    let address: IpAddr = argument(2).parse().map_err(|_| format!("{:?} is no address", argument(2)))?;
    let own = who::bytes(argument(1)).ok_or("the second argument is neither an Ethernet address nor a DUID")?;
    let six = environment("DNSMASQ_IAID").is_some();
    let first = if six { Who::duid(&own) } else { Who::mac(&own) };
    let mut who = BTreeSet::from([first.map_err(|error| error.to_string())?]);
    let text = |name: &str| environment(name)?.into_string().ok();
    who.extend(text("DNSMASQ_MAC").and_then(|mac| Who::mac(&who::bytes(&mac)?).ok()));
    // As the relay wrote them: these are bytes, not digits.
    who.extend(environment("DNSMASQ_CIRCUIT_ID").and_then(|id| Who::circuit_id(id.as_bytes()).ok()));
    who.extend(environment("DNSMASQ_REMOTE_ID").and_then(|id| Who::remote_id(id.as_bytes()).ok()));
    let expires = text("DNSMASQ_LEASE_EXPIRES").and_then(|seconds| seconds.parse::<u64>().ok());
    let until_ms = expires.filter(|seconds| *seconds > 0).map(|seconds| seconds.saturating_mul(1_000));
    let lease = Lease { prefix: address.into(), source: Source::Dnsmasq, who, session: None, until_ms };
    let lease = lease.sound().map_err(|error| error.to_string())?;
    Ok(Some(Event { at_ms: now_ms, gone, lease }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt;

    const FILE: &str = "1795809555 02:00:00:00:00:07 10.20.0.50 * 01:02:00:00:00:00:07\n\
        0 06-02:00:00:00:00:08 10.20.0.51 phone *\n\
        0 02:00:00:00:00:09 10.20.0.52 evil;name *\n\
        duid 00:01:00:01:32:9c:9d:17:da:51:bd:4e:c1:a3\n\
        1795809600 12345 2001:db8:20::150 laptop 00:03:00:01:02:00:00:00:00:07\n\
        1795809600 7 2001:db8:20::151 * 00:03:00:01:02:00:00:00:00:08";

    #[test]
    fn a_lease_file_is_read_as_far_as_it_is_written() {
        let mac = |last| Who::Mac([2, 0, 0, 0, 0, last]);
        let lease = |prefix: &str, who, until_ms| Lease {
            prefix: prefix.parse().unwrap(),
            source: Source::Dnsmasq,
            who: BTreeSet::from([who]),
            session: None,
            until_ms,
        };
        let six = Who::Duid(vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 7]);
        assert_eq!(
            leases(FILE),
            [
                lease("10.20.0.50/32", mac(7), Some(1_795_809_555_000)),
                lease("10.20.0.52/32", mac(9), None),
                lease("2001:db8:20::150/128", six, Some(1_795_809_600_000)),
            ],
            "another kind of hardware and a line cut short are left out"
        );
    }

    fn told(line: &str, set: &[(&str, &[u8])]) -> Result<Option<Event>, String> {
        let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let found =
            |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from_vec(value.to_vec()));
        event(&arguments, &found, 77)
    }

    #[test]
    fn the_script_learns_what_a_relay_added() {
        let set: &[(&str, &[u8])] = &[
            ("DNSMASQ_CIRCUIT_ID", b"eth1"),
            ("DNSMASQ_REMOTE_ID", &[0xaa, 0xbb]),
            ("DNSMASQ_LEASE_EXPIRES", b"1795809555"),
        ];
        let added = told("add 02:00:00:00:00:07 10.20.0.50 $(reboot)", set).unwrap().unwrap();
        let names: Vec<String> = added.lease.who.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["mac:02:00:00:00:00:07", "circuit-id:65746831", "remote-id:aabb"]);
        assert_eq!((added.at_ms, added.gone, added.lease.until_ms), (77, false, Some(1_795_809_555_000)));
        assert!(told("del 02:00:00:00:00:07 10.20.0.50", &[]).unwrap().unwrap().gone);
        let six = told("old 00:03:00:01:02:00:00:00:00:07 2001:db8::7", &[("DNSMASQ_IAID", b"1")]).unwrap().unwrap();
        assert!(matches!(six.lease.who.first(), Some(Who::Duid(_))));
        assert_eq!(told("tftp 12 10.0.0.1 /file", &[]), Ok(None));
        for bad in [
            "add 02:00:00:00:00:07 nowhere",
            "add x 10.0.0.1",
            "del 02:00:00:00:00:07",
            "add 02:00:00:00:00:07 0.0.0.0",
        ] {
            assert!(told(bad, &[]).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,300}", lines in vec("[0-9a-f:. *\\-]{0,60}", 0..9)) {
            leases(&text);
            leases(&lines.join("\n"));
        }
    }
}
