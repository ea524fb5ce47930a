//! The installation's certificate authority: who is a gateway, who is an agent. Private: agents trust it by fingerprint.
//!
//! The root's key lies in the database, sealed with a key that lies in the data folder: neither alone is enough.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls::pki_types::CertificateDer;
use uuid::Uuid;

use super::{Error, store};
use crate::app::App;
use crate::ids::{AgentId, TenantId};
use crate::secrets::Place;

/// How long an agent's certificate holds. Sessions do not renew it yet, so it must outlive the router's hardware; who is
/// revoked is refused at every hello, whatever the certificate says.
const AGENT_DAYS: i64 = 3_650;
/// How long a gateway's certificate holds; a new one is made at each start, which may be years apart.
const GATEWAY_DAYS: i64 = 3_650;
/// How long the root holds.
const ROOT_DAYS: i64 = 3_650;

/// Issues certificates.
pub struct Authority {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A gateway's certificate chain, leaf first, root included, and its key as PKCS #8.
pub struct GatewayIdentity {
    /// Leaf, then root.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS #8, DER.
    pub key: Vec<u8>,
}

/// An agent's certificate.
pub struct AgentCertificate {
    /// DER.
    pub der: CertificateDer<'static>,
    /// SHA-256 of the public key it is for.
    pub key_sha256: Vec<u8>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

impl Authority {
    /// The authority of this installation, made at its first start.
    pub async fn open(app: &App) -> Result<Self, Error> {
        let mut tx = app.db.platform().await?;
        store::agents::lock_authorities(&mut tx).await?;
        let stored = store::agents::authority(&mut tx).await?;
        let (certificate, key) = match stored {
            Some(stored) => {
                let key = app.secrets.unseal(Place::Installation(stored.id), &stored.sealed_key)?;
                (stored.certificate, key)
            }
            None => {
                let made = make_root(app.clock.system_now())?;
                let id: crate::ids::JobId = crate::ids::new_id(tx.at());
                let sealed = app.secrets.seal(Place::Installation(id.uuid()), &made.1)?;
                store::agents::insert_authority(&mut tx, id.uuid(), &made.0, &sealed).await?;
                made
            }
        };
        tx.commit().await?;
        let root = CertificateDer::from(certificate);
        let key = KeyPair::try_from(key.as_slice()).map_err(certificate_error)?;
        let issuer = Issuer::from_ca_cert_der(&root, key).map_err(certificate_error)?;
        Ok(Self { root, issuer })
    }

    /// The root agents trust.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.root
    }

    /// What a token says of the root.
    pub fn root_fingerprint(&self) -> [u8; 32] {
        *blake3::hash(&self.root).as_bytes()
    }

    /// A fresh identity for this gateway.
    pub fn gateway(&self, now: DateTime<Utc>) -> Result<GatewayIdentity, Error> {
        let key = KeyPair::generate().map_err(certificate_error)?;
        let mut params =
            CertificateParams::new(vec![weir_protocol::GATEWAY_SERVER_NAME.to_owned()]).map_err(certificate_error)?;
        params.distinguished_name = named("Weir gateway");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid(&mut params, now, GATEWAY_DAYS);
        let leaf = params.signed_by(&key, &self.issuer).map_err(certificate_error)?;
        Ok(GatewayIdentity { chain: vec![leaf.der().clone(), self.root.clone()], key: key.serialize_der() })
    }

    /// A certificate for the key of a signing request; everything else in the request is ignored.
    pub fn agent(
        &self,
        csr: &[u8],
        tenant: TenantId,
        agent: AgentId,
        now: DateTime<Utc>,
    ) -> Result<AgentCertificate, Error> {
        let mut csr = CertificateSigningRequestParams::from_der(&csr.to_vec().into())
            .map_err(|error| Error::CsrInvalid(error.to_string()))?;
        let uri = format!("spiffe://weir/tenant/{}/agent/{}", tenant.uuid(), agent.uuid());
        csr.params = CertificateParams::default();
        csr.params.distinguished_name = named("Weir agent");
        csr.params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(certificate_error)?)];
        csr.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        valid(&mut csr.params, now, AGENT_DAYS);
        let der = csr.signed_by(&self.issuer).map_err(certificate_error)?.der().clone();
        let key_sha256 = key_digest(csr.public_key.der_bytes());
        Ok(AgentCertificate { der, key_sha256, until: now + TimeDelta::days(AGENT_DAYS) })
    }
}

/// SHA-256 of the public key of a signing request.
pub fn key_of_request(csr: &[u8]) -> Result<Vec<u8>, Error> {
    let csr = CertificateSigningRequestParams::from_der(&csr.to_vec().into())
        .map_err(|error| Error::CsrInvalid(error.to_string()))?;
    Ok(key_digest(csr.public_key.der_bytes()))
}

/// Who a verified client certificate speaks for.
pub fn identity(certificate: &CertificateDer<'_>) -> Option<(TenantId, AgentId)> {
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    names.value.general_names.iter().find_map(|name| {
        let GeneralName::URI(uri) = name else { return None };
        let (tenant, agent) = uri.strip_prefix("spiffe://weir/tenant/")?.split_once("/agent/")?;
        Some((Uuid::try_parse(tenant).ok()?.into(), Uuid::try_parse(agent).ok()?.into()))
    })
}

fn key_digest(key: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(key).to_vec()
}

fn make_root(now: DateTime<Utc>) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let key = KeyPair::generate().map_err(certificate_error)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = named("Weir root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    valid(&mut params, now, ROOT_DAYS);
    let certificate = params.self_signed(&key).map_err(certificate_error)?;
    Ok((certificate.der().to_vec(), key.serialize_der()))
}

fn named(name: &str) -> DistinguishedName {
    let mut named = DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// From yesterday, for routers whose clocks are slow.
fn valid(params: &mut CertificateParams, now: DateTime<Utc>, days: i64) {
    let day = |at: DateTime<Utc>| {
        let (month, day) = (u8::try_from(at.month()).unwrap_or(1), u8::try_from(at.day()).unwrap_or(1));
        rcgen::date_time_ymd(at.year(), month, day)
    };
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + TimeDelta::days(days));
}

fn certificate_error(error: impl std::fmt::Display) -> Error {
    Error::Certificate(error.to_string())
}
