//! The same request twice is answered with the same reply: stored with what the request did, in its transaction.
//!
//! For requests that move money. Start with [`Once`].

pub mod api;
pub mod error;
mod store;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::db::TenantTx;

pub use error::Error;

const KEY_MAX: usize = 255;
const CREATED: i16 = 201;

/// A request that must happen once.
pub struct Once {
    key: String,
    operation: &'static str,
    fingerprint: Vec<u8>,
}

impl Once {
    /// A request under its key; `wish` is all it asks for.
    pub fn new(key: Option<&str>, operation: &'static str, wish: &impl Serialize) -> Result<Self, Error> {
        let key = key.ok_or(Error::KeyMissing)?;
        if key.is_empty() || key.len() > KEY_MAX || !key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return Err(Error::KeyInvalid);
        }
        let fingerprint = Sha256::digest(serde_json::to_vec(wish)?).to_vec();
        Ok(Self { key: key.to_owned(), operation, fingerprint })
    }

    /// The reply given before, if any. Whoever asks with this key at the same time waits until this transaction ends.
    pub async fn reply(&self, tx: &mut TenantTx) -> Result<Option<Value>, Error> {
        store::lock_key(tx, &self.key).await?;
        match store::reply(tx, &self.key).await? {
            None => Ok(None),
            Some(row) if row.operation == self.operation && row.fingerprint == self.fingerprint => Ok(Some(row.body)),
            Some(_) => Err(Error::KeyReused(self.key.clone())),
        }
    }

    /// Keeps what was made as the reply, and returns it as it is sent.
    pub async fn keep(&self, tx: &mut TenantTx, made: &impl Serialize) -> Result<Value, Error> {
        let body = serde_json::to_value(made)?;
        store::insert_reply(tx, &self.key, self.operation, &self.fingerprint, CREATED, &body).await?;
        Ok(body)
    }
}
