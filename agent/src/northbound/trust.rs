//! Which gateways the agent believes to be its cloud's.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use std::time::Duration;

/// A gateway shows a chain of certificates that leads to a root. One that begins in the future is believed all the same: it
/// says that this router's clock is behind, and whoever signed it would know.
#[derive(Debug)]
pub struct Trust {
    root: Root,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Root {
    /// One of those an enrolled agent was told.
    Known(Arc<WebPkiServerVerifier>),
    /// The one with this BLAKE3 fingerprint, which is sent along.
    Fingerprint([u8; 32]),
}

impl Trust {
    /// Believes chains to these roots.
    pub fn in_roots(roots: RootCertStore, provider: Arc<CryptoProvider>) -> Result<Self, Error> {
        Ok(Self { root: Root::Known(verifier(roots, &provider)?), provider })
    }

    /// Believes chains to the certificate with a fingerprint ([`fingerprint`]).
    pub fn in_fingerprint(root: [u8; 32], provider: Arc<CryptoProvider>) -> Self {
        Self { root: Root::Fingerprint(root), provider }
    }

    fn verifier(&self, intermediates: &[CertificateDer<'_>]) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let wanted = match &self.root {
            Root::Known(verifier) => return Ok(Arc::clone(verifier)),
            Root::Fingerprint(wanted) => wanted,
        };
        let unknown = || Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let root = intermediates.iter().find(|der| fingerprint(der) == *wanted).ok_or_else(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(root.clone().into_owned())?;
        verifier(roots, &self.provider)
    }
}

/// From when until when a certificate holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// Unix milliseconds.
    pub from_ms: u64,
    /// Unix milliseconds.
    pub until_ms: u64,
}

/// From when until when a certificate holds: whoever verifies it says so at the beginning of time and at its end.
pub fn validity(certificate: &[u8], roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Option<Validity> {
    let verifier = verifier(roots, provider).ok()?;
    let name = ServerName::try_from(weir_protocol::GATEWAY_SERVER_NAME).ok()?;
    let asked = |at_s: u64| {
        let at = UnixTime::since_unix_epoch(Duration::from_secs(at_s));
        verifier.verify_server_cert(&CertificateDer::from(certificate), &[], &name, &[], at)
    };
    let milliseconds = |time: UnixTime| time.as_secs().saturating_mul(1000);
    let from_ms = match asked(0) {
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => not_before,
        _ => return None,
    };
    match asked(u64::MAX) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Some(Validity { from_ms: milliseconds(from_ms), until_ms: milliseconds(not_after) })
        }
        _ => None,
    }
}

/// BLAKE3 fingerprint of a certificate.
pub fn fingerprint(der: &[u8]) -> [u8; 32] {
    *blake3::hash(der).as_bytes()
}

fn verifier(roots: RootCertStore, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    verifier.map_err(|error| Error::General(error.to_string()))
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verifier = self.verifier(intermediates)?;
        let mut at = now;
        loop {
            match verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at) {
                Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }))
                    if not_before.as_secs() > at.as_secs() =>
                {
                    at = not_before;
                }
                verified => return verified,
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    const NAME: &str = "gateway.example";
    const YEAR_S: u64 = 365 * 86_400;

    /// A chain that is good from 2026 to 2036, and its root.
    fn chain() -> (CertificateDer<'static>, CertificateDer<'static>) {
        let valid = |mut params: CertificateParams| {
            (params.not_before, params.not_after) = (date_time_ymd(2026, 3, 1), date_time_ymd(2036, 3, 1));
            params
        };
        let mut root = valid(CertificateParams::new(Vec::new()).unwrap());
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let (root_key, leaf_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root_der = root.self_signed(&root_key).unwrap().der().clone();
        let issuer = Issuer::new(root, root_key);
        let leaf = valid(CertificateParams::new(vec![NAME.to_owned()]).unwrap());
        (leaf.signed_by(&leaf_key, &issuer).unwrap().der().clone(), root_der)
    }

    #[test]
    fn a_router_whose_clock_is_behind_believes_its_cloud_and_nobody_else() {
        let (leaf, root) = chain();
        let provider = || Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(root.clone()).unwrap();
        let enrolled = Trust::in_roots(roots, provider()).unwrap();
        let enrolling = Trust::in_fingerprint(fingerprint(&root), provider());
        let shown = |trust: &Trust, leaf: &CertificateDer<'_>, years: u64| {
            let at = UnixTime::since_unix_epoch(Duration::from_secs(years * YEAR_S));
            let intermediates = [root.clone()];
            trust.verify_server_cert(leaf, &intermediates, &ServerName::try_from(NAME).unwrap(), &[], at).is_ok()
        };
        for trust in [&enrolled, &enrolling] {
            let believed: Vec<_> = [0, 40, 57, 60, 70].map(|years| shown(trust, &leaf, years)).into();
            assert_eq!(believed, [true, true, true, true, false], "{trust:?}");
            assert!(!shown(trust, &chain().0, 57), "another cloud's");
        }
    }

    #[test]
    fn a_certificate_says_from_when_until_when_it_holds() {
        let (leaf, root) = chain();
        let mut roots = RootCertStore::empty();
        roots.add(root).unwrap();
        let held = validity(&leaf, roots.clone(), &Arc::new(rustls::crypto::ring::default_provider())).unwrap();
        assert_eq!((held.from_ms, held.until_ms), (1_772_323_200_000, 2_087_942_400_000));
        assert_eq!(validity(b"none", roots, &Arc::new(rustls::crypto::ring::default_provider())), None);
    }
}
