//! Enrollment: a single-use token becomes a certificate, on one stream of one connection.
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
