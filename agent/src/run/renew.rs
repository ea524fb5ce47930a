//! The part of the loop that concerns this router's certificate: asked for, kept, tried, and told of.

use super::Agent;
use super::talk::Uplink;
use crate::clock::{self, Clock};
use crate::northbound::link::{Event, What};
use crate::northbound::reach::{self, Attempt};
use crate::northbound::renew::{Due, Error, Welcomed};
use crate::northbound::tls::Settings;
use crate::southbound::Southbound;
use crate::status;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;
use weir_protocol::control::{Severity, up};
use weir_protocol::enroll::certificate_renewed::Outcome;
use weir_protocol::enroll::{CertificateRenewed, RenewCertificate, TrustBundle};
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, frame};
use weir_transport::Closed;

/// The first revision in which certificates are renewed.
const SINCE_REV: u32 = 9;
/// Longest wait for any one answer.
const LIMIT: Duration = Duration::from_secs(10);

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// When something is due for the certificate.
    pub(super) fn renewal_wake(&self) -> Option<Instant> {
        let Uplink::Open(session) = &self.uplink else { return None };
        if !session.hears() {
            return None;
        }
        let in_ms = self.renewal.due_ms()?.saturating_sub(self.clock.now().wall_ms);
        Some(Instant::now() + Duration::from_millis(in_ms.min(86_400_000)))
    }

    /// Asks for a further certificate when it is time, or connects anew to try one.
    pub(super) fn tend_renewal(&mut self) {
        let now_ms = self.clock.now().wall_ms;
        if !self.uplink.session().is_some_and(|session| session.hears()) {
            return;
        }
        let Some(due) = self.renewal.take_due(now_ms) else { return };
        match due {
            Due::Try => self.close_for(Duration::ZERO, "a certificate to try"),
            Due::Ask => match self.renewal.request(&mut self.state) {
                Ok(request) => {
                    if let Some(session) = self.uplink.session() {
                        session.say(up::Message::RenewCertificate(request), Instant::now());
                    }
                }
                Err(error) => {
                    self.renewal.postpone(now_ms);
                    self.not_renewed(&error);
                }
            },
        }
    }

    /// Gets a further certificate where the one shown has ended; what comes of it arrives like what a connection says.
    pub(super) fn renew_alone(&mut self, gateway: String, settings: Settings, how: Attempt) {
        match self.renewal.request(&mut self.state) {
            Ok(request) => {
                tracing::info!(gateway, "the certificate has ended; it is renewed");
                ask_alone(gateway, settings, how, request, self.attempt, self.inbox.0.clone());
            }
            Err(error) => {
                self.not_renewed(&error);
                self.uplink = Uplink::Waiting(self.next_try(self.backoff.cap()));
            }
        }
    }

    /// Takes in the answer to a request, made in a session or alone.
    pub(super) fn renewed(&mut self, answer: CertificateRenewed) {
        let alone = self.uplink.session().is_none();
        let now_ms = self.clock.now().wall_ms;
        let mut wait = self.backoff.cap();
        match answer.outcome {
            Some(Outcome::Renewed(renewed)) => match self.renewal.take(&mut self.state, renewed) {
                Ok(()) => {
                    tracing::info!("the certificate is renewed");
                    wait = Duration::ZERO;
                    self.close_for(wait, "a new certificate");
                }
                Err(error) => {
                    self.renewal.postpone(now_ms);
                    self.not_renewed(&error);
                }
            },
            Some(Outcome::Refused(refused)) => {
                tracing::error!(code = refused.code, text = refused.text, "the certificate is not renewed");
                // The cloud knows, and what it refuses today it refuses in a minute.
                self.renewal.refused(&refused, now_ms);
            }
            None => self.not_renewed(&Error::BadAnswer("it says neither yes nor no")),
        }
        if alone {
            self.uplink = Uplink::Waiting(self.next_try(wait));
        }
        self.write_status();
    }

    fn not_renewed(&mut self, error: &Error) {
        let text = format!("the certificate is not renewed: {error}");
        if self.renewal.trouble(text.clone()) {
            self.tell_plainly("certificate-not-renewed", text);
        }
        self.write_status();
    }

    /// Trusts other roots from now on.
    pub(super) fn take_roots(&mut self, bundle: TrustBundle) {
        let count = bundle.roots.len();
        match self.renewal.trust(&mut self.state, bundle.roots) {
            Ok(()) => tracing::info!(count, "other roots are trusted from now on"),
            Err(error) => self.tell_plainly("roots-not-taken", format!("the roots trusted stay as they were: {error}")),
        }
    }

    /// The certificate that is shown is good.
    pub(super) fn certificate_welcomed(&mut self, rev: u32, spread: Duration) {
        let spread_ms = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX);
        let roll = u64::from_le_bytes(clock::random()) % spread_ms.saturating_add(1);
        // Not all at once, where many have waited for this.
        let from_ms = if rev < SINCE_REV { u64::MAX } else { self.clock.now().wall_ms.saturating_add(roll) };
        match self.renewal.welcomed(&mut self.state, from_ms) {
            Ok(Welcomed::AsBefore) => {}
            Ok(Welcomed::Renewed) => tracing::info!("the new certificate is in use"),
            Ok(Welcomed::Refused) => self.tell(
                "certificate-refused",
                Severity::Warning,
                "the cloud renewed this router's certificate and does not accept it; the one before is still in use"
                    .into(),
            ),
            Err(error) => self.not_renewed(&error),
        }
    }

    /// A connection came to nothing before it was welcomed.
    pub(super) fn not_welcomed(&mut self, error: Option<&reach::Error>, ended: bool) {
        // Where nobody answered nobody refused anything.
        if error.is_none_or(reach::Error::is_answer) {
            self.renewal.failed(ended || error.is_some_and(|error| error.is_closed_with(CLOSE_CERTIFICATE_ENDED)));
        }
        if error.is_some_and(reach::Error::leads_nowhere) {
            let text = "the gateway's certificate leads to no root this router trusts: its cloud has other roots since, or it is \
                        not its cloud; enforcement goes on, and if the cloud is the right one, enroll this router anew";
            if self.renewal.trouble(text.to_owned()) {
                tracing::error!(text, "no gateway is believed");
            }
            self.write_status();
        }
    }

    /// The certificate in use, for people.
    pub(super) fn certificate(&self) -> status::Certificate {
        let problem = self.renewal.problem().map(ToOwned::to_owned);
        status::Certificate { until_ms: self.renewal.until_ms(), problem }
    }
}

