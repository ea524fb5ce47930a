//! A token becomes an identity. Nothing is kept of an enrollment that was refused.

use super::reach::{self, Attempt, Way};
use super::tls;
use crate::clock;
use crate::store::disk::Disk;
use crate::store::identity::{self, Der, Identity, Pending};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;
use weir_protocol::enroll::{self, Enrolled, Reply, Request, reply::Outcome};
use weir_protocol::token::{ParseError, Token};
use weir_protocol::{PROTO_REV, frame};

/// Longest wait for any one answer.
const LIMIT: Duration = Duration::from_secs(15);

/// Why enrollment did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text is not a token.
    #[error("{0}")]
    Token(#[from] ParseError),
    /// There is an identity already.
    #[error("this router is already enrolled as agent {0}; remove its state directory to enroll it anew")]
    AlreadyEnrolled(Uuid),
    /// The gateway is not the one the token names.
    #[error("gateway {0} is not the one this token was made for: its certificate does not lead to the token's root")]
    WrongGateway(String),
    /// The gateway cannot be reached.
    #[error("gateway {gateway} cannot be reached: {source}")]
    Unreachable {
        /// The gateway of the token.
        gateway: String,
        /// Why.
        source: reach::Error,
    },
    /// The cloud refused.
    #[error("enrollment refused ({code}): {text}")]
    Refused {
        /// A stable name.
        code: String,
        /// One plain sentence.
        text: String,
    },
    /// The connection was lost before the answer; trying again with the same token is safe.
    #[error("the gateway did not answer the enrollment: {0}; try again with the same token")]
    NoAnswer(String),
    /// The answer makes no sense.
    #[error("the gateway's answer cannot be used: {0}")]
    BadAnswer(&'static str),
    /// A key could not be made.
    #[error("no key could be made: {0}")]
    Key(#[from] rcgen::Error),
    /// The identity could not be kept.
    #[error("{0}")]
    Identity(#[from] identity::Error),
    /// TLS could not be set up.
    #[error("{0}")]
    Tls(#[from] tls::Error),
}

/// Enrolls with a token's text and keeps the identity on `disk`.
pub async fn enroll(disk: &mut impl Disk, token: &str) -> Result<Identity, Error> {
    let token = Token::from_text(token)?;
    if let Some(identity) = identity::load(disk)? {
        return Err(Error::AlreadyEnrolled(identity.agent_id));
    }
    let (key, new) = key_for(disk, &token)?;
    let result = exchange(disk, &token, &key, new).await;
    // A lost answer keeps its key: the same token with the same key gives the same identity.
    if let Err(Error::Refused { .. } | Error::WrongGateway(_)) = &result {
        identity::forget_pending(disk)?;
    }
    let enrolled = result?;
    let identity = identity_of(enrolled, &key)?;
    identity::save(disk, &identity)?;
    Ok(identity)
}

fn key_for(disk: &impl Disk, token: &Token) -> Result<(KeyPair, bool), Error> {
    if let Some(pending) = identity::load_pending(disk)?.filter(|pending| pending.token_id.0 == token.id) {
        let key = PrivatePkcs8KeyDer::from(pending.key.0);
        return Ok((KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256)?, false));
    }
    Ok((KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, true))
}

async fn exchange(disk: &mut impl Disk, token: &Token, key: &KeyPair, new: bool) -> Result<Enrolled, Error> {
    let fingerprint = token.root_fingerprint.as_slice().try_into().map_err(|_| ParseError::Damaged)?;
    let secret: [u8; 16] = token.secret.as_slice().try_into().map_err(|_| ParseError::Damaged)?;
    let config = tls::enrollment(fingerprint, LIMIT)?;
    let reached = reach::reach(&token.gateway, &config, Attempt::First(Way::Quic), LIMIT).await;
    let reached = reached.map_err(|source| unreachable(token, source))?;
    let lost = |error: &dyn std::fmt::Display| Error::NoAnswer(error.to_string());
    let csr = CertificateParams::new(Vec::new())?.serialize_request(key)?.der().to_vec();
    let request = Request {
        token_id: token.id.clone(),
        proof: enroll::proof(&enroll::secret_digest(&secret), &reached.exporter, &csr).to_vec(),
        csr,
        proto_rev: PROTO_REV,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: hostname(),
    };
    if new {
        identity::save_pending(disk, &Pending { token_id: Der(token.id.clone()), key: Der(key.serialize_der()) })?;
    }
    let answer = async {
        let (mut outgoing, mut incoming) = reached.connection.open_only().await.map_err(|error| lost(&error))?;
        frame::write(&mut outgoing, &request).await.map_err(|error| lost(&error))?;
        let _ = outgoing.shutdown().await;
        frame::read::<Reply>(&mut incoming).await.map_err(|error| lost(&error))
    };
    let reply = tokio::time::timeout(LIMIT, answer).await.map_err(|error| lost(&error))??;
    reached.connection.close(0, b"done");
    reached.finish(Duration::from_secs(1)).await;
    match reply.outcome {
        Some(Outcome::Enrolled(enrolled)) => Ok(enrolled),
        Some(Outcome::Refused(refused)) => Err(explain(refused)),
        None => Err(Error::BadAnswer("it says neither yes nor no")),
    }
}

fn unreachable(token: &Token, source: reach::Error) -> Error {
    if source.is_distrust() {
        tracing::debug!(error = %source, "TLS failed");
        return Error::WrongGateway(token.gateway.clone());
    }
    Error::Unreachable { gateway: token.gateway.clone(), source }
}

fn explain(refused: enroll::Refused) -> Error {
    let text = match refused.code.as_str() {
        "token-unknown" => "the cloud does not know this token; make a new one for this router",
        "token-used" => "this token was already used; make a new one for this router",
        "token-expired" => "this token is too old; make a new one for this router",
        "proof-wrong" => "the token's secret is wrong; copy the whole token again",
        "csr-invalid" => "the cloud could not read the certificate request",
        "revision-too-old" => "this agent is too old for the cloud; update it",
        _ => refused.text.as_str(),
    };
    Error::Refused { text: text.to_owned(), code: refused.code }
}

fn identity_of(enrolled: Enrolled, key: &KeyPair) -> Result<Identity, Error> {
    let id = |bytes: &[u8]| Uuid::from_slice(bytes).map_err(|_| Error::BadAnswer("an id is not 16 bytes"));
    if enrolled.chain.is_empty() || enrolled.trust_bundle.is_empty() || enrolled.gateways.is_empty() {
        return Err(Error::BadAnswer("certificate, roots or gateways are missing"));
    }
    let identity = Identity {
        tenant_id: id(&enrolled.tenant_id)?,
        agent_id: id(&enrolled.agent_id)?,
        key: Der(key.serialize_der()),
        chain: enrolled.chain.into_iter().map(Der).collect(),
        trust_bundle: enrolled.trust_bundle.into_iter().map(Der).collect(),
        gateways: enrolled.gateways,
    };
    // A certificate for another key would lock the router out; better to say so now.
    tls::session(&identity, LIMIT).map_err(|_| Error::BadAnswer("the certificate does not fit the key"))?;
    let skew_ms = enrolled.cloud_time_ms.abs_diff(clock::Clock::now(&clock::System::start()).wall_ms);
    if skew_ms > 5 * 60_000 {
        tracing::warn!(skew_ms, "this router's clock differs from the cloud's");
    }
    Ok(identity)
}

fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
