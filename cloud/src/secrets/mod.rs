//! Secrets that must be read again: other services' passwords and keys, sealed before they reach the database.
//!
//! AES-256-GCM under a key that lies in the data folder: neither folder nor database alone is enough. A sealed secret
//! opens only in the place it was sealed for ([`Place`]), so a row copied elsewhere opens nothing. Passwords of people
//! do not belong here: they are hashed.

mod key;

pub use key::file;

use std::path::Path;
use std::sync::Arc;

use ring::aead::{Aad, NONCE_LEN, Nonce};
use ring::hmac;
use uuid::Uuid;

use crate::ids::TenantId;

/// Why a secret could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key's file cannot be made or read.
    #[error("the installation key cannot be used: {0}")]
    Key(String),
    /// The operating system gives no random bytes.
    #[error("there are no random bytes: {0}")]
    Random(String),
    /// The secret is longer than the cipher permits.
    #[error("a secret is too long to be sealed")]
    TooLong,
    /// Another key sealed it, for another place, or it was changed.
    #[error("the installation key does not open {0}")]
    Closed(&'static str),
}

/// Where a sealed secret is kept; it opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// A row of the installation itself.
    Installation(Uuid),
    /// A column of a tenant's row.
    Tenant {
        /// Whose.
        tenant: TenantId,
        /// `table.column`.
        column: &'static str,
        /// The row's own id; the tenant's if it has only one.
        row: Uuid,
    },
}

impl Place {
    /// What stands in the log when it does not open.
    fn name(self) -> &'static str {
        match self {
            Self::Installation(_) => "the certificate authority",
            Self::Tenant { column, .. } => column,
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Installation(row) => row.as_bytes().to_vec(),
            Self::Tenant { tenant, column, row } => {
                [tenant.uuid().as_bytes().as_slice(), row.as_bytes(), column.as_bytes()].concat()
            }
        }
    }
}

/// Bytes nobody can guess.
pub fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(bytes)
}

/// Seals and opens; clones share one key.
#[derive(Clone)]
pub struct Secrets(Arc<key::Keys>);

impl Secrets {
    /// With the key in the data folder, made at the first start.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        Ok(Self(Arc::new(key::open(data_dir)?)))
    }

    /// A secret for one purpose, always the same for this installation; it tells nothing of the key or of other purposes.
    pub fn derived(&self, purpose: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.0.signing, purpose.as_bytes());
        let mut secret = [0; 32];
        secret.copy_from_slice(tag.as_ref());
        secret
    }

    /// Seals a secret for its place: nonce, cipher text, tag.
    pub fn seal(&self, place: Place, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut sealed = secret.to_vec();
        self.0
            .sealing
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.bytes().as_slice()),
                &mut sealed,
            )
            .map_err(|_| Error::TooLong)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for this place.
    pub fn unseal(&self, place: Place, sealed: &[u8]) -> Result<Vec<u8>, Error> {
        let closed = || Error::Closed(place.name());
        let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or_else(closed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| closed())?;
        let mut body = body.to_vec();
        let opened = self
            .0
            .sealing
            .open_in_place(nonce, Aad::from(place.bytes().as_slice()), &mut body)
            .map_err(|_| closed())?;
        Ok(opened.to_vec())
    }

    /// Proves that we said `text` for a purpose: a link that carries it cannot be made by others, nor used for anything else.
    pub fn sign(&self, purpose: &str, text: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0.signing, &signed(purpose, text)).as_ref().to_vec()
    }

    /// Whether `proof` is our signature, or its beginning of at least sixteen bytes. Compared in constant time.
    pub fn is_signed(&self, purpose: &str, text: &[u8], proof: &[u8]) -> bool {
        let whole = self.sign(purpose, text);
        (16..=whole.len()).contains(&proof.len())
            && whole.iter().zip(proof).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
    }

    /// As [`Secrets::unseal`], for texts.
    pub fn unseal_text(&self, place: Place, sealed: &[u8]) -> Result<String, Error> {
        String::from_utf8(self.unseal(place, sealed)?).map_err(|_| Error::Closed(place.name()))
    }
}

fn signed(purpose: &str, text: &[u8]) -> Vec<u8> {
    [purpose.as_bytes(), b"\0", text].concat()
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(tenant: u128, column: &'static str, row: u128) -> Place {
        Place::Tenant { tenant: Uuid::from_u128(tenant).into(), column, row: Uuid::from_u128(row) }
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        let here = place(1, "doors.code", 2);
        let sealed = secrets.seal(here, b"open sesame").unwrap();
        assert_eq!(secrets.unseal_text(here, &sealed).unwrap(), "open sesame");
        for elsewhere in [place(3, "doors.code", 2), place(1, "doors.code", 3), place(1, "doors.name", 2)] {
            assert!(matches!(secrets.unseal(elsewhere, &sealed), Err(Error::Closed(_))));
        }
        assert!(secrets.unseal(here, &sealed[..5]).is_err());
        let mut changed = sealed.clone();
        changed[20] ^= 1;
        assert!(secrets.unseal(here, &changed).is_err());
        assert_ne!(sealed, secrets.seal(here, b"open sesame").unwrap(), "a nonce is used once");
    }

    #[test]
    fn a_signature_is_of_one_text_and_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(folder.path()).unwrap();
        let proof = secrets.sign("door", b"7");
        assert!(secrets.is_signed("door", b"7", &proof) && secrets.is_signed("door", b"7", &proof[..16]));
        assert!(!secrets.is_signed("door", b"8", &proof) && !secrets.is_signed("doo", b"r7", &proof));
        assert!(!secrets.is_signed("door", b"7", &proof[..15]));
        let again = Secrets::open(folder.path()).unwrap();
        assert!(again.is_signed("door", b"7", &proof), "signatures outlive a restart");
    }

    #[test]
    fn the_key_survives_and_is_ours_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let here = place(1, "doors.code", 2);
        let sealed = Secrets::open(folder.path()).unwrap().seal(here, b"again").unwrap();
        let again = Secrets::open(folder.path()).unwrap();
        assert_eq!(again.unseal(here, &sealed).unwrap(), b"again");
        assert_eq!(again.derived("one"), Secrets::open(folder.path()).unwrap().derived("one"));
        assert_ne!(again.derived("one"), again.derived("other"));
        let kept = folder.path().join("secrets");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&kept.join("installation.key")), 0o600);
        assert_eq!(std::fs::read_dir(&kept).unwrap().count(), 1, "nothing half made is left");
        std::fs::write(kept.join("installation.key"), b"short").unwrap();
        assert!(matches!(Secrets::open(folder.path()), Err(Error::Key(_))));
    }
}
