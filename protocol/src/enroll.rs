//! Enrollment: a single-use token becomes a certificate, on one stream of one connection. A certificate becomes a further
//! one: in its session, or, if it has ended meanwhile, on one stream of a connection of its own ([`crate::ALPN_RENEW`]).
//!
//! The agent verifies the gateway against the root fingerprint inside the token, and proves the token's secret
//! with a MAC over this TLS session's exporter, so neither a relay nor a recording can use it.

/// Agent to cloud.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Request {
    /// Which token, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub token_id: Vec<u8>,
    /// [`proof`] of the token's secret.
    #[prost(bytes = "vec", tag = "2")]
    pub proof: Vec<u8>,
    /// Certificate signing request, DER; its key was made on the router and never leaves it.
    #[prost(bytes = "vec", tag = "3")]
    pub csr: Vec<u8>,
    /// [`crate::PROTO_REV`] of the agent.
    #[prost(uint32, tag = "4")]
    pub proto_rev: u32,
    /// The agent's own version, for people.
    #[prost(string, tag = "5")]
    pub agent_version: String,
    /// The router's host name, for people.
    #[prost(string, tag = "6")]
    pub hostname: String,
}

/// Cloud to agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Reply {
    /// The outcome.
    #[prost(oneof = "reply::Outcome", tags = "1, 2")]
    pub outcome: Option<reply::Outcome>,
}

/// What [`Reply`] can be.
pub mod reply {
    /// Enrolled or refused.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Outcome {
        /// Here is the identity.
        #[prost(message, tag = "1")]
        Enrolled(super::Enrolled),
        /// No, and why.
        #[prost(message, tag = "2")]
        Refused(super::Refused),
    }
}

/// The router's new identity.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Enrolled {
    /// The tenant, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub tenant_id: Vec<u8>,
    /// The agent, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub agent_id: Vec<u8>,
    /// Certificate chain, DER, leaf first.
    #[prost(bytes = "vec", repeated, tag = "3")]
    pub chain: Vec<Vec<u8>>,
    /// Roots to verify gateways against, DER.
    #[prost(bytes = "vec", repeated, tag = "4")]
    pub trust_bundle: Vec<Vec<u8>>,
    /// Where to connect, `host:port`, in order of preference.
    #[prost(string, repeated, tag = "5")]
    pub gateways: Vec<String>,
    /// The cloud's wall clock, Unix milliseconds.
    #[prost(uint64, tag = "6")]
    pub cloud_time_ms: u64,
}

/// Why enrollment was refused.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Refused {
    /// A stable name: `token-unknown`, `token-used`, `token-expired`, `proof-wrong`, `csr-invalid`, `revision-too-old`.
    #[prost(string, tag = "1")]
    pub code: String,
    /// One plain sentence.
    #[prost(string, tag = "2")]
    pub text: String,
}

/// Agent to cloud: a further certificate is wanted for the agent whose certificate this connection shows. The same request
/// may be made again: it is answered alike.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RenewCertificate {
    /// Certificate signing request, DER; its key is a new one, made on the router.
    #[prost(bytes = "vec", tag = "1")]
    pub csr: Vec<u8>,
}

/// Cloud to agent: what became of [`RenewCertificate`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct CertificateRenewed {
    /// The outcome.
    #[prost(oneof = "certificate_renewed::Outcome", tags = "1, 2")]
    pub outcome: Option<certificate_renewed::Outcome>,
}

/// What [`CertificateRenewed`] can be.
pub mod certificate_renewed {
    /// Renewed or refused.
    #[derive(Clone, PartialEq, prost::Oneof)]
    pub enum Outcome {
        /// Here is the certificate.
        #[prost(message, tag = "1")]
        Renewed(super::Renewed),
        /// No, and why: `agent-revoked`, `certificate-too-old`, `certificate-replaced`, `renewed-lately`, `csr-invalid`,
        /// `cloud-failed`.
        #[prost(message, tag = "2")]
        Refused(super::Refused),
    }
}

/// A further certificate of the same agent.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Renewed {
    /// Certificate chain, DER, leaf first.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub chain: Vec<Vec<u8>>,
    /// Roots to verify gateways against, DER.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub trust_bundle: Vec<Vec<u8>>,
    /// Where to connect, `host:port`, in order of preference.
    #[prost(string, repeated, tag = "3")]
    pub gateways: Vec<String>,
}

/// The roots to verify gateways against from now on, in place of those held.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrustBundle {
    /// Roots, DER.
    #[prost(bytes = "vec", repeated, tag = "1")]
    pub roots: Vec<Vec<u8>>,
}

/// What a set of roots hashes to, in whatever order they are.
pub fn bundle_digest<'a>(roots: impl IntoIterator<Item = &'a [u8]>) -> [u8; 8] {
    let mut fingerprints: Vec<_> = roots.into_iter().map(|root| *blake3::hash(root).as_bytes()).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    let mut digest = [0; 8];
    blake3::Hasher::new().update(fingerprints.as_flattened()).finalize_xof().fill(&mut digest);
    digest
}

/// Proof of a token's secret, bound to one TLS session and one signing request.
///
/// The key is a digest of the secret ([`secret_digest`]), which is all the cloud keeps.
pub fn proof(secret_digest: &[u8; 32], exporter: &[u8; 32], csr: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_keyed(secret_digest);
    hasher.update(exporter);
    hasher.update(blake3::hash(csr).as_bytes());
    *hasher.finalize().as_bytes()
}

/// What the cloud stores of a token's secret.
pub fn secret_digest(secret: &[u8; 16]) -> [u8; 32] {
    blake3::derive_key("weir enrollment secret v1", secret)
}
