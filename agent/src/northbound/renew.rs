//! When this router's certificate is renewed, and which of two it shows meanwhile.
//!
//! A further certificate is *next* until the cloud has welcomed it. It is tried first, then in turns with the one before, so
//! that a certificate that is refused locks nobody out.

use super::tls;
use super::trust::{self, Validity};
use crate::store::disk::Disk;
use crate::store::identity::{self, Der, Identity};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::time::Duration;
use weir_protocol::enroll::{Refused, RenewCertificate, Renewed, bundle_digest};

/// How long certificates are made for. One that holds for longer is renewed as if it did not.
const LIFE_MS: u64 = 90 * DAY_MS;
const DAY_MS: u64 = 86_400_000;
/// After a refusal it is asked again so much later, and a next certificate that could not be tried is tried again.
const ASKED_AGAIN_MS: u64 = DAY_MS;
/// Attempts that may come to nothing before a next certificate is dropped.
const TRIES: u32 = 3;
/// A time that is irrelevant to whether a certificate fits its key.
const ANY: Duration = Duration::from_secs(60);

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused: nothing is asked for that could not be kept.
    #[error("{0}")]
    Identity(#[from] identity::Error),
    /// A key could not be made.
    #[error("no key could be made: {0}")]
    Key(#[from] rcgen::Error),
    /// The cloud's answer makes no sense.
    #[error("the cloud's answer cannot be used: {0}")]
    BadAnswer(&'static str),
}

/// What an attempt to connect is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// A session.
    Session,
    /// A further certificate, for the one that is shown has ended.
    Renewal,
}

/// What is due in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Ask for a further certificate.
    Ask,
    /// Connect anew: there is one to try.
    Try,
}

/// What a welcome means for the certificate it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Welcomed {
    /// Nothing.
    AsBefore,
    /// The next one takes the place of the one before.
    Renewed,
    /// The next one was refused again and again, and is forgotten.
    Refused,
}

/// This router's certificates.
pub struct Renewal {
    current: Held,
    next: Option<Held>,
    /// The next one is shown now.
    on_next: bool,
    /// Attempts with the next one that came to nothing.
    failures: u32,
    /// The key a further one is asked for with.
    asked: Option<Der>,
    /// When something is due, Unix milliseconds.
    due_ms: Option<u64>,
    problem: Option<String>,
}

struct Held {
    identity: Identity,
    validity: Option<Validity>,
    /// The gateway says that it has ended.
    ended: bool,
}

impl Held {
    fn new(identity: Identity) -> Self {
        let roots = tls::roots(&identity.trust_bundle).ok();
        let leaf = identity.chain.first();
        let validity = roots.zip(leaf).and_then(|(roots, leaf)| trust::validity(&leaf.0, roots, &tls::provider()));
        Self { identity, validity, ended: false }
    }

    /// After two thirds of its life, a tenth of it sooner or later: always the same for one certificate.
    fn renewed_at_ms(&self) -> Option<u64> {
        let Validity { from_ms, until_ms } = self.validity?;
        let life = until_ms.saturating_sub(from_ms).min(LIFE_MS);
        let [a, b, c, d, ..] = trust::fingerprint(&self.identity.chain.first()?.0);
        let jitter = u64::from(u32::from_le_bytes([a, b, c, d])) % (life / 5).max(1);
        Some(from_ms.saturating_add(life / 3 * 2 - life / 10 + jitter))
    }

    fn has_ended(&self, earliest_ms: u64) -> bool {
        self.ended || self.validity.is_some_and(|held| held.until_ms <= earliest_ms)
    }
}

impl Renewal {
    /// Goes on as `identity`, and with what `disk` keeps beside it.
    pub fn open(disk: &impl Disk, identity: Identity) -> Self {
        let next = identity::load_next(disk, &identity).map(Held::new);
        let current = Held::new(identity);
        Self { current, next, on_next: false, failures: 0, asked: None, due_ms: None, problem: None }
    }

    fn held(&self) -> &Held {
        self.next.as_ref().filter(|_| self.on_next).unwrap_or(&self.current)
    }

    /// What is shown now.
    pub fn shown(&self) -> &Identity {
        &self.held().identity
    }

    /// Until when what is shown holds, Unix milliseconds, if that can be read.
    pub fn until_ms(&self) -> Option<u64> {
        self.held().validity.map(|held| held.until_ms)
    }

    /// What stands in the way, for people.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// What the trusted roots hash to.
    pub fn trust_digest(&self) -> [u8; 8] {
        bundle_digest(self.shown().trust_bundle.iter().map(|root| root.0.as_slice()))
    }

    /// Chooses what the next attempt shows, and what it is for.
    pub fn choose(&mut self, earliest_ms: u64) -> Wants {
        // One that has ended can only ask for another, and is no turn while there is one to try.
        let alone = self.current.has_ended(earliest_ms) && self.failures < TRIES;
        let goes_on = |next: &Held| alone && !next.has_ended(earliest_ms);
        self.on_next = self.next.as_ref().is_some_and(|next| !self.on_next || goes_on(next));
        self.due_ms = None;
        if self.held().has_ended(earliest_ms) { Wants::Renewal } else { Wants::Session }
    }

    /// An attempt, or a session without a welcome, came to nothing; `ended`: the gateway says that the certificate has ended.
    pub fn failed(&mut self, ended: bool) {
        let held = match &mut self.next {
            Some(next) if self.on_next => {
                self.failures += 1;
                next
            }
            Some(_) | None => &mut self.current,
        };
        held.ended |= ended;
    }

