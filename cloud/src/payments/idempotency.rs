//! The same request twice is answered with the same reply: stored with the payment, in its transaction.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Error, store};
use crate::db::TenantTx;

const KEY_MAX: usize = 255;

/// A request that must happen once.
pub(super) struct Once {
    key: String,
    operation: &'static str,
    fingerprint: Vec<u8>,
}

impl Once {
    pub(super) fn new(key: Option<&str>, operation: &'static str, wish: &impl Serialize) -> Result<Self, Error> {
        let key = key.ok_or(Error::KeyMissing)?;
        if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(Error::KeyInvalid);
        }
        let written = serde_json::to_vec(wish).map_err(|error| sqlx::Error::Encode(error.into()))?;
        Ok(Self { key: key.to_owned(), operation, fingerprint: Sha256::digest(written).to_vec() })
    }

    /// The reply given before, if any. Whoever asks with this key at the same time waits until this transaction ends.
    pub(super) async fn reply(&self, tx: &mut TenantTx) -> Result<Option<Value>, Error> {
        store::lock_key(tx, &self.key).await?;
        match store::reply(tx, &self.key).await? {
            None => Ok(None),
            Some(row) if row.operation == self.operation && row.fingerprint == self.fingerprint => Ok(Some(row.body)),
            Some(_) => Err(Error::KeyReused(self.key.clone())),
        }
    }

    pub(super) async fn keep(&self, tx: &mut TenantTx, status: i16, body: &Value) -> Result<(), Error> {
        Ok(store::insert_reply(tx, &self.key, self.operation, &self.fingerprint, status, body).await?)
    }
}
