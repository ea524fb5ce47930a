//! Whom the agent trusts, and the settings of a metered, possibly awful link: QUIC's, and TLS's on TCP.
//!
//! No resumption and no 0-RTT; MTU discovery and segmentation offload off; few streams and small windows.

use super::trust::Trust;
use crate::store::identity::{Der, Identity};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, IdleTimeout, TransportConfig, VarInt};
use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use std::sync::Arc;
use std::time::Duration;
use weir_protocol::{ALPN_ENROLL, ALPN_ENROLL_TCP, ALPN_RENEW, ALPN_RENEW_TCP, ALPN_SESSION, ALPN_SESSION_TCP};
use weir_transport::mux::Pace;

/// Probes that may go unanswered before a connection is given up.
const PROBES: u32 = 4;

/// How to speak to a gateway, whatever the connection goes over.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Over QUIC.
    pub quic: ClientConfig,
    /// Over TLS on TCP.
    pub tcp: Arc<rustls::ClientConfig>,
    /// How often a silent connection is probed.
    pub keepalive: Duration,
}

/// Why a TLS set-up cannot be made from an identity or a token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// rustls refused.
    #[error("identity cannot be used: {0}")]
    Tls(#[from] rustls::Error),
    /// The trust bundle holds no usable root.
    #[error("trust bundle holds no usable root")]
    NoRoot,
}

/// What an enrolled agent asks for, over QUIC and over TCP.
pub type Wanted = [&'static [u8]; 2];
/// A session.
pub const SESSION: Wanted = [ALPN_SESSION, ALPN_SESSION_TCP];
/// A further certificate for one that has ended.
pub const RENEWAL: Wanted = [ALPN_RENEW, ALPN_RENEW_TCP];

/// Settings for an enrolled agent's session, by this machine's clock.
pub fn session(identity: &Identity, keepalive: Duration) -> Result<Settings, Error> {
    enrolled(identity, SESSION, keepalive, Arc::new(DefaultTimeProvider))
}

/// Settings for what an enrolled agent wants, where it is known only that it is later than `earliest_ms` (Unix milliseconds):
/// what ended before that is not believed.
pub fn at(identity: &Identity, wants: Wanted, keepalive: Duration, earliest_ms: u64) -> Result<Settings, Error> {
    enrolled(identity, wants, keepalive, Arc::new(NotBefore(earliest_ms)))
}

/// It is this late, Unix milliseconds, or later.
#[derive(Debug)]
struct NotBefore(u64);

impl TimeProvider for NotBefore {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(self.0)))
    }
}

fn enrolled(
    identity: &Identity,
    wants: Wanted,
    keepalive: Duration,
    time: Arc<dyn TimeProvider>,
) -> Result<Settings, Error> {
    let chain = identity.chain.iter().map(|certificate| CertificateDer::from(certificate.0.clone())).collect();
    let key = PrivatePkcs8KeyDer::from(identity.key.0.clone());
    let trust = Arc::new(Trust::in_roots(roots(&identity.trust_bundle)?, provider())?);
    let tls = rustls::ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_client_auth_cert(chain, key.into())?;
    settings(tls, wants, keepalive)
}

/// The roots of a bundle that can be used.
pub(super) fn roots(bundle: &[Der]) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    let bundle = bundle.iter().map(|root| CertificateDer::from(root.0.as_slice()));
    if roots.add_parsable_certificates(bundle).0 == 0 {
        return Err(Error::NoRoot);
    }
    Ok(roots)
}

/// Settings for enrolling: the gateway must chain to the root with this BLAKE3 fingerprint, which it sends along.
pub fn enrollment(root_fingerprint: [u8; 32], keepalive: Duration) -> Result<Settings, Error> {
    let trust = Arc::new(Trust::in_fingerprint(root_fingerprint, provider()));
    let tls = builder()?.dangerous().with_custom_certificate_verifier(trust).with_no_client_auth();
    settings(tls, [ALPN_ENROLL, ALPN_ENROLL_TCP], keepalive)
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<rustls::ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    rustls::ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])
}

impl Settings {
    /// When a connection over TCP is dead.
    pub fn pace(&self) -> Pace {
        Pace { idle: self.keepalive.saturating_mul(PROBES), ask_every: Some(self.keepalive) }
    }
}

/// `alpn` is what is asked for over QUIC and over TCP.
fn settings(mut tls: rustls::ClientConfig, alpn: [&[u8]; 2], keepalive: Duration) -> Result<Settings, Error> {
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    let [quic, tcp] = alpn.map(|name| {
        tls.alpn_protocols = vec![name.to_vec()];
        tls.clone()
    });
    let quic = QuicClientConfig::try_from(quic)
        .map_err(|_| rustls::Error::General("no cipher suite for QUIC's first packets".into()))?;
    let mut quic = ClientConfig::new(Arc::new(quic));
    quic.transport_config(Arc::new(transport(keepalive)));
    Ok(Settings { quic, tcp: Arc::new(tcp), keepalive })
}

fn transport(keepalive: Duration) -> TransportConfig {
    let idle = keepalive.saturating_mul(PROBES);
    let idle = IdleTimeout::try_from(idle).unwrap_or_else(|_| IdleTimeout::from(VarInt::from_u32(30_000)));
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(8))
        .max_concurrent_uni_streams(VarInt::from_u32(8))
        .stream_receive_window(VarInt::from_u32(128 * 1024))
        .receive_window(VarInt::from_u32(512 * 1024))
        .send_window(512 * 1024)
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(None)
        .enable_segmentation_offload(false)
        .keep_alive_interval(Some(keepalive))
        .max_idle_timeout(Some(idle));
    transport
}