    /// Says what stands in the way; answers whether that is news.
    pub fn trouble(&mut self, problem: String) -> bool {
        let news = self.problem.as_ref() != Some(&problem);
        self.problem = Some(problem);
        news
    }

    /// The cloud has welcomed what is shown. Nothing is due in this session before `from_ms`.
    pub fn welcomed(&mut self, disk: &mut impl Disk, from_ms: u64) -> Result<Welcomed, Error> {
        self.problem = None;
        let next = self.next.take();
        let (welcomed, due_ms) = match next {
            Some(next) if self.on_next => {
                self.on_next = false;
                // If the disk refuses, both stay, and the next start proves it anew.
                let kept = identity::promote(disk, &next.identity);
                self.current = next;
                kept?;
                (Welcomed::Renewed, self.current.renewed_at_ms())
            }
            Some(_) if self.failures >= TRIES => {
                identity::forget_next(disk)?;
                (Welcomed::Refused, Some(from_ms.saturating_add(ASKED_AGAIN_MS)))
            }
            Some(next) => {
                self.next = Some(next);
                (Welcomed::AsBefore, Some(from_ms.saturating_add(ASKED_AGAIN_MS)))
            }
            None => (Welcomed::AsBefore, self.current.renewed_at_ms()),
        };
        self.failures = if self.next.is_some() { self.failures } else { 0 };
        self.due_ms = due_ms.map(|at| at.max(from_ms));
        Ok(welcomed)
    }

    /// When something is due in this session, Unix milliseconds.
    pub fn due_ms(&self) -> Option<u64> {
        self.due_ms
    }

    /// What is due now.
    pub fn take_due(&mut self, now_ms: u64) -> Option<Due> {
        self.due_ms.take_if(|at| *at <= now_ms)?;
        Some(if self.next.is_some() { Due::Try } else { Due::Ask })
    }

    /// The request for a further certificate. Its key is on the disk before anybody hears of it.
    pub fn request(&mut self, disk: &mut impl Disk) -> Result<RenewCertificate, Error> {
        let next = self.next.as_ref().map_or(&self.current, |next| next);
        let known = [&self.current.identity.key, &next.identity.key];
        let made = || Ok::<_, Error>(Der(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?.serialize_der()));
        let key = identity::key_to_renew(disk, &known, made)?;
        let pair = KeyPair::from_pkcs8_der_and_sign_algo(
            &PrivatePkcs8KeyDer::from(key.0.as_slice()),
            &PKCS_ECDSA_P256_SHA256,
        )?;
        let csr = CertificateParams::new(Vec::new())?.serialize_request(&pair)?.der().to_vec();
        self.asked = Some(key);
        Ok(RenewCertificate { csr })
    }

    /// Keeps a further certificate: the next attempt shows it.
    pub fn take(&mut self, disk: &mut impl Disk, renewed: Renewed) -> Result<(), Error> {
        let key = self.asked.take().ok_or(Error::BadAnswer("nothing was asked for"))?;
        if renewed.gateways.is_empty() {
            return Err(Error::BadAnswer("it names no gateway"));
        }
        let identity = Identity {
            key,
            chain: renewed.chain.into_iter().map(Der).collect(),
            trust_bundle: self.believable(renewed.trust_bundle)?,
            gateways: renewed.gateways,
            ..self.current.identity.clone()
        };
        tls::session(&identity, ANY).map_err(|_| Error::BadAnswer("the certificate does not fit the key"))?;
        identity::save_next(disk, &identity)?;
        (self.next, self.on_next, self.failures) = (Some(Held::new(identity)), false, 0);
        self.problem = None;
        Ok(())
    }

    /// Takes in that a further certificate is refused.
    pub fn refused(&mut self, refused: &Refused, now_ms: u64) -> bool {
        self.asked = None;
        self.due_ms = Some(now_ms.saturating_add(ASKED_AGAIN_MS));
        self.trouble(format!("the certificate is not renewed ({}): {}", refused.code, refused.text))
    }

    /// Asks again later: what was to be done for it could not be.
    pub fn postpone(&mut self, now_ms: u64) {
        self.due_ms = Some(now_ms.saturating_add(ASKED_AGAIN_MS));
    }

    /// Trusts these roots from now on.
    pub fn trust(&mut self, disk: &mut impl Disk, roots: Vec<Vec<u8>>) -> Result<(), Error> {
        let bundle = self.believable(roots)?;
        if let Some(next) = &mut self.next {
            let identity = Identity { trust_bundle: bundle.clone(), ..next.identity.clone() };
            identity::save_next(disk, &identity)?;
            next.identity = identity;
        }
        let identity = Identity { trust_bundle: bundle, ..self.current.identity.clone() };
        identity::replace(disk, &identity)?;
        self.current.identity = identity;
        Ok(())
    }

    /// Roots that can be trusted in place of those held: one of these must be among them, for the gateway that says so is
    /// believed for one of these.
    fn believable(&self, roots: Vec<Vec<u8>>) -> Result<Vec<Der>, Error> {
        let roots: Vec<Der> = roots.into_iter().map(Der).collect();
        tls::roots(&roots).map_err(|_| Error::BadAnswer("it names no root that can be used"))?;
        let held = &self.shown().trust_bundle;
        if !roots.iter().any(|root| held.contains(root)) {
            return Err(Error::BadAnswer("none of its roots is trusted here"));
        }
        Ok(roots)
    }
}

#[cfg(test)]
#[path = "renew_tests.rs"]
mod tests;
