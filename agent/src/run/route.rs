//! Where the agent connects and over what: which gateway is next, whether QUIC gets through, and the way back to it.

use super::talk::{LIMIT, Uplink};
use super::{Agent, link};
use crate::clock::Clock;
use crate::northbound::link::{Link, What};
use crate::northbound::reach::{Attempt, Way};
use crate::northbound::renew::Wants;
use crate::northbound::tls;
use crate::southbound::Southbound;
use crate::store::disk::Disk;
use crate::store::identity::GATEWAYS;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// How soon after TCP got through QUIC is tried again: perhaps the gateway had only just come back.
const FIRST_RETURN: Duration = Duration::from_secs(60);

/// What is known of the ways to the cloud.
#[derive(Debug, Default)]
pub(super) struct Route {
    /// Gateways the cloud named, the best first.
    told: Vec<String>,
    /// How many attempts reached nobody: the next one goes to the next gateway.
    failed: usize,
    /// What got through last.
    way: Way,
    /// While QUIC did not get through: when it is tried again, and how long after that.
    quic_at: Option<Instant>,
    quic_wait: Duration,
    /// The attempt that tries it beside the session.
    beside: Option<u64>,
    /// Attempts so far.
    attempts: u64,
}

impl Route {
    /// What the cloud named last, also before a restart.
    pub(super) fn open(disk: &impl Disk) -> Self {
        let told = disk.read(GATEWAYS).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { told, ..Self::default() }
    }

    /// Takes in which gateways there are, and keeps them for the next start.
    pub(super) fn told(&mut self, gateways: &[String], disk: &mut impl Disk) {
        if gateways.is_empty() {
            return;
        }
        self.failed = 0;
        if self.told == gateways {
            return;
        }
        self.told = gateways.to_vec();
        let kept =
            serde_json::to_vec(gateways).map_err(io::Error::from).and_then(|bytes| disk.replace(GATEWAYS, &bytes));
        if let Err(error) = kept {
            tracing::warn!(%error, "the gateways there are could not be kept");
        }
    }

    /// Notes that a gateway could not be reached.
    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    /// When QUIC is tried again.
    pub(super) fn wake(&self) -> Option<Instant> {
        self.quic_at
    }

