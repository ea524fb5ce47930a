//! Hosts that stay reachable from the walled garden by name: payment pages move from address to address.
//!
//! The router asks its own resolver, never a subscriber's: whoever chose the resolver would choose what is open.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::plan::Wanted;

/// How often a name is asked for: answers of large sites live about as long.
const ASK_EVERY: Duration = Duration::from_secs(60);
/// How soon after one of them had no answer, so many times.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const AGAIN_SOON: u32 = 12;
/// An answer that takes longer is no answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// An address stays open so long after it was last answered: large sites give few of their many addresses at once, and
/// a subscriber's resolver others than the router's.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);
/// Names asked for.
const NAMES_MAX: usize = 64;
/// Addresses kept of one name.
const ADDRESSES_MAX: usize = 256;

/// Asks on, until nobody says any more what is wanted; answers the hosts to reach as they change.
pub fn watch(mut wanted: watch::Receiver<Wanted>) -> watch::Receiver<BTreeSet<IpAddr>> {
    let (tell, told) = watch::channel(BTreeSet::new());
    tokio::spawn(async move {
        let (mut known, mut first) = (Known::default(), true);
        loop {
            let names = names_of(&wanted.borrow_and_update());
            let answers = join_all(names.iter().map(|name| resolve(name))).await;
            let mut silent = false;
            for (name, answer) in names.iter().zip(answers) {
                silent |= answer.is_err();
                known.take(name, answer, Instant::now());
            }
            let hosts = known.hosts(&names, Instant::now());
            tell.send_if_modified(|told| {
                // What an agent before this one let through goes once all that is wanted is known.
                let changed = *told != hosts || first && !silent;
                first &= silent;
                *told = hosts;
                changed
            });
            let wait = known.wait();
            let others = wanted.wait_for(|wanted| names_of(wanted) != names);
            tokio::select! {
                wanted = others => if wanted.is_err() { return },
                () = sleep(wait), if !names.is_empty() => {}
            }
        }
    });
    told
}

async fn resolve(name: &str) -> std::io::Result<Vec<IpAddr>> {
    let found = timeout(ANSWER_LIMIT, tokio::net::lookup_host((name, 0))).await??;
    Ok(found.map(|address| address.ip()).collect())
}

fn names_of(wanted: &Wanted) -> BTreeSet<String> {
    let garden = wanted.router.as_ref().and_then(|router| router.garden.as_ref());
    garden.into_iter().flat_map(|garden| garden.reachable_names.iter()).take(NAMES_MAX).cloned().collect()
}

/// What was answered.
#[derive(Default)]
struct Known(BTreeMap<String, Answered>);

/// What was answered for one name.
#[derive(Default)]
struct Answered {
    /// When each address was answered last.
    addresses: BTreeMap<IpAddr, Instant>,
    /// How often in a row nothing was.
    failures: u32,
}

impl Known {
    fn take(&mut self, name: &str, answer: std::io::Result<Vec<IpAddr>>, now: Instant) {
        let known = self.0.entry(name.to_owned()).or_default();
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                if known.failures == 0 {
                    tracing::warn!(%error, name, "a host of the walled garden has no address");
                }
                known.failures = known.failures.saturating_add(1);
                return;
            }
        };
        known.failures = 0;
        for address in found.iter().map(IpAddr::to_canonical).filter(is_a_host) {
            known.addresses.insert(address, now);
        }
        while known.addresses.len() > ADDRESSES_MAX {
            let oldest = known.addresses.iter().min_by_key(|(_, seen)| **seen).map(|(address, _)| *address);
            oldest.and_then(|address| known.addresses.remove(&address));
        }
    }

    /// How long until it is worth asking again.
    fn wait(&self) -> Duration {
        let soon = |name: &Answered| (1..=AGAIN_SOON).contains(&name.failures);
        if self.0.values().any(soon) { ASK_AGAIN } else { ASK_EVERY }
    }

    /// The hosts of these names; of others nothing is known any more.
    fn hosts(&mut self, names: &BTreeSet<String>, now: Instant) -> BTreeSet<IpAddr> {
        self.0.retain(|name, _| names.contains(name));
        for name in self.0.values_mut() {
            name.addresses.retain(|_, seen| now.duration_since(*seen) < KEPT);
        }
        self.0.values().flat_map(|name| name.addresses.keys()).copied().collect()
    }
}

fn is_a_host(address: &IpAddr) -> bool {
    !address.is_unspecified() && !address.is_loopback() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(texts: &[&str]) -> BTreeSet<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn found(texts: &[&str]) -> std::io::Result<Vec<IpAddr>> {
        Ok(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn a_name_without_an_answer_is_asked_for_again_soon_but_not_for_ever_and_keeps_what_it_had() {
        let (mut known, now, names) = (Known::default(), Instant::now(), BTreeSet::from(["a".to_owned()]));
        known.take("a", found(&["192.0.2.1"]), now);
        assert_eq!(known.wait(), ASK_EVERY);
        for n in 1..=AGAIN_SOON + 1 {
            known.take("a", Err(std::io::ErrorKind::TimedOut.into()), now);
            assert_eq!(known.wait(), if n <= AGAIN_SOON { ASK_AGAIN } else { ASK_EVERY }, "{n}");
        }
        assert_eq!(known.hosts(&names, now), hosts(&["192.0.2.1"]));
    }

    #[test]
    fn an_address_stays_a_day_after_it_was_last_answered_and_goes_with_its_name() {
        let (mut known, began) = (Known::default(), Instant::now());
        let (one, both): (BTreeSet<_>, BTreeSet<_>) = (["a".into()].into(), ["a".into(), "b".into()].into());
        known.take("a", found(&["192.0.2.1", "127.0.0.1", "::", "224.0.0.1"]), began);
        known.take("b", found(&["::ffff:192.0.2.9", "2001:db8::9"]), began);
        assert_eq!(known.hosts(&both, began), hosts(&["192.0.2.1", "192.0.2.9", "2001:db8::9"]));
        let later = began + KEPT - Duration::from_secs(1);
        known.take("a", found(&["192.0.2.2"]), later);
        assert_eq!(known.hosts(&one, later), hosts(&["192.0.2.1", "192.0.2.2"]));
        assert_eq!(known.hosts(&both, began + KEPT), hosts(&["192.0.2.2"]));
    }

    #[test]
    fn of_a_name_with_very_many_addresses_the_latest_are_kept() {
        let (mut known, began) = (Known::default(), Instant::now());
        for n in 0..=u16::try_from(ADDRESSES_MAX).unwrap() {
            let [high, low] = n.to_be_bytes();
            let address = IpAddr::from([198, 51, high, low]);
            known.take("a", Ok(vec![address]), began + Duration::from_secs(n.into()));
        }
        let kept = known.hosts(&["a".into()].into(), began + Duration::from_secs(300));
        assert!(kept.len() == ADDRESSES_MAX && !kept.contains(&IpAddr::from([198, 51, 0, 0])));
    }
}
