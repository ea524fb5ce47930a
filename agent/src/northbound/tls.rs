//! Whom the agent trusts, and the QUIC settings of a metered, possibly awful link.
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
use weir_protocol::{ALPN_ENROLL, ALPN_SESSION};

/// Probes that may go unanswered before a connection is given up.
const PROBES: u32 = 3;

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

/// Settings for an enrolled agent's session, by this machine's clock.
pub fn session(identity: &Identity, keepalive: Duration) -> Result<ClientConfig, Error> {
    enrolled(identity, ALPN_SESSION, keepalive, Arc::new(DefaultTimeProvider))
}

/// Settings for what an enrolled agent wants, where it is known only that it is later than `earliest_ms` (Unix milliseconds):
/// what ended before that is not believed.
pub fn at(identity: &Identity, wants: &[u8], keepalive: Duration, earliest_ms: u64) -> Result<ClientConfig, Error> {
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
    wants: &[u8],
    keepalive: Duration,
    time: Arc<dyn TimeProvider>,
) -> Result<ClientConfig, Error> {
    let chain = identity.chain.iter().map(|certificate| CertificateDer::from(certificate.0.clone())).collect();
    let key = PrivatePkcs8KeyDer::from(identity.key.0.clone());
    let trust = Arc::new(Trust::in_roots(roots(&identity.trust_bundle)?, provider())?);
    let tls = rustls::ClientConfig::builder_with_details(provider(), time)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(trust)
        .with_client_auth_cert(chain, key.into())?;
    quic(tls, wants, keepalive)
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
pub fn enrollment(root_fingerprint: [u8; 32], keepalive: Duration) -> Result<ClientConfig, Error> {
    let trust = Arc::new(Trust::in_fingerprint(root_fingerprint, provider()));
    let tls = builder()?.dangerous().with_custom_certificate_verifier(trust).with_no_client_auth();
    quic(tls, ALPN_ENROLL, keepalive)
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<rustls::ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    rustls::ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])
}

fn quic(mut tls: rustls::ClientConfig, alpn: &[u8], keepalive: Duration) -> Result<ClientConfig, Error> {
    tls.alpn_protocols = vec![alpn.to_vec()];
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    let tls = QuicClientConfig::try_from(tls)
        .map_err(|_| rustls::Error::General("no cipher suite for QUIC's first packets".into()))?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::new(transport(keepalive)));
    Ok(config)
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
