//! 128-bit BLAKE3 hashes over the exact bytes that are stored and sent.
//!
//! Never re-encode what is hashed: protobuf decoders drop unknown fields.

/// A 128-bit hash.
pub type Hash = [u8; 16];

/// The hash before the first record of an epoch.
pub const GENESIS: Hash = [0; 16];

/// Hash of a usage record's encoded body, which itself names its epoch, sequence and predecessor.
pub fn usage_record(body: &[u8]) -> Hash {
    keyed("weir usage record v1", &[body])
}

/// Digest of one desired object; the digest of a set is the XOR of its objects' digests.
pub fn object(kind: u32, id: &[u8], revision: u64, body: &[u8]) -> Hash {
    let id_length = (id.len() as u64).to_le_bytes();
    keyed("weir desired object v1", &[&kind.to_le_bytes(), &id_length, id, &revision.to_le_bytes(), body])
}

/// Folds one object's digest into a set's digest; folding it twice removes it.
pub fn fold(set: &mut Hash, object: &Hash) {
    for (byte, other) in set.iter_mut().zip(object) {
        *byte ^= other;
    }
}

fn keyed(context: &str, parts: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(part);
    }
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    hash
}
