//! Kea: its lease files of the kind `memfile`, and what its hook `run_script` is told.
//!
//! A file is a log: the last row of an address counts, and one with a lifetime of 0 ends it. What a relay added is in the
//! files only where `store-extended-info` is on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::hook::Environment;
use super::lease::{Event, Lease, Source};
use super::who::{self, Who};

/// A lease of this many seconds never ends.
const FOREVER: u64 = u32::MAX as u64;

/// What the parts of a lease file say, oldest first, as far as they can be believed.
pub fn leases<'a>(parts: impl IntoIterator<Item = &'a str>) -> Vec<Lease> {
    let mut last = BTreeMap::new();
    for part in parts {
        // A row without its end is still being written.
        let whole = part.rfind('\n').map_or("", |end| &part[..end]);
        let mut rows = whole.lines();
        let Some(header) = rows.next() else { continue };
        let columns: BTreeMap<&str, usize> = header.split(',').enumerate().map(|(at, name)| (name, at)).collect();
        for row in rows {
            let fields: Vec<&str> = row.split(',').collect();
            let field = |name: &str| columns.get(name).and_then(|at| fields.get(*at)).copied();
            let Some(prefix) = prefix(&field) else { continue };
            match lease(prefix, &field) {
                Some(lease) => drop(last.insert(prefix, lease)),
                None => drop(last.remove(&prefix)),
            }
        }
    }
    last.into_values().collect()
}

fn prefix<'a>(field: &impl Fn(&str) -> Option<&'a str>) -> Option<IpNet> {
    let address: IpAddr = field("address")?.parse().ok()?;
    match field("prefix_len").filter(|_| field("lease_type") == Some("2")) {
        Some(length) => IpNet::new(address, length.parse().ok()?).ok(),
        None => Some(address.into()),
    }
}

/// The lease of a row; none if the row ends it.
fn lease<'a>(prefix: IpNet, field: &impl Fn(&str) -> Option<&'a str>) -> Option<Lease> {
    let lifetime: u64 = field("valid_lifetime")?.parse().ok()?;
    // Declined, reclaimed or released: nobody's.
    if lifetime == 0 || field("state").is_some_and(|state| state != "0") {
        return None;
    }
    let mut who: BTreeSet<Who> = BTreeSet::new();
    who.extend(field("hwaddr").and_then(|mac| Who::mac(&who::bytes(mac)?).ok()));
    who.extend(field("duid").and_then(|duid| Who::duid(&who::bytes(duid)?).ok()));
    who.extend(field("user_context").map(relay_agent_info).unwrap_or_default());
    let until_ms = match lifetime {
        FOREVER => None,
        _ => Some(field("expire")?.parse::<u64>().ok()?.saturating_mul(1_000)),
    };
    Lease { prefix, source: Source::Kea, who, session: None, until_ms }.sound().ok()
}

/// What a relay added, of a row's `user_context`. Kea writes a comma in a field as `&#x2c`.
fn relay_agent_info(context: &str) -> BTreeSet<Who> {
    let context: serde_json::Value = serde_json::from_str(&context.replace("&#x2c", ",")).unwrap_or_default();
    let info = &context["ISC"]["relay-agent-info"];
    // Since 2.3.2 an object that has the same in `sub-options`.
    let info = info.as_str().or_else(|| info["sub-options"].as_str());
    info.and_then(who::bytes).map(|bytes| option_82(&bytes)).unwrap_or_default()
}

/// The circuit and the remote id among sub-options.
fn option_82(mut bytes: &[u8]) -> BTreeSet<Who> {
    let mut found = BTreeSet::new();
    while let [code, length, rest @ ..] = bytes {
        let Some((value, after)) = rest.split_at_checked(usize::from(*length)) else { break };
        match code {
            1 => found.extend(Who::circuit_id(value).ok()),
            2 => found.extend(Who::remote_id(value).ok()),
            _ => {}
        }
        bytes = after;
    }
    found
}

/// What `run_script` was told at one of its hook points: the leases of one exchange, or one that ended.
pub fn events(hook_point: &str, environment: &Environment<'_>, now_ms: u64) -> Result<Vec<Event>, String> {
    let text = |name: &str| environment(name).and_then(|value| value.into_string().ok());
    let mut relayed = BTreeSet::new();
    for (name, of) in [("1", Who::circuit_id as fn(&[u8]) -> _), ("2", Who::remote_id)] {
        let value = text(&format!("QUERY4_OPTION_82_SUB_OPTION_{name}"));
        relayed.extend(value.and_then(|value| of(&who::bytes(&value)?).ok()));
    }
    // What ended is not of the exchange that is told.
    let none = BTreeSet::new();
    let many = |family: char| {
        let mut leases = Vec::new();
        for (list, gone) in [(format!("DELETED_LEASES{family}"), true), (format!("LEASES{family}"), false)] {
            let size = text(&format!("{list}_SIZE")).and_then(|size| size.parse::<u16>().ok()).unwrap_or(0);
            // Kea sets as many variables as it says; the environment ends where it ends.
            for at in 0..size.min(256) {
                let lease = from_environment(&text, &format!("{list}_AT{at}"), if gone { &none } else { &relayed });
                leases.extend(lease.map(|lease| Event { at_ms: now_ms, gone, lease }));
            }
        }
        leases
    };
    let one = |name: &str, gone| {
        let lease = from_environment(&text, name, if gone { &none } else { &relayed });
        lease.map(|lease| Event { at_ms: now_ms, gone, lease }).into_iter().collect()
    };
    let events: Vec<Event> = match hook_point {
        "leases4_committed" => many('4'),
        "leases6_committed" => many('6'),
        "lease4_renew" => one("LEASE4", false),
        "lease6_renew" | "lease6_rebind" => one("LEASE6", false),
        "lease4_expire" | "lease4_release" | "lease4_decline" => one("LEASE4", true),
        "lease6_expire" | "lease6_release" | "lease6_decline" => one("LEASE6", true),
        // Taken back into the pool, or something that is not about a lease.
        _ => return Ok(Vec::new()),
    };
    Ok(events)
}

