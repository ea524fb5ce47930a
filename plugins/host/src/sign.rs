//! Machine code is loaded only if this installation made it: whoever loads it holds the public key, never the private one.

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Signs compiled code.
pub struct Signer(Ed25519KeyPair);

impl Signer {
    /// The key that follows from this secret.
    pub fn from_secret(secret: &[u8; 32]) -> Option<Self> {
        Ed25519KeyPair::from_seed_unchecked(secret).ok().map(Self)
    }

    /// What whoever loads the code is given.
    pub fn public_key(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }

    /// Says that this code was compiled from the component with this digest, for this tenant.
    pub fn sign(&self, tenant: Uuid, digest: &[u8; 32], code: &[u8]) -> Vec<u8> {
        self.0.sign(&statement(tenant, digest, code)).as_ref().to_vec()
    }
}

/// Whether the statement was signed with the key.
pub fn is_signed(public_key: &[u8], tenant: Uuid, digest: &[u8; 32], code: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(&statement(tenant, digest, code), signature).is_ok()
}

/// The digest a component is known by.
pub fn digest(component: &[u8]) -> [u8; 32] {
    Sha256::digest(component).into()
}

fn statement(tenant: Uuid, digest: &[u8; 32], code: &[u8]) -> Vec<u8> {
    let code: [u8; 32] = Sha256::digest(code).into();
    [b"weir plugin code 1".as_slice(), tenant.as_bytes(), digest, &code].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_code_of_the_very_tenant_is_signed() {
        let signer = Signer::from_secret(&[7; 32]).unwrap();
        let (key, tenant, digest) = (signer.public_key(), Uuid::from_u128(1), digest(b"component"));
        let signature = signer.sign(tenant, &digest, b"code");
        assert!(is_signed(&key, tenant, &digest, b"code", &signature));
        assert!(!is_signed(&key, tenant, &digest, b"c0de", &signature));
        assert!(!is_signed(&key, Uuid::from_u128(2), &digest, b"code", &signature));
        assert!(!is_signed(&key, tenant, &[0; 32], b"code", &signature));
        assert!(!is_signed(&Signer::from_secret(&[8; 32]).unwrap().public_key(), tenant, &digest, b"code", &signature));
    }
}
