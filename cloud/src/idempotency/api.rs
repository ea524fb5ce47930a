//! The header `Idempotency-Key`.

use axum::http::HeaderMap;

use super::Error;

/// The key a request was sent with.
pub fn key_of(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    headers.get("idempotency-key").map(|key| key.to_str().map_err(|_| Error::KeyInvalid)).transpose()
}
