//! Who this router is: its key, certificate, the roots it trusts and where to connect.
//!
//! One file, replaced as a whole, readable by its owner only. A key made for an enrollment that is not yet
//! answered waits in a second file, so a lost reply can be asked for again with the same key; so does one made for a further
//! certificate. What came of that is *next*, in a file of its own beside the first, until the cloud has welcomed it: whatever
//! breaks meanwhile, one of the two is good.

use super::disk::Disk;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use uuid::Uuid;

const FILE: &str = "identity.json";
const PENDING: &str = "enrolling.json";
const NEXT: &str = "next.json";
const RENEWING: &str = "renewing.json";
/// The gateways the cloud named since it was enrolled.
pub const GATEWAYS: &str = "gateways.json";

/// Why an identity could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused.
    #[error("identity on disk: {0}")]
    Io(#[from] io::Error),
    /// The file is not an identity.
    #[error("{0} is damaged: {1}")]
    Damaged(&'static str, serde_json::Error),
}

/// An enrolled router's identity.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The tenant.
    pub tenant_id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// Private key, PKCS #8 DER.
    pub key: Der,
    /// Certificate chain, DER, leaf first.
    pub chain: Vec<Der>,
    /// Roots to verify gateways against, DER.
    pub trust_bundle: Vec<Der>,
    /// Where to connect, `host:port`, in order of preference.
    pub gateways: Vec<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("tenant_id", &self.tenant_id)
            .field("agent_id", &self.agent_id)
            .field("gateways", &self.gateways)
            .finish_non_exhaustive()
    }
}

/// Binary kept as base64 text in JSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Der(pub Vec<u8>);

impl Serialize for Der {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Der {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A key whose enrollment is not yet answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The token it was offered with, 16 bytes.
    pub token_id: Der,
    /// Private key, PKCS #8 DER.
    pub key: Der,
}

/// A key whose further certificate is not here yet.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewing {
    key: Der,
}

/// Reads the identity, if there is one.
pub fn load(disk: &impl Disk) -> Result<Option<Identity>, Error> {
    read(disk, FILE)
}

/// Keeps a new identity and forgets the pending key, and what an identity before it was told: the cloud may be another.
pub fn save(disk: &mut impl Disk, identity: &Identity) -> Result<(), Error> {
    forget(disk, GATEWAYS)?;
    write(disk, FILE, identity)?;
    forget_pending(disk)
}

/// Keeps an identity in the place of the one it is of.
pub fn replace(disk: &mut impl Disk, identity: &Identity) -> Result<(), Error> {
    write(disk, FILE, identity)
}

/// Reads what the cloud gave this agent and has not welcomed yet; what is left of another is passed over.
pub fn load_next(disk: &impl Disk, current: &Identity) -> Option<Identity> {
    let next: Identity = read(disk, NEXT).ok().flatten()?;
    (next.agent_id == current.agent_id && next.key != current.key).then_some(next)
}

/// Keeps what the cloud gave this agent beside what it has.
pub fn save_next(disk: &mut impl Disk, next: &Identity) -> Result<(), Error> {
    write(disk, NEXT, next)?;
    // What stays of it is of a key that is never asked with again.
    let _left = forget(disk, RENEWING);
    Ok(())
}

/// Goes on as what the cloud has welcomed.
pub fn promote(disk: &mut impl Disk, next: &Identity) -> Result<(), Error> {
    write(disk, FILE, next)?;
    // What stays of it is of the same key.
    let _left = forget(disk, NEXT);
    Ok(())
}

/// Forgets what the cloud gave this agent and does not welcome.
pub fn forget_next(disk: &mut impl Disk) -> Result<(), Error> {
    forget(disk, NEXT)
}

/// The key a further certificate is asked for with: that which was asked with before, or, kept before it is used, a new one.
pub fn key_to_renew<E: From<Error>>(
    disk: &mut impl Disk,
    known: &[&Der],
    make: impl FnOnce() -> Result<Der, E>,
) -> Result<Der, E> {
    let kept: Option<Renewing> = read(disk, RENEWING).ok().flatten();
    if let Some(Renewing { key }) = kept.filter(|kept| !known.contains(&&kept.key)) {
        return Ok(key);
    }
    let key = make()?;
    write(disk, RENEWING, &Renewing { key: key.clone() })?;
    Ok(key)
}

/// Reads the key waiting for its answer, if there is one.
pub fn load_pending(disk: &impl Disk) -> Result<Option<Pending>, Error> {
    read(disk, PENDING)
}

/// Keeps a key before it is offered.
pub fn save_pending(disk: &mut impl Disk, pending: &Pending) -> Result<(), Error> {
    write(disk, PENDING, pending)
}

/// Forgets a key that was refused or accepted.
pub fn forget_pending(disk: &mut impl Disk) -> Result<(), Error> {
    forget(disk, PENDING)
}

fn forget(disk: &mut impl Disk, name: &str) -> Result<(), Error> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn read<T: for<'de> Deserialize<'de>>(disk: &impl Disk, name: &'static str) -> Result<Option<T>, Error> {
    match disk.read(name) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| Error::Damaged(name, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write<T: Serialize>(disk: &mut impl Disk, name: &'static str, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| Error::Damaged(name, error))?;
    Ok(disk.replace(name, &bytes)?)
}