fn from_environment(text: &impl Fn(&str) -> Option<String>, name: &str, relayed: &BTreeSet<Who>) -> Option<Lease> {
    let of = |what: &str| text(&format!("{name}_{what}"));
    let address: IpAddr = of("ADDRESS")?.parse().ok()?;
    let delegated = of("TYPE").is_some_and(|kind| kind == "IA_PD" || kind == "2");
    let prefix = match of("PREFIX_LEN").filter(|_| delegated) {
        Some(length) => IpNet::new(address, length.parse().ok()?).ok()?,
        None => address.into(),
    };
    let mut who = relayed.clone();
    who.extend(of("HWADDR").and_then(|mac| Who::mac(&who::bytes(&mac)?).ok()));
    who.extend(of("DUID").and_then(|duid| Who::duid(&who::bytes(&duid)?).ok()));
    let number = |what: &str| of(what)?.parse::<u64>().ok();
    let until_ms = match (number("CLTT"), number("VALID_LIFETIME")) {
        (Some(since), Some(lifetime)) if lifetime < FOREVER => {
            Some(since.saturating_add(lifetime).saturating_mul(1_000))
        }
        _ => None,
    };
    Lease { prefix, source: Source::Kea, who, session: None, until_ms }.sound().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const FOUR: &str =
        "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context\n";
    const SIX: &str = "address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,\
        fqdn_rev,hostname,hwaddr,state,user_context,hwtype,hwaddr_source\n";

    fn told(leases: &[Lease]) -> Vec<String> {
        let names = |lease: &Lease| lease.who.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        leases.iter().map(|lease| format!("{} {} {:?}", lease.prefix, names(lease), lease.until_ms)).collect()
    }

    #[test]
    fn the_last_row_of_an_address_counts_across_the_parts_of_a_file() {
        let old = format!(
            "{FOUR}10.0.0.1,02:00:00:00:00:01,,600,1000,1,0,0,,0,\n10.0.0.2,02:00:00:00:00:02,,600,1000,1,0,0,,0,\n\
             10.0.0.3,02:00:00:00:00:03,,4294967295,1,1,0,0,,0,\n10.0.0.5,02:00:00:00:00:05,,600,1000,1,0,0,,1,\n"
        );
        let new = format!(
            "{FOUR}10.0.0.1,02:00:00:00:00:01,,600,2000,1,0,0,,0,\n10.0.0.2,02:00:00:00:00:02,,0,1000,1,0,0,,0,\n\
             10.0.0.4,02:00:00:00:00:04,,600,10"
        );
        assert_eq!(
            told(&leases([old.as_str(), new.as_str()])),
            ["10.0.0.1/32 mac:02:00:00:00:00:01 Some(2000000)", "10.0.0.3/32 mac:02:00:00:00:00:03 None"]
        );
    }

    #[test]
    fn what_a_relay_added_is_found_in_both_forms() {
        for context in [
            r#"{ "ISC": { "relay-agent-info": "0x0104657468310206AABBCCDDEEFF" } }"#,
            r#"{ "ISC": { "relay-agent-info": { "remote-id": "x"&#x2c "sub-options": "0x0104657468310206AABBCCDDEEFF" } } }"#,
        ] {
            let file = format!("{FOUR}10.0.0.1,02:00:00:00:00:01,,600,1000,1,0,0,,0,{context}\n");
            let names = "mac:02:00:00:00:00:01 circuit-id:65746831 remote-id:aabbccddeeff";
            assert_eq!(told(&leases([file.as_str()])), [format!("10.0.0.1/32 {names} Some(1000000)")]);
        }
        assert!(option_82(&[1, 9, 1]).is_empty(), "a length beyond the end");
    }

    #[test]
    fn delegated_prefixes_are_read_whole() {
        let file = format!(
            "{SIX}2001:db8:7::,00:03:00:01:02:00:00:00:00:07,600,1000,1,300,2,5,56,0,0,,02:00:00:00:00:07,0,,1,2\n\
             2001:db8::9,00:03:00:01:02:00:00:00:00:07,600,1000,1,300,0,5,128,0,0,,,0,,,\n"
        );
        assert_eq!(
            told(&leases([file.as_str()])),
            [
                "2001:db8::9/128 duid:00030001020000000007 Some(1000000)",
                "2001:db8:7::/56 mac:02:00:00:00:00:07 duid:00030001020000000007 Some(1000000)",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(
            text in "\\PC{0,200}",
            rows in vec("[0-9a-f:.,{}\"]{0,80}", 0..9),
            bytes in vec(any::<u8>(), 0..60),
        ) {
            leases([text.as_str(), format!("{FOUR}{}\n", rows.join("\n")).as_str()]);
            leases([format!("{SIX}{}\n", rows.join("\n")).as_str()]);
            option_82(&bytes);
            relay_agent_info(&text);
        }
    }
}
