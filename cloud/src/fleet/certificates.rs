//! What the installation's certificates are made of, and what is read from them.

use chrono::{DateTime, TimeDelta, Utc};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, date_time_ymd};
use rustls::pki_types::CertificateDer;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::Error;
use super::authority::Authority;
use crate::ids::{AgentId, TenantId};

/// Whose a verified client certificate is, how long it holds, and by which root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Whose agent.
    pub tenant: TenantId,
    /// Which.
    pub agent: AgentId,
    /// When the certificate ends.
    pub until: DateTime<Utc>,
    /// The root that issued it.
    pub root: Uuid,
}

/// Who a client certificate of one of the trusted roots speaks for.
pub fn shown(certificate: &CertificateDer<'_>, authority: &Authority) -> Option<Shown> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let root = authority.root_of(&parsed)?;
    let until = DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0)?;
    let names = parsed.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| {
        let GeneralName::URI(uri) = name else { return None };
        let (tenant, agent) = uri.strip_prefix("spiffe://weir/tenant/")?.split_once("/agent/")?;
        let (tenant, agent) = (Uuid::try_parse(tenant).ok()?, Uuid::try_parse(agent).ok()?);
        Some(Shown { tenant: tenant.into(), agent: agent.into(), until, root })
    })
}

/// The name of whose certificate it is.
pub(super) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
    Some(name)
}

/// SHA-256 of a public key.
pub(super) fn key_digest(key: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(key).to_vec()
}

/// What a root is, whoever signs it.
pub(super) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

pub(super) fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// From a day ago, for routers whose clocks are slow; answers until when.
pub(super) fn valid(params: &mut CertificateParams, now: DateTime<Utc>, days: i64) -> DateTime<Utc> {
    let instant = |at: DateTime<Utc>| {
        date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(u64::try_from(at.timestamp()).unwrap_or(0))
    };
    let until = now + TimeDelta::days(days);
    params.not_before = instant(now - TimeDelta::days(1));
    params.not_after = instant(until);
    until
}

pub(super) fn failed(error: impl std::fmt::Display) -> Error {
    Error::Certificate(error.to_string())
}
