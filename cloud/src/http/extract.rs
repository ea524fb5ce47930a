//! Reading requests. Whatever cannot be read becomes a [`Problem`] that names the place.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::error::{self, Problem};

/// A JSON body. Its type should say `#[serde(deny_unknown_fields)]`.
pub struct ApiJson<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for ApiJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state)
            .await
            .map_err(|error| Problem::new(&error::BODY_TOO_LARGE, error.body_text()))?;
        if has_nul(&bytes) {
            return Err(Problem::new(&error::MALFORMED_BODY, "texts must not contain the character U+0000"));
        }
        let whole = Request::from_parts(parts, Body::from(bytes));
        match axum::Json::<T>::from_request(whole, state).await {
            Ok(axum::Json(body)) => Ok(Self(body)),
            Err(JsonRejection::BytesRejection(error)) => Err(Problem::new(&error::BODY_TOO_LARGE, error.body_text())),
            Err(error) => Err(Problem::new(&error::MALFORMED_BODY, error.body_text())),
        }
    }
}

/// Whether a text of a JSON document has the one character the database cannot hold: `\u0000`, its backslash not escaped.
fn has_nul(json: &[u8]) -> bool {
    let escaped = |at: usize| json[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
    json.windows(6).enumerate().any(|(at, letters)| letters == b"\\u0000" && !escaped(at))
}

/// The parameters after the question mark.
pub struct ApiQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for ApiQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // The database cannot hold this character, so nothing is named with it.
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(Problem::new(&error::MALFORMED_QUERY, "parameters must not contain the character U+0000"));
        }
        let query: Result<_, QueryRejection> = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|error| Problem::new(&error::MALFORMED_QUERY, error.body_text()))
    }
}

/// The ids inside the path. A malformed id names nothing, so it is not found.
pub struct ApiPath<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for ApiPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path: Result<_, PathRejection> = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(path)| Self(path))
            .map_err(|error| Problem::new(&error::MALFORMED_ID, error.body_text()))
    }
}
