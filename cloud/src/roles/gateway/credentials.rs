//! What the gateway shows and whom it believes, while roots and its own certificate are replaced under it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use weir_protocol::{ALPN_ENROLL, ALPN_ENROLL_TCP};

use super::Gateway;
use crate::fleet::authority::Authority;

/// How often it is looked whether roots have changed or the gateway's own certificate has grown old.
const LOOK: Duration = Duration::from_secs(60);
/// A certificate that ends sooner than this is replaced.
const RENEWED_BEFORE: TimeDelta = TimeDelta::days(30);

/// The gateway's certificates, and the roots of agents'. Replaced as a whole; handshakes take what there is.
#[derive(Debug)]
pub(super) struct Credentials {
    provider: Arc<CryptoProvider>,
    now: RwLock<Now>,
}

#[derive(Debug)]
struct Now {
    /// For agents that know roots.
    session: Arc<CertifiedKey>,
    /// For routers that know a root by its fingerprint: the roots are sent along.
    enrollment: Arc<CertifiedKey>,
    agents: Arc<dyn ClientCertVerifier>,
    until: DateTime<Utc>,
}

impl Credentials {
    pub(super) fn new(authority: &Authority, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let now = RwLock::new(Now::make(authority, now, &provider)?);
        Ok(Self { provider, now })
    }

    /// Goes on with another certificate, under the roots there are now, if these have changed or it has grown old.
    fn follow(&self, authority: &Authority, changed: bool, now: DateTime<Utc>) -> anyhow::Result<()> {
        if changed || self.read(|held| held.until - now < RENEWED_BEFORE) {
            let next = Now::make(authority, now, &self.provider)?;
            *self.now.write().unwrap_or_else(PoisonError::into_inner) = next;
            tracing::info!(roots = authority.trusted().count(), "the gateway has a new certificate");
        }
        Ok(())
    }

    fn read<T>(&self, what: impl FnOnce(&Now) -> T) -> T {
        what(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn provider(&self) -> Arc<CryptoProvider> {
        Arc::clone(&self.provider)
    }
}

impl Now {
    fn make(authority: &Authority, now: DateTime<Utc>, provider: &Arc<CryptoProvider>) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for root in authority.trusted() {
            roots.add(root.clone())?;
        }
        let agents = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .allow_unauthenticated()
            .build()?;
        let identity = authority.gateway(now)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key));
        let key = provider.key_provider.load_private_key(key)?;
        let with_roots = identity.chain.iter().chain(authority.trusted()).cloned().collect();
        metrics::gauge!("weir_gateway_certificate_until_seconds").set(identity.until.timestamp() as f64);
        Ok(Self {
            enrollment: Arc::new(CertifiedKey::new(with_roots, Arc::clone(&key))),
            session: Arc::new(CertifiedKey::new(identity.chain, key)),
            agents,
            until: identity.until,
        })
    }
}

impl ResolvesServerCert for Credentials {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let enrolls =
            hello.alpn().is_some_and(|mut offered| offered.any(|alpn| [ALPN_ENROLL, ALPN_ENROLL_TCP].contains(&alpn)));
        Some(self.read(|now| Arc::clone(if enrolls { &now.enrollment } else { &now.session })))
    }
}

/// When an agent's certificate has ended is not asked here: which connections that matters for is known after the handshake.
impl ClientCertVerifier for Credentials {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let agents = self.read(|now| Arc::clone(&now.agents));
        match agents.verify_client_cert(end_entity, intermediates, now) {
            Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                agents.verify_client_cert(end_entity, intermediates, not_after)
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Follows the roots, and renews the gateway's certificate, until it is aborted. What fails is tried again the next time.
pub(super) async fn keep(gateway: Arc<Gateway>) {
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = gateway.roots_changed.notified() => {}
        }
        if let Err(error) = follow(&gateway).await {
            tracing::warn!(error = format!("{error:#}"), "the gateway's certificates could not be looked after");
        }
    }
}

async fn follow(gateway: &Gateway) -> anyhow::Result<()> {
    let authority = Authority::open(&gateway.app).await?;
    let changed = !authority.is_like(&gateway.authority());
    gateway.credentials.follow(&authority, changed, gateway.app.clock.system_now())?;
    if changed {
        *gateway.authority.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(authority);
        // Whoever is connected is told of other roots.
        for bell in gateway.lock().values() {
            bell.commands.notify_one();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_gateway_never_shows_a_certificate_that_has_ended() {
        let (authority, began) = (Authority::made_up(1), DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let credentials = Credentials::new(&authority, began).unwrap();
        let mut shown = vec![credentials.read(|now| now.session.cert[0].clone())];
        for day in 0..365 {
            let now = began + TimeDelta::days(day);
            credentials.follow(&authority, false, now).unwrap();
            credentials.read(|held| {
                assert!(held.until - now >= RENEWED_BEFORE, "day {day}");
                if shown.last() != Some(&held.session.cert[0]) {
                    shown.push(held.session.cert[0].clone());
                }
            });
        }
        assert_eq!(shown.len(), 6, "every 61 days, not every day");
        credentials.follow(&Authority::made_up(2), true, began).unwrap();
        assert_ne!(credentials.read(|now| now.session.cert[0].clone()), shown[5]);
    }
}
