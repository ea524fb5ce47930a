//! Problems (RFC 9457): what the API answers when it does not do what was asked.
//!
//! Each slice declares its kinds with [`kinds!`]; every kind has a page at `/errors/<slug>` that says what to do.
//! A slice's `error.rs` maps its facts to kinds by a `match` without `_`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A kind of problem, with the page that explains it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// Names it in URLs, for ever.
    pub slug: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What to do about it.
    pub help: &'static str,
}

/// Declares problem kinds and `KINDS`, the list of them.
#[macro_export]
macro_rules! kinds {
    ($($name:ident = $status:literal $slug:literal, $title:literal, $help:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: $crate::error::Kind = $crate::error::Kind { slug: $slug, status: $status, title: $title, help: $help };
        )*
        /// Every kind declared here.
        pub const KINDS: &[&$crate::error::Kind] = &[$(&$name),*];
    };
}

kinds! {
    INTERNAL = 500 "internal", "Something failed on our side", "Nothing was changed unless you were told so. Try again; if it stays, quote the request id to whoever runs this installation.";
    MALFORMED_BODY = 400 "malformed-body", "The request's body cannot be read", "Compare it with the API documentation: every field has a type, and unknown fields are refused.";
    MALFORMED_QUERY = 400 "malformed-query", "The request's address cannot be read", "Compare its parameters with the API documentation.";
    MALFORMED_ID = 404 "malformed-id", "There is no such thing", "An id looks like sub_0193594bd1e27c3f8a6b5d4e3f2a1b0c and begins with the kind of thing it names.";
    NOT_FOUND = 404 "not-found", "There is nothing at this address", "Check the address; the thing may also belong to somebody else.";
    METHOD_NOT_ALLOWED = 405 "method-not-allowed", "This address does not do that", "Compare the method with the API documentation.";
    BODY_TOO_LARGE = 413 "body-too-large", "The request is too large", "Send less at once: two megabytes are the limit of one request.";
    UNAUTHENTICATED = 401 "unauthenticated", "You are not logged in", "Log in, or send a valid bearer token.";
    FORBIDDEN = 403 "forbidden", "Your role does not include this", "Ask an owner of your ISP for the permission named in the problem.";
    CROSS_SITE = 403 "cross-site", "The request comes from another site", "Send it from our own pages, or use a bearer token.";
    INVALID = 422 "invalid", "Some of what was sent cannot be", "Each entry of errors names a field and what is wrong with it. Nothing was changed.";
    TOO_BUSY = 429 "too-busy", "Too many requests at once", "Wait for the time in Retry-After and try again.";
}

/// A field that cannot be as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field, as named in the request; `a.b` for nested ones.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, message: impl ToString) -> Self {
        Self { field: field.into(), message: message.to_string() }
    }
}

/// The answer to a request that was not done.
#[derive(Debug)]
pub struct Problem {
    /// What kind.
    pub kind: &'static Kind,
    /// What exactly, in one sentence.
    pub detail: String,
    /// Which fields, if fields are to blame.
    pub errors: Vec<FieldError>,
    /// Seconds to wait, if waiting helps.
    pub retry_after: Option<u64>,
}

/// A problem as it is sent, `application/problem+json`.
#[derive(Serialize, utoipa::ToSchema)]
pub struct ProblemJson {
    /// Address of the page that explains this kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is, in a few words.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What exactly.
    pub detail: String,
    /// Fields that cannot be as sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// What any operation may refuse with; its own kinds are on their pages.
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The body or the parameters cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(#[to_schema] ProblemJson),
    /// Nobody is logged in.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(#[to_schema] ProblemJson),
    /// The role does not include the permission.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] ProblemJson),
    /// There is no such thing, or not for you.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] ProblemJson),
    /// The state of things does not allow it.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] ProblemJson),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] ProblemJson),
    /// Some of what was sent cannot be.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(#[to_schema] ProblemJson),
    /// Too much at once, or too often; `Retry-After` says when to come again.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] ProblemJson),
}

impl Problem {
    /// A problem of this kind; `detail` says what exactly.
    pub fn new(kind: &'static Kind, detail: impl ToString) -> Self {
        Self { kind, detail: detail.to_string(), errors: Vec::new(), retry_after: None }
    }

    /// Fields that cannot be as they were sent.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail =
            errors.iter().map(|error| format!("{}: {}", error.field, error.message)).collect::<Vec<_>>().join("; ");
        Self { errors, ..Self::new(&INVALID, detail) }
    }

    /// One field that cannot be as it was sent.
    pub fn field(field: &str, message: impl ToString) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// Our own fault: logged here, told without inside knowledge.
    pub fn internal(error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            chain.push_str(": ");
            chain.push_str(&cause.to_string());
            source = cause.source();
        }
        tracing::error!(error = chain, "request failed");
        Self::new(&INTERNAL, "the request failed on our side")
    }

    /// The same problem, to be tried again after this many seconds.
    pub fn retry_after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }
}

impl From<crate::db::Error> for Problem {
    fn from(error: crate::db::Error) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let told = crate::http::page::Told { kind: self.kind, detail: self.detail.clone() };
        let body = ProblemJson {
            kind: format!("/errors/{}", self.kind.slug),
            title: self.kind.title,
            status: self.kind.status,
            detail: self.detail,
            errors: self.errors,
        };
        let status = StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(body)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.extensions_mut().insert(told);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Every kind of problem this installation can answer with.
pub fn all_kinds() -> impl Iterator<Item = &'static Kind> {
    [
        KINDS,
        crate::audit::error::KINDS,
        crate::idempotency::error::KINDS,
        crate::tenants::error::KINDS,
        crate::access::error::KINDS,
        crate::network::error::KINDS,
        crate::subscribers::error::KINDS,
        crate::taxes::error::KINDS,
        crate::catalog::error::KINDS,
        crate::fleet::error::KINDS,
        crate::subscriptions::error::KINDS,
        crate::usage::error::KINDS,
        crate::fair_use::error::KINDS,
        crate::quality::error::KINDS,
        crate::diagnostics::error::KINDS,
        crate::plugins::error::KINDS,
        crate::ledger::error::KINDS,
        crate::billing::error::KINDS,
        crate::deals::error::KINDS,
        crate::dunning::error::KINDS,
        crate::payments::error::KINDS,
        crate::books::error::KINDS,
        crate::statements::error::KINDS,
        crate::analytics::error::KINDS,
        crate::notifications::error::KINDS,
        crate::tickets::error::KINDS,
        crate::webhooks::error::KINDS,
        crate::imports::error::KINDS,
        crate::orders::error::KINDS,
        crate::portal::error::KINDS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The name of the constraint a statement broke, if that is why it failed.
pub fn broken_constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|error| error.constraint())
}