    /// The gateway to connect to now: those the cloud named, then those it was enrolled with.
    fn gateway(&self, enrolled: &[String]) -> Option<String> {
        let known = enrolled.iter().filter(|gateway| !self.told.contains(gateway));
        let gateways: Vec<_> = self.told.iter().chain(known).collect();
        Some((*gateways.get(self.failed % gateways.len().max(1))?).clone())
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    pub(super) fn dial(&mut self) {
        let wants = self.renewal.choose(self.clock.earliest_ms());
        let (alpn, how) = match wants {
            Wants::Session => (tls::SESSION, Attempt::First(self.route.way)),
            Wants::Renewal => (tls::RENEWAL, Attempt::First(self.route.way)),
        };
        let Some((gateway, settings)) = self.destination(alpn) else {
            self.renewal.failed(false);
            self.uplink = Uplink::Waiting(self.next_try(self.backoff.cap()));
            return;
        };
        self.attempt = self.attempt_to(&gateway, how);
        self.uplink = Uplink::Dialing;
        match wants {
            Wants::Session => link::dial(gateway, settings, how, LIMIT, self.attempt, self.inbox.0.clone()),
            Wants::Renewal => self.renew_alone(gateway, settings, how),
        }
    }

    /// The next gateway and how to speak to it.
    fn destination(&self, alpn: tls::Wanted) -> Option<(String, tls::Settings)> {
        let identity = self.renewal.shown();
        let Some(gateway) = self.route.gateway(&identity.gateways) else {
            tracing::error!("the identity names no gateway");
            return None;
        };
        match tls::at(identity, alpn, self.keepalive(), self.clock.earliest_ms()) {
            Ok(settings) => Some((gateway, settings)),
            Err(error) => {
                tracing::error!(%error, "the identity cannot be used");
                None
            }
        }
    }

    /// Numbers an attempt that begins.
    fn attempt_to(&mut self, gateway: &str, how: Attempt) -> u64 {
        self.route.attempts += 1;
        tracing::debug!(gateway, ?how, "connecting");
        self.route.attempts
    }

    /// Tries QUIC beside a session over TCP, if it is time.
    pub(super) fn try_quic(&mut self, now: Instant) {
        if self.route.quic_at.is_none_or(|at| at > now) {
            return;
        }
        self.route.quic_at = Some(now + self.route.quic_wait);
        self.route.quic_wait = (self.route.quic_wait * 2).min(self.config.quic_interval);
        if self.route.beside.is_some() || self.over().is_none() {
            return;
        }
        let Some((gateway, settings)) = self.destination(tls::SESSION) else { return };
        let how = Attempt::Only(Way::Quic);
        let attempt = self.attempt_to(&gateway, how);
        link::dial(gateway, settings, how, LIMIT, attempt, self.inbox.0.clone());
        self.route.beside = Some(attempt);
    }

    /// Takes in what a connection says that is not the session's.
    pub(super) fn hear_beside(&mut self, event: link::Event) {
        if self.route.beside != Some(event.attempt) {
            // Else nobody would close it.
            if let What::Connected(link) = event.what {
                link.close("too late");
            }
            return;
        }
        match event.what {
            What::Connected(link) => self.change_over(event.attempt, link),
            What::Failed(error) => {
                tracing::debug!(%error, "QUIC still does not get through");
                self.route.beside = None;
            }
            What::Control(_) | What::State(_) | What::Usage(_) | What::Renewed(_) | What::Closed { .. } => {}
        }
    }

    /// Goes on over QUIC; what was not answered over TCP is sent again.
    fn change_over(&mut self, attempt: u64, link: Link) {
        self.route.beside = None;
        let stays = match &self.uplink {
            Uplink::Open(session) => session.is_ending() || session.sender.is_none() || session.way() == Way::Quic,
            Uplink::Dialing | Uplink::Waiting(_) => true,
        };
        if stays {
            return link.close("not needed");
        }
        tracing::info!("QUIC gets through again");
        self.close("QUIC gets through again");
        self.remember_confirmed();
        self.live.stop();
        self.diagnoses.stop();
        self.attempt = attempt;
        self.greet(link);
    }

    /// What the session goes over, if there is one.
    pub(super) fn over(&self) -> Option<Way> {
        match &self.uplink {
            Uplink::Open(session) if session.sender.is_some() => Some(session.way()),
            Uplink::Open(_) | Uplink::Dialing | Uplink::Waiting(_) => None,
        }
    }

    /// Notes over what, and where, a session was welcomed.
    pub(super) fn welcomed_over(&mut self, way: Way) {
        self.route.way = way;
        self.route.failed = 0;
        self.route.quic_wait = FIRST_RETURN.min(self.config.quic_interval);
        self.route.quic_at = (way == Way::Tcp).then(|| Instant::now() + self.route.quic_wait);
    }

    /// A gateway was reached over this and did not welcome anybody: another, over the other first, may.
    pub(super) fn unwelcomed_over(&mut self, way: Way) {
        self.route.failed();
        self.route.way = match way {
            Way::Quic => Way::Tcp,
            Way::Tcp => Way::Quic,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::disk::Folder;
    use crate::store::identity::{self, Der, Identity};
    use uuid::Uuid;

    #[test]
    fn gateways_the_cloud_named_come_first_also_after_a_restart_and_none_is_forgotten() {
        let named = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let (folder, enrolled) = (tempfile::tempdir().unwrap(), named(&["a", "b"]));
        let mut disk = Folder::open(folder.path()).unwrap();
        let mut route = Route::open(&disk);
        let walk = |route: &mut Route| {
            let mut next = || {
                let gateway = route.gateway(&enrolled).unwrap();
                route.failed();
                gateway
            };
            [next(), next(), next(), next()]
        };
        assert_eq!(walk(&mut route), ["a", "b", "a", "b"]);
        route.told(&named(&["c", "b"]), &mut disk);
        assert_eq!(walk(&mut route), ["c", "b", "a", "c"]);
        route.told(&[], &mut disk);
        assert_eq!(walk(&mut Route::open(&disk)), ["c", "b", "a", "c"]);
        // Who is enrolled anew may be so at another cloud.
        let anew = Identity {
            tenant_id: Uuid::nil(),
            agent_id: Uuid::nil(),
            key: Der(Vec::new()),
            chain: Vec::new(),
            trust_bundle: Vec::new(),
            gateways: enrolled.clone(),
        };
        identity::save(&mut disk, &anew).unwrap();
        assert_eq!(walk(&mut Route::open(&disk)), ["a", "b", "a", "b"]);
        assert_eq!(Route::default().gateway(&[]), None);
    }
}