fn ask_alone(
    gateway: String,
    settings: Settings,
    how: Attempt,
    request: RenewCertificate,
    attempt: u64,
    events: mpsc::Sender<Event>,
) {
    tokio::spawn(async move {
        let answered = tokio::time::timeout(LIMIT * 2, ask(&gateway, &settings, how, &request)).await;
        let answered = answered.unwrap_or_else(|_| Err(reach::Error::Silent(gateway)));
        let _ = events.send(Event { attempt, what: answered.map_or_else(What::Failed, What::Renewed) }).await;
    });
}

async fn ask(
    gateway: &str,
    settings: &Settings,
    how: Attempt,
    request: &RenewCertificate,
) -> Result<CertificateRenewed, reach::Error> {
    let reached = reach::reach(gateway, settings, how, LIMIT).await?;
    let exchange = async {
        let (mut outgoing, mut incoming) = reached.connection.open_only().await.ok()?;
        frame::write(&mut outgoing, request).await.ok()?;
        let _ = outgoing.shutdown().await;
        frame::read(&mut incoming).await.ok()
    };
    let Some(answer) = exchange.await else {
        let closed: Closed = reached.connection.closed().await;
        return Err(reach::Error::Closed(closed));
    };
    reached.connection.close(0, b"done");
    reached.finish(Duration::from_secs(1)).await;
    Ok(answer)
}
