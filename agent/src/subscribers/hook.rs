//! `weir-agent lease`: what a server's script calls. One datagram to the agent, and never a wait.
//!
//! An agent that is away, or has no room, finds the news in a folder. Whoever calls is trusted with leases by the kernel's
//! word on who it is, see [`super::sources`].

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use ipnet::IpNet;

use super::lease::{Event, Lease, Source};
use super::{dnsmasq, kea, pppd};
use crate::clock;
use crate::store::disk;

/// The agent's socket in its folder of things that do not outlive a boot.
pub const SOCKET: &str = "leases.sock";
/// Where news waits for an agent that is away.
pub const SPOOL: &str = "leases.d";
/// News that waits at most; what is more is lost, and found again in the servers' lease files.
const SPOOL_MAX: usize = 10_000;

/// Variables by name.
pub type Environment<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// What a call with these arguments tells.
pub fn read(arguments: &[OsString], environment: &Environment<'_>, now_ms: u64) -> anyhow::Result<Vec<Event>> {
    let (verb, rest) = arguments.split_first().context("say what told it: dnsmasq, kea, pppd, add or del")?;
    let plain = |error: String| anyhow!("{error}");
    match verb.to_str() {
        Some("dnsmasq") => Ok(dnsmasq::event(rest, environment, now_ms).map_err(plain)?.into_iter().collect()),
        Some("kea") => {
            let hook_point =
                rest.first().and_then(|name| name.to_str()).context("the name of the hook point is missing")?;
            kea::events(hook_point, environment, now_ms).map_err(plain)
        }
        Some("pppd") => pppd::events(rest, environment, now_ms).map_err(plain),
        Some("add") => Ok(vec![by_hand(rest, false, now_ms)?]),
        Some("del") => Ok(vec![by_hand(rest, true, now_ms)?]),
        _ => bail!("{} is not one of dnsmasq, kea, pppd, add, del", verb.display()),
    }
}

/// `PREFIX IDENTITY... [session:INTERFACE] [seconds:N]`, for servers nobody here knows.
fn by_hand(arguments: &[OsString], gone: bool, now_ms: u64) -> anyhow::Result<Event> {
    let mut words = arguments.iter().map(|word| word.to_str().context("not text"));
    let first = words.next().context("the prefix is missing")??;
    let prefix: IpNet = first.parse().or_else(|_| first.parse().map(std::net::IpAddr::into)).context("not a prefix")?;
    let mut lease = Lease { prefix, source: Source::Other, who: BTreeSet::new(), session: None, until_ms: None };
    for word in words {
        match word?.split_once(':') {
            Some(("session", name)) => lease.session = Some(name.to_owned()),
            Some(("seconds", number)) => {
                let seconds: u64 = number.parse().context("seconds: is followed by a number")?;
                lease.until_ms = Some(now_ms.saturating_add(seconds.saturating_mul(1_000)));
            }
            Some((kind, value)) => drop(lease.who.insert(format!("{kind}:{value}").parse()?)),
            None => bail!("an identity is mac:, circuit-id:, remote-id:, pppoe-user: or duid:"),
        }
    }
    Ok(Event { at_ms: now_ms, gone, lease: lease.sound()? })
}

/// Tells the agent whose folder this is.
pub fn tell(run_dir: &Path, events: &[Event]) -> anyhow::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    for (n, event) in events.iter().enumerate() {
        let news = serde_json::to_vec(event)?;
        if let Err(error) = socket.send_to(&news, run_dir.join(SOCKET)) {
            let folder = run_dir.join(SPOOL);
            // In order, and nobody else's.
            let name = format!("{:015}-{n:03}-{}", event.at_ms, hex::encode(clock::random::<8>()));
            leave(&folder, &name, &news).with_context(|| format!("no agent listens ({error})"))?;
        }
    }
    Ok(())
}

/// Leaves news in the folder, as its owner: the agent must be able to take it away.
fn leave(folder: &Path, name: &str, news: &[u8]) -> anyhow::Result<()> {
    let waiting = fs::read_dir(folder).with_context(|| folder.display().to_string())?.take(SPOOL_MAX).count();
    anyhow::ensure!(waiting < SPOOL_MAX, "{SPOOL_MAX} pieces of news wait already");
    disk::become_owner_of(folder)?;
    let (unfinished, finished) = (folder.join(format!(".{name}")), folder.join(name));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    file.write_all(news)?;
    Ok(fs::rename(unfinished, finished)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Result<Event, String> {
        let arguments: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let mut events = read(&arguments, &|_| None, 1_000).map_err(|error| format!("{error:#}"))?;
        Ok(events.remove(0))
    }

    #[test]
    fn any_program_can_tell_of_a_lease() {
        let event = told("add 2001:db8:7::/56 pppoe-user:ann session:ppp3 seconds:60").unwrap();
        assert_eq!((event.lease.until_ms, event.lease.session.as_deref()), (Some(61_000), Some("ppp3")));
        assert!(told("del 10.0.0.7 mac:02:00:00:00:00:07").unwrap().gone);
        for (bad, why) in [
            ("add", "missing"),
            ("add 10.0.0.7", "identities"),
            ("add 10.0.0.7/99 mac:02:00:00:00:00:07", "not a prefix"),
            ("add 127.0.0.1 mac:02:00:00:00:00:07", "cannot be a subscriber's"),
            ("add 10.0.0.7 mac:", "Ethernet"),
            ("add 10.0.0.7 ann", "an identity is"),
            ("fly", "not one of"),
        ] {
            assert!(told(bad).unwrap_err().contains(why), "{bad}: {:?}", told(bad));
        }
    }

    #[test]
    fn news_waits_for_an_agent_that_is_away_and_is_refused_where_none_ever_was() {
        let folder = tempfile::tempdir().unwrap();
        let events = [told("add 10.0.0.7 pppoe-user:ann").unwrap()];
        assert!(format!("{:#}", tell(folder.path(), &events).unwrap_err()).contains("no agent listens"));
        fs::create_dir(folder.path().join(SPOOL)).unwrap();
        tell(folder.path(), &events).unwrap();
        tell(folder.path(), &events).unwrap();
        let left: Vec<_> =
            fs::read_dir(folder.path().join(SPOOL)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(Event::read(&fs::read(&left[0]).unwrap()), Ok(events[0].clone()));
        assert_eq!(left.len(), 2, "the same news of the same moment takes nobody's place");
    }
}
