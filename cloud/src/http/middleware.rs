//! What holds for every request: where it may come from, what every answer says to browsers and caches.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::staff;
use crate::app::App;
use crate::error::{self, Problem};
use crate::ids::{self, RequestId};

const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

const FRAMED: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'self'; base-uri 'none'; form-action 'self'";

/// Names the request, whatever name it came with.
pub async fn own_request_id(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id: RequestId = ids::new_id(app.clock.now());
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        request.headers_mut().insert("x-request-id", id);
    }
    next.run(request).await
}

/// Refuses state changes that a browser sends with our cookie from somebody else's page.
pub async fn refuse_cross_site(State(app): State<App>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let with_cookie = staff::cookie(request.headers(), staff::cookie_name(app.config.is_https())).is_some();
    // Only what takes the cookie's place: a browser sends names and passwords of an address by itself.
    let with_bearer = staff::bearer(request.headers()).is_some();
    // The log-in form is a state change too, although nobody has a cookie yet.
    let guarded = !safe && !with_bearer && (with_cookie || !request.uri().path().starts_with("/api/"));
    if guarded && !is_same_site(request.headers()) {
        return Problem::new(&error::CROSS_SITE, "this change was not sent from our own pages").into_response();
    }
    next.run(request).await
}

fn is_same_site(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, authority)| authority == host),
        (None, _) => true,
        (Some(_), None) => false,
    }
}

/// Where the forms of a page lead beside here, as sources of its policy: a browser follows no form to anywhere else.
#[derive(Clone, Debug)]
pub struct FormsLeadTo(pub String);

/// Sets the headers every answer carries.
pub async fn secure_headers(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let (public, framed) = (path.starts_with("/assets/"), path.starts_with("/gallery/"));
    let mut response = next.run(request).await;
    let elsewhere = response.extensions().get::<FormsLeadTo>().map(|forms| format!("{POLICY} {}", forms.0));
    let headers = response.headers_mut();
    // The gallery shows its samples side by side, in frames. A page with a stricter policy of its own keeps it.
    let policy = HeaderValue::from_static(if framed { FRAMED } else { POLICY });
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    if !public {
        set(header::CACHE_CONTROL, "no-store");
    }
    // The sources of forms stand last in the policy.
    if let Some(policy) = elsewhere.and_then(|policy| HeaderValue::from_str(&policy).ok()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
