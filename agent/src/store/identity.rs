//! Who this router is: its key, certificate, the roots it trusts and where to connect.
//!
//! One file, replaced as a whole, readable by its owner only. A key made for an enrollment that is not yet
//! answered waits in a second file, so a lost reply can be asked for again with the same key.

use super::disk::Disk;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::io;
use uuid::Uuid;

const FILE: &str = "identity.json";
const PENDING: &str = "enrolling.json";

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

/// Reads the identity, if there is one.
pub fn load(disk: &impl Disk) -> Result<Option<Identity>, Error> {
    read(disk, FILE)
}

/// Keeps a new identity and forgets the pending key.
pub fn save(disk: &mut impl Disk, identity: &Identity) -> Result<(), Error> {
    write(disk, FILE, identity)?;
    forget_pending(disk)
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
    match disk.remove(PENDING) {
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
