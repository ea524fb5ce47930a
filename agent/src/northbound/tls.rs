//! Whom the agent trusts, and the QUIC settings of a metered, possibly awful link.
//!
//! No resumption and no 0-RTT; MTU discovery and segmentation offload off; few streams and small windows.

use crate::store::identity::Identity;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, IdleTimeout, TransportConfig, VarInt};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
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

/// Settings for an enrolled agent's session.
pub fn session(identity: &Identity, keepalive: Duration) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    let bundle = identity.trust_bundle.iter().map(|root| CertificateDer::from(root.0.clone()));
    if roots.add_parsable_certificates(bundle).0 == 0 {
        return Err(Error::NoRoot);
    }
    let chain = identity.chain.iter().map(|certificate| CertificateDer::from(certificate.0.clone())).collect();
    let key = PrivatePkcs8KeyDer::from(identity.key.0.clone());
    let tls = builder()?.with_root_certificates(roots).with_client_auth_cert(chain, key.into())?;
    quic(tls, ALPN_SESSION, keepalive)
}

/// Settings for enrolling: the gateway must chain to the root with this BLAKE3 fingerprint, which it sends along.
pub fn enrollment(root_fingerprint: [u8; 32], keepalive: Duration) -> Result<ClientConfig, Error> {
    let verifier = Arc::new(Fingerprint { root_fingerprint, provider: provider() });
    let tls = builder()?.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    quic(tls, ALPN_ENROLL, keepalive)
}

/// BLAKE3 fingerprint of a certificate.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    *blake3::hash(der).as_bytes()
}

fn provider() -> Arc<CryptoProvider> {
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

/// Accepts a chain that leads to one certificate, known by its fingerprint.
#[derive(Debug)]
struct Fingerprint {
    root_fingerprint: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Fingerprint {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let unknown = || rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let root = intermediates.iter().find(|der| fingerprint(der) == self.root_fingerprint).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
