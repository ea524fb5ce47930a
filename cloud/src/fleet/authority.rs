//! The installation's certificate authority: who is a gateway, who is an agent. Private: agents trust it by fingerprint.
//!
//! Its roots' keys lie in the database, sealed with a key that lies in the data folder: neither alone is enough. One root
//! issues; others may be trusted beside it, so that one can take the place of another while routers are away ([`super::roots`]).

use chrono::{DateTime, Utc};
use rcgen::{
    CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, PublicKeyData,
    SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use uuid::Uuid;
use weir_protocol::enroll::bundle_digest;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificates::{self, authority_params, named, valid};
use super::store::{authorities as store, certificates as certificate_rows};
use super::{Error, roots};
use crate::app::App;
use crate::db::TenantTx;
use crate::ids::{AgentId, TenantId};
use crate::secrets::{self, Place};

/// How long an agent's certificate holds. It is renewed after two thirds of that, so a router may be away for a month without
/// another way in; who is revoked is refused at every hello, whatever the certificate says.
const AGENT_DAYS: i64 = 90;
/// How long a gateway's certificate holds; a running gateway renews its own.
const GATEWAY_DAYS: i64 = 90;

/// Issues certificates.
pub struct Authority {
    /// The trusted roots, oldest first.
    roots: Vec<Root>,
    issuing: usize,
}

struct Root {
    id: Uuid,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A gateway's certificate and key.
pub struct GatewayIdentity {
    /// The leaf, then one certificate of the issuing root by each other trusted one: who trusts any of them believes the leaf.
    pub chain: Vec<CertificateDer<'static>>,
    /// PKCS #8, DER.
    pub key: Vec<u8>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// An agent's certificate.
pub struct AgentCertificate {
    /// DER.
    pub der: CertificateDer<'static>,
    /// SHA-256 of the public key it is for.
    pub key_sha256: Vec<u8>,
    /// When it ends.
    pub until: DateTime<Utc>,
    /// Its number, hexadecimal.
    pub serial: String,
    /// The root that issued it.
    pub root: Uuid,
}

impl Authority {
    /// The authority of this installation, made at its first start.
    pub async fn open(app: &App) -> Result<Self, Error> {
        let mut tx = app.db.platform().await?;
        store::lock(&mut tx).await?;
        let mut stored = store::trusted(&mut tx).await?;
        if stored.is_empty() {
            let now = tx.at();
            roots::add(app, &mut tx, "Weir root", Some(now)).await?;
            stored = store::trusted(&mut tx).await?;
        }
        tx.commit().await?;
        let mut roots = Vec::new();
        for root in &stored {
            let key = app.secrets.unseal(Place::Installation(root.id), &root.sealed_key)?;
            let key = KeyPair::try_from(key.as_slice()).map_err(certificates::failed)?;
            let certificate = CertificateDer::from(root.certificate.clone());
            let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(certificates::failed)?;
            roots.push(Root { id: root.id, certificate, issuer });
        }
        let newest = stored.iter().enumerate().max_by_key(|(_, root)| root.issuing_since).map(|(place, _)| place);
        let issuing = newest.ok_or_else(|| Error::Certificate("there is no root".into()))?;
        Ok(Self { roots, issuing })
    }

    fn issuing(&self) -> &Root {
        &self.roots[self.issuing]
    }

    /// The root that issues.
    pub fn root(&self) -> &CertificateDer<'static> {
        &self.issuing().certificate
    }

    /// The issuing root's number.
    pub fn root_id(&self) -> Uuid {
        self.issuing().id
    }

    /// Every trusted root, oldest first.
    pub fn trusted(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.roots.iter().map(|root| &root.certificate)
    }

    /// Whether a root is trusted.
    pub fn trusts(&self, root: Uuid) -> bool {
        self.roots.iter().any(|own| own.id == root)
    }

    /// The trusted root that issued a certificate.
    pub(super) fn root_of(&self, certificate: &X509Certificate<'_>) -> Option<Uuid> {
        let issued = |root: &&Root| {
            let parsed = X509Certificate::from_der(&root.certificate);
            parsed.is_ok_and(|(_, parsed)| certificate.verify_signature(Some(parsed.public_key())).is_ok())
        };
        self.roots.iter().find(issued).map(|root| root.id)
    }

    /// What agents are told to trust, DER.
    pub fn bundle(&self) -> Vec<Vec<u8>> {
        self.trusted().map(|root| root.to_vec()).collect()
    }

    /// What the trusted roots hash to.
    pub fn bundle_digest(&self) -> [u8; 8] {
        bundle_digest(self.trusted().map(AsRef::as_ref))
    }

    /// Whether it trusts the same roots and issues by the same one.
    pub fn is_like(&self, other: &Self) -> bool {
        self.root_id() == other.root_id() && self.trusted().eq(other.trusted())
    }

    /// What a token says of the root.
    pub fn root_fingerprint(&self) -> [u8; 32] {
        *blake3::hash(self.root()).as_bytes()
    }

    /// A fresh identity for this gateway.
    pub fn gateway(&self, now: DateTime<Utc>) -> Result<GatewayIdentity, Error> {
        let key = KeyPair::generate().map_err(certificates::failed)?;
        let mut params = CertificateParams::new(vec![weir_protocol::GATEWAY_SERVER_NAME.to_owned()])
            .map_err(certificates::failed)?;
        params.distinguished_name = named("Weir gateway");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let until = valid(&mut params, now, GATEWAY_DAYS);
        let leaf = params.signed_by(&key, &self.issuing().issuer).map_err(certificates::failed)?;
        let mut chain = vec![leaf.der().clone()];
        for older in self.roots.iter().filter(|root| root.id != self.root_id()) {
            chain.push(self.issuing_by(older, now)?);
        }
        Ok(GatewayIdentity { chain, key: key.serialize_der(), until })
    }

    /// The issuing root's name and key in a certificate by another root.
    fn issuing_by(&self, other: &Root, now: DateTime<Utc>) -> Result<CertificateDer<'static>, Error> {
        let name =
            certificates::common_name(self.root()).ok_or_else(|| Error::Certificate("a root has no name".into()))?;
        let mut params = authority_params(&name);
        valid(&mut params, now, GATEWAY_DAYS);
        let signed = params.signed_by(self.issuing().issuer.key(), &other.issuer).map_err(certificates::failed)?;
        Ok(signed.der().clone())
    }

    /// A certificate of an agent of the transaction's tenant, by a root that is not retired before the transaction ends.
    pub(super) async fn give(
        &self,
        tx: &mut TenantTx,
        csr: &[u8],
        agent: AgentId,
        now: DateTime<Utc>,
    ) -> Result<AgentCertificate, Error> {
        if !certificate_rows::hold_root(tx, self.root_id()).await? {
            return Err(Error::RootNotTrusted(self.root_id()));
        }
        self.agent(csr, tx.tenant(), agent, now)
    }

    /// A certificate for the key of a signing request; everything else in the request is ignored.
    pub fn agent(
        &self,
        csr: &[u8],
        tenant: TenantId,
        agent: AgentId,
        now: DateTime<Utc>,
    ) -> Result<AgentCertificate, Error> {
        let mut csr = request(csr)?;
        let uri = format!("spiffe://weir/tenant/{}/agent/{}", tenant.uuid(), agent.uuid());
        csr.params = CertificateParams::default();
        csr.params.distinguished_name = named("Weir agent");
        csr.params.subject_alt_names = vec![SanType::URI(uri.try_into().map_err(certificates::failed)?)];
        csr.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let mut serial: [u8; 16] = secrets::random()?;
        // A number is positive, and none of its bytes is left out in front.
        serial[0] = serial[0] & 0x7f | 0x40;
        csr.params.serial_number = Some(SerialNumber::from_slice(&serial));
        let until = valid(&mut csr.params, now, AGENT_DAYS);
        let der = csr.signed_by(&self.issuing().issuer).map_err(certificates::failed)?.der().clone();
        let key_sha256 = certificates::key_digest(csr.public_key.der_bytes());
        Ok(AgentCertificate { der, key_sha256, until, serial: hex::encode(serial), root: self.root_id() })
    }
}

fn request(csr: &[u8]) -> Result<CertificateSigningRequestParams, Error> {
    CertificateSigningRequestParams::from_der(&csr.to_vec().into())
        .map_err(|error| Error::CsrInvalid(error.to_string()))
}

/// SHA-256 of the public key of a signing request.
pub fn key_of_request(csr: &[u8]) -> Result<Vec<u8>, Error> {
    Ok(certificates::key_digest(request(csr)?.public_key.der_bytes()))
}

#[cfg(test)]
impl Authority {
    /// One of no installation, with so many roots; the newest issues.
    pub(crate) fn made_up(roots: usize) -> Self {
        let root = |n: usize| {
            let key = KeyPair::generate().unwrap();
            let mut params = authority_params(&format!("root {n}"));
            valid(&mut params, DateTime::from_timestamp(1_790_000_000, 0).unwrap(), 3_650);
            let certificate = params.self_signed(&key).unwrap().der().clone();
            let issuer = Issuer::from_ca_cert_der(&certificate, key).unwrap();
            Root { id: Uuid::from_u128(n as u128), certificate, issuer }
        };
        Self { roots: (0..roots).map(root).collect(), issuing: roots - 1 }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};

    use super::*;

    #[test]
    fn who_trusts_any_one_of_the_roots_believes_a_gateway_and_nobody_elses() {
        let (authority, other) = (Authority::made_up(3), Authority::made_up(1));
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let shown = authority.gateway(now).unwrap().chain;
        let (leaf, others) = shown.split_first().unwrap();
        let believes = |root: &CertificateDer<'static>| {
            let mut roots = RootCertStore::empty();
            roots.add(root.clone()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            let name = ServerName::try_from(weir_protocol::GATEWAY_SERVER_NAME).unwrap();
            let at = UnixTime::since_unix_epoch(Duration::from_secs(1_790_000_000));
            verifier.verify_server_cert(leaf, others, &name, &[], at).is_ok()
        };
        assert_eq!(authority.trusted().map(believes).collect::<Vec<_>>(), [true, true, true]);
        assert!(!believes(other.root()));
        assert_ne!(authority.bundle_digest(), other.bundle_digest());
        assert!(authority.is_like(&authority) && !authority.is_like(&other));
    }
}
